package convert

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// comment is what is written about a value in YAML, and whether that is a collection on one line.
type comment struct {
	head, line, foot string
	flow             bool
	at               int // the line of the value's key, from 1
}

// documentComment is the key of the comments of the whole file.
const documentComment = "document"

// text gives the comments without their marks, in one line.
func (c comment) text() string {
	var words []string
	for line := range strings.Lines(c.head + "\n" + c.line + "\n" + c.foot) {
		words = append(words, strings.Fields(strings.TrimLeft(strings.TrimSpace(line), "#"))...)
	}
	return strings.Join(words, " ")
}

// commentsOf gives the comments of a YAML text, by the pointer of what they are about.
func commentsOf(src []byte) (map[string]comment, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("reading the definition: %w", err)
	}
	all := map[string]comment{}
	add := func(pointer string, nodes ...*yaml.Node) {
		c := all[pointer]
		for _, n := range nodes {
			c.head = joined(c.head, n.HeadComment)
			c.line = joined(c.line, n.LineComment)
			c.foot = joined(c.foot, n.FootComment)
			if c.at == 0 {
				c.at = n.Line
			}
		}
		last := nodes[len(nodes)-1]
		c.flow = last.Kind != yaml.ScalarNode && last.Style&yaml.FlowStyle != 0
		all[pointer] = c
	}
	var walk func(n *yaml.Node, pointer string)
	walk = func(n *yaml.Node, pointer string) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				at := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(n.Content[i].Value)
				add(at, n.Content[i], n.Content[i+1])
				walk(n.Content[i+1], at)
			}
		case yaml.SequenceNode:
			for i, e := range n.Content {
				at := pointer + "/" + strconv.Itoa(i)
				add(at, e)
				walk(e, at)
			}
		default:
		}
	}
	if len(doc.Content) == 1 {
		aboutFile(&doc)
		add(documentComment, &doc, doc.Content[0])
		walk(doc.Content[0], "")
	}
	return all, nil
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// keepComments makes Comment fields of the comments on the machine and on states that have none, and notes the others.
func keepComments(file string, root *source.Node, comments map[string]comment) (*source.Node, []Note) {
	kept := map[string]bool{}
	var notes []Note
	var walk func(n *source.Node, k kind, own string) *source.Node
	walk = func(n *source.Node, k kind, own string) *source.Node {
		c := *n
		c.Elems = make([]*source.Node, len(n.Elems))
		for i, e := range n.Elems {
			c.Elems[i] = walk(e, element(k), e.Pointer)
		}
		c.Members = nil
		if text := comments[own].text(); n.Kind == source.Object && (k == flow || k == state || k == entry) && text != "" && n.Get("Comment") == nil {
			kept[own] = true
			field := &source.Node{Kind: source.String, Text: text, Pointer: n.Pointer + "/Comment"}
			c.Members = append(c.Members, &source.Member{Name: "Comment", Value: field})
		}
		for _, m := range n.Members {
			copied := *m
			copied.Value = walk(m.Value, inside(k, m.Name), m.Value.Pointer)
			c.Members = append(c.Members, &copied)
		}
		return &c
	}
	out := walk(root, flow, documentComment)
	lost := func(pointer string) {
		if c := comments[pointer]; c.text() != "" && !kept[pointer] {
			notes = append(notes, Note{File: file, Line: c.at, Message: "the comment is lost: " + c.text()})
		}
	}
	lost(documentComment)
	eachPointer(root, lost)
	return out, notes
}

// eachPointer visits the pointers of all values below a node, in their order.
func eachPointer(n *source.Node, visit func(string)) {
	for _, e := range n.Elems {
		visit(e.Pointer)
		eachPointer(e, visit)
	}
	for _, m := range n.Members {
		visit(m.Value.Pointer)
		eachPointer(m.Value, visit)
	}
}
