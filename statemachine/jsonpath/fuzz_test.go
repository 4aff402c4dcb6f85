package jsonpath

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// addTables seeds a fuzz target with the lines of the tables.
func addTables(f *testing.F) {
	for _, text := range golden.Texts(f, "testdata/*.txt") {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "  ") {
				f.Add(line)
			}
		}
	}
}

// fuzzInput has one of everything, and enough of it to make a bad path slow.
var fuzzInput = value.Trusted([]byte(`{"a": 1, "b": {"c": [1, "x", null, {"k": true}, [], {}], "d": {"e": {"a": 2.50}}}, "s": "text", "t": true,
	"n": null, "big": 12345678901234567890, "huge": 1e400, "lone": "\ud800", "list": [{"id": 1, "p": 8.5}, {"id": 2, "p": "9"}],
	"time": "2016-03-14T01:59:00Z", "": {"": []}, "json": "{\"x\": [1]}"}`))

func fuzzScope() *query.Scope {
	drawn := uint64(0)
	return &query.Scope{
		Context:  func() *value.Value { return value.Trusted([]byte(`{"Execution": {"Id": "arn", "Input": [1, 2]}}`)) },
		Variable: func(name string) *value.Value { return map[string]*value.Value{"v": fuzzInput}[name] },
		Random:   func() uint64 { drawn++; return mix(drawn) },
	}
}

// checkProblems checks that problems lie in the text and say something.
func checkProblems(t *testing.T, src string, compiled bool, problems []query.Problem) {
	t.Helper()
	if compiled != (len(problems) == 0) {
		t.Fatalf("%q compiles: %t, problems: %v", src, compiled, problems)
	}
	for _, p := range problems {
		if p.Offset < 0 || p.Offset > len(src) || p.Message == "" {
			t.Fatalf("%q: problem %+v", src, p)
		}
	}
}

// checkOutcome checks that a result is JSON and an error one of the language.
func checkOutcome(t *testing.T, src string, v *value.Value, err error) {
	t.Helper()
	if err != nil {
		if failed, ok := errors.AsType[*query.Error](err); !ok || failed.Name == "" || failed.Message == "" {
			t.Fatalf("%q: %v", src, err)
		}
		return
	}
	if v.Size() > maxBytes {
		t.Fatalf("%q gives %d bytes", src, v.Size())
	}
	if v.Size() > 1<<20 {
		return
	}
	if _, err := value.Parse(v.JSON()); err != nil {
		t.Fatalf("%q gives %s: %v", src, v, err)
	}
}

// FuzzExpression compiles any text as a path or a call and evaluates it. What compiles prints to text that compiles to
// the same, and gives the same.
func FuzzExpression(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		if !utf8.ValidString(src) {
			return
		}
		e, problems := ParseExpression(src)
		checkProblems(t, src, e != nil, problems)
		if e == nil {
			return
		}
		v, err := e.EvalField("x.$", fuzzInput, fuzzScope())
		checkOutcome(t, src, v, err)
		if len(e.String()) > maxSource {
			return
		}
		again, problems := ParseExpression(e.String())
		if again == nil {
			t.Fatalf("%q prints as %q: %v", src, e, problems)
		}
		if again.String() != e.String() {
			t.Fatalf("%q prints as %q, and that as %q", src, e, again)
		}
		if w, err2 := again.EvalField("x.$", fuzzInput, fuzzScope()); (err == nil) != (err2 == nil) || (err == nil && v.String() != w.String()) {
			t.Fatalf("%q gives %v, %v, but %q gives %v, %v", src, v, err, e, w, err2)
		}
	})
}

// FuzzReference sets a value at any place, and finds it there.
func FuzzReference(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		src, _, _ = strings.Cut(src, " = ")
		if !utf8.ValidString(src) {
			return
		}
		r, problems := ParseResultPath(src)
		checkProblems(t, src, r != nil, problems)
		if r == nil {
			return
		}
		mark := value.FromString("mark")
		before := fuzzInput.String()
		doc, err := r.Set(fuzzInput, mark)
		checkOutcome(t, src, doc, err)
		if fuzzInput.String() != before {
			t.Fatalf("%q changed the document", src)
		}
		if err != nil {
			return
		}
		found, err := r.Get(doc, nil)
		if err != nil || found.String() != mark.String() {
			t.Fatalf("%q: set, but found %v, %v", src, found, err)
		}
	})
}

// FuzzDefinition compiles any JSON as a payload template and as a Choice rule, and evaluates both. What compiles as a
// rule prints to JSON that compiles to the same.
func FuzzDefinition(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		doc, list := source.Parse("x.json", []byte(src))
		if list.HasErrors() || doc.Root == nil {
			return
		}
		tmpl, findings := CompileTemplate(doc.Root)
		checkFindings(t, src, tmpl != nil, findings)
		if tmpl != nil {
			v, err := tmpl.Eval(fuzzInput, fuzzScope())
			checkOutcome(t, src, v, err)
		}
		rule, findings := CompileRule(doc.Root)
		checkFindings(t, src, rule != nil, findings)
		if rule == nil {
			return
		}
		holds, err := rule.Eval(fuzzInput, fuzzScope())
		checkOutcome(t, src, value.FromBool(holds), err)
		printed := rule.String()
		if len(printed) > maxSource {
			return
		}
		doc, list = source.Parse("y.json", []byte(printed))
		if list.HasErrors() {
			t.Fatalf("%q prints as %q: %v", src, printed, list)
		}
		again, findings := CompileRule(doc.Root)
		if again == nil || again.String() != printed {
			t.Fatalf("%q prints as %q: %v", src, printed, findings)
		}
		if holds2, err2 := again.Eval(fuzzInput, fuzzScope()); holds2 != holds || (err == nil) != (err2 == nil) {
			t.Fatalf("%q gives %t, %v, but %q gives %t, %v", src, holds, err, printed, holds2, err2)
		}
	})
}

func checkFindings(t *testing.T, src string, compiled bool, findings []Finding) {
	t.Helper()
	errs := 0
	for _, f := range findings {
		if !f.Warning {
			errs++
		}
		if f.Code == "" || f.Message == "" || f.Node == nil || f.Offset > len(f.Node.Text) {
			t.Fatalf("%q: finding %+v", src, f)
		}
	}
	if compiled != (errs == 0) {
		t.Fatalf("%q compiles: %t, findings: %v", src, compiled, findings)
	}
}
