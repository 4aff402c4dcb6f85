package schema_test

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, value, want string }{
		{`true`, `7`, ""},
		{`false`, `7`, "must not be there"},
		{`{"type": "object"}`, `{}`, ""},
		{`{"type": "object"}`, `[]`, "must be an object, not an array"},
		{`{"type": ["string", "null"]}`, `7`, "must be null or a string, not a number"},
		{`{"required": ["a", "b"]}`, `{}`, `lacks "a", "b"`},
		{`{"properties": {"a/b": {"minimum": 3}}}`, `{"a/b": 1}`, "/a~1b: must be at least 3, not 1"},
		{
			`{"type": "object", "additionalProperties": false, "properties": {"amount": true}}`, `{"amonut": 1}`,
			`/amonut: is no property that is allowed here (did you mean "amount"?)`,
		},
		{`{"enum": ["a", "b"]}`, `"c"`, `must be "a" or "b", not "c"`},
		{`{"const": 1}`, `2`, "must be 1, not 2"},
		{`{"anyOf": [{"type": "string"}, {"type": "null"}]}`, `1`, "fits none of the alternatives: must be a string, not a number, or must be null, not a number"},
		{`{"oneOf": [true, true]}`, `1`, "fits more than one of the alternatives, of which it must fit exactly one"},
		{`{"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}`, `[1, 1.0, 1.5]`, "/2: must be an integer, not a number"},
		{`{"format": "email"}`, `"nobody"`, `is not of the format email: "nobody"`},
		{`{"format": "date-time"}`, `"2030-01-31T12:00:00Z"`, ""},
		{`{"pattern": "^a"}`, `"b"`, `does not match the pattern ^a: "b"`},
		// Numbers keep their digits, and hostile ones cost nothing.
		{`{"const": 12345678901234567890}`, `12345678901234567891`, "must be 12345678901234567890, not 12345678901234567891"},
		{`{"maximum": 10}`, `1e400`, "must be at most 10, not +Inf"},
		{`{"maximum": 10}`, `1e999999999`, "must be at most 10, not +Inf"},
		{`{"type": "integer"}`, `1e-999999999`, "must be an integer, not a number"},
		// A schema that leads back to itself.
		{`{"properties": {"next": {"$ref": "#"}}, "additionalProperties": false}`, `{"next": {"next": {"x": 1}}}`, "/next/next/x: is no property that is allowed here"},
	} {
		t.Run(c.schema+c.value, func(t *testing.T) {
			t.Parallel()
			s, err := schema.Parse([]byte(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Validate(value.Trusted([]byte(c.value))).Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestBadSchemas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, pointer, want string }{
		{`7`, "", "must be an object"},
		{`{"type": "strnig"}`, "/type", "type is not as JSON Schema has it"},
		{`{"properties": {"a": 7}}`, "/properties/a", "is not as JSON Schema has it"},
		{`{"properties": {"a": {"$ref": "https://example.org/x"}}}`, "/properties/a/$ref", "nothing is loaded"},
		{`{"$ref": "file:///etc/passwd"}`, "/$ref", "nothing is loaded"},
		{`{"$ref": "other.json"}`, "/$ref", "not part of the schema"},
		{`{"$ref": "#/$defs/none"}`, "/$ref", "#/$defs/none is not there"},
		{`{"$ref": "#none"}`, "/$ref", "is not there"},
		{`{"items": {"pattern": "("}}`, "/items/pattern", "pattern"},
		{`{"$schema": "https://example.org/mine"}`, "/$schema", "not known"},
		{`{"a": 1,}`, "", "line 1"},
	} {
		t.Run(c.schema, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Parse([]byte(c.schema))
			problems, ok := err.(schema.Problems) //nolint:errorlint // Parse promises it
			if !ok || len(problems) == 0 {
				t.Fatalf("got %v", err)
			}
			if problems[0].Pointer != c.pointer || !strings.Contains(problems[0].Message, c.want) {
				t.Errorf("got %+v", problems[0])
			}
		})
	}
}
