package asltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Script is an execution to rehearse.
type Script struct {
	Machine *statemachine.Machine
	// Input is turned into JSON as encoding/json does; json.RawMessage and *value.Value are taken as they are. Nil is {}.
	Input any
	Mocks Mocks
	Start time.Time // virtual; zero for rehearsal.DefaultStart
	Seed  uint64
}

// Mocks are mocks by the name of the state that they answer for.
type Mocks map[string]Mock

// Mock answers a call. An error ends the rehearsal and the test; for one that the state machine is to see, see [Fail].
type Mock func(*rehearsal.Call) (rehearsal.Answer, error)

// Result is how a rehearsal went.
type Result struct{ *rehearsal.Result }

// Rehearse rehearses an execution to its end, well or not. One that cannot be brought to its end ends the test: a task
// without a mock was reached, or it goes on for ever.
func Rehearse(tb testing.TB, s Script) Result {
	tb.Helper()
	var input *value.Value
	if s.Input != nil {
		var err error
		if input, err = toValue(s.Input); err != nil {
			tb.Fatalf("the input: %v", err)
		}
	}
	r := rehearsal.Run(rehearsal.Script{
		Machine: s.Machine, Input: input, Start: s.Start, Seed: s.Seed, Trace: true,
		Answer: func(c *rehearsal.Call) (rehearsal.Answer, error) {
			mock := s.Mocks[c.State]
			if mock == nil {
				return rehearsal.Answer{}, fmt.Errorf("%s was reached, and there is no mock for it; add %q to Mocks. It invokes %s with %s",
					c, c.State, c.Resource, c.Arguments)
			}
			return mock(c)
		},
	})
	if r.Problem != nil {
		tb.Fatalf("%v\nThe path so far: %s", r.Problem, r.Path)
	}
	return Result{r}
}

// MustSucceed ends the test if the execution did not succeed, and else reads its output into a value, unless that is nil.
func (r Result) MustSucceed(tb testing.TB, output any) {
	tb.Helper()
	if r.Status != statemachine.Succeeded {
		name, cause := "none", "none"
		if r.Error != nil {
			name = *r.Error
		}
		if r.Cause != nil {
			cause = *r.Cause
		}
		tb.Fatalf("the execution ended as %s\nerror: %s\ncause: %s\npath: %s", r.Status, name, cause, r.Path)
	}
	if output == nil {
		return
	}
	if err := json.Unmarshal(r.Output.JSON(), output); err != nil {
		tb.Fatalf("reading the output %s: %v", r.Output, err)
	}
}

// MustFail ends the test unless the execution failed with an error of this name.
func (r Result) MustFail(tb testing.TB, name string) {
	tb.Helper()
	got := ""
	if r.Error != nil {
		got = *r.Error
	}
	if r.Status != statemachine.Failed || got != name {
		tb.Fatalf("the execution ended as %s with the error %q, want FAILED with %q\npath: %s", r.Status, got, name, r.Path)
	}
}

// MustOutput ends the test unless the execution succeeded with this output: JSON as text, compared as JSON.
func (r Result) MustOutput(tb testing.TB, want string) {
	tb.Helper()
	r.MustSucceed(tb, nil)
	v, err := value.Parse([]byte(want))
	if err != nil {
		tb.Fatalf("the expected output is not valid JSON: %v", err)
	}
	if !cases.Equal(v, r.Output) {
		tb.Fatalf("the output is %s, want %s\npath: %s", r.Output, want, r.Path)
	}
}

// Return answers with a result, which is turned into JSON as Script.Input is. For a task that waits for its token it is
// what comes with the token.
func Return(result any) Mock {
	return func(c *rehearsal.Call) (rehearsal.Answer, error) {
		v, err := toValue(result)
		if err != nil {
			return rehearsal.Answer{}, fmt.Errorf("the mock of %s: %w", c, err)
		}
		return settle(c, rehearsal.Answer{Result: v}), nil
	}
}

// Fail answers with an error of the Amazon States Language.
func Fail(name, cause string) Mock {
	return func(*rehearsal.Call) (rehearsal.Answer, error) {
		return rehearsal.Answer{Failed: true, Error: name, Cause: cause}, nil
	}
}

// Never gives no answer, so that the task or the execution times out.
func Never() Mock {
	return func(*rehearsal.Call) (rehearsal.Answer, error) { return rehearsal.Answer{Never: true}, nil }
}

// After answers as another mock does, later in virtual time. Of a task that waits for its token it is the token that
// comes later.
func After(delay time.Duration, mock Mock) Mock {
	return func(c *rehearsal.Call) (rehearsal.Answer, error) {
		a, err := mock(c)
		if a.Token != nil {
			a.Token.Delay += delay
		} else {
			a.Delay += delay
		}
		return a, err
	}
}

// InTurn answers the first call with the first mock, the second with the second, and all further ones with the last. Each
// iteration of a Map begins with the first.
func InTurn(mocks ...Mock) Mock {
	return func(c *rehearsal.Call) (rehearsal.Answer, error) {
		if len(mocks) == 0 {
			return rehearsal.Answer{}, fmt.Errorf("the mock of %s is InTurn without mocks", c)
		}
		return mocks[min(c.Number, len(mocks)-1)](c)
	}
}

// Func answers with what a Go function makes of the arguments. Its error fails the task: by the name that a method
// ErrorType() string gives, else as Function.Failed.
func Func[In, Out any](f func(In) (Out, error)) Mock {
	return func(c *rehearsal.Call) (rehearsal.Answer, error) {
		var in In
		if err := json.Unmarshal(c.Arguments.JSON(), &in); err != nil {
			return rehearsal.Answer{}, fmt.Errorf("the mock of %s: reading the arguments %s: %w", c, c.Arguments, err)
		}
		out, err := f(in)
		if err != nil {
			name, cause := "Function.Failed", err.Error()
			var typed interface{ ErrorType() string }
			if errors.As(err, &typed) && typed.ErrorType() != "" {
				name = typed.ErrorType()
				cause = strings.TrimPrefix(cause, name+": ") // as an engine.TaskError has it
			}
			return rehearsal.Answer{Failed: true, Error: name, Cause: cause}, nil
		}
		return Return(out)(c)
	}
}

// settle makes a result one that comes with the token, where the task waits for it.
func settle(c *rehearsal.Call, a rehearsal.Answer) rehearsal.Answer {
	if c.Pattern == statemachine.WaitForTaskToken {
		return rehearsal.Answer{Token: &a}
	}
	return a
}

func toValue(v any) (*value.Value, error) {
	switch v := v.(type) {
	case *value.Value:
		if v != nil {
			return v, nil
		}
		return value.NullValue, nil
	case json.RawMessage:
		return value.Parse(bytes.TrimSpace(v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return value.Trusted(text), nil
}
