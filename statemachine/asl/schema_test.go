package asl

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("asl.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("asl.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaHasAllFields holds the schema to the fields that the parser knows.
func TestSchemaHasAllFields(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	for _, stateType := range stateTypes {
		fields := slices.Concat(fieldsOf(stateType, JSONPath), fieldsOf(stateType, CEL))
		slices.Sort(fields)
		if diff := cmp.Diff(slices.Compact(fields), slices.Sorted(maps.Keys(s.Defs[stateType].Properties))); diff != "" {
			t.Errorf("%s: (- parser, + schema)\n%s", stateType, diff)
		}
	}
	tests := slices.Sorted(maps.Keys(s.Defs["test"].Properties))
	want := slices.Sorted(slices.Values(append([]string{"Comment"}, testFields...)))
	if diff := cmp.Diff(want, tests); diff != "" {
		t.Errorf("tests: (- parser, + schema)\n%s", diff)
	}
}

var definition = regexp.MustCompile(`(?s)-- [^\n]*\.(json|yaml) --\n(.*?)-- want --\n`)

// TestSchemaAgainstParser: whatever the parser accepts of the goldens and the examples, the schema accepts.
func TestSchemaAgainstParser(t *testing.T) {
	s := compiledSchema(t)
	accepted := 0
	try := func(file string, text []byte) {
		doc, list := source.Parse(file, text)
		if _, more := Parse(doc); list.HasErrors() || more.HasErrors() || doc.Root == nil {
			return
		}
		accepted++
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc.Root.AppendJSON(nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", file, err, text)
		}
	}
	for _, pattern := range []string{"testdata/*.txt", "../../examples/*/*.asl.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(file) == ".yaml" {
				try(file, text)
			}
			for _, m := range definition.FindAllSubmatch(text, -1) {
				try(filepath.Base(file)+"."+string(m[1]), m[2])
			}
		}
	}
	if accepted < 15 {
		t.Errorf("only %d definitions were tried", accepted)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	for name, text := range map[string]string{
		"no states":          `{"StartAt": "A"}`,
		"unknown type":       `{"StartAt": "A", "States": {"A": {"Type": "Tusk", "End": true}}}`,
		"unknown field":      `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Ende": true, "End": true}}}`,
		"field of another":   `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Seconds": 1, "End": true}}}`,
		"no transition":      `{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}`,
		"both transitions":   `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A", "End": true}}}`,
		"no resource":        `{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true}}}`,
		"text for a number":  `{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": "5", "End": true}}}`,
		"no path":            `{"StartAt": "A", "States": {"A": {"Type": "Wait", "SecondsPath": "a", "End": true}}}`,
		"empty wait":         `{"StartAt": "A", "States": {"A": {"Type": "Wait", "End": true}}}`,
		"bad retrier":        `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "a", "Retry": [{"MaxAttempts": 1}], "End": true}}}`,
		"unknown comparison": `{"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringEqual": "a", "Next": "A"}]}}}`,
		"query language":     `{"StartAt": "A", "QueryLanguage": "SQL", "States": {"A": {"Type": "Succeed"}}}`,
		"deep in a map":      `{"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Nope"}}}, "End": true}}}`,
	} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(v) == nil {
			t.Errorf("%s is accepted: %s", name, text)
		}
	}
}

// TestSchemaAcceptsSamples: the published samples, which lie outside of the repository.
func TestSchemaAcceptsSamples(t *testing.T) {
	folder := os.Getenv("TERCEL_CONFORMANCE")
	if folder == "" {
		t.Skip("TERCEL_CONFORMANCE does not name the folder of the conformance data")
	}
	text, err := os.ReadFile(filepath.Join(folder, "accept_samples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	s := compiledSchema(t)
	for line := range bytes.Lines(text) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		sample, _ := v.(map[string]any)
		if err := s.Validate(sample["definition"]); err != nil {
			t.Errorf("%v: %v", sample["id"], err)
		}
	}
}
