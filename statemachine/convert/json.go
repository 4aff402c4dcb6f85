package convert

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// lineWidth is up to where an object or array of scalars stays on one line.
const lineWidth = 100

// appendJSON appends a node at a level: objects and arrays with a line for each value, but arrays of scalars that are
// short on one line.
func appendJSON(b []byte, n *source.Node, level int) []byte {
	switch {
	case n.Kind == source.Array && len(n.Elems) > 0:
		if line, ok := oneLine(n, level); ok {
			return append(b, line...)
		}
		b = append(b, '[')
		for i, e := range n.Elems {
			b = appendBreak(b, i > 0, level+1)
			b = appendJSON(b, e, level+1)
		}
		b = appendBreak(b, false, level)
		return append(b, ']')
	case n.Kind == source.Object && len(n.Members) > 0:
		b = append(b, '{')
		for i, m := range n.Members {
			b = appendBreak(b, i > 0, level+1)
			b = value.AppendString(b, m.Name)
			b = append(b, ": "...)
			b = appendJSON(b, m.Value, level+1)
		}
		b = appendBreak(b, false, level)
		return append(b, '}')
	}
	return n.AppendJSON(b)
}

func appendBreak(b []byte, comma bool, level int) []byte {
	if comma {
		b = append(b, ',')
	}
	b = append(b, '\n')
	return append(b, strings.Repeat("  ", level)...)
}

func oneLine(n *source.Node, level int) (string, bool) {
	var line strings.Builder
	line.WriteByte('[')
	for i, e := range n.Elems {
		if len(e.Elems)+len(e.Members) > 0 {
			return "", false
		}
		if i > 0 {
			line.WriteString(", ")
		}
		line.Write(e.AppendJSON(nil))
		if line.Len()+2*level > lineWidth {
			return "", false
		}
	}
	line.WriteByte(']')
	return line.String(), true
}
