package asl_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// corpusCase is a line of a conformance file.
type corpusCase struct {
	ID         string          `json:"id"`
	Definition json.RawMessage `json:"definition"`
	Expect     string          `json:"expect"`
}

// corpus reads a file of the conformance data, which lies outside of the repository, in the folder that
// TERCEL_CONFORMANCE names.
func corpus(t *testing.T, name string) []corpusCase {
	t.Helper()
	folder := os.Getenv("TERCEL_CONFORMANCE")
	if folder == "" {
		t.Skip("TERCEL_CONFORMANCE does not name the folder of the conformance data")
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []corpusCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c corpusCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

func check(file string, data []byte) diag.List {
	doc, list := source.Parse(file, data)
	_, more := asl.Parse(doc)
	return append(list, more...)
}

func TestSamplesAreAccepted(t *testing.T) {
	for _, c := range corpus(t, "accept_samples.jsonl") {
		if list := check("sample.json", c.Definition); list.HasErrors() {
			t.Errorf("%s:\n%v", c.ID, list)
		}
	}
}

// TestLabels reports where the labels of a linter's authors differ. They are a hint and no oracle: they need what the
// query languages check, and the service accepts some that they refuse.
func TestLabels(t *testing.T) {
	agreed := 0
	cases := corpus(t, "static_validation.jsonl")
	for _, c := range cases {
		list := check("labelled.json", c.Definition)
		if list.HasErrors() == (c.Expect == "invalid") {
			agreed++
			continue
		}
		t.Logf("%s: labelled %s\n%v", c.ID, c.Expect, list)
	}
	t.Logf("%d of %d labels agree", agreed, len(cases))
}
