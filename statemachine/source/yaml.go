package source

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// What aliases and merge keys may expand to, so that a small file does not become a huge tree.
const (
	maxExpandedNodes = 100_000
	maxExpandedBytes = MaxBytes
)

// yamlReader turns YAML nodes into the tree.
type yamlReader struct {
	doc       *Document
	list      diag.List
	expanding map[*yaml.Node]bool // the anchors whose aliases are being expanded
	nodes     int                 // made by expanding aliases
	bytes     int                 // of text, likewise
	pointers  int                 // the bytes of all pointers
	stopped   bool                // the limits are exceeded, or nested too deep
}

// readYAML reads the document's text and sets its Root.
func readYAML(d *Document) diag.List {
	r := &yamlReader{doc: d, expanding: map[*yaml.Node]bool{}}
	decoder := yaml.NewDecoder(strings.NewReader(d.text))
	var first, second yaml.Node
	err := decodeYAML(decoder, &first)
	switch {
	case errors.Is(err, io.EOF):
		return append(r.list, d.problem(Pos{1, 1}, CodeEmpty, "the definition is empty: the file has comments only",
			"a definition is a mapping with StartAt and States"))
	case err != nil:
		return append(r.list, d.yamlSyntax(err))
	}
	root := r.node(first.Content[0], "", 1)
	if !r.stopped {
		d.Root = root
	}
	err = decodeYAML(decoder, &second)
	if err == nil {
		at := r.place(&second)
		r.report(at, CodeYAML, "a second YAML document begins here", "a file holds one definition: remove the '---' and what follows")
	} else if !errors.Is(err, io.EOF) {
		r.list = append(r.list, d.yamlSyntax(err))
	}
	return r.list
}

// decodeYAML reads the next document. The parser is trusted to report what it cannot read as an error; a panic in it
// is one as well, so that no text takes the process down.
func decodeYAML(decoder *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: the parser stopped: %v", p)
		}
	}()
	err = decoder.Decode(into)
	if err == nil && len(into.Content) != 1 {
		return io.EOF
	}
	return err
}

var (
	yamlErrorLine     = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlUnknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// yamlHints says how to mend what the YAML parser complains about, by a part of its message.
var yamlHints = []struct{ part, hint string }{
	{"mapping values are not allowed", `put a text that contains ": " in quotes, and check the indentation`},
	{"found character that cannot start any token", "indent with spaces, not tabs, and put a text that begins with @, ` or % in quotes"},
	{"found a tab character", "indent with spaces, not tabs"},
	{"did not find expected key", "check the indentation: the keys of a mapping stand in one column; and that brackets and quotes are closed"},
	{"did not find expected ',' or ']'", "a list that begins with [ is not closed, or lacks a comma"},
	{"did not find expected ',' or '}'", "a mapping that begins with { is not closed, or lacks a comma"},
	{"did not find expected '-' indicator", "check the indentation: the dashes of a list stand in one column"},
	{"could not find expected ':'", "a key needs a colon and a space behind it; a text of several lines begins with | or >"},
	{"did not find expected alphabetic or numeric character", "a text that begins with * or & stands in quotes"},
	{"unknown anchor", "define the anchor with & before it is used with *"},
	{"unexpected end of stream", "a quote is not closed"},
	{"control characters are not allowed", "remove the control character, or write it as an escape in double quotes"},
	{"unknown escape character", `in double quotes a backslash is written \\; single quotes take it as it is`},
}

// yamlSyntax makes a diagnostic of an error of the YAML parser. The parser tells the line where what it was reading
// began, if any; the line where it failed is the one without which the file has another error or none.
func (d *Document) yamlSyntax(err error) diag.Diagnostic {
	where, message := splitYAMLError(err)
	at := Pos{max(where, 1), 1}
	if len(d.text) <= maxSearched {
		at.Line = sort.Search(len(d.lines), func(i int) bool { return d.failsBefore(d.lines[i].end, message) }) + 1
	}
	at.Line = min(at.Line, len(d.lines))
	line := d.lines[at.Line-1]
	text := d.text[line.start:line.end]
	at.Column += len(text) - len(strings.TrimLeft(text, " \t"))
	if m := yamlUnknownAnchor.FindStringSubmatch(message); m != nil && strings.Contains(text, "*"+m[1]) {
		at = d.posAt(line.start + strings.Index(text, "*"+m[1]))
	}
	hint := ""
	for _, h := range yamlHints {
		if strings.Contains(message, h.part) {
			hint = h.hint
			break
		}
	}
	return d.problem(at, CodeYAML, "this is not valid YAML: "+shortenTo(message, 200), hint)
}

// maxSearched is the size up to which a file is parsed again to find the line of an error.
const maxSearched = 256 << 10

// failsBefore tells whether the YAML parser finds the same error in the beginning of the text.
func (d *Document) failsBefore(end int, message string) bool {
	decoder := yaml.NewDecoder(strings.NewReader(d.text[:end] + "\n"))
	for {
		var each yaml.Node
		err := decodeYAML(decoder, &each)
		if err == nil {
			continue
		}
		_, found := splitYAMLError(err)
		return found == message
	}
}

// splitYAMLError takes the line, 0 if there is none, and the bare message out of an error of the YAML parser.
func splitYAMLError(err error) (line int, message string) {
	message = err.Error()
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		message = message[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	return line, message
}

func (r *yamlReader) report(at Pos, code, message, hint string) {
	if len(r.list) < maxFindings {
		r.list = append(r.list, r.doc.problem(at, code, message, hint))
	}
}

// stop reports what makes the tree unusable.
func (r *yamlReader) stop(at Pos, code, message, hint string) {
	if !r.stopped {
		r.stopped = true
		r.report(at, code, message, hint)
	}
}

// place gives where a YAML node stands. That of a value which is left out may be behind the end of the file.
func (r *yamlReader) place(y *yaml.Node) Pos {
	if last := len(r.doc.lines); y.Line > last {
		return r.doc.posAt(r.doc.lines[last-1].end)
	}
	return Pos{max(y.Line, 1), max(y.Column, 1)}
}

// node converts a YAML node. It always gives a node, whatever it reports.
func (r *yamlReader) node(y *yaml.Node, pointer string, depth int) *Node {
	n := &Node{Pos: r.place(y), Pointer: pointer}
	if depth > MaxDepth {
		r.stop(n.Pos, CodeTooDeep, fmt.Sprintf("the definition nests more than %d deep", MaxDepth), "flatten it")
	}
	if r.pointers += len(pointer); r.pointers > maxPointerBytes {
		r.stop(n.Pos, CodeTooLarge, messageLongNames, hintLongNames)
	}
	r.spend(y, n.Pos)
	if r.stopped {
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.alias(y, pointer, depth)
	case yaml.MappingNode:
		n.Kind = Object
		r.checkTag(y, "!!map")
		r.mapping(n, y, depth)
	case yaml.SequenceNode:
		n.Kind = Array
		r.checkTag(y, "!!seq")
		for i, e := range y.Content {
			n.Elems = append(n.Elems, r.node(e, fmt.Sprintf("%s/%d", pointer, i), depth+1))
		}
	default:
		r.scalar(n, y)
	}
	return n
}

// spend counts what is made by expanding aliases.
func (r *yamlReader) spend(y *yaml.Node, at Pos) {
	if len(r.expanding) == 0 {
		return
	}
	r.nodes++
	r.bytes += len(y.Value)
	if r.nodes > maxExpandedNodes || r.bytes > maxExpandedBytes {
		r.stop(at, CodeYAMLAlias, fmt.Sprintf("the aliases of the file expand to more than %d values or %d bytes",
			maxExpandedNodes, maxExpandedBytes), "write the definition with fewer aliases")
	}
}

// alias converts what an alias stands for. Its values keep the places where they are written.
func (r *yamlReader) alias(y *yaml.Node, pointer string, depth int) *Node {
	if r.expanding[y.Alias] {
		r.stop(r.place(y), CodeYAMLAlias, fmt.Sprintf("the alias *%s contains itself", shorten(y.Value)),
			"an anchor cannot be used inside the value that it names")
		return &Node{Pos: r.place(y), Pointer: pointer}
	}
	r.expanding[y.Alias] = true
	n := r.node(y.Alias, pointer, depth)
	delete(r.expanding, y.Alias)
	return n
}

// checkTag reports an explicit tag of a mapping or sequence that JSON has no word for.
func (r *yamlReader) checkTag(y *yaml.Node, plain string) {
	if tag := y.ShortTag(); tag != plain {
		r.report(r.place(y), CodeYAMLValue, fmt.Sprintf("the tag %s has no meaning in JSON", shorten(tag)), "remove the tag")
	}
}

// mapping converts the members of a mapping: first those that are written in it, then what merge keys add.
func (r *yamlReader) mapping(n *Node, y *yaml.Node, depth int) {
	var names nameSet
	var merges []*yaml.Node
	for i := 0; i+1 < len(y.Content) && !r.stopped; i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		name, ok := r.key(key)
		if !ok {
			continue
		}
		m := &Member{Name: name, NamePos: r.place(key)}
		m.Value = r.node(value, childPointer(n.Pointer, name), depth+1)
		if first := names.add(n, m); first != nil && len(r.list) < maxFindings {
			r.list = append(r.list, duplicateKey(r.doc, m.NamePos, m, first))
		}
	}
	for _, value := range merges {
		r.merge(n, &names, value, depth)
	}
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 &&
		key.ShortTag() == "!!merge"
}

// merge adds the members of a mapping, or of each of a list of mappings, that are not there yet.
func (r *yamlReader) merge(n *Node, names *nameSet, value *yaml.Node, depth int) {
	at := r.place(value)
	merged := r.node(value, n.Pointer, depth)
	sources := []*Node{merged}
	if merged.Kind == Array {
		sources = merged.Elems
	}
	if r.stopped {
		return
	}
	if slices.ContainsFunc(sources, func(s *Node) bool { return s.Kind != Object }) {
		r.report(at, CodeYAMLAlias, "the merge key << needs a mapping, or a list of mappings", "give it an alias of a mapping, such as *defaults")
		return
	}
	for _, s := range sources {
		for _, m := range s.Members {
			m.Value.repoint(childPointer(n.Pointer, m.Name))
			names.add(n, m)
		}
	}
}

// repoint sets the pointer of a node and of all below it.
func (n *Node) repoint(pointer string) {
	if n.Pointer == pointer {
		return
	}
	n.Pointer = pointer
	for i, e := range n.Elems {
		e.repoint(fmt.Sprintf("%s/%d", pointer, i))
	}
	for _, m := range n.Members {
		m.Value.repoint(childPointer(pointer, m.Name))
	}
}
