package approve

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// datum is a JSON value as it is shown: as rows, or as text.
type datum struct {
	Text string
	Rows []datumRow
}

type datumRow struct {
	Name  string
	Value datum
}

// The bounds of what a page shows of the data; whoever wants more has the execution.
const (
	maxDataDepth = 4
	maxDataRows  = 100
	maxDataText  = 4000 // characters
)

// show gives the data of an approval for the page, nil if there is none.
func show(raw json.RawMessage) *datum {
	if len(raw) == 0 {
		return nil
	}
	v, err := value.Parse(raw)
	if err != nil || v.IsNull() {
		return nil
	}
	d := showValue(v, 0)
	return &d
}

func showValue(v *value.Value, depth int) datum {
	container := v.Kind() == value.Object || v.Kind() == value.Array
	switch {
	case container && v.Len() == 0:
		return datum{Text: "none"}
	case v.Kind() == value.Array && !nested(v):
		texts := make([]string, 0, v.Len())
		for _, e := range v.Elems() {
			texts = append(texts, plainText(e))
		}
		return datum{Text: cut(strings.Join(texts, ", "))}
	case container && depth >= maxDataDepth:
		return datum{Text: cut(v.String())}
	case container:
		return showRows(v, depth)
	default:
		return datum{Text: cut(plainText(v))}
	}
}

// nested tells whether anything in an array or an object has parts of its own.
func nested(v *value.Value) bool {
	for i := range v.Len() {
		if e := v.At(i); e.Kind() == value.Object || e.Kind() == value.Array {
			return true
		}
	}
	return false
}

// line shows a flat object in one line, for lists of such.
func line(v *value.Value) string {
	texts := make([]string, 0, v.Len())
	for i, name := range v.Keys() {
		texts = append(texts, humanize(name)+": "+plainText(v.At(i)))
	}
	return strings.Join(texts, ", ")
}

func showRows(v *value.Value, depth int) datum {
	var d datum
	for i := range v.Len() {
		if i == maxDataRows {
			d.Rows = append(d.Rows, datumRow{"...", datum{Text: fmt.Sprintf("and %d more", v.Len()-maxDataRows)}})
			break
		}
		name := strconv.Itoa(i + 1)
		if v.Kind() == value.Object {
			name = humanize(v.Key(i))
		}
		if e := v.At(i); v.Kind() == value.Array && e.Kind() == value.Object && !nested(e) {
			d.Rows = append(d.Rows, datumRow{name, datum{Text: cut(line(e))}})
			continue
		}
		d.Rows = append(d.Rows, datumRow{name, showValue(v.At(i), depth+1)})
	}
	return d
}

func plainText(v *value.Value) string {
	switch v.Kind() {
	case value.String:
		return v.Text()
	case value.Null:
		return "none"
	case value.Bool:
		if v.Bool() {
			return "yes"
		}
		return "no"
	default:
		return v.String()
	}
}

func cut(text string) string {
	if letters := []rune(text); len(letters) > maxDataText {
		return string(letters[:maxDataText]) + "..."
	}
	return text
}

// humanize makes a label of the name of a property: costCenter and cost_center become "Cost center". What is no such name
// stays as it is.
func humanize(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, c := range letters {
		switch {
		case c == '_' || c == '-':
			b.WriteByte(' ')
		case i > 0 && unicode.IsUpper(c) && unicode.IsLower(letters[i-1]):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(c))
		case i == 0:
			b.WriteRune(unicode.ToUpper(c))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
