// Package tracing makes the ids of Tercel's spans, so that any node knows the span that it goes on with.
//
// An execution outlives processes: it is parked, handed on, taken over. Its spans are therefore made when what they tell
// of has ended and is durable, by the node that made it so, with ids that follow from the execution and not from chance.
// A node that goes on with an execution knows the ids of its parents in the trace, and nothing has to be stored.
//
// The SDK draws the ids of spans, unless a program gives it a generator of its own. This is that generator:
//
//	provider := sdktrace.NewTracerProvider(
//		sdktrace.WithIDGenerator(tracing.NewIDGenerator()),
//		sdktrace.WithBatcher(exporter),
//	)
//	otel.SetTracerProvider(provider)
//
// Without it the engine cannot give its spans the ids that functions were told, and makes one span only for each call of
// a function, below the span that the execution was started in. The package imports OpenTelemetry's API and not its SDK.
package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

// IDGenerator gives spans the ids that their context names (see WithIDs) and all others random ones. It implements
// IDGenerator of go.opentelemetry.io/otel/sdk/trace, and is safe for concurrent use.
type IDGenerator struct{}

// NewIDGenerator gives the generator to install with sdktrace.WithIDGenerator.
func NewIDGenerator() IDGenerator { return IDGenerator{} }

// NewIDs gives the ids of a span that begins a trace.
func (IDGenerator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	t, s, ok := idsOf(ctx)
	if !ok {
		return randomTrace(), randomSpan()
	}
	return t, s
}

// NewSpanID gives the id of a span in a trace that exists.
func (IDGenerator) NewSpanID(ctx context.Context, in trace.TraceID) trace.SpanID {
	if t, s, ok := idsOf(ctx); ok && t == in {
		return s
	}
	return randomSpan()
}

type idsKey struct{}

type ids struct {
	trace trace.TraceID
	span  trace.SpanID
}

// WithIDs gives a context in which the next span that is started has these ids. It is for that one call of Start: a span
// that another takes for its parent must not be started with the same context.
func WithIDs(ctx context.Context, t trace.TraceID, s trace.SpanID) context.Context {
	return context.WithValue(ctx, idsKey{}, ids{t, s})
}

func idsOf(ctx context.Context) (trace.TraceID, trace.SpanID, bool) {
	named, ok := ctx.Value(idsKey{}).(ids)
	return named.trace, named.span, ok && named.trace.IsValid() && named.span.IsValid()
}

func randomTrace() (t trace.TraceID) {
	for !t.IsValid() {
		binary.NativeEndian.PutUint64(t[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(t[8:], rand.Uint64())
	}
	return t
}

func randomSpan() (s trace.SpanID) {
	for !s.IsValid() {
		binary.NativeEndian.PutUint64(s[:], rand.Uint64())
	}
	return s
}

// TraceOf gives the trace of an execution that was started outside of any: always the same for the same execution, and
// evenly spread, as samplers that go by the id want it.
func TraceOf(execution uuid.UUID) trace.TraceID {
	sum := sha256.Sum256(append([]byte("tercel/trace/"), execution[:]...))
	return trace.TraceID(sum[:16])
}

// SpanOf gives the id of a span of an execution: of a kind, and told from the others of its kind by numbers.
func SpanOf(execution uuid.UUID, kind string, numbers ...int64) trace.SpanID {
	buf := make([]byte, 0, 64)
	buf = append(buf, execution[:]...)
	buf = append(buf, kind...)
	buf = append(buf, 0)
	for _, n := range numbers {
		buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	}
	sum := sha256.Sum256(buf)
	return trace.SpanID(sum[:8])
}
