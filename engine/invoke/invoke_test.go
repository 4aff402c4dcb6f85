package invoke_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// call is an invocation with everything set.
func call(arguments string) *invoke.Invocation {
	return &invoke.Invocation{
		TaskInfo: invoke.TaskInfo{
			Execution:      uuid.MustParse("018f0000-0000-7000-8000-000000000001"),
			ExecutionARN:   "arn:aws:states:us-east-1:000000000000:execution:orders:o-1",
			StateMachine:   "orders",
			State:          "Charge card ✓",
			Attempt:        2,
			IdempotencyKey: "018f0000-0000-7000-8000-000000000001/7",
			Token:          "the-token",
			TraceContext:   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		},
		Arguments: value.Trusted([]byte(arguments)),
	}
}

// taskError checks that err is a task's error of that name and gives its cause.
func taskError(t *testing.T, err error, name string) string {
	t.Helper()
	var task *invoke.TaskError
	if !errors.As(err, &task) {
		t.Fatalf("got the error %v (%T), want a task's error %s", err, err, name)
	}
	if task.Name != name {
		t.Fatalf("got the error %s: %s, want %s", task.Name, task.Cause, name)
	}
	return task.Cause
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not contain %q", text, part)
		}
	}
}

// within fails the test if do takes much longer than it should; the bound is only there to catch a hang.
func within(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it hangs")
	}
}
