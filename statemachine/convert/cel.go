package convert

import (
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// ToCEL rewrites the JSONPath states of a definition in CEL, in the notation it has. A state whose meaning CEL cannot keep stays
// as it is, and so does the language of the machine then; the notes say which, and where the meaning differs a little.
func ToCEL(file string, src []byte) ([]byte, []Note, error) {
	doc, err := read(file, src)
	if err != nil {
		return nil, nil, err
	}
	def, found := asl.Parse(doc)
	if found.HasErrors() || def == nil {
		return nil, nil, found
	}
	c := &toCEL{file: file, machine: def.QueryLanguage}
	root := c.flow(doc.Root)
	if c.kept == 0 && def.QueryLanguage == asl.JSONPath {
		root = without(root, "QueryLanguage")
		root.Members = append(root.Members, member("QueryLanguage", text(asl.CEL)))
		root = c.unlabelled(root)
	}
	if c.done > 0 {
		c.notes = append(c.notes, Note{File: file, Message: "where a JSONPath state fails with States.Runtime because data is missing, " +
			"its CEL twin fails with States.QueryEvaluationError, which Retry and Catch can take"})
	}
	if NotationOf(file, src) == JSON {
		out := append(appendJSON(nil, inOrder(root), 0), '\n')
		return out, c.notes, same("converted.json", root, out)
	}
	comments, err := commentsOf(src)
	if err != nil {
		return nil, nil, err
	}
	out, err := printYAML(root, comments)
	if err != nil {
		return nil, nil, err
	}
	return out, c.notes, same("converted.yaml", root, out)
}

type toCEL struct {
	file       string
	machine    string // its query language
	notes      []Note
	done, kept int // the JSONPath states that became CEL, and those that did not
}

func member(name string, v *source.Node) *source.Member { return &source.Member{Name: name, Value: v} }

func text(s string) *source.Node { return &source.Node{Kind: source.String, Text: s} }

func marked(expression string) *source.Node { return text("{% " + expression + " %}") }

// without gives an object without some of its members.
func without(n *source.Node, names ...string) *source.Node {
	c := *n
	c.Members = slices.DeleteFunc(slices.Clone(n.Members), func(m *source.Member) bool { return slices.Contains(names, m.Name) })
	return &c
}

// with gives an object with another value of a member.
func with(n *source.Node, name string, v *source.Node) *source.Node {
	c := *n
	c.Members = slices.Clone(n.Members)
	for i, m := range c.Members {
		if m.Name == name {
			c.Members[i] = &source.Member{Name: name, NamePos: m.NamePos, Value: v}
		}
	}
	return &c
}

func (c *toCEL) flow(n *source.Node) *source.Node {
	all := *n.Get("States")
	all.Members = make([]*source.Member, len(all.Members))
	for i, m := range n.Get("States").Members {
		copied := *m
		if m.Value.Kind == source.Object {
			copied.Value = c.state(m)
		}
		all.Members[i] = &copied
	}
	return with(n, "States", &all)
}

// inner converts the flows inside a state.
func (c *toCEL) inner(n *source.Node) *source.Node {
	for _, name := range []string{"ItemProcessor", "Iterator"} {
		if p := n.Get(name); p != nil {
			n = with(n, name, c.flow(p))
		}
	}
	if b := n.Get("Branches"); b != nil {
		all := *b
		all.Elems = make([]*source.Node, len(b.Elems))
		for i, e := range b.Elems {
			all.Elems[i] = c.flow(e)
		}
		n = with(n, "Branches", &all)
	}
	return n
}

func (c *toCEL) state(m *source.Member) *source.Node {
	n := c.inner(m.Value)
	language := c.machine
	if own := n.Get("QueryLanguage"); own != nil {
		language = own.Text
	}
	if language != asl.JSONPath {
		return n
	}
	s := &stateToCEL{node: n, root: "states.input"}
	converted := s.convert()
	note := func(message string) {
		c.notes = append(c.notes, Note{File: c.file, Line: m.NamePos.Line, Where: m.Name, Message: message})
	}
	if s.why != "" {
		c.kept++
		note("stays JSONPath: " + s.why)
		return n
	}
	c.done++
	for _, each := range s.notes {
		note(each)
	}
	converted = without(converted, "QueryLanguage")
	converted.Members = append(converted.Members, member("QueryLanguage", text(asl.CEL)))
	return converted
}

// unlabelled removes the QueryLanguage of states that are CEL, in a machine that is as well.
func (c *toCEL) unlabelled(n *source.Node) *source.Node {
	all := *n.Get("States")
	all.Members = slices.Clone(all.Members)
	for i, m := range all.Members {
		if m.Value.Kind != source.Object {
			continue
		}
		copied := *m
		if own := m.Value.Get("QueryLanguage"); own != nil && own.Text == asl.CEL {
			copied.Value = without(m.Value, "QueryLanguage")
		}
		for _, name := range []string{"ItemProcessor", "Iterator"} {
			if p := copied.Value.Get(name); p != nil {
				copied.Value = with(copied.Value, name, c.unlabelled(p))
			}
		}
		if b := copied.Value.Get("Branches"); b != nil {
			branches := *b
			branches.Elems = make([]*source.Node, len(b.Elems))
			for j, e := range b.Elems {
				branches.Elems[j] = c.unlabelled(e)
			}
			copied.Value = with(copied.Value, "Branches", &branches)
		}
		all.Members[i] = &copied
	}
	return with(n, "States", &all)
}

// isRoot tells whether a path is absent or the whole.
func isRoot(n *source.Node) bool {
	return n == nil || n.Kind == source.String && strings.TrimSpace(n.Text) == "$"
}
