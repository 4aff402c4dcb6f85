package engine_test

import (
	"context"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/tracing"
)

// discard takes spans as a collector that is infinitely fast.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// BenchmarkTelemetry runs executions of five no-op tasks, 128 at a time, in one run: without a provider; with metrics; with
// metrics and a trace of which nothing is sampled; of a tenth; and of all.
func BenchmarkTelemetry(b *testing.B) {
	traced := func(sampler sdktrace.Sampler) func(*engine.Config) {
		return func(c *engine.Config) {
			c.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
			c.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(tracing.NewIDGenerator()),
				sdktrace.WithSampler(sampler), sdktrace.WithBatcher(discard{}))
		}
	}
	for _, c := range []struct {
		name   string
		change func(*engine.Config)
	}{
		{"none", func(*engine.Config) {}},
		{"metrics", func(c *engine.Config) {
			c.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
		}},
		{"unsampled", traced(sdktrace.NeverSample())},
		{"tenth", traced(sdktrace.TraceIDRatioBased(0.1))},
		{"all", traced(sdktrace.AlwaysSample())},
	} {
		b.Run(c.name, func(b *testing.B) { sequence(b, c.change) })
	}
}
