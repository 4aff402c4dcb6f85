package cel

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

var (
	fence   = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	example = regexp.MustCompile(`^(.*?)\s+// (.*)$`)
)

// TestDocumentation runs the examples of the page about CEL, and looks for functions that have none.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/CEL.md")
	if err != nil {
		t.Fatal(err)
	}
	scope := tableScope{values: map[string]*value.Value{
		"variables": value.Trusted([]byte(`{"attempts": 2, "cart": ["a", "b"]}`)),
		"context":   value.Trusted([]byte(`{"Execution": {"Name": "run-1"}}`)),
	}}
	var all strings.Builder
	examples := 0
	for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
		switch block[1] {
		case "json":
			if scope.values["input"], err = value.Parse([]byte(block[2])); err != nil {
				t.Fatal(err)
			}
		case "cel":
			for line := range strings.Lines(block[2]) {
				m := example.FindStringSubmatch(strings.TrimSpace(line))
				if m == nil {
					t.Errorf("no result behind //: %s", line)
					continue
				}
				examples++
				all.WriteString(m[1] + "\n")
				want := marksValue + m[2]
				if message, isError := strings.CutPrefix(m[2], "error: "); isError {
					want = marksError + message
				}
				if got := scope.evaluate(m[1]); got != want {
					t.Errorf("%s\n  got  %s\n  want %s", m[1], got, want)
				}
			}
		}
	}
	if examples < 150 {
		t.Errorf("found %d examples only", examples)
	}
	for name, f := range theEnvironment().Functions() {
		if f.IsDeclarationDisabled() || strings.ContainsAny(name, "@_") || name == "uint" || name == "list" || name == "map" {
			continue
		}
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\(`).MatchString(all.String()) {
			t.Errorf("the page has no example of %s()", name)
		}
	}
}
