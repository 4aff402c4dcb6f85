// Package source reads a definition, JSON or YAML, into a tree in which every value knows where it stands.
//
// The tree is the only thing the later stages read: they never see bytes. A number keeps its digits, an object keeps
// the order of its members, and a duplicate key is a diagnostic.
package source

// Kind is the JSON type of a node.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Pos is a place in the file: line and column from 1, the column counted in characters.
type Pos struct{ Line, Column int }

// Node is one value of the definition.
type Node struct {
	Kind    Kind
	Pos     Pos       // of the first character of the value
	Pointer string    // RFC 6901, "" for the root
	Text    string    // String: the decoded text; Number: its digits as written, valid as JSON
	Bool    bool      // Bool: its value
	Elems   []*Node   // Array: its elements
	Members []*Member // Object: its members, in order; of duplicates the first

	offset int    // of a JSON value in Document.text, in bytes
	style  style  // how a string is written
	exact  string // the JSON text of a string that Text cannot hold, one with half a surrogate pair; else ""
}

// style tells how a string is written in the file, for [Document.InString].
type style uint8

const (
	noString style = iota
	jsonQuoted
	yamlPlain
	yamlSingle
	yamlDouble
	yamlLiteral
	yamlFolded
)

// String gives the name of the kind as people know it.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	default:
		return "object"
	}
}

// Member is one member of an object.
type Member struct {
	Name    string
	NamePos Pos
	Value   *Node
}

// Get gives the value of a member, nil if the node is no object or has none of that name.
func (n *Node) Get(name string) *Node {
	if m := n.Member(name); m != nil {
		return m.Value
	}
	return nil
}

// Member gives the member of that name, or nil.
func (n *Node) Member(name string) *Member {
	if n == nil || n.Kind != Object {
		return nil
	}
	for _, m := range n.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}
