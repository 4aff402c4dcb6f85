package cases_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// TestReports runs testdata/reports. A report is a definition, a line of ====, a case file, a line of ----, and what is
// printed of it: the findings of a case file that is invalid, else what each case did.
func TestReports(t *testing.T) {
	golden.Files(t, "testdata/reports/*.txt", func(t *testing.T, text string) string {
		definition, rest, ok := strings.Cut(text, "\n====\n")
		input, _, _ := strings.Cut(rest, "\n----\n")
		if !ok {
			t.Fatal("the report has no line of ====")
		}
		input = strings.TrimRight(input, "\n")
		return definition + "\n====\n" + input + "\n----\n" + report(input, definition)
	})
}

// report parses and runs a case file, and prints what comes of it.
func report(text, definition string) string {
	f, found := cases.Parse("m.test.yaml", []byte(text), func(path string) ([]byte, error) {
		switch path {
		case "m.asl.yaml":
			return []byte(definition), nil
		case "input.json":
			return []byte(`{"from": "a file"}`), nil
		}
		return nil, fmt.Errorf("there is no file %s", path)
	})
	if f == nil {
		return found.Error() + "\n"
	}
	var b strings.Builder
	coverage := rehearsal.NewCoverage(f.Machine)
	for _, o := range f.Run(2, nil) {
		coverage.Add(o.Result)
		if o.Passed() {
			fmt.Fprintf(&b, "ok    %s (%s)\n      %s\n", o.Case.Name, cases.Span(o.Result.Duration()), o.Result.Path)
			continue
		}
		fmt.Fprintf(&b, "FAIL  %s\n%s\n", o.Case.Name, o)
	}
	return b.String() + cases.CoverageText(f.Definition, coverage)
}
