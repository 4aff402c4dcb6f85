package examples

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// documented is a definition that begins with its input and the output that it gives.
var documented = regexp.MustCompile("(?s)```yaml\n# input: ([^\n]*)\n# output: ([^\n]*)\n(.*?)```")

// TestDocumentedOutputs runs the definitions of the pages that tell what they give.
func TestDocumentedOutputs(t *testing.T) {
	found := 0
	for file, text := range pages(t) {
		for _, each := range documented.FindAllStringSubmatch(text, -1) {
			found++
			m, findings := statemachine.Compile(filepath.Base(file)+".yaml", []byte(each[3]))
			if len(findings) > 0 {
				t.Errorf("%s: %v", file, findings)
			}
			if m == nil {
				continue
			}
			input, err := value.Parse([]byte(each[1]))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, each[1], err)
			}
			r := rehearsal.Run(rehearsal.Script{Machine: m, Input: input})
			if r.Problem != nil || r.Output == nil {
				t.Errorf("%s: ends as %v (%v)\n%s", file, r.Status, r.Problem, each[3])
				continue
			}
			if diff := cmp.Diff(decode(t, []byte(each[2])), decode(t, r.Output.JSON())); diff != "" {
				t.Errorf("%s: (- said, + given)\n%s%s", file, diff, each[3])
			}
		}
	}
	if found < 3 {
		t.Errorf("found %d definitions with an output only", found)
	}
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
