package jsonata

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The tables in testdata are read line by line. What starts with # is a comment. "input" and a JSON value set the input
// of what follows. Any other lines, up to a blank one, are an expression and what comes of it:
//
//	=> its value                     as JSON, or undefined
//	!! CODE: its error               when it is evaluated
//	?? offset CODE: its error        when it is compiled
func TestTables(t *testing.T) { golden.Files(t, "testdata/*.txt", runTable) }

// runTable runs the expressions of a table and gives the table with the results they have.
func runTable(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var input *value.Value
	for block := range strings.SplitSeq(strings.TrimRight(text, "\n")+"\n", "\n\n") {
		var expression []string
		for l := range strings.SplitSeq(strings.Trim(block, "\n"), "\n") {
			switch rest, isInput := strings.CutPrefix(l, "input "); {
			case isInput:
				v, err := value.Parse([]byte(rest))
				if err != nil {
					t.Fatalf("%s: %v", l, err)
				}
				input = v
				fmt.Fprintln(&out, l)
			case strings.HasPrefix(l, "#"):
				fmt.Fprintln(&out, l)
			case strings.HasPrefix(l, "=> "), strings.HasPrefix(l, "!! "), strings.HasPrefix(l, "?? "):
				// written anew, behind the expression
			case l != "":
				expression = append(expression, l)
			}
		}
		if len(expression) == 0 {
			fmt.Fprintln(&out)
			continue
		}
		src := strings.Join(expression, "\n")
		fmt.Fprintf(&out, "%s\n%s\n\n", src, outcome(src, input, DefaultLimits))
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// outcome evaluates an expression and writes what comes of it.
func outcome(src string, input *value.Value, limits Limits) string {
	expr, err := Compile(src)
	if e, ok := errors.AsType[*Error](err); ok {
		return fmt.Sprintf("?? %d %v", e.Position, e)
	}
	v, err := expr.Eval(input, testBindings(), Options{Limits: limits})
	switch {
	case err != nil:
		return fmt.Sprintf("!! %v", err)
	case v == nil:
		return "=> undefined"
	default:
		return "=> " + v.String()
	}
}

// testBindings have one of everything.
func testBindings() Bindings {
	drawn := uint64(0)
	return Bindings{
		Lookup: func(name string) *value.Value {
			return map[string]*value.Value{
				"two": value.FromInt(2), "cart": value.Trusted([]byte(`[{"sku":"a","n":1},{"sku":"b","n":3}]`)),
			}[name]
		},
		Now:    time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
		Random: func() uint64 { drawn++; return mix(drawn) },
	}
}

// TestPrint checks that what an expression prints as has the same print, and the same outcome.
func TestPrint(t *testing.T) {
	n := 0
	for _, text := range golden.Texts(t, "testdata/*.txt") {
		for _, src := range expressions(text) {
			if checkPrint(t, src) {
				n++
			}
		}
	}
	if n < 200 {
		t.Errorf("printed %d expressions only", n)
	}
}

// expressions gives those of a table.
func expressions(text string) []string {
	var out []string
	for block := range strings.SplitSeq(text, "\n\n") {
		var lines []string
		for l := range strings.SplitSeq(block, "\n") {
			if l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "input ") || strings.HasPrefix(l, "=> ") ||
				strings.HasPrefix(l, "!! ") || strings.HasPrefix(l, "?? ") {
				continue
			}
			lines = append(lines, l)
		}
		if len(lines) > 0 {
			out = append(out, strings.Join(lines, "\n"))
		}
	}
	return out
}

func checkPrint(t *testing.T, src string) bool {
	first, err := Compile(src)
	if err != nil {
		return false
	}
	printed := first.String()
	second, err := Compile(printed)
	if err != nil {
		t.Errorf("%q prints as %q, which does not compile: %v", src, printed, err)
		return false
	}
	if again := second.String(); again != printed {
		t.Errorf("%q prints as %q, and that as %q", src, printed, again)
	}
	limits := Limits{Steps: 10_000, Depth: 100, Bytes: 1 << 20}
	if a, b := outcome(src, nil, limits), outcome(printed, nil, limits); strings.HasPrefix(a, "=>") && a != b {
		t.Errorf("%q gives %s, but printed as %q it gives %s", src, a, printed, b)
	}
	return true
}
