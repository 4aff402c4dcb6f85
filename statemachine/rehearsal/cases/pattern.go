package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// outcomeVariables are what the conditions of an expectation see. value is what stands at the condition's place.
var outcomeVariables = []string{"value", "output", "status", "error", "cause", "duration", "variables", "path", "calls"}

// pattern is an expected value. A string that {% %} wraps is a condition, which must give true.
type pattern struct {
	literal   *value.Value // a scalar
	condition *expression
	elems     []*pattern // of an array
	keys      []string   // of an object
	values    []*pattern
	kind      value.Kind
}

func (r *reader) pattern(n *source.Node) *pattern {
	switch n.Kind {
	case source.Array:
		p := &pattern{kind: value.Array}
		for _, e := range n.Elems {
			p.elems = append(p.elems, r.pattern(e))
		}
		return p
	case source.Object:
		p := &pattern{kind: value.Object}
		for _, m := range n.Members {
			p.keys, p.values = append(p.keys, m.Name), append(p.values, r.pattern(m.Value))
		}
		return p
	case source.String:
		if e := r.expression(n, outcomeVariables); e != nil {
			return &pattern{condition: e}
		}
	case source.Null, source.Bool, source.Number:
	}
	return &pattern{literal: value.Trusted(n.AppendJSON(nil))}
}

// maxDifferences is how many differences of one value are told.
const maxDifferences = 12

// comparison compares a value with a pattern.
type comparison struct {
	exact     bool // members that the pattern does not name must not be there
	variables map[string]*value.Value
	lines     []string
	more      int
}

// differences tells how a value differs from a pattern, a line each; none if it does not. A nil value is not there.
func (p *pattern) differences(got *value.Value, exact bool, variables map[string]*value.Value) []string {
	c := &comparison{exact: exact, variables: variables}
	c.compare("", p, got)
	if c.more > 0 {
		c.lines = append(c.lines, fmt.Sprintf("and %d more differences", c.more))
	}
	return c.lines
}

func (c *comparison) differ(at, format string, args ...any) {
	if len(c.lines) >= maxDifferences {
		c.more++
		return
	}
	text := fmt.Sprintf(format, args...)
	if at != "" {
		text = at + ": " + text
	}
	c.lines = append(c.lines, text)
}

func (c *comparison) compare(at string, want *pattern, got *value.Value) {
	switch {
	case want.condition != nil:
		c.hold(at, want.condition, got)
	case got == nil:
		c.differ(at, "expected %s, but it is not there", want)
	case want.literal != nil:
		if !Equal(want.literal, got) {
			c.differ(at, "expected %s, got %s", excerpt(want.literal), excerpt(got))
		}
	case want.kind != got.Kind():
		c.differ(at, "expected %s, got %s", want, excerpt(got))
	case want.kind == value.Array:
		c.array(at, want, got)
	default:
		c.object(at, want, got)
	}
}

func (c *comparison) array(at string, want *pattern, got *value.Value) {
	if len(want.elems) != got.Len() {
		c.differ(at, "expected %d elements, got %d: %s", len(want.elems), got.Len(), excerpt(got))
	}
	for i := range min(len(want.elems), got.Len()) {
		c.compare(at+"/"+strconv.Itoa(i), want.elems[i], got.At(i))
	}
}

func (c *comparison) object(at string, want *pattern, got *value.Value) {
	named := map[string]bool{}
	for i, key := range want.keys {
		named[key] = true
		c.compare(at+"/"+escape(key), want.values[i], got.Get(key))
	}
	if !c.exact {
		return
	}
	for i := range got.Len() {
		if key := got.Key(i); !named[key] {
			c.differ(at+"/"+escape(key), "not expected, but there is %s", excerpt(got.At(i)))
		}
	}
}

// hold checks a condition.
func (c *comparison) hold(at string, e *expression, got *value.Value) {
	variables := maps.Clone(c.variables)
	variables["value"] = got
	v, err := e.eval(variables)
	switch {
	case err != nil:
		c.differ(at, "%v", err)
	case v.Kind() != value.Bool:
		c.differ(at, "the condition %s must give true or false, but gives %s", e.src, excerpt(v))
	case !v.Bool() && got != nil:
		c.differ(at, "%s does not hold for the value %s", e.src, excerpt(got))
	case !v.Bool():
		c.differ(at, "%s does not hold%s", e.src, named(e.src, variables))
	}
}

// named gives the values of the variables that an expression names.
func named(src string, variables map[string]*value.Value) string {
	var parts []string
	words := strings.FieldsFunc(src, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	for _, name := range outcomeVariables {
		if slices.Contains(words, name) && variables[name] != nil {
			parts = append(parts, name+" is "+excerpt(variables[name]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// String writes the pattern for a message.
func (p *pattern) String() string {
	switch {
	case p.condition != nil:
		return "{% " + p.condition.src + " %}"
	case p.literal != nil:
		return excerpt(p.literal)
	case p.kind == value.Array:
		parts := make([]string, len(p.elems))
		for i, e := range p.elems {
			parts[i] = e.String()
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		parts := make([]string, len(p.keys))
		for i, k := range p.keys {
			parts[i] = strconv.Quote(k) + ":" + p.values[i].String()
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
}

// escape writes a name as a part of an RFC 6901 pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// compact gives the JSON text of a value without white space.
func compact(v *value.Value) string {
	var b bytes.Buffer
	if json.Compact(&b, v.JSON()) != nil {
		return string(v.JSON())
	}
	return b.String()
}

// Equal tells whether two values are the same JSON: numbers by what they are worth, to the last digit, objects whatever
// the order of their members.
func Equal(a, b *value.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case value.Number:
		return normal(a.Text()) == normal(b.Text())
	case value.String:
		return a.Text() == b.Text()
	case value.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !Equal(a.At(i), b.At(i)) {
				return false
			}
		}
		return true
	case value.Object:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			other := b.Get(a.Key(i))
			if other == nil || !Equal(a.At(i), other) {
				return false
			}
		}
		return true
	case value.Bool:
		return a.Bool() == b.Bool()
	default:
		return true
	}
}

// number is what a JSON number is worth: 0.digits times ten to the exponent.
type number struct {
	negative bool
	digits   string // without zeros at either end; "" is zero
	exponent int64
}

func normal(text string) number {
	var n number
	text, n.negative = strings.CutPrefix(text, "-")
	mantissa, power := text, ""
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		mantissa, power = text[:at], text[at+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	n.digits = strings.TrimLeft(whole+fraction, "0")
	if n.digits == "" {
		return number{}
	}
	n.exponent, _ = strconv.ParseInt(power, 10, 64) // beyond an int64 all are alike
	n.exponent += int64(len(whole)) - int64(len(whole)+len(fraction)-len(n.digits))
	n.digits = strings.TrimRight(n.digits, "0")
	return n
}
