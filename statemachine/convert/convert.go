// Package convert writes definitions anew: in one form ([Format]), in the other notation ([To]), or with JSONPath states
// rewritten in CEL ([ToCEL]). Whatever it writes it reads again, and gives an error rather than a definition that says
// something else.
package convert

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Notation is how a definition is written.
type Notation string

// The notations.
const (
	JSON Notation = "json"
	YAML Notation = "yaml"
)

// Note is something that a person should know of a conversion.
type Note struct {
	File    string
	Line    int    // from 1, in what was converted; 0 if the note is about all of it
	Where   string // the state or the pointer, may be empty
	Message string
}

// String gives the note as file:line: where: message.
func (n Note) String() string {
	at := n.File
	if n.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, n.Line)
	}
	if n.Where != "" {
		at += ": " + n.Where
	}
	return at + ": " + n.Message
}

// errChanged is the error of a definition that would not be read as it was written.
var errChanged = errors.New("the definition cannot be written so that it reads as before")

// read parses a definition. A definition with problems is given back as an error, a diag.List.
func read(file string, src []byte) (*source.Document, error) {
	doc, list := source.Parse(file, src)
	if list.HasErrors() || doc.Root == nil {
		return nil, list
	}
	return doc, nil
}

// NotationOf tells how a definition is written, by the rules of [source.Parse].
func NotationOf(file string, src []byte) Notation {
	switch strings.ToLower(path.Ext(file)) {
	case ".json":
		return JSON
	case ".yaml", ".yml":
		return YAML
	}
	// A comment that begins with # is none in JSON, and a JSON file with one has errors.
	if doc, list := source.Parse(file, append(bytes.Clone(src), "\n# a comment"...)); doc.Root != nil && !list.HasErrors() {
		return YAML
	}
	return JSON
}

// Format writes a definition in its one form: two spaces for each level; the fields of the machine, its states and their
// parts in the order of the specification; states and data in the order that they are written in. YAML keeps its comments,
// its quotes, its empty lines between entries, and which of its collections are on one line; if it has anchors, the order is
// left as well. The error is a diag.List if the definition cannot be read.
func Format(file string, src []byte) ([]byte, error) {
	doc, err := read(file, src)
	if err != nil {
		return nil, err
	}
	var out []byte
	if NotationOf(file, src) == JSON {
		out = appendJSON(nil, inOrder(doc.Root), 0)
		out = append(out, '\n')
	} else if out, err = formatYAML(src); err != nil {
		return nil, err
	}
	return out, same(file, doc.Root, out)
}

// To writes a definition in a notation. Comments of YAML become Comment fields where states and the machine have none;
// the notes name those that are lost.
func To(notation Notation, file string, src []byte) ([]byte, []Note, error) {
	if NotationOf(file, src) == notation {
		out, err := Format(file, src)
		return out, nil, err
	}
	doc, err := read(file, src)
	if err != nil {
		return nil, nil, err
	}
	if notation == YAML {
		out, err := printYAML(doc.Root, nil)
		if err != nil {
			return nil, nil, err
		}
		return out, nil, same("converted.yaml", doc.Root, out)
	}
	comments, err := commentsOf(src)
	if err != nil {
		return nil, nil, err
	}
	root, notes := keepComments(file, doc.Root, comments)
	out := append(appendJSON(nil, inOrder(root), 0), '\n')
	return out, notes, same("converted.json", root, out)
}

// same makes sure that what was written reads as what it was made of, but for the order of members.
func same(file string, want *source.Node, written []byte) error {
	doc, list := source.Parse(file, written)
	if list.HasErrors() || doc.Root == nil {
		return fmt.Errorf("%w: %w", errChanged, list)
	}
	if !bytes.Equal(sorted(want).AppendJSON(nil), sorted(doc.Root).AppendJSON(nil)) {
		return errChanged
	}
	return nil
}

// sorted gives a tree with the members of all objects in the order of their names.
func sorted(n *source.Node) *source.Node {
	c := *n
	c.Elems = make([]*source.Node, len(n.Elems))
	for i, e := range n.Elems {
		c.Elems[i] = sorted(e)
	}
	c.Members = make([]*source.Member, len(n.Members))
	for i, m := range n.Members {
		c.Members[i] = &source.Member{Name: m.Name, NamePos: m.NamePos, Value: sorted(m.Value)}
	}
	slices.SortFunc(c.Members, func(a, b *source.Member) int { return strings.Compare(a.Name, b.Name) })
	return &c
}

// Findings gives the findings in an error of this package, nil if it has none.
func Findings(err error) diag.List {
	list, _ := errors.AsType[diag.List](err)
	return list
}
