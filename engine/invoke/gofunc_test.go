package invoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

type declined struct{ amount int }

func (d declined) Error() string   { return fmt.Sprintf("%d is too much", d.amount) }
func (declined) ErrorType() string { return "CardDeclined" }

func TestGoResults(t *testing.T) {
	for name, c := range map[string]struct {
		out  any
		want string
	}{
		"nil":         {nil, "null"},
		"struct":      {struct{ A int }{1}, `{"A":1}`},
		"raw":         {json.RawMessage(` {"n": 1e400} `), `{"n": 1e400}`},
		"empty raw":   {json.RawMessage(nil), "null"},
		"value":       {value.FromInt(7), "7"},
		"nil pointer": {(*value.Value)(nil), "null"},
	} {
		t.Run(name, func(t *testing.T) {
			f := invoke.Func(func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) { return c.out, nil })
			got, err := f.Invoke(t.Context(), call("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestGoErrors(t *testing.T) {
	for name, c := range map[string]struct {
		f           invoke.Func
		error, want string
	}{
		"plain": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return nil, errors.New("out of stock")
		}, invoke.ErrFailed, "out of stock"},
		"typed, wrapped": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return nil, fmt.Errorf("charging: %w", declined{5})
		}, "CardDeclined", "charging: 5 is too much"},
		"task error": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return nil, &invoke.TaskError{Name: "X", Cause: "y"}
		}, "X", "y"},
		"panic": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			var m map[string]int
			m["a"] = 1 //nolint:govet,staticcheck // the panic is the point
			return nil, nil
		}, invoke.ErrPanicked, "gofunc_test.go"},
		"no JSON": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return math.Inf(1), nil
		}, invoke.ErrInvalidResponse, "float64"},
		"raw that is no JSON": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return json.RawMessage("{"), nil
		}, invoke.ErrInvalidResponse, ""},
		"too large": {func(context.Context, invoke.TaskInfo, json.RawMessage) (any, error) {
			return strings.Repeat("x", 1000), nil
		}, invoke.ErrDataLimit, "1002 bytes"},
		"typed input": {invoke.Typed(func(_ context.Context, _ invoke.TaskInfo, in []int) (int, error) {
			return len(in), nil
		}), "Function.InvalidInput", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			in := call("{}")
			in.MaxResult = 1000
			_, err := c.f.Invoke(t.Context(), in)
			contains(t, taskError(t, err, c.error), c.want)
		})
	}
}
