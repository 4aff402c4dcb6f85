package asl

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// parser collects the tree and the findings of one definition.
type parser struct {
	doc      *source.Document
	language string // of the machine
	list     diag.List
	found    map[diag.Severity]int // how many findings there are, of which no more than maxFindings are kept
	dropped  map[diag.Severity]int // and how many are not kept
	states   map[string]*Common    // by name, over the whole definition

	undecoded map[string]bool // the names of what stands among the states and is none, or of no known type
	merged    int             // the names in all lists of visible variables
}

var languages = []string{JSONPath, JSONata, CEL}

// Parse checks the structure of a definition and gives its tree, and all that it finds wrong. The tree is nil if the
// document has no root, or one that is no object; if there are errors it is incomplete and must not be run.
func Parse(doc *source.Document) (*Definition, diag.List) {
	p := &parser{
		doc: doc, states: map[string]*Common{}, undecoded: map[string]bool{},
		found: map[diag.Severity]int{}, dropped: map[diag.Severity]int{},
	}
	if doc == nil || doc.Root == nil {
		return nil, nil
	}
	o, ok := p.object(doc.Root, "the definition", JSONPath)
	if !ok {
		return nil, p.list
	}
	d := &Definition{Node: doc.Root, Comment: o.text("Comment"), QueryLanguage: JSONPath}
	o.known("Comment", "StartAt", "States", "Version", "QueryLanguage", "TimeoutSeconds", "InputSchema")
	d.Version = o.oneOf("Version", "1.0")
	if language := o.oneOf("QueryLanguage", languages...); language != "" {
		d.QueryLanguage = language
	}
	if language := o.misplacedLanguage(); language != "" && o.get("QueryLanguage") == nil {
		d.QueryLanguage = language
	}
	p.language = d.QueryLanguage
	d.TimeoutSeconds = o.integer("TimeoutSeconds", 1, maxSeconds)
	d.InputSchema = o.get("InputSchema")
	d.Flow = p.flow(o)
	p.transitions(&d.Flow)
	p.variables(&d.Flow, nil)
	if !p.list.HasErrors() {
		p.advise(d)
	}
	p.list.Sort()
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		if n := p.dropped[severity]; n > 0 {
			p.list = append(p.list, diag.Diagnostic{
				Severity: severity, Code: CodeTooManyProblems, File: doc.File,
				Message: fmt.Sprintf("%d more problems are not shown", n),
			})
		}
	}
	return d, p.list
}

// misplacedLanguage gives a query language that is written among the states. It is taken as if it stood at the top,
// since definitions in use have it there.
func (o object) misplacedLanguage() string {
	m := o.get("States").Member("QueryLanguage")
	if m == nil || m.Value.Kind != source.String || !slices.Contains(languages, m.Value.Text) {
		return ""
	}
	o.p.warnAt(m.NamePos, m.Value.Pointer, CodeMisplacedField, "move it out of States, beside StartAt",
		"QueryLanguage stands among the states")
	return m.Value.Text
}

// flow decodes StartAt and States of the top level, a branch or a processor.
func (p *parser) flow(o object) Flow {
	f := Flow{Node: o.node}
	if n := o.must("StartAt", "name the state that is entered first"); n != nil {
		f.StartAt = o.text("StartAt")
	}
	n := o.must("States", `States holds the states by their names, for example {"A": {"Type": "Succeed"}}`)
	if n == nil || !p.is(n, o.of("States"), source.Object) {
		return f
	}
	if len(n.Members) == 0 {
		p.errorAt(n, CodeMissingField, "add at least one state", "States of %s is empty", o.what)
	}
	for _, m := range n.Members {
		if m.Name == "QueryLanguage" && m.Value.Kind == source.String && slices.Contains(languages, m.Value.Text) && o.node == p.doc.Root {
			continue // see misplacedLanguage
		}
		p.stateName(m)
		if s := p.state(m); s != nil {
			f.States = append(f.States, s)
		}
	}
	return f
}

func (p *parser) stateName(m *source.Member) {
	name := m.Name
	if name == "" {
		p.errorAtName(m, CodeStateName, "give it a name of at most 80 characters", "the name of a state is empty")
	}
	if n := utf8.RuneCountInString(name); n > maxNameLength {
		p.errorAtName(m, CodeStateName, "shorten it, and put the long text into Comment",
			"the name of a state has %d characters, at most %d are allowed", n, maxNameLength)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			p.errorAtName(m, CodeStateName, "remove it", "the name of a state holds the control character U+%04X", r)
			break
		}
	}
	if first, ok := p.states[name]; ok {
		p.errorAtName(m, CodeDuplicateState, "rename one of the two: branches and iterations share the names of the whole definition",
			"the definition has two states %q, the first on line %d", name, first.NamePos.Line)
	}
}

// decoders reads the state types. Each gets what all states have and fills in the rest.
var decoders map[string]func(object, Common) State

func init() { //nolint:gochecknoinits // decodeParallel and decodeMap lead back here: an initialization cycle otherwise
	decoders = map[string]func(object, Common) State{
		"Task": decodeTask, "Pass": decodePass, "Choice": decodeChoice, "Wait": decodeWait,
		"Parallel": decodeParallel, "Map": decodeMap, "Succeed": decodeSucceed, "Fail": decodeFail,
	}
}

// state decodes one state, nil if not even its type is known.
func (p *parser) state(m *source.Member) State {
	o, ok := p.object(m.Value, fmt.Sprintf("the state %q", m.Name), p.language)
	if !ok {
		p.undecoded[m.Name] = true
		return nil
	}
	c := Common{Name: m.Name, NamePos: m.NamePos, Node: m.Value, Comment: o.text("Comment")}
	o.language = p.stateLanguage(o)
	c.QueryLanguage = o.language
	c.Type = o.stateType()
	decode, ok := decoders[c.Type]
	if !ok {
		p.remember(&c)
		p.undecoded[c.Name] = true
		return nil
	}
	o.stateFields(c.Type)
	o.transition(&c)
	o.dataFlow(&c)
	s := decode(o, c)
	p.remember(s.Base())
	return s
}

func (p *parser) remember(c *Common) {
	if _, ok := p.states[c.Name]; !ok {
		p.states[c.Name] = c
	}
}

// stateType gives the type of a state, "" if it is missing or unknown.
func (o object) stateType() string {
	if o.must("Type", "the types are "+alternatives(stateTypes)) == nil {
		if m := o.misspelt("Type"); m != nil {
			o.unknown(m, []string{"Type"})
		}
		return ""
	}
	return o.oneOf("Type", stateTypes...)
}

// stateLanguage gives the query language that holds for a state.
func (p *parser) stateLanguage(o object) string {
	own := o.oneOf("QueryLanguage", languages...)
	if own == "" {
		return p.language
	}
	if own == JSONPath && p.language != JSONPath {
		p.errorAt(o.get("QueryLanguage"), CodeQueryLanguage,
			"a state may be JSONata or CEL in a machine of any language; JSONPath states need a JSONPath machine",
			"%s cannot be JSONPath, because the machine is %s", o.what, p.language)
	}
	return own
}

// transition decodes Next and End.
func (o object) transition(c *Common) {
	if !allowed("Next", c.Type, o.language) {
		return
	}
	next, end := o.get("Next"), o.get("End")
	c.Next = o.exit(c, "Next")
	if end != nil && o.p.is(end, o.of("End"), source.Bool) {
		c.End = end.Bool
	}
	switch {
	case next != nil && c.End:
		o.p.errorAtName(o.node.Member("End"), CodeConflictingFields, "remove one of the two", "%s has both Next and End", o.what)
	case next == nil && end == nil, next == nil && end.Kind == source.Bool && !end.Bool:
		o.p.errorAtName(&source.Member{NamePos: c.NamePos, Value: o.node}, CodeMissingTransition,
			`add "Next" with the name of a state, or "End": true`, "%s has neither Next nor End", o.what)
	}
}

// exit decodes a field that names a state, and remembers the transition.
func (o object) exit(c *Common, name string) string {
	target := o.text(name)
	if n := o.get(name); n != nil && n.Kind == source.String {
		c.exits = append(c.exits, exit{target: target, node: n, field: name})
	}
	return target
}

// dataFlow decodes the fields that shape input and output.
func (o object) dataFlow(c *Common) {
	if !o.evaluated() {
		c.InputPath = o.nullablePath("InputPath")
		c.OutputPath = o.nullablePath("OutputPath")
		c.ResultPath = o.referencePath("ResultPath")
		c.Parameters = o.template("Parameters")
		c.ResultSelector = o.template("ResultSelector")
	} else {
		c.Arguments = o.template("Arguments")
		c.Output = o.template("Output")
	}
	c.Assign = o.assign()
}
