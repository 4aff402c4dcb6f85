package main

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// spanIDs adds the ids of the trace and the span to the log records that are made in one, so that a log can be searched
// for what a trace shows, and the other way round.
type spanIDs struct{ slog.Handler }

// Handle implements slog.Handler.
func (h spanIDs) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h spanIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return spanIDs{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h spanIDs) WithGroup(name string) slog.Handler { return spanIDs{h.Handler.WithGroup(name)} }
