package main

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// collector takes OTLP over HTTP, as a collector of OpenTelemetry does.
type collector struct {
	t   testing.TB
	url string

	mu      sync.Mutex
	spans   []collected
	metrics map[string]bool // the names that came
}

// collected is a span with the process that sent it.
type collected struct {
	*tracev1.Span
	service, instance string
}

func newCollector(t testing.TB) *collector {
	c := &collector{t: t, metrics: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.takeTraces)
	mux.HandleFunc("POST /v1/metrics", c.takeMetrics)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) takeTraces(w http.ResponseWriter, r *http.Request) {
	var in collectortrace.ExportTraceServiceRequest
	if !c.read(w, r, &in) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range in.GetResourceSpans() {
		about := texts(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				c.spans = append(c.spans, collected{span, about["service.name"], about["service.instance.id"]})
			}
		}
	}
}

func (c *collector) takeMetrics(w http.ResponseWriter, r *http.Request) {
	var in collectormetrics.ExportMetricsServiceRequest
	if !c.read(w, r, &in) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rm := range in.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				c.metrics[m.GetName()] = true
			}
		}
	}
}

func (c *collector) read(w http.ResponseWriter, r *http.Request, into proto.Message) bool {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Error(err)
			return false
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	if err == nil {
		err = proto.Unmarshal(data, into)
	}
	if err != nil {
		c.t.Errorf("an export is no OTLP: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	return true
}

func texts(list []*commonv1.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		m[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return m
}

// program gives the provider of another process that exports to the collector.
func (c *collector) program(name string) *sdktrace.TracerProvider {
	exporter, err := otlptracehttp.New(c.t.Context(), otlptracehttp.WithEndpointURL(c.url+"/v1/traces"))
	if err != nil {
		c.t.Fatal(err)
	}
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", name))))
}

// tree checks that the spans of a trace are one tree below its one root, and gives it as text. A line is a span:
// the service that sent it, its name, and ! if it failed.
func (c *collector) tree(id trace.TraceID) (string, []collected) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []collected
	byID := map[string]collected{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) != id.String() {
			continue
		}
		all = append(all, s)
		key := string(s.GetSpanId())
		if twin, ok := byID[key]; ok {
			c.t.Errorf("the spans %q and %q have the same id", twin.GetName(), s.GetName())
		}
		byID[key] = s
	}
	below := map[string][]collected{}
	for _, s := range all {
		parent := string(s.GetParentSpanId())
		if _, ok := byID[parent]; !ok && parent != "" {
			c.t.Errorf("the span %q of %s has no parent", s.GetName(), s.service)
		}
		below[parent] = append(below[parent], s)
	}
	if len(below[""]) != 1 {
		c.t.Errorf("the trace has %d roots", len(below[""]))
	}
	var lines []string
	var list func(parent string, depth int)
	list = func(parent string, depth int) {
		slices.SortStableFunc(below[parent], func(a, b collected) int {
			if a.GetStartTimeUnixNano() != b.GetStartTimeUnixNano() {
				return int(int64(a.GetStartTimeUnixNano()) - int64(b.GetStartTimeUnixNano()))
			}
			return strings.Compare(a.GetName(), b.GetName())
		})
		for _, s := range below[parent] {
			line := strings.Repeat("  ", depth) + s.service + ": " + s.GetName()
			if s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR {
				line += " !"
			}
			lines = append(lines, line)
			list(string(s.GetSpanId()), depth+1)
		}
	}
	list("", 0)
	return strings.Join(lines, "\n"), all
}

// shop is the functions of the order example, instrumented with OpenTelemetry's API.
type shop struct {
	tracer trace.Tracer
	tokens chan string
	mu     sync.Mutex
	paid   bool
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	_, span := s.tracer.Start(ctx, r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	var in struct{ Token string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	s.mu.Lock()
	first := r.URL.Path == "/payment" && !s.paid
	s.paid = true
	s.mu.Unlock()
	switch {
	case first:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"errorType": "Payment.GatewayUnavailable", "errorMessage": "busy"}`)
	case r.URL.Path == "/carrier":
		s.tokens <- in.Token
		fmt.Fprint(w, `{}`)
	default:
		fmt.Fprint(w, `{"payment": "p-1", "booking": "b-1"}`)
	}
}

// startTestNode starts a node as serve does.
func startTestNode(t *testing.T, database string, change func(*nodeConfig)) (*node, *client.Client) {
	t.Helper()
	server, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := nodeConfig{
		databaseURL: database, migrate: true, log: slog.New(slog.DiscardHandler), databaseWait: patience,
		engine: engine.Config{ParkAfter: -1, Poll: 50 * time.Millisecond}, access: access.Config{Open: true},
	}
	if change != nil {
		change(&cfg)
	}
	n, err := startNode(t.Context(), server, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n, &client.Client{Server: server.URL()}
}

// TestTraceOfAnOrder takes the trace of the order example with a collector: one tree from the caller through the API, the
// execution, its states and attempts into the functions, over a retry, a park and the restart of the node.
func TestTraceOfAnOrder(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
	database := storetest.Empty(t)
	s := &shop{tracer: c.program("shop").Tracer("shop"), tokens: make(chan string, 1)}
	functions := httptest.NewServer(s)
	defer functions.Close()

	first, tercel := startTestNode(t, database, nil)
	for _, name := range []string{"payment", "refund", "reserve", "release", "book", "cancel", "carrier"} {
		config := fmt.Sprintf(`{"http": {"url": %q}}`, functions.URL+"/"+name)
		if _, err := tercel.PutFunction(t.Context(), name, []byte(config)); err != nil {
			t.Fatal(err)
		}
	}
	definition, err := os.ReadFile("../../examples/order-fulfilment/order.asl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tercel.Deploy(t.Context(), "order-fulfilment", definition, client.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	input, err := os.ReadFile("../../examples/order-fulfilment/input.json")
	if err != nil {
		t.Fatal(err)
	}
	customer := c.program("customer")
	ctx, order := customer.Tracer("customer").Start(t.Context(), "order")
	id := startTraced(ctx, t, first, input)
	order.End()
	var token string
	select {
	case token = <-s.tokens:
	case <-time.After(patience):
		t.Fatal("the carrier was not called")
	}
	awaitParked(t, first, id)
	first.close()

	second, tercel := startTestNode(t, database, nil)
	if err := tercel.TaskSuccess(t.Context(), wire.TaskSuccess{Token: token, Output: []byte(`{"delivered": true}`)}); err != nil {
		t.Fatal(err)
	}
	x, err := tercel.Wait(t.Context(), id)
	if err != nil || x.Status != "SUCCEEDED" {
		t.Fatalf("the order is %+v, %v", x, err)
	}
	second.close()

	const want = `customer: order
  tercel: POST /api/v1/state-machines/{name}/executions
    tercel: execution order-fulfilment
      tercel: Price
      tercel: ChargeCard
        tercel: attempt function:payment !
          shop: /payment
        tercel: attempt function:payment
          shop: /payment
      tercel: parked
      tercel: ReserveAndBook
        tercel: Book
          tercel: attempt function:book
            shop: /book
        tercel: Reserve
          tercel: attempt function:reserve
            shop: /reserve
      tercel: HowShipped
      tercel: HandToCarrier
        tercel: attempt function:carrier.waitForTaskToken
          shop: /carrier
      tercel: parked
      tercel: Fulfilled`
	got, spans := c.tree(order.SpanContext().TraceID())
	if unstable(got) != unstable(want) {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
	instances := map[string]bool{}
	for _, span := range spans {
		if span.service == "tercel" {
			instances[span.instance] = true
		}
		if strings.HasPrefix(span.GetName(), "execution ") && texts(span.GetAttributes())["tercel.execution.id"] != id {
			t.Errorf("the execution's span has %v", span.GetAttributes())
		}
	}
	if len(instances) != 2 {
		t.Errorf("the trace was made by %d nodes, not by 2", len(instances))
	}
	for _, name := range []string{"tercel.execution.starts", "tercel.commit.duration", "tercel.api.request.duration", "tercel.invocation.duration"} {
		if !c.metrics[name] {
			t.Errorf("the metric %s was not exported", name)
		}
	}
}

// unstable sorts the lines of a tree that begin in the same millisecond, whose order does not matter.
func unstable(tree string) string {
	lines := strings.Split(tree, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// startTraced starts the order as a client does that is instrumented.
func startTraced(ctx context.Context, t *testing.T, n *node, input []byte) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": "order-1", "input": json.RawMessage(input)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost,
		n.server.URL()+"/api/v1/state-machines/order-fulfilment/executions", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var started wire.Started
	if err := json.NewDecoder(resp.Body).Decode(&started); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("the start is answered with %s, %v", resp.Status, err)
	}
	return started.ID
}

// awaitParked waits until a node has nothing in memory, and the execution no owner.
func awaitParked(t *testing.T, n *node, id string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		x, err := n.engine.DescribeExecution(t.Context(), "", id)
		if err != nil {
			t.Fatal(err)
		}
		if x.Owner == nil && n.engine.Stats().Live == 0 {
			return
		}
	}
	t.Fatal("the execution was not parked")
}

// TestMetricsForPrometheus scrapes a node and compares with what was done.
func TestMetricsForPrometheus(t *testing.T) {
	n, tercel := startTestNode(t, storetest.Empty(t), nil)
	defer n.close()
	const definition = `{"QueryLanguage": "CEL", "StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "E"}, "E": {"Type": "Succeed"}}}`
	if _, err := tercel.Deploy(t.Context(), "pass", []byte(definition), client.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		started, err := tercel.Start(t.Context(), "pass", wire.Start{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tercel.Wait(t.Context(), started.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tercel.Start(t.Context(), "nobody", wire.Start{}); err == nil {
		t.Fatal("a machine that is not there was started")
	}
	scraped := scrape(t, n.server.URL()+"/metrics", "")
	for _, line := range []string{
		`tercel_execution_starts_total{tercel_namespace="default",tercel_state_machine_name="pass"} 3`,
		`tercel_execution_ends_total{tercel_execution_status="SUCCEEDED",tercel_namespace="default",tercel_state_machine_name="pass"} 3`,
		`tercel_transitions_total{tercel_namespace="default",tercel_state_machine_name="pass"} 6`,
		`tercel_api_request_duration_seconds_count{http_request_method="POST",http_response_status_code="201",http_route="/api/v1/state-machines/{name}/executions"} 3`,
		`tercel_api_request_duration_seconds_count{http_request_method="POST",http_response_status_code="404",http_route="/api/v1/state-machines/{name}/executions"} 1`,
		`tercel_executions_live 0`,
		fmt.Sprintf(`tercel_commit_duration_seconds_count %d`, n.engine.Stats().Commits),
		`process_cpu_seconds_total`, `go_goroutines`,
	} {
		if !strings.Contains(scraped, line) {
			t.Errorf("the metrics do not have %s", line)
		}
	}
	if t.Failed() {
		t.Log(scraped)
	}
}

// Where access keys are asked for, the metrics want one that may read; on an address of their own they want none.
func TestMetricsWithKeys(t *testing.T) {
	database := storetest.Empty(t)
	n, tercel := startTestNode(t, database, func(c *nodeConfig) { c.access = access.Config{} })
	defer n.close()
	made := map[string]string{}
	tercel.Key = ""
	for _, scope := range []string{"admin", "run", "read"} {
		key, err := tercel.CreateKey(t.Context(), wire.NewKey{Name: scope, Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		made[scope] = key.Secret
		if scope == "admin" {
			tercel.Key = key.Secret
		}
	}
	url := n.server.URL() + "/metrics"
	for key, status := range map[string]int{"": 401, "nonsense": 401, made["run"]: 403, made["read"]: 200, made["admin"]: 200} {
		if got, _ := get(t, url, key); got != status {
			t.Errorf("with the key %.10q it is %d, want %d", key, got, status)
		}
	}
	apart, _ := startTestNode(t, database, func(c *nodeConfig) { c.access, c.metrics = access.Config{}, "127.0.0.1:0" })
	defer apart.close()
	if !strings.Contains(scrape(t, apart.scraped.URL()+"/metrics", ""), "tercel_executions_live") {
		t.Error("the address of the metrics does not have them")
	}
	if got, _ := get(t, apart.server.URL()+"/metrics", made["admin"]); got != http.StatusNotFound {
		t.Errorf("the port of the API has metrics too: %d", got)
	}
}

func get(t *testing.T, url, key string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func scrape(t *testing.T, url, key string) string {
	t.Helper()
	status, body := get(t, url, key)
	if status != http.StatusOK {
		t.Fatalf("%s is %d: %s", url, status, body)
	}
	return body
}

// What the variables say is checked when a node starts, and a collector that is not there keeps nobody waiting.
func TestTelemetrySettings(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")
	log := slog.New(slog.DiscardHandler)
	if _, err := newTelemetry(t.Context(), log); err == nil || !strings.Contains(err.Error(), "http/protobuf or grpc") {
		t.Errorf("a protocol that is none: %v", err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	made, err := newTelemetry(t.Context(), log)
	if err != nil || made.tracers == nil {
		t.Fatalf("grpc: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = made.close(ctx) // nobody is there
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if made, err = newTelemetry(t.Context(), log); err != nil || made.tracers != nil {
		t.Errorf("switched off: %v, %v", made, err)
	}
}

// A log record that is made in a span has its ids.
func TestLogHasSpan(t *testing.T) {
	var out strings.Builder
	log, err := newLogger(&out, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	log.With("a", 1).InfoContext(trace.ContextWithSpanContext(t.Context(), sc), "within")
	log.Info("without")
	within, without, _ := strings.Cut(out.String(), "\n")
	if !strings.Contains(within, `"a":1,"trace_id":"01000000000000000000000000000000","span_id":"0200000000000000"`) || strings.Contains(without, "trace_id") {
		t.Errorf("the log is %s", out.String())
	}
}
