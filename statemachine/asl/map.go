package asl

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// The modes of a Map: its iterations are part of the execution, or executions of their own.
const (
	Inline      = "INLINE"
	Distributed = "DISTRIBUTED"
)

// Map runs its processor for each item.
type Map struct {
	Common
	Processor                      Flow   // ItemProcessor, or the older Iterator
	Mode                           string // INLINE or DISTRIBUTED
	ExecutionType                  string // of a distributed map's children: STANDARD or EXPRESS
	Label                          string
	Items                          *source.Node // JSONata and CEL: an array, an object, or an expression that gives one
	ItemsPath                      *source.Node // JSONPath
	ItemSelector                   *source.Node // or the older Parameters
	MaxConcurrency                 *source.Node
	MaxConcurrencyPath             *source.Node
	ToleratedFailureCount          *source.Node
	ToleratedFailureCountPath      *source.Node
	ToleratedFailurePercentage     *source.Node
	ToleratedFailurePercentagePath *source.Node
	ItemBatcher                    *ItemBatcher
	ItemReader, ResultWriter       *source.Node
	Retry                          []Retrier
	Catch                          []Catcher
}

// ItemBatcher groups the items of a Map.
type ItemBatcher struct {
	Node                      *source.Node
	BatchInput                *source.Node
	MaxItemsPerBatch          *source.Node
	MaxItemsPerBatchPath      *source.Node
	MaxInputBytesPerBatch     *source.Node
	MaxInputBytesPerBatchPath *source.Node
}

func decodeMap(o object, c Common) State {
	m := &Map{Common: c, Mode: Inline}
	m.decodeProcessor(o)
	m.Label = o.label()
	m.MaxConcurrency = o.integer("MaxConcurrency", 0, math.MaxInt32)
	m.ToleratedFailureCount = o.integer("ToleratedFailureCount", 0, math.MaxInt32)
	m.ToleratedFailurePercentage = o.number("ToleratedFailurePercentage", 0, 100)
	if o.evaluated() {
		m.Items = o.items()
		m.ItemSelector = o.template("ItemSelector")
	} else {
		m.ItemsPath = o.path("ItemsPath")
		m.MaxConcurrencyPath = o.path("MaxConcurrencyPath")
		m.ToleratedFailureCountPath = o.path("ToleratedFailureCountPath")
		m.ToleratedFailurePercentagePath = o.path("ToleratedFailurePercentagePath")
		o.exclusive("MaxConcurrency", "MaxConcurrencyPath")
		o.exclusive("ToleratedFailureCount", "ToleratedFailureCountPath")
		o.exclusive("ToleratedFailurePercentage", "ToleratedFailurePercentagePath")
		o.exclusive("ItemSelector", "Parameters")
		if m.ItemSelector = o.template("ItemSelector"); m.ItemSelector == nil {
			m.ItemSelector = m.Parameters
		}
		m.Parameters = nil
	}
	m.ItemBatcher = o.itemBatcher()
	m.ItemReader = o.itemReader()
	m.ResultWriter = o.resultWriter()
	m.Retry = o.retriers()
	m.Catch = o.catchers(&m.Common)
	return m
}

// decodeProcessor decodes ItemProcessor, or Iterator, and its ProcessorConfig.
func (m *Map) decodeProcessor(o object) {
	o.exclusive("ItemProcessor", "Iterator")
	name := "ItemProcessor"
	if o.get(name) == nil && o.get("Iterator") != nil {
		name = "Iterator"
	}
	n := o.must(name, "ItemProcessor is the flow that runs for each item, with StartAt and States")
	if n == nil {
		return
	}
	processor, ok := o.p.object(n, o.of(name), o.p.language)
	if !ok {
		return
	}
	processor.known("StartAt", "States", "ProcessorConfig", "Comment")
	processor.text("Comment")
	if n := processor.get("ProcessorConfig"); n != nil {
		m.decodeConfig(o, n)
	}
	m.Processor = o.p.flow(processor)
}

func (m *Map) decodeConfig(o object, n *source.Node) {
	config, ok := o.p.object(n, "the ProcessorConfig of "+o.what, o.language)
	if !ok {
		return
	}
	config.known("Mode", "ExecutionType")
	if mode := config.oneOf("Mode", Inline, Distributed); mode != "" {
		m.Mode = mode
	}
	m.ExecutionType = config.oneOf("ExecutionType", "STANDARD", "EXPRESS")
	if m.Mode == Distributed && config.get("ExecutionType") == nil {
		config.must("ExecutionType", `a distributed Map says what its child executions are: "STANDARD" or "EXPRESS"`)
	}
}

// label decodes the name that becomes part of the map run's.
func (o object) label() string {
	label := o.text("Label")
	if n := utf8.RuneCountInString(label); n > maxLabelLength {
		o.p.errorAt(o.get("Label"), CodeOutOfRange, "shorten it",
			"%s has %d characters, at most %d are allowed", o.of("Label"), n, maxLabelLength)
	}
	if i := strings.IndexFunc(label, badInLabel); i >= 0 {
		bad, _ := utf8.DecodeRuneInString(label[i:])
		o.p.errorAt(o.get("Label"), CodeInvalidValue, "use letters, digits, - and _", "%s cannot hold %q", o.of("Label"), bad)
	}
	return label
}

func badInLabel(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("?*<>{}[]:;,\\|^~$#%&`\"", r)
}

// items decodes what a JSONata or CEL Map iterates over.
func (o object) items() *source.Node {
	n := o.get("Items")
	if n == nil {
		return nil
	}
	if n.Kind == source.String {
		o.mustBeExpression(n, "Items", "an array")
		return n
	}
	o.p.is(n, o.of("Items"), source.Array, source.Object)
	return o.template("Items")
}

func (o object) itemBatcher() *ItemBatcher {
	n := o.get("ItemBatcher")
	if n == nil {
		return nil
	}
	o, ok := o.p.object(n, "the ItemBatcher of "+o.what, o.language)
	if !ok {
		return nil
	}
	b := &ItemBatcher{Node: n, BatchInput: o.template("BatchInput")}
	fields := []string{"BatchInput", "MaxItemsPerBatch", "MaxInputBytesPerBatch"}
	b.MaxItemsPerBatch = o.integer("MaxItemsPerBatch", 1, math.MaxInt32)
	b.MaxInputBytesPerBatch = o.integer("MaxInputBytesPerBatch", 1, maxBatchBytes)
	paths := []string{"MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"}
	if o.evaluated() {
		o.pathFields(paths)
		fields = append(fields, paths...)
	} else {
		fields = append(fields, paths...)
		b.MaxItemsPerBatchPath, b.MaxInputBytesPerBatchPath = o.path(paths[0]), o.path(paths[1])
		o.exclusive("MaxItemsPerBatch", paths[0])
		o.exclusive("MaxInputBytesPerBatch", paths[1])
	}
	o.known(fields...)
	bounds := append([]string{"MaxItemsPerBatch", "MaxInputBytesPerBatch"}, paths...)
	if !slices.ContainsFunc(bounds, func(name string) bool { return n.Get(name) != nil }) {
		o.p.errorAt(n, CodeMissingField, "", "%s needs MaxItemsPerBatch or MaxInputBytesPerBatch", o.what)
	}
	return b
}

// pathFields reports the Path twins of fields in a state whose language has expressions.
func (o object) pathFields(names []string) {
	for _, name := range names {
		if m := o.node.Member(name); m != nil {
			o.otherLanguage(m, jsonPathOnly, strings.TrimSuffix(name, "Path"))
		}
	}
}

// itemReader checks the fields of an ItemReader and keeps its node.
func (o object) itemReader() *source.Node {
	n := o.get("ItemReader")
	if n == nil {
		return nil
	}
	o, ok := o.p.object(n, "the ItemReader of "+o.what, o.language)
	if !ok {
		return nil
	}
	o.connector("ReaderConfig")
	config := o.get("ReaderConfig")
	if config == nil {
		return n
	}
	if c, ok := o.p.object(config, "the ReaderConfig of "+o.what, o.language); ok {
		c.known("InputType", "Transformation", "ManifestType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems",
			"MaxItemsPath", "ItemsPointer")
		c.integer("MaxItems", 0, math.MaxInt32)
		if c.evaluated() {
			c.pathFields([]string{"MaxItemsPath"})
		} else {
			c.path("MaxItemsPath")
			c.exclusive("MaxItems", "MaxItemsPath")
		}
	}
	return n
}

// resultWriter checks the fields of a ResultWriter and keeps its node.
func (o object) resultWriter() *source.Node {
	n := o.get("ResultWriter")
	if n == nil {
		return nil
	}
	w, ok := o.p.object(n, "the ResultWriter of "+o.what, o.language)
	if !ok {
		return nil
	}
	w.connector("WriterConfig")
	if config := w.get("WriterConfig"); config != nil {
		if c, ok := w.p.object(config, "the WriterConfig of "+w.what, w.language); ok {
			c.known("Transformation", "OutputType")
		}
	}
	return n
}

// connector checks what ItemReader and ResultWriter share: a resource and what it is called with.
func (o object) connector(config string) {
	o.text("Resource")
	o.text("Comment")
	o.known("Resource", "Arguments", "Parameters", config, "Comment")
	written, other, languages := "Parameters", "Arguments", expressions
	if o.evaluated() {
		written, other, languages = "Arguments", "Parameters", jsonPathOnly
	}
	o.template(written)
	if m := o.node.Member(other); m != nil {
		o.otherLanguage(m, languages, written)
	}
}
