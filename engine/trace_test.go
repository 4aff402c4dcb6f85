package engine

import (
	"testing"

	"github.com/google/uuid"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/tracing"
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

// Whatever a starter sends for a traceparent, the execution has a trace, and what reaches functions is a traceparent.
func FuzzTraceparent(f *testing.F) {
	for _, seed := range []string{
		"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-and-more", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-0000000000000000-01", "\x00", "00-", "-", "00-\xff",
	} {
		f.Add(seed)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(tracing.NewIDGenerator()))
	f.Fuzz(func(t *testing.T, given string) {
		kept := starter(t.Context(), given)
		if again := formatTraceparent(parseTraceparent(kept)); again != kept {
			t.Fatalf("%q is kept as %q, which reads as %q", given, kept, again)
		}
		x := &live{row: ExecutionRow{ID: uuid.MustParse("01a20658-375b-75b6-bce2-ff816aeab779"), TraceContext: kept}}
		x.trace = newTracer(Config{TracerProvider: provider}).open(&x.row)
		if x.trace == nil || !x.trace.whole || !x.trace.id.IsValid() {
			t.Fatalf("with %q the execution has the trace %+v", given, x.trace)
		}
		if parent := parseTraceparent(kept); parent.IsValid() && (x.trace.id != parent.TraceID() || x.trace.flags.IsSampled() != parent.IsSampled()) {
			t.Fatalf("with %q the trace is %s, sampled %v", given, x.trace.id, x.trace.flags.IsSampled())
		}
	})
}
