package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tercel-workflows/tercel/engine/invoke"
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
func clipped(text string) string {
	if len(text) <= maxReasons {
		return text
	}
	end := 0
	for i := range text {
		if i > maxReasons {
			break
		}
		end = i
	}
	return text[:end] + "..."
}

// checkInput refuses an input that does not fit the machine's InputSchema.
func checkInput(m *compiled, input *value.Value) error {
	problems := m.machine.CheckInput(input)
	if len(problems) == 0 {
		return nil
	}
	return errorf(CodeInvalidExecutionInput, "the input does not fit the InputSchema of state machine %s: %s",
		m.definition.Name, clipped(problems.Error()))
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
