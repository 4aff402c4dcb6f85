package engine

import (
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// Without a tracer provider the starter's trace reaches the function as it came, and what is no trace reaches it too.
func TestTraceIsHandedOn(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, given := range []string{parent, "", "nonsense"} {
		call := &invoke.Invocation{TaskInfo: invoke.TaskInfo{State: "S", TraceContext: given}}
		ctx, end := traced(t.Context(), call)
		end(nil)
		if call.TraceContext != given {
			t.Errorf("%q became %q", given, call.TraceContext)
		}
		if got := trace.SpanContextFromContext(ctx).IsValid(); got != (given == parent) {
			t.Errorf("with %q a trace is in the context: %v", given, got)
		}
	}
}
