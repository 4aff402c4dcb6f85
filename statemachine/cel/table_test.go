package cel

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The tables in testdata are read line by line. What starts with # is a comment. A directive sets the scope of what
// follows: input, result, errorOutput, context and variables with JSON, boolean with nothing, and reset, which forgets
// them all. Any other lines, up to a blank one, are an expression and what comes of it:
//
//	=> its value                    as JSON
//	!! its error                    when it is evaluated
//	?? offset: problem | hint       when it is compiled, one line each
const (
	marksValue   = "=> "
	marksError   = "!! "
	marksProblem = "?? "
)

func TestTables(t *testing.T) { golden.Files(t, "testdata/*.txt", runTable) }

// tableScope is what the directives of a table have set.
type tableScope struct {
	values  map[string]*value.Value
	boolean bool
}

// runTable runs the expressions of a table and gives the table with the results they have.
func runTable(t *testing.T, text string) string {
	t.Helper()
	scope := tableScope{values: map[string]*value.Value{}}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		var expression []string
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "#"), scope.directive(t, line):
				fmt.Fprintln(&out, line)
			case strings.HasPrefix(line, marksValue), strings.HasPrefix(line, marksError), strings.HasPrefix(line, marksProblem):
				// written anew, behind the expression
			default:
				expression = append(expression, line)
				fmt.Fprintln(&out, line)
			}
		}
		if expression == nil {
			continue
		}
		fmt.Fprintln(&out, scope.evaluate(strings.Join(expression, "\n")))
	}
	return out.String()
}

// directive tells whether a line is a directive, and follows it.
func (s *tableScope) directive(t *testing.T, line string) bool {
	name, rest, _ := strings.Cut(line, " ")
	switch name {
	case "input", "result", "errorOutput", "context", "variables":
		if !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, "[") {
			return false
		}
		v, err := value.Parse([]byte(rest))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		s.values[name] = v
		return true
	case "boolean":
		s.boolean = rest == ""
		return rest == ""
	case "reset":
		*s = tableScope{values: map[string]*value.Value{}}
		return true
	}
	return false
}

// evaluate compiles and evaluates an expression and writes down what came of it.
func (s *tableScope) evaluate(src string) string {
	env := query.Env{Result: s.values["result"] != nil, ErrorOutput: s.values["errorOutput"] != nil, Boolean: s.boolean}
	if v := s.values["variables"]; v != nil {
		env.Variables = append(v.Keys(), "unassigned")
	}
	p, problems := New().Compile(src, env)
	if p == nil {
		lines := make([]string, len(problems))
		for i, problem := range problems {
			lines[i] = fmt.Sprintf("%s%d: %s", marksProblem, problem.Offset, problem.Message)
			if problem.Hint != "" {
				lines[i] += " | " + problem.Hint
			}
		}
		return strings.Join(lines, "\n")
	}
	v, err := p.Eval(s.scope())
	if failed, ok := errors.AsType[*query.Error](err); ok {
		return marksError + failed.Message
	}
	return marksValue + v.String()
}

// scope is the same in each run: its clock stands still, and its random numbers are counted.
func (s *tableScope) scope() *query.Scope {
	drawn := uint64(0)
	return &query.Scope{
		Input:       s.values["input"],
		Result:      s.values["result"],
		ErrorOutput: s.values["errorOutput"],
		Context:     func() *value.Value { return s.values["context"] },
		Variable:    func(name string) *value.Value { return s.values["variables"].Get(name) },
		Now:         time.Date(2026, time.March, 4, 5, 6, 7, 8_000_000, time.UTC),
		Random:      func() uint64 { drawn++; return mix(drawn) },
	}
}
