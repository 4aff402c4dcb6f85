package jsonpath

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestLimits evaluates what would give far too much or take far too long, and expects an error that says so.
func TestLimits(t *testing.T) {
	wide := value.Trusted([]byte(`{"l": [` + strings.Repeat(`{"a": [1, 2, 3], "t": "some text"},`, 4000) + `0], "t": "` + strings.Repeat(`\"`, 100_000) + `"}`))
	deep := value.Trusted([]byte(strings.Repeat(`{"a":[`, 250) + strings.Repeat(`]}`, 250)))
	for name, test := range map[string]struct {
		src   string
		input *value.Value
		want  string
	}{
		"scans of scans":        {"$..*..*..*..*..*", deep, "results"},
		"a filter over all":     {"$..[?(@ in $..*)]", wide, "visited values"},
		"comparing all":         {"$.l[?(@ == 5 || $.l == $.l)]", wide, "visited values"},
		"functions in filters":  {"$.l[?($.l.append(@).length() > 1)]", wide, "visited values"},
		"many names":            {"$.l[*]['" + strings.Repeat("a','", 5000) + "b']", wide, "visited values"},
		"many comparisons":      {"$.l[?(" + strings.Repeat("1<2 && ", 3000) + "1<2)]", wide, "visited values"},
		"long patterns":         {"$.l[?($.t =~ /" + strings.Repeat("(a|b)*x?", 500) + "/)]", wide, "visited values"},
		"long text in lists":    {"$.l[?($.t in $.l)]", wide, "visited values"},
		"many paths":            {"States.Array($..*" + strings.Repeat(", $..*", 500) + ")", wide, "visited values"},
		"many calls":            {"States.Array(States.JsonToString($)" + strings.Repeat(", States.JsonToString($)", 900) + ")", wide, "visited values"},
		"a large result":        {"$['l','l'].l", wide, ""},
		"many results":          {"$.l[*]['a']..*..*", wide, ""},
		"wide results":          {"$" + strings.Repeat("..*", 3), wide, ""},
		"escapes upon escapes":  {strings.Repeat("States.JsonToString(", 9) + "$.t" + strings.Repeat(")", 9), wide, "bytes in a result"},
		"formats upon formats":  {"States.Format('" + strings.Repeat("{}", 100) + "'" + strings.Repeat(", $.t", 100) + ")", wide, "bytes in a result"},
		"the input many times":  {"States.Array($" + strings.Repeat(", $", 99) + ")", wide, "bytes in a result"},
		"nesting upon nesting":  {"States.Array(States.Array(States.Array($.x, $)))", nested(511), "levels of nesting"},
		"a wildcard of nesting": {"$[*]", nested(512), ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, problems := ParseExpression(test.src)
			if e == nil {
				t.Fatal(problems)
			}
			_, err := e.EvalField("x.$", test.input, fuzzScope())
			if test.want == "" {
				if err != nil && !strings.Contains(err.Error(), "exceeds the limit") {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "exceeds the limit") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %.200v, want the limit of %s", err, test.want)
			}
		})
	}
}

// nested gives an object with a value nested that deep, itself included.
func nested(depth int) *value.Value {
	return value.Trusted([]byte(`{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"))
}

// TestSourceLimits compiles expressions that are too long or nest too deep.
func TestSourceLimits(t *testing.T) {
	for name, src := range map[string]string{
		"long":        "$." + strings.Repeat("a", maxSource),
		"parentheses": "$[?(" + strings.Repeat("(", 100_00) + "@.a" + strings.Repeat(")", 100_00) + ")]",
		"negations":   "$[?(" + strings.Repeat("!(", 5000) + "@.a" + strings.Repeat(")", 5000) + ")]",
		"filters":     strings.Repeat("$[?(@", 3000) + strings.Repeat(")]", 3000),
		"functions":   strings.Repeat("$.sum(", 3000) + strings.Repeat(")", 3000),
		"brackets":    "$[?(@.a == " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + ")]",
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := ParsePath(src)
			if p != nil || len(problems) == 0 {
				t.Errorf("it compiles")
			}
			for _, problem := range problems {
				if problem.Offset > len(src) {
					t.Errorf("offset %d", problem.Offset)
				}
			}
		})
	}
}
