package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const typedRegistry = `
functions:
  charge:
    http: {url: "http://localhost:1"}
    schema:
      input: {type: object, required: [amount], additionalProperties: false, properties: {amount: {type: integer}}}
      output: {type: object, additionalProperties: false, properties: {payment: {type: string}}}
state_machines:
  order: {definition: order.asl.yaml}
`

const typedOrder = `
QueryLanguage: CEL
InputSchema: {type: object, required: [n], properties: {n: {type: integer}}}
StartAt: Charge
States:
  Charge:
    Type: Task
    Resource: function:charge
    Arguments: {amount: "{% states.input.n %}"}
    Output: "{% states.result.paymnet %}"
    End: true
`

// TestRegistrySchemas checks that validate, test and run find what a deploy finds, without a server.
func TestRegistrySchemas(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	registry, order := put("tercel.yaml", typedRegistry), put("order.asl.yaml", typedOrder)
	cases := put("order.test.yaml", "mocks: {Charge: {result: {payment: p1}}}\ncases:\n  - {name: pays, input: {n: 1}}\n  - {name: wrong, input: {n: x}}\n")
	s := newShell(t)
	for _, words := range [][]string{
		{"validate", registry},
		{"validate", order, "-f", registry},
		{"test", cases, "--registry", registry},
		{"run", order, "-f", registry, "--input", `{"n":1}`},
		{"deploy", registry, "--dry-run"},
	} {
		r := s.must(exitInvalid, words...)
		if !strings.Contains(r.out+r.err, "paymnet") || !strings.Contains(r.out+r.err, "did you mean") {
			t.Errorf("%v: %s%s", words, r.out, r.err)
		}
	}
	s.must(0, "validate", order, "-f", "")
	s.must(exitNotFound, "validate", order, "-f", filepath.Join(dir, "none.yaml"))
	s.must(exitInvalid, "validate", order, "-f", put("bad.yaml", "functions: {x: {htpp: 1}}\n"))

	put("order.asl.yaml", strings.Replace(typedOrder, "paymnet", "payment", 1))
	s.must(0, "validate", order, "-f", registry)
	r := s.must(exitUnsuccessful, "test", cases, "-f", registry)
	if !strings.Contains(r.out, "does not fit the InputSchema of state machine order") {
		t.Error(r.out)
	}
	r = s.must(exitFailure, "run", order, "-f", registry, "--mock", `Charge={"payment":"p"}`, "--input", `{"n": "x"}`)
	if !strings.Contains(r.err, "does not fit the InputSchema of state machine order: /n") {
		t.Error(r.err)
	}

	t.Chdir(dir) // where there is a tercel.yaml, it is taken
	put("order.asl.yaml", typedOrder)
	s.must(exitInvalid, "validate", "order.asl.yaml")
	put("tercel.yaml", "functions: {x: {htpp: 1}}\n")
	if r := s.must(0, "validate", "order.asl.yaml"); !strings.Contains(r.err, "tercel.yaml has errors") {
		t.Error(r.err)
	}
}
