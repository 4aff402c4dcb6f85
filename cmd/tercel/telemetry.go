package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/tracing"
)

// flushTime is how long a node that ends waits for a collector.
const flushTime = 5 * time.Second

// telemetry is where a node's spans and metrics go: to a collector, if the standard variables of OpenTelemetry name one,
// and, the metrics, to whoever asks for /metrics.
type telemetry struct {
	tracers *sdktrace.TracerProvider // nil: no spans are exported
	meters  *sdkmetric.MeterProvider
	metrics http.Handler // for Prometheus
}

// tracerProvider gives nil, and not a provider that is nil, where no spans are exported.
func (t *telemetry) tracerProvider() trace.TracerProvider {
	if t.tracers == nil {
		return nil
	}
	return t.tracers
}

func (t *telemetry) meterProvider() metric.MeterProvider { return t.meters }

// newTelemetry reads the variables of OpenTelemetry's specification, as its SDK does: from the environment of the process.
func newTelemetry(ctx context.Context, log *slog.Logger) (*telemetry, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("telemetry is lost", "error", err)
	}))
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", "tercel"),
		attribute.String("service.version", version().Version),
		attribute.String("service.instance.id", uuid.NewString()),
	), resource.WithFromEnv())
	if err != nil {
		return nil, usagef("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t := &telemetry{}
	readers, err := t.prometheus()
	if err != nil {
		return nil, err
	}
	if exported("METRICS") {
		reader, err := metricExporter(ctx)
		if err != nil {
			return nil, err
		}
		readers = append(readers, sdkmetric.WithReader(reader))
	}
	t.meters = sdkmetric.NewMeterProvider(append(readers, sdkmetric.WithResource(about))...)
	if exported("TRACES") {
		exporter, err := spanExporter(ctx)
		if err != nil {
			return nil, errors.Join(err, t.meters.Shutdown(ctx))
		}
		t.tracers = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about),
			sdktrace.WithIDGenerator(tracing.NewIDGenerator()))
	}
	return t, nil
}

// prometheus makes the reader behind /metrics, with a registry of its own, so that two nodes fit into one process.
func (t *telemetry) prometheus() ([]sdkmetric.Option, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("making the Prometheus exporter: %w", err)
	}
	t.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4})
	return []sdkmetric.Option{sdkmetric.WithReader(reader)}, nil
}

// exported tells whether a signal (TRACES or METRICS) has an endpoint to go to.
func exported(signal string) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_"+signal+"_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
}

// otlpProtocol gives the protocol of a signal: http/protobuf, which is the default, or grpc.
func otlpProtocol(signal string) (string, error) {
	name := "OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL"
	if os.Getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	switch protocol := cmp.Or(os.Getenv(name), "http/protobuf"); protocol {
	case "http/protobuf", "grpc":
		return protocol, nil
	default:
		return "", usagef("%s is %q, but must be http/protobuf or grpc", name, protocol)
	}
}

func spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	protocol, err := otlpProtocol("TRACES")
	if err != nil {
		return nil, err
	}
	var exporter sdktrace.SpanExporter
	if protocol == "grpc" {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("making the exporter of traces: %w", err)
	}
	return exporter, nil
}

func metricExporter(ctx context.Context) (sdkmetric.Reader, error) {
	protocol, err := otlpProtocol("METRICS")
	if err != nil {
		return nil, err
	}
	var exporter sdkmetric.Exporter
	if protocol == "grpc" {
		exporter, err = otlpmetricgrpc.New(ctx)
	} else {
		exporter, err = otlpmetrichttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("making the exporter of metrics: %w", err)
	}
	return sdkmetric.NewPeriodicReader(exporter), nil
}

// close exports what is left.
func (t *telemetry) close(ctx context.Context) error {
	var errs []error
	if t.tracers != nil {
		errs = append(errs, t.tracers.Shutdown(ctx))
	}
	errs = append(errs, t.meters.Shutdown(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("exporting the last telemetry: %w", err)
	}
	return nil
}

// startTelemetry makes the node's telemetry. With an address, /metrics is served there, for whoever reaches it, and not on
// the port of the API.
func (n *node) startTelemetry(ctx context.Context, address string) error {
	var err error
	if n.telemetry, err = newTelemetry(ctx, n.log); err != nil {
		return err
	}
	if address == "" {
		return nil
	}
	if n.scraped, err = listen(ctx, address, "--metrics-listen 127.0.0.1:PORT"); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", n.telemetry.metrics)
	n.scraped.Serve(mux, n.log)
	n.log.Info("serving metrics", "url", n.scraped.URL()+"/metrics")
	return nil
}

// metricsHandler gives what answers /metrics on the port of the API, nil if it has a port of its own.
func (n *node) metricsHandler() http.Handler {
	if n.scraped != nil {
		return nil
	}
	return n.telemetry.metrics
}

// closeTelemetry exports what is left, and ends.
func (n *node) closeTelemetry() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if n.scraped != nil {
		if err := n.scraped.Shutdown(ctx); err != nil {
			n.log.Warn("requests for the metrics were cut", "error", err)
		}
	}
	if n.telemetry != nil {
		if err := n.telemetry.close(ctx); err != nil {
			n.log.Warn("the last spans and metrics were not exported", "error", err)
		}
	}
}
