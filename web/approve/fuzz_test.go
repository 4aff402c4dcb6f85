package approve

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FuzzForm posts anything to the inputs of any form: a value that fits the schema, or words about what does not; never a
// panic, and a page that shows it.
func FuzzForm(f *testing.F) {
	f.Add(`{"type": "object", "required": ["a"], "properties": {"a": {"enum": [1, "x", null]}, "n": {"type": "integer", "default": 3},
		"l": {"type": "array", "items": {"enum": ["p", "q"]}}, "o": {"type": "object"}, "b": {"type": ["null", "boolean"]}}}`,
		"field.0=1&field.1=1,5&field.2=%22p%22&field.3=%7B%7D&field.4=true")
	f.Add(`{"type": "object", "properties": {"a/b~": {"type": "string", "format": "date", "maxLength": 1e30, "title": 3}}, "minProperties": 2}`, "field.0=%ff")
	f.Add(`{"type": "object", "properties": 3, "required": "x"}`, "x=;")
	f.Fuzz(func(t *testing.T, form, body string) {
		s, err := schema.Parse([]byte(form))
		if err != nil || !json.Valid([]byte(form)) {
			return
		}
		posted, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		list := fields([]byte(form))
		filled, problem, ok := read([]byte(form), list, posted)
		if ok {
			v, err := value.Parse(filled)
			if err != nil {
				t.Fatalf("%q, which is said to fit, is %v", filled, err)
			}
			if problems := s.Validate(v); len(problems) > 0 {
				t.Fatalf("%s is said to fit, but %v", filled, problems)
			}
		} else if problem == "" {
			t.Fatal("it is refused without a word")
		}
		var page strings.Builder
		if err := pageTemplate.Execute(&page, &view{A: &engine.Approval{}, MayDecide: true, Fields: list, Problem: problem}); err != nil {
			t.Fatal(err)
		}
		if kept := draft(list, posted); kept != nil {
			if v, err := value.Parse(kept); err != nil || v.Kind() != value.Object || v.Len() == 0 {
				t.Fatalf("a rejection would keep %q, %v", kept, err)
			}
		}
	})
}
