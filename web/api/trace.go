package api

import (
	"net/http"

	"go.opentelemetry.io/otel/trace"
)

// traceContext gives the traceparent of a request that has no span of its own; the engine finds the span of the others in
// the context.
func traceContext(r *http.Request) string {
	if trace.SpanContextFromContext(r.Context()).IsValid() {
		return ""
	}
	return r.Header.Get("Traceparent")
}
