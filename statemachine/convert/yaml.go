package convert

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// emptyLine stands for an empty line while YAML is written; the writer knows none.
const emptyLine = "#\x01empty\x01"

// formatYAML writes YAML in its one form. The text has been read by package source without problems.
func formatYAML(src []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("reading the definition: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, errChanged
	}
	aboutFile(&doc)
	keepEmptyLines(doc.Content[0], strings.Split(string(src), "\n"))
	if !anchored(&doc) {
		orderYAML(doc.Content[0], flow)
	}
	return writeYAML(&doc)
}

func writeYAML(doc *yaml.Node) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errChanged, p)
		}
	}()
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing the definition: %w", err)
	}
	var text strings.Builder
	for line := range strings.Lines(b.String()) {
		switch {
		case strings.TrimSpace(line) != emptyLine:
			text.WriteString(line)
		case text.Len() > 0 && !strings.HasSuffix(text.String(), "\n\n"):
			text.WriteByte('\n')
		}
	}
	return []byte(text.String()), nil
}

// aboutFile takes the comments before the first and behind the last field of the machine for comments on the file, so that
// they stay there whatever becomes of the fields.
func aboutFile(doc *yaml.Node) {
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return
	}
	first, last := root.Content[0], root.Content[len(root.Content)-2]
	doc.HeadComment, first.HeadComment = joined(doc.HeadComment, first.HeadComment), ""
	doc.FootComment, last.FootComment = joined(last.FootComment, doc.FootComment), ""
}

// anchored tells whether there are anchors, which have to stand before their aliases.
func anchored(n *yaml.Node) bool {
	return n.Anchor != "" || slices.ContainsFunc(n.Content, anchored)
}

// keepEmptyLines marks the entries of block collections that have an empty line before them.
func keepEmptyLines(n *yaml.Node, lines []string) {
	if n.Kind == yaml.AliasNode {
		return
	}
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := range n.Content {
		if first := i%step == 0; first && i > 0 && n.Style&yaml.FlowStyle == 0 && emptyBefore(n.Content[i].Line, lines) {
			each := n.Content[i]
			each.HeadComment = strings.TrimSuffix(emptyLine+"\n"+each.HeadComment, "\n")
		}
		keepEmptyLines(n.Content[i], lines)
	}
}

// emptyBefore tells whether there is an empty line before a line, comments aside.
func emptyBefore(line int, lines []string) bool {
	for i := line - 2; i >= 0 && i < len(lines); i-- {
		text := strings.TrimSpace(lines[i])
		if text == "" {
			return true
		}
		if !strings.HasPrefix(text, "#") {
			return false
		}
	}
	return false
}

func orderYAML(n *yaml.Node, k kind) {
	if k == data {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, e := range n.Content {
			orderYAML(e, element(k))
		}
	case yaml.MappingNode:
		type pair struct{ key, value *yaml.Node }
		pairs := make([]pair, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			orderYAML(n.Content[i+1], inside(k, n.Content[i].Value))
			pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
		}
		slices.SortStableFunc(pairs, func(a, b pair) int { return rank(k, a.key.Value) - rank(k, b.key.Value) })
		if len(pairs) > 0 {
			first := pairs[0].key
			first.HeadComment = strings.TrimPrefix(strings.TrimPrefix(first.HeadComment, emptyLine), "\n")
		}
		for i, p := range pairs {
			n.Content[2*i], n.Content[2*i+1] = p.key, p.value
		}
	default:
	}
}

// printYAML writes a tree as YAML, with comments by pointer.
func printYAML(root *source.Node, comments map[string]comment) ([]byte, error) {
	doc := &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{yamlOf(inOrder(root), comments)}}
	if c, ok := comments[documentComment]; ok {
		doc.HeadComment, doc.FootComment = c.head, c.foot
	}
	return writeYAML(doc)
}

func yamlOf(n *source.Node, comments map[string]comment) *yaml.Node {
	y := yaml.Node{Kind: yaml.ScalarNode}
	if comments[n.Pointer].flow {
		y.Style = yaml.FlowStyle
	}
	switch n.Kind {
	case source.Null:
		y.Tag, y.Value = "!!null", "null"
	case source.Bool:
		y.Tag, y.Value = "!!bool", strconv.FormatBool(n.Bool)
	case source.Number:
		y.Tag, y.Value = "!!int", n.Text
		if strings.ContainsAny(n.Text, ".eE") {
			y.Tag = "!!float"
		}
	case source.String:
		y.Tag, y.Value, y.Style = "!!str", n.Text, styleOf(n.Text)
	case source.Array:
		y.Kind = yaml.SequenceNode
		for _, e := range n.Elems {
			y.Content = append(y.Content, commented(yamlOf(e, comments), comments[e.Pointer]))
		}
		if len(y.Content) == 0 || allScalars(n) {
			y.Style = yaml.FlowStyle
		}
	default:
		y.Kind = yaml.MappingNode
		for _, m := range n.Members {
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: m.Name, Style: styleOf(m.Name) &^ yaml.LiteralStyle}
			v := yamlOf(m.Value, comments)
			c := comments[m.Value.Pointer]
			if v.Kind == yaml.ScalarNode {
				v.LineComment = c.line
				c.line = ""
			}
			y.Content = append(y.Content, commented(key, c), v)
		}
		if len(y.Content) == 0 {
			y.Style = yaml.FlowStyle
		}
	}
	return &y
}

func commented(y *yaml.Node, c comment) *yaml.Node {
	y.HeadComment, y.LineComment, y.FootComment = c.head, c.line, c.foot
	return y
}

func allScalars(n *source.Node) bool {
	size := 0
	for _, e := range n.Elems {
		size += len(e.Text) + 2
		if len(e.Elems)+len(e.Members) > 0 || e.Kind == source.String && styleOf(e.Text) == yaml.LiteralStyle {
			return false
		}
	}
	return size < lineWidth
}

// oldWords are booleans in old YAML.
var oldWords = []string{"y", "n", "yes", "no", "on", "off"}

// styleOf quotes the texts that a reader could take for something else: expressions, and what has a number's shape in
// some version of YAML.
func styleOf(text string) yaml.Style {
	switch {
	case strings.Contains(text, "\n") && !strings.ContainsAny(text, "\r\t\u0085\u2028\u2029") &&
		strings.TrimSpace(text[:strings.IndexByte(text, '\n')]) != "" && text[0] != ' ' && !strings.Contains(text, " \n"):
		return yaml.LiteralStyle
	case strings.ContainsAny(text, "\n\r\t\u0085\u2028\u2029\ufeff"), strings.Contains(text, "{%"):
		return yaml.DoubleQuotedStyle
	case slices.Contains(oldWords, strings.ToLower(text)):
		return yaml.DoubleQuotedStyle
	case text != "" && strings.ContainsAny(text[:1], "+-.0123456789=<~"):
		return yaml.DoubleQuotedStyle
	}
	return 0
}
