package engine

import (
	"context"
	"hash/crc32"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/tracing"
	"github.com/tercel-workflows/tercel/statemachine"
)

const (
	instrumentation = "github.com/tercel-workflows/tercel/engine"
	traceparent     = "traceparent"
)

// tracer makes the spans of executions. With no provider set it costs next to nothing, and functions get the trace of
// the starter as it came.
type tracer struct {
	trace.Tracer
	iterations int // of a Map that are traced, see Config.TraceIterations
}

func newTracer(cfg Config) tracer {
	provider := cfg.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider() // hands on to one that is set later
	}
	return tracer{provider.Tracer(instrumentation), cfg.TraceIterations}
}

// executionTrace is an execution as its trace knows it. It belongs to whoever works on the execution.
type executionTrace struct {
	tracer tracer
	row    *ExecutionRow
	id     trace.TraceID
	parent trace.SpanContext // of the starter; not valid if there is none
	flags  trace.TraceFlags
	whole  bool  // every state has a span; else only the calls of functions have, for want of the id generator
	again  int64 // tells the runs of an Express execution apart that begin anew

	spans    []span // of the decision under way, until it is durable
	failures map[statemachine.FrameID]failed
	items    int               // of the Map that has just succeeded
	cause    trace.SpanContext // of the call that brought the signal that is being decided
	away     *absence          // since when the execution was out of memory, until its next durable point says it is back
}

// failed is what a frame's state failed with.
type failed struct{ name, cause string }

// absence is a time in which no node had the execution in memory.
type absence struct {
	why   string
	since time.Time
}

// open gives the trace of an execution, nil without a provider. The sampler is asked here, by a span that is never
// ended: what it says of an execution has to be the same on all nodes, as it is of those that go by the parent or by the
// id of the trace.
func (t tracer) open(row *ExecutionRow) *executionTrace {
	x := &executionTrace{tracer: t, row: row, parent: parseTraceparent(row.TraceContext)}
	x.id = x.parent.TraceID()
	if !x.parent.IsValid() {
		x.id = tracing.TraceOf(row.ID)
	}
	root := x.rootID(0)
	_, probe := t.Start(tracing.WithIDs(x.outside(), x.id, root), executionSpanName(row),
		trace.WithTimestamp(row.StartedAt), trace.WithAttributes(attribute.String(attrMachine, row.MachineName)))
	got := probe.SpanContext()
	if !got.IsValid() || got.SpanID() == x.parent.SpanID() {
		return nil // nobody records spans
	}
	x.flags = got.TraceFlags()
	x.whole = got.SpanID() == root && got.TraceID() == x.id
	return x
}

// records tells whether the states of the execution get spans.
func (x *executionTrace) records() bool { return x != nil && x.whole && x.flags.IsSampled() }

// outside gives the context in which the execution was started.
func (x *executionTrace) outside() context.Context {
	if !x.parent.IsValid() {
		return context.Background()
	}
	return trace.ContextWithRemoteSpanContext(context.Background(), x.parent)
}

// rootID gives the id of the span of the execution, which has another one after each redrive.
func (x *executionTrace) rootID(redrives int) trace.SpanID {
	return tracing.SpanOf(x.row.ID, "execution", int64(redrives))
}

func (x *executionTrace) stateID(run *statemachine.Run, f *statemachine.Frame) trace.SpanID {
	name, _ := f.State()
	return tracing.SpanOf(x.row.ID, "state/"+name, x.again, int64(run.RedriveCount()), int64(f.ID()), f.EnteredEvent(),
		f.EnteredAt().UnixMilli())
}

func (x *executionTrace) attemptID(task statemachine.TaskID) trace.SpanID {
	return tracing.SpanOf(x.row.ID, "attempt", x.again, int64(task))
}

// above gives the id of the span that the span of the frame's state is in: that of the Parallel or Map, or the root.
func (x *executionTrace) above(run *statemachine.Run, f *statemachine.Frame) trace.SpanID {
	if f.Parent() == nil {
		return x.rootID(run.RedriveCount())
	}
	return x.stateID(run, f.Parent())
}

func (x *executionTrace) context(id trace.SpanID, flags trace.TraceFlags) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: x.id, SpanID: id, TraceFlags: flags})
}

// attempt gives the span context that an attempt of a task hands on to whoever carries it out. What a Map does not trace
// goes on with the span above it, and is told that nobody records it.
func (x *executionTrace) attempt(run *statemachine.Run, c *statemachine.Invoke) trace.SpanContext {
	f := run.Frame(c.Frame)
	if f == nil || !x.whole || !x.flags.IsSampled() {
		return x.context(x.rootID(run.RedriveCount()), x.flags)
	}
	if x.covers(f) {
		return x.context(x.attemptID(c.Task), x.flags)
	}
	for f.Parent() != nil && !x.covers(f) {
		f = f.Parent()
	}
	return x.context(x.stateID(run, f), x.flags&^trace.FlagsSampled)
}

// maxTracedEvents is how far into its history an execution is traced: as far as one of the service's goes at most.
const maxTracedEvents = 25_000

// covers tells whether the state that the frame is in has a span. Of a Map only the first iterations have: of one within
// another a tenth of them, so that the whole stays bounded; the same ones on every node.
func (x *executionTrace) covers(f *statemachine.Frame) bool {
	if f.EnteredEvent() > maxTracedEvents {
		return false
	}
	_, ok := x.room(f)
	return ok
}

// room gives how many iterations are traced of a Map in the frame; false if the frame itself is not traced.
func (x *executionTrace) room(f *statemachine.Frame) (int, bool) {
	parent := f.Parent()
	if parent == nil {
		return x.tracer.iterations, true
	}
	n, ok := x.room(parent)
	if _, typ := parent.State(); !ok || typ != "Map" {
		return n, ok
	}
	return max(n/10, min(n, 1)), f.Index() < n
}

// because notes the call that brings the signal which is decided next.
func (x *executionTrace) because(from trace.SpanContext) {
	if x != nil {
		x.cause = from
	}
}

// returns notes that the execution comes from the database, and since when it was nowhere else.
func (x *live) returns() {
	switch {
	case !x.trace.records():
	case x.express != nil:
		x.trace.again = int64(crc32.ChecksumIEEE([]byte(x.express.again)))
	case x.run.Status() == "":
		x.trace.away = &absence{"queued", x.row.StartedAt}
	case x.run.Parkable():
		x.trace.away = &absence{"parked", x.run.LastAt()}
	default:
		x.trace.away = &absence{"interrupted", x.run.LastAt()}
	}
}

// watchRun has the run tell its trace of what it decides. It is called whenever the execution gets another run.
func (x *live) watchRun() {
	if x.trace.records() {
		run := x.run
		run.Watch(func(f *statemachine.Frame, ev statemachine.Event) { x.trace.see(run, f, ev) })
	}
}

// traceContext gives what a task's attempt hands on: a span context that is not valid, and the starter's traceparent,
// without a provider. Whoever works on the execution calls it.
func (x *live) traceContext(c *statemachine.Invoke) (trace.SpanContext, string) {
	if x.trace == nil {
		return trace.SpanContext{}, x.row.TraceContext
	}
	sc := x.trace.attempt(x.run, c)
	return sc, formatTraceparent(sc)
}

// logged gives a context for what is logged about the execution, with the span of the execution in it.
func (x *live) logged() context.Context {
	if x.trace == nil {
		return context.Background()
	}
	t := x.trace
	return trace.ContextWithSpanContext(context.Background(), t.context(t.rootID(x.row.RedriveCount), t.flags))
}

// traced puts the trace of a job's attempt into the context of its call. The span of the attempt is made when its
// outcome is durable; without the id generator it is made here, around the call.
func traced(ctx context.Context, j *job, call *invoke.Invocation) (context.Context, func(error)) {
	call.TraceContext = j.traceparent
	t := j.x.trace
	if t == nil {
		if sc := parseTraceparent(j.traceparent); sc.IsValid() {
			ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
		}
		return ctx, func(error) {}
	}
	if t.whole || !t.flags.IsSampled() {
		return trace.ContextWithSpanContext(ctx, j.span), func(error) {}
	}
	if t.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, t.parent)
	}
	ctx, made := t.tracer.Start(ctx, attemptSpanName(call.State), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes( //nolint:spancheck // the function that is given back ends it
		append(t.common(), attribute.String(attrState, call.State), attribute.Int(attrAttempt, call.Attempt))...))
	call.TraceContext = formatTraceparent(made.SpanContext())
	return ctx, func(err error) { //nolint:spancheck // it is this function that ends the span
		if err != nil {
			made.SetStatus(codes.Error, err.Error())
		}
		made.End()
	}
}

// starter gives the traceparent under which an execution is started: the one that is given, else that of the span in the
// context. A trace context is for people who look for causes: one that makes no sense is left out, and costs nothing else.
func starter(ctx context.Context, given string) string {
	if given == "" {
		return formatTraceparent(trace.SpanContextFromContext(ctx))
	}
	return formatTraceparent(parseTraceparent(given))
}

// maxTraceContext is how long a traceparent may be, in bytes; that of version 00 has 55.
const maxTraceContext = 512

// parseTraceparent gives a span context that is not valid for what is no traceparent.
func parseTraceparent(text string) trace.SpanContext {
	if text == "" || len(text) > maxTraceContext {
		return trace.SpanContext{}
	}
	var format propagation.TraceContext
	ctx := format.Extract(context.Background(), propagation.MapCarrier{traceparent: text})
	return trace.SpanContextFromContext(ctx)
}

// formatTraceparent gives "" for a span context that is not valid.
func formatTraceparent(sc trace.SpanContext) string {
	if !sc.IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), carrier)
	return carrier[traceparent]
}
