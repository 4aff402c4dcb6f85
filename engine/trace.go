package engine

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// tracer makes the spans of this package. They go to the provider that the program sets (otel.SetTracerProvider); as
// long as it sets none, they cost next to nothing and hand the starter's trace on as it is.
var tracer = otel.Tracer("github.com/tercel-workflows/tercel/engine")

const traceparent = "traceparent"

// traced begins the span of one attempt of a task, under the trace that its execution was started in, and puts the
// span's own context into the call, for the function to go on with. The span ends with the call's outcome.
func traced(ctx context.Context, call *invoke.Invocation) (context.Context, func(error)) {
	var format propagation.TraceContext
	if call.TraceContext != "" {
		ctx = format.Extract(ctx, propagation.MapCarrier{traceparent: call.TraceContext})
	}
	ctx, span := tracer.Start(ctx, call.State, trace.WithSpanKind(trace.SpanKindClient))
	if span.SpanContext().IsValid() {
		carrier := propagation.MapCarrier{}
		format.Inject(ctx, carrier)
		call.TraceContext = carrier[traceparent]
	}
	if !span.IsRecording() {
		return ctx, func(error) {}
	}
	span.SetAttributes(
		attribute.String("tercel.execution", call.ExecutionARN),
		attribute.String("tercel.state_machine", call.StateMachine),
		attribute.String("tercel.state", call.State),
		attribute.Int("tercel.attempt", call.Attempt),
		attribute.String("tercel.idempotency_key", call.IdempotencyKey),
	)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
