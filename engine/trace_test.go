package engine

import (
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// Without a tracer provider the starter's trace reaches the function as it came, and what is no trace is left out.
func TestTraceIsHandedOn(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for given, want := range map[string]string{parent: parent, "": "", "nonsense": ""} {
		x := &live{row: ExecutionRow{TraceContext: starter(t.Context(), given)}}
		x.trace = newTracer(Config{}).open(&x.row)
		j := &job{x: x}
		j.span, j.traceparent = x.traceContext(&j.command)
		call := &invoke.Invocation{}
		ctx, end := traced(t.Context(), j, call)
		end(nil)
		if call.TraceContext != want {
			t.Errorf("%q became %q, want %q", given, call.TraceContext, want)
		}
		if got := trace.SpanContextFromContext(ctx).IsValid(); got != (want != "") {
			t.Errorf("with %q a trace is in the context: %v", given, got)
		}
	}
}
