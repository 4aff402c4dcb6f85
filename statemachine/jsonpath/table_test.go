package jsonpath

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

const (
	marksValue   = "  => "
	marksPrinted = "  == " // how it prints, where that is not how it is written
	marksError   = "  !! "
	marksProblem = "  ?? "
)

// TestTables compiles and evaluates the lines of the tables in testdata, each as what its file is named for, and compares
// what comes of it with the lines behind. "input {...}", "context {...}" and "variables {...}" set the scope from there on.
func TestTables(t *testing.T) {
	evaluators := map[string]func(*tableScope, string) []string{
		"paths": (*tableScope).path, "filters": (*tableScope).path, "path_problems": (*tableScope).path,
		"expressions": (*tableScope).expression, "intrinsic_problems": (*tableScope).expression,
		"references": (*tableScope).reference, "templates": (*tableScope).template,
		"rules": (*tableScope).rule,
	}
	seen := 0
	golden.Files(t, "testdata/*.txt", func(t *testing.T, text string) string {
		evaluate := evaluators[strings.TrimPrefix(t.Name(), "TestTables/")]
		if evaluate == nil {
			t.Fatal("nobody evaluates this table")
		}
		seen++
		return runTable(t, text, evaluate)
	})
	if seen != len(evaluators) {
		t.Errorf("%d tables, want %d", seen, len(evaluators))
	}
}

func runTable(t *testing.T, text string, evaluate func(*tableScope, string) []string) string {
	t.Helper()
	scope := &tableScope{}
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		fmt.Fprintln(&out, lines[i])
		if lines[i] == "" || strings.HasPrefix(lines[i], "#") || scope.directive(t, lines[i]) {
			continue
		}
		for _, line := range evaluate(scope, lines[i]) {
			fmt.Fprintln(&out, line)
		}
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  ") {
			i++ // written anew, behind the expression
		}
	}
	return out.String()
}

// tableScope is what the expressions of a table see.
type tableScope struct{ input, context, variables *value.Value }

func (s *tableScope) directive(t *testing.T, line string) bool {
	t.Helper()
	name, rest, _ := strings.Cut(line, " ")
	fields := map[string]**value.Value{"input": &s.input, "context": &s.context, "variables": &s.variables}
	field := fields[name]
	if field == nil {
		return false
	}
	v, err := value.Parse([]byte(rest))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	*field = v
	return true
}

func (s *tableScope) scope() *query.Scope {
	drawn := uint64(0)
	return &query.Scope{
		Context:  func() *value.Value { return s.context },
		Variable: func(name string) *value.Value { return s.variables.Get(name) },
		Random:   func() uint64 { drawn++; return mix(drawn) },
	}
}

func (s *tableScope) path(src string) []string {
	p, problems := ParsePath(src)
	if p == nil {
		return problemLines(problems)
	}
	lines := printed(p.Source(), p.String())
	for _, n := range p.Notes() {
		lines = append(lines, problemLines([]query.Problem{n})...)
	}
	return append(lines, outcome(p.Eval(s.input, s.scope())))
}

func (s *tableScope) expression(src string) []string {
	e, problems := ParseExpression(src)
	if e == nil {
		return problemLines(problems)
	}
	return append(printed(e.Source(), e.String()), outcome(e.EvalField("key.$", s.input, s.scope())))
}

// reference evaluates "path" as ItemsPath does, and "path = value" as ResultPath does.
func (s *tableScope) reference(src string) []string {
	path, text, sets := strings.Cut(src, " = ")
	parse := ParseReference
	if sets {
		parse = ParseResultPath
	}
	r, problems := parse(path)
	if r == nil {
		return problemLines(problems)
	}
	if !sets {
		items, err := r.Items(s.input, s.scope())
		return []string{outcome(value.FromArray(items), err)}
	}
	before := s.input.String()
	line := outcome(r.Set(s.input, value.Trusted([]byte(text))))
	if s.input.String() != before {
		line += " AND CHANGED THE INPUT"
	}
	return []string{line}
}

func (s *tableScope) template(src string) []string {
	tmpl, findings := CompileTemplate(parseNode(src))
	lines := findingLines(findings)
	if tmpl == nil {
		return lines
	}
	return append(lines, outcome(tmpl.Eval(s.input, s.scope())))
}

func (s *tableScope) rule(src string) []string {
	r, findings := CompileRule(parseNode(src))
	lines := findingLines(findings)
	if r == nil {
		return lines
	}
	holds, err := r.Eval(s.input, s.scope())
	return append(lines, outcome(value.FromBool(holds), err))
}

func parseNode(src string) *source.Node {
	doc, list := source.Parse("table.json", []byte(src))
	if len(list) > 0 {
		return &source.Node{Kind: source.String, Text: list.Error()}
	}
	return doc.Root
}

func printed(source, text string) []string {
	if source == text {
		return nil
	}
	return []string{marksPrinted + text}
}

func outcome(v *value.Value, err error) string {
	if failed, ok := errors.AsType[*query.Error](err); ok {
		return marksError + failed.Error()
	}
	if err != nil {
		return marksError + "NOT AN ERROR OF THE LANGUAGE: " + err.Error()
	}
	return marksValue + v.String()
}

func problemLines(problems []query.Problem) []string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = fmt.Sprintf("%s%d: %s", marksProblem, p.Offset, p.Message)
		if p.Hint != "" {
			lines[i] += " | " + p.Hint
		}
	}
	return lines
}

func findingLines(findings []Finding) []string {
	lines := make([]string, len(findings))
	for i, f := range findings {
		lines[i] = fmt.Sprintf("%s%s %s:%d %s", marksProblem, f.Code, f.Node.Pointer, f.Offset, f.Message)
		if f.Hint != "" {
			lines[i] += " | " + f.Hint
		}
	}
	return lines
}
