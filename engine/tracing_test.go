package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/tracing"
)

// spans are what a collector gets of all engines and functions of a test.
type spans struct {
	t        testing.TB
	exporter *tracetest.InMemoryExporter
	provider *sdktrace.TracerProvider
}

func newSpans(t testing.TB, options ...sdktrace.TracerProviderOption) *spans {
	s := &spans{t: t, exporter: tracetest.NewInMemoryExporter()}
	s.provider = sdktrace.NewTracerProvider(append([]sdktrace.TracerProviderOption{
		sdktrace.WithSyncer(s.exporter), sdktrace.WithIDGenerator(tracing.NewIDGenerator()),
	}, options...)...)
	return s
}

func (s *spans) into(c *engine.Config) { c.TracerProvider = s.provider }

// work makes the span of a function.
func (s *spans) work(ctx context.Context, name string) {
	_, span := s.provider.Tracer("functions").Start(ctx, "in "+name)
	span.End()
}

// spanNode is a span with what is below it.
type spanNode struct {
	tracetest.SpanStub
	below []*spanNode
}

// tree checks that all spans are one tree below a parent, that no id comes twice and that no span ends before it begins,
// and gives it as text, a line a span, children in the order of their start and name.
func (s *spans) tree(parent trace.SpanContext) string {
	s.t.Helper()
	stubs := s.exporter.GetSpans()
	byID := map[trace.SpanID]*spanNode{}
	for _, stub := range stubs {
		id := stub.SpanContext.SpanID()
		if byID[id] != nil {
			s.t.Errorf("the spans %q and %q have the same id", byID[id].Name, stub.Name)
		}
		byID[id] = &spanNode{SpanStub: stub}
		if stub.EndTime.Before(stub.StartTime) {
			s.t.Errorf("span %q ends %s before it begins", stub.Name, stub.StartTime.Sub(stub.EndTime))
		}
	}
	var roots []*spanNode
	for _, n := range byID {
		above, ok := byID[n.Parent.SpanID()]
		switch {
		case ok && n.SpanContext.TraceID() != above.SpanContext.TraceID():
			s.t.Errorf("span %q is in another trace than %q above it", n.Name, above.Name)
		case ok:
			above.below = append(above.below, n)
		case n.Parent.SpanID() != parent.SpanID() || parent.IsValid() && n.SpanContext.TraceID() != parent.TraceID():
			s.t.Errorf("span %q has the parent %s, which is not there", n.Name, n.Parent.SpanID())
		default:
			roots = append(roots, n)
		}
	}
	var lines []string
	list(roots, 0, &lines)
	return strings.Join(lines, "\n")
}

func list(nodes []*spanNode, depth int, lines *[]string) {
	slices.SortFunc(nodes, func(a, b *spanNode) int {
		if c := a.StartTime.Compare(b.StartTime); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, n := range nodes {
		line := strings.Repeat("  ", depth) + n.Name
		if outcome := n.attribute("tercel.outcome"); outcome != "" && outcome != "succeeded" {
			line += " " + outcome
		}
		if n.Status.Code == codes.Error {
			line += ": " + n.Status.Description
		}
		*lines = append(*lines, line)
		list(n.below, depth+1, lines)
	}
}

func (n *spanNode) attribute(key string) string {
	for _, a := range n.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.String()
		}
	}
	return ""
}

func (s *spans) named(name string) []*spanNode {
	var found []*spanNode
	for _, stub := range s.exporter.GetSpans() {
		if stub.Name == name {
			found = append(found, &spanNode{SpanStub: stub})
		}
	}
	return found
}

func (s *spans) check(parent trace.SpanContext, want string) {
	s.t.Helper()
	if got := s.tree(parent); got != strings.Trim(want, "\n") {
		s.t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
}

const traceDefinition = `{"QueryLanguage": "CEL", "StartAt": "Both", "States": {
	"Both": {"Type": "Parallel", "Next": "Ask", "Branches": [
		{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:flaky", "End": true,
			"Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 2}]}}},
		{"StartAt": "B", "States": {"B": {"Type": "Map", "Items": "{% [1, 2] %}", "End": true, "ItemProcessor": {"StartAt": "C", "States": {
			"C": {"Type": "Task", "Resource": "function:work", "End": true}}}}}}]},
	"Ask": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "Next": "Last"},
	"Last": {"Type": "Task", "Resource": "function:work", "End": true}}}`

// An execution is one tree from the starter's span to those of the functions: with two branches, a retry, a Map, a park,
// and the node it began on shut down while it was parked.
func TestTraceIsOneTree(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	var k tokens
	failed := false
	b.fn("flaky", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		s.work(ctx, "flaky")
		if !failed {
			failed = true
			return nil, &invoke.TaskError{Name: "Flaky", Cause: "the first time"}
		}
		return 1, nil
	})
	b.fn("work", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		s.work(ctx, "work")
		return 1, nil
	})
	b.fn("ask", k.take)
	first := b.start(s.into)
	b.deploy(first, "traced", traceDefinition)
	tracer := s.provider.Tracer("starter")
	ctx, start := tracer.Start(b.ctx(), "start")
	x, _, err := first.StartExecution(ctx, engine.StartRequest{StateMachine: "traced"})
	if err != nil {
		t.Fatal(err)
	}
	start.End()
	token := k.of(b, x.ID)
	b.parked(first, x.ID)
	if err := first.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	second := b.start(s.into)
	answerCtx, answer := s.provider.Tracer("answer").Start(b.ctx(), "answer", trace.WithNewRoot())
	if err := second.SendTaskSuccess(answerCtx, token, []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(second, x.ID), "1")
	s.check(trace.SpanContext{}, `
start
  execution traced
    Both
      A
        attempt function:flaky failed: Flaky: the first time
          in flaky
        attempt function:flaky
          in flaky
      B
        C
          attempt function:work
            in work
        C
          attempt function:work
            in work
    Ask
      attempt function:ask.waitForTaskToken
    parked
    Last
      attempt function:work
        in work`)
	asked := s.named("attempt function:ask.waitForTaskToken")[0]
	if len(asked.Links) != 1 || !asked.Links[0].SpanContext.Equal(answer.SpanContext()) {
		t.Errorf("the attempt that was answered has the links %v", asked.Links)
	}
	if len(asked.Events) != 1 || asked.Events[0].Name != "handed over" {
		t.Errorf("the attempt that was answered has the events %v", asked.Events)
	}
	root := s.named("execution traced")[0]
	if root.attribute("tercel.execution.id") != x.ID.String() || root.attribute("tercel.execution.status") != "SUCCEEDED" {
		t.Errorf("the span of the execution has %v", root.Attributes)
	}
}

// What fails, what is given up for it, and a redrive.
func TestTraceOfFailureAndRedrive(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	var k tokens
	var broken sync.Map
	broken.Store("is", true)
	answered := make(chan struct{})
	b.fn("ask", k.take)
	b.fn("break", func(ctx context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
		k.of(b, info.Execution) // the other branch waits
		if _, ok := broken.Load("is"); ok {
			return nil, &invoke.TaskError{Name: "Broken", Cause: "altogether"}
		}
		<-answered // else the execution may park between the two answers
		return 1, nil
	})
	e := b.start(s.into)
	b.deploy(e, "breaks", `{"QueryLanguage": "CEL", "StartAt": "Both", "States": {
		"Both": {"Type": "Parallel", "End": true, "Branches": [
			{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "End": true}}},
			{"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "function:break", "End": true}}}]}}}`)
	x := b.run(e, "breaks", "{}")
	b.failed(x, "Broken")
	s.check(trace.SpanContext{}, `
execution breaks: Broken: altogether
  Both failed: Broken: altogether
    A aborted
      attempt function:ask.waitForTaskToken aborted
    B failed: Broken: altogether
      attempt function:break failed: Broken: altogether`)
	former := s.named("execution breaks")[0].SpanContext
	if want := tracing.TraceOf(x.ID); former.TraceID() != want {
		t.Errorf("the trace is %s, want %s", former.TraceID(), want)
	}
	s.exporter.Reset()
	broken.Delete("is")
	k.m.Delete(x.ID)
	if _, err := e.RedriveExecution(b.ctx(), x.ID); err != nil {
		t.Fatal(err)
	}
	if err := e.SendTaskSuccess(b.ctx(), k.of(b, x.ID), []byte(`2`)); err != nil {
		t.Fatal(err)
	}
	close(answered)
	b.succeeded(b.wait(e, x.ID), "[2,1]")
	s.check(trace.SpanContext{}, `
execution breaks
  Both
    A
      attempt function:ask.waitForTaskToken
    B
      attempt function:break`)
	again := s.named("execution breaks")[0]
	if again.SpanContext.TraceID() != former.TraceID() || len(again.Links) != 1 || again.Links[0].SpanContext.SpanID() != former.SpanID() {
		t.Errorf("the redrive is %s with the links %v", again.SpanContext.TraceID(), again.Links)
	}
}

// A node that dies leaves a trace that its heir goes on with: no span comes twice, and none is missing of what is durable.
func TestTraceAcrossTakeover(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	called, gate := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	b.fn("work", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		if calls.Add(1) == 1 {
			close(called)
			<-gate
			return nil, errors.New("too late")
		}
		return in, nil
	})
	dying := b.start(s.into, shortLease)
	b.deploy(dying, "two", chain(2, "function:work"))
	x := b.begin(dying, "two", "0")
	<-called
	b.cluster.remove(dying)
	dying.Kill()
	heir := b.start(s.into, shortLease)
	b.succeeded(b.wait(heir, x.ID), "0")
	close(gate)
	s.check(trace.SpanContext{}, `
execution two
  S0
    attempt function:work
  interrupted
  S1
    attempt function:work`)
}

// Of a large Map the first iterations are traced, and functions of the others are told that nobody records them.
func TestTraceOfLargeMap(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	var sampled, all sync.Map
	b.fn("work", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		all.Store(info.Task, true)
		if trace.SpanContextFromContext(ctx).IsSampled() != strings.HasSuffix(info.TraceContext, "-01") {
			t.Errorf("the context and the traceparent %s differ", info.TraceContext)
		}
		if strings.HasSuffix(info.TraceContext, "-01") {
			sampled.Store(info.Task, true)
		}
		s.work(ctx, "work")
		return in, nil
	})
	e := b.start(s.into, func(c *engine.Config) { c.TraceIterations = 20 })
	inner := `{"Type": "Map", "End": true, "Items": "{% [1, 2, 3, 4] %}", "ItemProcessor": {"StartAt": "W", "States": {
		"W": {"Type": "Task", "Resource": "function:work", "End": true}}}}`
	b.deploy(e, "map", `{"QueryLanguage": "CEL", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
		"ItemProcessor": {"StartAt": "N", "States": {"N": `+inner+`}}}}}`)
	items := make([]int, 50)
	input, _ := json.Marshal(items)
	x := b.run(e, "map", string(input))
	if x.Status != engine.Succeeded {
		t.Fatal(failure(x))
	}
	s.tree(trace.SpanContext{})
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	if got := [...]int{count(&all), count(&sampled), len(s.named("N")), len(s.named("W")), len(s.named("in work"))}; got != [...]int{200, 40, 20, 40, 40} {
		t.Errorf("calls, sampled calls and spans: %v", got)
	}
	if m := s.named("M")[0]; m.attribute("tercel.map.items") != "50" || m.attribute("tercel.map.untraced") != "30" {
		t.Errorf("the span of the Map has %v", m.Attributes)
	}
}

func TestTraceSampling(t *testing.T) {
	b := newBench(t)
	const off = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	handed := make(chan string, 1)
	b.fn("work", func(_ context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
		handed <- info.TraceContext
		return 1, nil
	})
	s := newSpans(t)
	e := b.start(s.into)
	b.deploy(e, "one", task("function:work", ""))
	x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "one", TraceContext: off})
	if err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), "1")
	if got := <-handed; !strings.HasPrefix(got, off[:36]) || !strings.HasSuffix(got, "-00") {
		t.Errorf("the function of an execution that is not sampled got %q", got)
	}
	if n := len(s.exporter.GetSpans()); n != 0 {
		t.Errorf("an execution that is not sampled has %d spans", n)
	}
	// Half of them by the id of the trace: all of an execution or nothing, on each node the same.
	half := newSpans(t, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.5))))
	e = b.start(half.into)
	const n = 60
	for range n {
		b.succeeded(b.run(e, "one", "{}"), "1")
		<-handed
	}
	if got := len(half.named("execution one")); got < n/6 || got > n-n/6 || len(half.exporter.GetSpans()) != 3*got {
		t.Errorf("of %d executions %d were sampled, with %d spans", n, got, len(half.exporter.GetSpans()))
	}
}

// A provider without the id generator gets a span for each call, below the starter's.
func TestTraceWithoutGenerator(t *testing.T) {
	b := newBench(t)
	exporter := tracetest.NewInMemoryExporter()
	s := &spans{t: t, exporter: exporter, provider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))}
	b.fn("work", func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
		s.work(ctx, "work")
		return 1, nil
	})
	e := b.start(s.into)
	b.deploy(e, "one", task("function:work", ""))
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 1, Remote: true})
	x, _, err := e.StartExecution(trace.ContextWithRemoteSpanContext(b.ctx(), parent), engine.StartRequest{StateMachine: "one"})
	if err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), "1")
	s.check(parent, `
attempt T
  in work`)
}

// A traceparent that makes no sense costs nothing: the execution runs, in a trace of its own.
func TestTraceparentThatIsNone(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	b.fn("work", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return 1, nil })
	e := b.start(s.into)
	b.deploy(e, "one", task("function:work", ""))
	for i, bad := range []string{
		"nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		strings.Repeat("0", 10_000), "00-\x00\xff", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
	} {
		x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "one", TraceContext: bad, Name: fmt.Sprint("n", i)})
		if err != nil {
			t.Fatalf("%q: %v", bad, err)
		}
		b.succeeded(b.wait(e, x.ID), "1")
		s.tree(trace.SpanContext{})
		if x.TraceContext != "" {
			t.Errorf("%q is kept as %q", bad, x.TraceContext)
		}
		s.exporter.Reset()
	}
}

func TestTraceOfExpress(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	b.fn("work", func(ctx context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		s.work(ctx, "work")
		return in, nil
	})
	e := b.start(s.into)
	b.deployExpress(e, "fast", chain(2, "function:work"), engine.LogOff)
	want := `
execution fast
  S0
    attempt function:work
      in work
  S1
    attempt function:work
      in work`
	b.succeeded(b.runSync(e, "fast", "0"), "0")
	s.check(trace.SpanContext{}, want)
	s.exporter.Reset()
	b.succeeded(b.run(e, "fast", "0"), "0")
	s.check(trace.SpanContext{}, want)
}

// What waits for room, or for a time, is in the trace too.
func TestTraceOfWaiting(t *testing.T) {
	b, s := newBench(t), newSpans(t)
	e := b.start(s.into, func(c *engine.Config) { c.ParkAfter = -1 })
	b.deploy(e, "waits", `{"QueryLanguage": "CEL", "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}`)
	b.succeeded(b.run(e, "waits", "0"), "0")
	s.check(trace.SpanContext{}, `
execution waits
  W
  parked`)
	parked, whole := s.named("parked")[0], s.named("execution waits")[0]
	if parked.EndTime.Sub(parked.StartTime) < 900*time.Millisecond || parked.EndTime.After(whole.EndTime) {
		t.Errorf("parked from %s to %s", parked.StartTime, parked.EndTime)
	}
}
