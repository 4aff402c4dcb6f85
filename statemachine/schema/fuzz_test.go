package schema_test

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FuzzSchema compiles any text as a schema, and holds any other against it. What fits is of the schema's static type, and
// what does not fit is said to be wrong at a place that is there.
func FuzzSchema(f *testing.F) {
	for _, text := range golden.Texts(f, "testdata/*.txt") {
		for block := range strings.SplitSeq(text, "\n\n") {
			lines := strings.Split(block, "\n")
			for _, line := range lines[1:] {
				f.Add(lines[0], line)
			}
		}
	}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, text, document string) {
		defer bound(text + "\n" + document)()
		s, err := schema.Parse([]byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Fatalf("%q is refused without a reason", text)
			}
			return
		}
		typ := s.Type()
		v, err := value.Parse([]byte(document))
		if err != nil {
			return
		}
		problems := s.Validate(v)
		if len(problems) == 0 && !isOf(v, typ, 10) {
			t.Fatalf("%s fits %s, but is not of the type %s", document, text, typ)
		}
		for _, p := range problems {
			if p.Message == "" {
				t.Fatalf("%s does not fit %s without a reason at %s", document, text, p.Pointer)
			}
		}
	})
}

// isOf tells whether a value is of a type.
func isOf(v *value.Value, t *query.Type, depth int) bool {
	if t == nil || depth == 0 || t.Nullable && v.IsNull() {
		return true
	}
	switch t.Kind {
	case query.Null:
		return v.IsNull()
	case query.Boolean:
		return v.Kind() == value.Bool
	case query.Integer, query.Number: // whether a number is an integer is for the schema to say: 1e3 is one
		return v.Kind() == value.Number
	case query.String:
		return v.Kind() == value.String
	case query.Array:
		return v.Kind() == value.Array && elementsAre(v, t.Elem, depth)
	case query.Object:
		return v.Kind() == value.Object && propertiesAre(v, t, depth)
	}
	return false
}

func elementsAre(v *value.Value, t *query.Type, depth int) bool {
	for _, e := range v.Elems() {
		if !isOf(e, t, depth-1) {
			return false
		}
	}
	return true
}

func propertiesAre(v *value.Value, t *query.Type, depth int) bool {
	for _, name := range t.Required {
		if v.Get(name) == nil {
			return false
		}
	}
	for _, name := range v.Keys() {
		p, possible := t.Property(name)
		if !possible || !isOf(v.Get(name), p, depth-1) {
			return false
		}
	}
	return true
}
