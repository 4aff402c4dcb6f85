package jsonpath

import (
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// comparator is a comparison of Choice rules.
type comparator struct {
	kind    source.Kind // of the constant it compares with
	twin    bool        // there is one whose name ends in Path
	compare func(a, b *value.Value) bool
	is      func(*value.Value) bool // of the tests that begin with Is, IsPresent excepted
}

// comparators holds all comparisons by name, those with Path excepted.
var comparators = func() map[string]comparator {
	all := map[string]comparator{
		"BooleanEquals": {kind: source.Bool, twin: true, compare: func(a, b *value.Value) bool {
			return a.Kind() == value.Bool && b.Kind() == value.Bool && a.Bool() == b.Bool()
		}},
		"StringMatches": {kind: source.String},
		"IsPresent":     {kind: source.Bool},
		"IsNull":        {kind: source.Bool, is: (*value.Value).IsNull},
		"IsNumeric":     {kind: source.Bool, is: isKind(value.Number)},
		"IsString":      {kind: source.Bool, is: isKind(value.String)},
		"IsBoolean":     {kind: source.Bool, is: isKind(value.Bool)},
		"IsTimestamp":   {kind: source.Bool, is: isTimestamp},
	}
	relations := map[string]func(order int) bool{
		"Equals":            func(order int) bool { return order == 0 },
		"LessThan":          func(order int) bool { return order < 0 },
		"GreaterThan":       func(order int) bool { return order > 0 },
		"LessThanEquals":    func(order int) bool { return order <= 0 },
		"GreaterThanEquals": func(order int) bool { return order >= 0 },
	}
	types := map[string]struct {
		kind  source.Kind
		order func(a, b *value.Value) (order int, ok bool)
	}{
		"String": {source.String, orderStrings}, "Numeric": {source.Number, orderNumbers}, "Timestamp": {source.String, orderTimes},
	}
	for relation, holds := range relations {
		for name, t := range types {
			all[name+relation] = comparator{kind: t.kind, twin: true, compare: func(a, b *value.Value) bool {
				order, ok := t.order(a, b)
				return ok && holds(order)
			}}
		}
	}
	return all
}()

// comparatorNames are the names of all comparisons and what else makes up a test.
var comparatorNames = func() []string {
	names := []string{"And", "Not", "Or", "Variable"}
	for name, c := range comparators {
		names = append(names, name)
		if c.twin {
			names = append(names, name+"Path")
		}
	}
	slices.Sort(names)
	return names
}()

func isKind(k value.Kind) func(*value.Value) bool {
	return func(v *value.Value) bool { return v.Kind() == k }
}

func orderStrings(a, b *value.Value) (order int, ok bool) {
	if a.Kind() != value.String || b.Kind() != value.String {
		return 0, false
	}
	return compareText(a.Text(), b.Text()), true
}

func orderNumbers(a, b *value.Value) (order int, ok bool) {
	if a.Kind() != value.Number || b.Kind() != value.Number {
		return 0, false
	}
	return compareNumbers(a, b), true
}

func orderTimes(a, b *value.Value) (order int, ok bool) {
	if a.Kind() != value.String || b.Kind() != value.String {
		return 0, false
	}
	x, ok1 := ParseTimestamp(a.Text())
	y, ok2 := ParseTimestamp(b.Text())
	return x.Compare(y), ok1 && ok2
}

func isTimestamp(v *value.Value) bool {
	if v.Kind() != value.String {
		return false
	}
	_, ok := ParseTimestamp(v.Text())
	return ok
}

// ParseTimestamp reads a timestamp of RFC 3339 as the Amazon States Language restricts it: T between date and time, and
// Z or an offset behind it, such as 2016-03-14T01:59:00.25Z. No more than nine digits of a second count.
func ParseTimestamp(s string) (t time.Time, ok bool) {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) {
		return time.Time{}, false
	}
	for i, c := range []byte(shape) {
		if digit := s[i] >= '0' && s[i] <= '9'; (c == '0') != digit || (c != '0' && c != s[i]) {
			return time.Time{}, false
		}
	}
	rest := s[len(shape):]
	if fraction, found := strings.CutPrefix(rest, "."); found {
		rest = strings.TrimLeft(fraction, "0123456789")
		if rest == fraction {
			return time.Time{}, false
		}
	}
	if rest != "Z" && (len(rest) != len("+00:00") || rest[3] != ':' || rest[1:3] > "23" || rest[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// glob is a pattern of StringMatches: the texts between its wildcards.
type glob []string

// parseGlob reads a pattern, in which * stands for any text, \* for an asterisk and \\ for a backslash.
func parseGlob(pattern string) glob {
	var g glob
	var text strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			g = append(g, text.String())
			text.Reset()
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			text.WriteByte(pattern[i])
		default:
			text.WriteByte(c)
		}
	}
	return append(g, text.String())
}

func (g glob) matches(s string) bool {
	if len(g) == 1 {
		return s == g[0]
	}
	s, found := strings.CutPrefix(s, g[0])
	if !found {
		return false
	}
	for _, text := range g[1 : len(g)-1] {
		if _, s, found = strings.Cut(s, text); !found {
			return false
		}
	}
	return strings.HasSuffix(s, g[len(g)-1])
}
