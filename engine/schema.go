package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FunctionSchema says by JSON Schemas (2020-12) what a function takes and gives; either may be absent. Definitions are
// checked against them when they are deployed, and calls when they are made: arguments that do not fit fail the task
// with Function.InvalidInput before the function is called, and a result with Function.InvalidResult.
type FunctionSchema struct {
	Input  json.RawMessage `json:"input,omitempty" yaml:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty" yaml:"output,omitempty"`
}

// compile gives the schemas, nil for those that are absent.
func (s *FunctionSchema) compile() (input, output *schema.Schema, err error) {
	if s == nil {
		return nil, nil, nil
	}
	if input, err = compileSchema("input", s.Input); err != nil {
		return nil, nil, err
	}
	if output, err = compileSchema("output", s.Output); err != nil {
		return nil, nil, err
	}
	return input, output, nil
}

func compileSchema(name string, text json.RawMessage) (*schema.Schema, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil //nolint:nilnil // there is none
	}
	s, err := schema.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the schema of its %s: %w", name, err)
	}
	return s, nil
}

// maxReasons bounds a cause that lists what does not fit, in bytes.
const maxReasons = 4 << 10

// takes checks the arguments of a call.
func (f *function) takes(arguments *value.Value) error {
	return misfit(f.input, arguments, invoke.ErrInvalidInput, "the arguments do not fit the input schema of function "+f.key.name)
}

// gives checks the result of a call.
func (f *function) gives(result *value.Value) error {
	return misfit(f.output, result, invoke.ErrInvalidResult, "the result does not fit the output schema of function "+f.key.name)
}

func misfit(s *schema.Schema, v *value.Value, name, what string) error {
	if s == nil {
		return nil
	}
	if v == nil {
		v = value.NullValue
	}
	problems := s.Validate(v)
	if len(problems) == 0 {
		return nil
	}
	return &invoke.TaskError{Name: name, Cause: clipped(what + ": " + problems.Error())}
}

// clipped cuts a text that is too long for an error, between two characters.
func clipped(text string) string { return clipTo(text, maxReasons) }

// clipTo cuts a text to at most n bytes, between two characters, and marks the cut.
func clipTo(text string, n int) string {
	if len(text) <= n {
		return text
	}
	end := 0
	for i := range text {
		if i > n-len("...") {
			break
		}
		end = i
	}
	return text[:end] + "..."
}

// checkInput refuses an input that does not fit the machine's InputSchema.
func checkInput(m *compiled, input *value.Value) error {
	if text := m.machine.InputError(m.definition.Name, input); text != "" {
		return &Error{CodeInvalidExecutionInput, clipped(text)}
	}
	return nil
}

// FunctionSchemas gives what definitions are compiled with where functions have these configurations, see
// statemachine.Options. Deploy does the same with the functions that are registered.
func FunctionSchemas(functions map[string]FunctionConfig) (func(resource string) (input, output *schema.Schema), error) {
	type pair struct{ input, output *schema.Schema }
	known := make(map[string]pair, len(functions))
	for name, config := range functions {
		input, output, err := config.Schema.compile()
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", name, err)
		}
		known[name] = pair{input, output}
	}
	return func(resource string) (input, output *schema.Schema) {
		name, ok := functionName(resource)
		if !ok {
			return nil, nil
		}
		return known[name].input, known[name].output
	}, nil
}

// ValidateIn is ValidateAs with the functions of a namespace, so that it finds what a deploy there would find.
func (e *Engine) ValidateIn(ctx context.Context, namespace, kind, file string, definition []byte) (diag.List, error) {
	schemas := &schemaFinder{ctx: ctx, functions: e.functions, namespace: namespaceOr(namespace)}
	_, diagnostics := compile(kind, file, definition, statemachine.Options{Function: schemas.find})
	return diagnostics, asked(schemas.err)
}

// schemaFinder finds the schemas of functions while a definition is compiled.
type schemaFinder struct {
	ctx       context.Context //nolint:containedctx // it lives as long as one deploy
	functions *functions
	namespace string
	err       error // the registry could not be asked
}

func (s *schemaFinder) find(resource string) (input, output *schema.Schema) {
	if _, ok := functionName(resource); !ok || s.err != nil {
		return nil, nil
	}
	f, err := s.functions.lookup(s.ctx, s.namespace, resource) // as it is now, whatever this node remembers
	if err != nil {
		s.err = err
		return nil, nil
	}
	return f.input, f.output
}
