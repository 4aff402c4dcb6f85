package convert_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/convert"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestToCEL rewrites testdata/cel/*: a definition, and below ==== inputs a line each. Both machines run on each of the inputs,
// tasks answering with what they are called with, and end alike.
func TestToCEL(t *testing.T) {
	golden.Files(t, "testdata/cel/*.txt", func(t *testing.T, text string) string {
		before, rest, _ := strings.Cut(text, "\n==== inputs\n")
		inputs, _, _ := strings.Cut(rest, "==== cel\n")
		out, notes, err := convert.ToCEL("def.yaml", []byte(before+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		for input := range strings.SplitSeq(strings.TrimSpace(inputs), "\n") {
			want, got := outcome(t, before, input), outcome(t, string(out), input)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("on %s: (- JSONPath, + CEL)\n%s\n%s", input, diff, out)
			}
		}
		var result strings.Builder
		result.WriteString(before + "\n==== inputs\n" + inputs + "==== cel\n" + string(out))
		for _, n := range notes {
			result.WriteString("note: " + n.String() + "\n")
		}
		return result.String()
	})
}

// outcome tells how a machine ends on an input. The errors of missing data have other names in the two languages.
func outcome(t *testing.T, definition, input string) any {
	t.Helper()
	m, list := statemachine.Compile("def.yaml", []byte(definition))
	if m == nil {
		t.Fatalf("%v\n%s", list, definition)
	}
	in, err := value.Parse([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	r := rehearsal.Run(rehearsal.Script{Machine: m, Input: in, Answer: func(c *rehearsal.Call) (rehearsal.Answer, error) {
		if strings.HasSuffix(c.Resource, "fails") {
			return rehearsal.Answer{Failed: true, Error: "Broken", Cause: "it is"}, nil
		}
		return rehearsal.Answer{Result: c.Arguments}, nil
	}})
	if r.Problem != nil {
		t.Fatal(r.Problem)
	}
	if r.Output == nil {
		failure := *r.Error
		if failure == "States.Runtime" || failure == "States.QueryEvaluationError" {
			failure = "an evaluation failed"
		}
		return failure
	}
	var v any
	if err := json.Unmarshal(r.Output.JSON(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSamplesToCEL rewrites the published samples, which lie outside of the repository: whatever comes out compiles.
func TestSamplesToCEL(t *testing.T) {
	folder := os.Getenv("TERCEL_CONFORMANCE")
	if folder == "" {
		t.Skip("TERCEL_CONFORMANCE does not name the folder of the conformance data")
	}
	text, err := os.ReadFile(filepath.Join(folder, "accept_samples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	whole, all := 0, 0
	for line := range strings.Lines(string(text)) {
		var sample struct {
			ID         string          `json:"id"`
			Definition json.RawMessage `json:"definition"`
		}
		if err := json.Unmarshal([]byte(line), &sample); err != nil {
			t.Fatal(err)
		}
		out, notes, err := convert.ToCEL("sample.json", sample.Definition)
		if err != nil {
			t.Errorf("%s: %v", sample.ID, err)
			continue
		}
		if _, list := statemachine.Compile("converted.json", out); list.HasErrors() {
			t.Errorf("%s: %v", sample.ID, list)
		}
		all++
		kept := false
		for _, n := range notes {
			kept = kept || strings.HasPrefix(n.Message, "stays JSONPath")
		}
		if !kept {
			whole++
		}
	}
	t.Logf("%d of %d samples are wholly CEL", whole, all)
}
