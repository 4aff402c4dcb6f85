// Package schema reads JSON Schemas, which say what the input of a state machine and the arguments and results of a
// function look like. A schema checks values, and it gives the static type that expressions are checked against.
//
// The dialect is JSON Schema 2020-12. A schema stands by itself: nothing is loaded from files or from the network, and
// $ref leads to places in the same schema. Formats are checked, as people expect of them.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Schema is a compiled schema: immutable and safe for concurrent use.
type Schema struct {
	compiled *jsonschema.Schema
	typ      *query.Type
}

// Problem is what is wrong with a schema, or with a value that does not fit one.
type Problem struct {
	Pointer string // RFC 6901, from the root of the schema or of the value
	Message string
	Hint    string       // how to mend a schema, may be empty
	Node    *source.Node // of a schema's problem: where it is
}

// String gives the pointer and the message.
func (p Problem) String() string {
	if p.Pointer == "" {
		return p.Message
	}
	return p.Pointer + ": " + p.Message
}

// Problems is a list of problems that is an error.
type Problems []Problem

// Error gives all of them, separated by semicolons.
func (l Problems) Error() string {
	texts := make([]string, len(l))
	for i, p := range l {
		texts[i] = p.String()
	}
	return strings.Join(texts, "; ")
}

// base is the name of a schema to the library. Nothing is loaded from it.
const base = "tercel:///schema"

// Parse compiles the JSON text of a schema. An error is Problems.
func Parse(text []byte) (*Schema, error) {
	doc, list := source.Parse("schema.json", text)
	if list.HasErrors() {
		g := list[0]
		return nil, Problems{{Pointer: g.Pointer, Message: fmt.Sprintf("line %d, column %d: %s", g.Line, g.Column, g.Message), Hint: g.Hint}}
	}
	s, problems := Compile(doc.Root)
	if len(problems) > 0 {
		return nil, problems
	}
	return s, nil
}

// Compile compiles a schema that is part of a definition. It gives no schema if there are problems.
func Compile(n *source.Node) (_ *Schema, problems Problems) {
	if n.Kind != source.Object && n.Kind != source.Bool {
		return nil, Problems{{Node: n, Message: "a schema must be an object, not " + n.Kind.String(), Hint: `such as {"type": "object"}`}}
	}
	if problems := outward(n); len(problems) > 0 {
		return nil, problems
	}
	defer func() {
		// The library is fed what a user wrote, and a deploy must not end the process.
		if caught := recover(); caught != nil {
			problems = Problems{{Node: n, Message: fmt.Sprintf("the schema cannot be read: %v", caught)}}
		}
	}()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource(base, plain(n.AppendJSON(nil))); err != nil {
		return nil, Problems{{Node: n, Message: err.Error()}}
	}
	compiled, err := c.Compile(base)
	if err != nil {
		return nil, schemaProblems(n, err)
	}
	return &Schema{compiled: compiled, typ: typeOf(compiled)}, nil
}

// Type gives the static type of values that fit.
func (s *Schema) Type() *query.Type {
	if s == nil {
		return nil
	}
	return s.typ
}

// Validate gives all that is wrong with a value, nil if it fits.
func (s *Schema) Validate(v *value.Value) (problems Problems) {
	defer func() {
		if caught := recover(); caught != nil {
			problems = Problems{{Message: fmt.Sprintf("the value cannot be checked: %v", caught)}}
		}
	}()
	err := s.compiled.Validate(plain(v.JSON()))
	if err == nil {
		return nil
	}
	failed, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return Problems{{Message: err.Error()}}
	}
	return s.explain(failed)
}

// noLoader refuses what is not in the schema itself.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not part of the schema", strings.TrimPrefix(url, base))
}

// plain decodes JSON for the library. Numbers keep their digits.
func plain(text []byte) any {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err) // it was read before; Compile and Validate give the panic as a problem
	}
	return tame(v)
}

// tame bounds the exponents of numbers, which the library computes with exactly: 1e1000000 has a million digits.
func tame(v any) any {
	switch v := v.(type) {
	case json.Number:
		return tameNumber(v)
	case []any:
		for i := range v {
			v[i] = tame(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = tame(v[k])
		}
	}
	return v
}

// maxExponent is far outside of what a double holds.
const maxExponent = 1000

func tameNumber(n json.Number) json.Number {
	i := strings.IndexAny(string(n), "eE")
	if i < 0 {
		return n
	}
	exponent := strings.TrimPrefix(string(n[i+1:]), "+")
	digits := strings.TrimLeft(strings.TrimPrefix(exponent, "-"), "0")
	if len(digits) < len("1000") {
		return n
	}
	sign := ""
	if strings.HasPrefix(exponent, "-") {
		sign = "-"
	}
	return json.Number(fmt.Sprintf("%se%s%d", string(n[:i]), sign, maxExponent))
}
