package source

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The plain scalars that YAML 1.2 takes for something else than text. The YAML library follows 1.1 in part, where
// yes, 0777, 1_000 and 2024-01-01 are no text; a definition follows 1.2.
var (
	yamlNull      = []string{"", "~", "null", "Null", "NULL"}
	yamlTrue      = []string{"true", "True", "TRUE"}
	yamlFalse     = []string{"false", "False", "FALSE"}
	yamlOctal     = regexp.MustCompile(`^0o[0-7]+$`)
	yamlHex       = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	yamlFloat     = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	yamlNotFinite = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	yamlZeros     = regexp.MustCompile(`^[-+]?0[0-9]`)
	yamlGrouped   = regexp.MustCompile(`^[-+]?[0-9]+(_[0-9]+)+(\.[0-9_]*)?$`)
)

// maxRadixDigits bounds hexadecimal and octal numbers, whose conversion to decimal takes more than linear time.
const maxRadixDigits = 1000

const quotedStyles = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// scalar sets the kind and the content of a node from a YAML scalar.
func (r *yamlReader) scalar(n *Node, y *yaml.Node) {
	n.style = yamlStyle(y)
	tag := ""
	if y.Style&yaml.TaggedStyle != 0 {
		tag = y.ShortTag()
	}
	switch tag {
	case "":
		if y.Style&quotedStyles != 0 {
			n.Kind, n.Text = String, y.Value
		} else {
			r.plain(n, y.Value)
		}
	case "!!str", "!":
		n.Kind, n.Text = String, y.Value
	case "!!int", "!!float", "!!bool", "!!null":
		r.plain(n, y.Value)
		if n.Kind != kindOfTag[tag] {
			r.report(n.Pos, CodeYAMLValue, fmt.Sprintf("%q is no value of the tag %s", shorten(y.Value), tag), "remove the tag")
		}
	default:
		n.Kind, n.Text = String, y.Value
		r.report(n.Pos, CodeYAMLValue, fmt.Sprintf("the tag %s has no meaning in JSON", shorten(tag)),
			"remove the tag; a definition is plain data")
	}
	if n.Kind != String {
		n.style = noString
	}
}

var kindOfTag = map[string]Kind{"!!int": Number, "!!float": Number, "!!bool": Bool, "!!null": Null}

func yamlStyle(y *yaml.Node) style {
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return yamlDouble
	case y.Style&yaml.SingleQuotedStyle != 0:
		return yamlSingle
	case y.Style&yaml.LiteralStyle != 0:
		return yamlLiteral
	case y.Style&yaml.FoldedStyle != 0:
		return yamlFolded
	}
	return yamlPlain
}

// plain resolves an unquoted scalar by the core schema of YAML 1.2.
func (r *yamlReader) plain(n *Node, text string) {
	switch {
	case slices.Contains(yamlNull, text):
		n.Kind = Null
	case slices.Contains(yamlTrue, text):
		n.Kind, n.Bool = Bool, true
	case slices.Contains(yamlFalse, text):
		n.Kind = Bool
	case yamlHex.MatchString(text), yamlOctal.MatchString(text):
		n.Kind, n.Text = Number, r.radix(n, text)
	case yamlNotFinite.MatchString(text):
		n.Kind, n.Text = Number, "0"
		r.report(n.Pos, CodeYAMLValue, text+" is no number of JSON", "put it in quotes if it is text")
	case yamlGrouped.MatchString(text):
		n.Kind, n.Text = Number, "0"
		r.report(n.Pos, CodeYAMLValue, shorten(text)+" is a number in old YAML and text in new YAML",
			"remove the underscores, or put it in quotes if it is text")
	case yamlFloat.MatchString(text) && yamlZeros.MatchString(text):
		n.Kind, n.Text = Number, "0"
		r.report(n.Pos, CodeYAMLValue, shorten(text)+" is octal in old YAML and decimal in new YAML",
			"remove the leading zeros, write 0o for octal, or put it in quotes if it is text")
	case yamlFloat.MatchString(text):
		n.Kind, n.Text = Number, jsonDigits(text)
	default:
		n.Kind, n.Text = String, text
	}
}

// radix gives the decimal digits of a number that is written 0x1F or 0o17.
func (r *yamlReader) radix(n *Node, text string) string {
	if len(text) > maxRadixDigits {
		r.report(n.Pos, CodeYAMLValue, "the number "+shorten(text)+" is too long", "write it in decimal")
		return "0"
	}
	i, ok := new(big.Int).SetString(text, 0)
	if !ok {
		return "0"
	}
	return i.String()
}

// jsonDigits writes a decimal number of YAML as JSON wants it: no plus sign, a digit on both sides of the point.
func jsonDigits(text string) string {
	text = strings.TrimPrefix(text, "+")
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	if strings.HasPrefix(text, ".") {
		text = "0" + text
	}
	if i := strings.IndexByte(text, '.'); i >= 0 && (i+1 == len(text) || text[i+1] < '0' || text[i+1] > '9') {
		text = text[:i+1] + "0" + text[i+1:]
	}
	return sign + text
}

// key gives the name that a mapping's key stands for.
func (r *yamlReader) key(y *yaml.Node) (string, bool) {
	at := r.place(y)
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode {
		r.report(at, CodeYAMLValue, "a key must be text, not a list or a mapping", "put the key in quotes")
		return "", false
	}
	// Only what is written as a number, a boolean or null is no text; what is wrong with it besides is of no interest.
	probe := yamlReader{doc: r.doc}
	n := &Node{Pos: at}
	probe.scalar(n, y)
	if n.Kind != String {
		r.report(at, CodeYAMLValue, fmt.Sprintf("the key %s is no text but of the type %s", shorten(y.Value), n.Kind),
			fmt.Sprintf("put it in quotes: %q", shorten(y.Value)))
		return "", false
	}
	return n.Text, true
}
