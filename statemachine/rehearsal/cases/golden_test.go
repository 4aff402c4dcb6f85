package cases_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestReports runs testdata/reports. A report is a definition, a line of ====, a case file, a line of ----, and what is
// printed of it: the findings of a case file that is invalid, else what each case did.
func TestReports(t *testing.T) {
	files, err := filepath.Glob("testdata/reports/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("finding the reports: %v, %d files", err, len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			definition, rest, ok := strings.Cut(string(text), "\n====\n")
			input, want, ok2 := strings.Cut(rest, "\n----\n")
			if !ok || !ok2 && !*update {
				t.Fatal("the report has no line of ==== and of ----")
			}
			input = strings.TrimRight(input, "\n")
			got := report(input, definition)
			if *update {
				if err := os.WriteFile(file, []byte(definition+"\n====\n"+input+"\n----\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
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
