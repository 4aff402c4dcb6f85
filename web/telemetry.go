package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/web/api"
)

const (
	instrumentation = "github.com/tercel-workflows/tercel/web"
	maxOperation    = 64 // bytes of the name of an operation of the AWS API
)

// observed makes a span of each request, below that of the caller, and counts requests by method, route and status. What
// probes and scrapers ask is counted, and has no span.
func observed(tracers trace.TracerProvider, meters metric.MeterProvider, log *slog.Logger) func(http.Handler) http.Handler {
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	duration, err := meters.Meter(instrumentation).Float64Histogram("tercel.api.request.duration",
		metric.WithUnit("s"), metric.WithDescription("One request to the API"),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60))
	if err != nil {
		log.Error("the API has no metrics", "error", err)
		duration = noop.Float64Histogram{}
	}
	o := &observer{tracer: tracers.Tracer(instrumentation), duration: duration}
	return o.handler
}

type observer struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	format   propagation.TraceContext
}

func (o *observer) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := o.format.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		method := knownMethod(r.Method)
		var span trace.Span
		if probe(r.URL.Path) {
			span = trace.SpanFromContext(context.Background()) // one that records nothing
		} else {
			ctx, span = o.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
		}
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		began := time.Now()
		defer func() {
			route := "unmatched"
			if rc := chi.RouteContext(ctx); rc != nil && rc.RoutePattern() != "" {
				route = rc.RoutePattern()
			}
			about := []attribute.KeyValue{
				attribute.String("http.request.method", method),
				attribute.String("http.route", route),
				attribute.Int("http.response.status_code", seen.status),
			}
			o.duration.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(about...))
			describe(span, r, method+" "+route, seen.status, about)
			span.End()
		}()
		next.ServeHTTP(seen, r.WithContext(ctx))
	})
}

// describe completes the span of a request once it is answered.
func describe(span trace.Span, r *http.Request, name string, status int, about []attribute.KeyValue) {
	if !span.IsRecording() {
		return
	}
	span.SetName(name)
	span.SetAttributes(append(about, attribute.String("url.path", api.ShownPath(r.URL.Path)))...)
	if operation := r.Header.Get("X-Amz-Target"); operation != "" {
		span.SetAttributes(attribute.String("rpc.method", operation[:min(len(operation), maxOperation)]))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}

// probe tells whether a path is asked every few seconds by those who watch over a node.
func probe(path string) bool {
	switch path {
	case "/healthz", "/readyz", "/metrics", "/api/v1/healthz", "/api/v1/readyz":
		return true
	default:
		return false
	}
}

// knownMethod gives the method as the attribute http.request.method has it, of which there are only a few.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	default:
		return "_OTHER"
	}
}
