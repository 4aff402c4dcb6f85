package engine

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/tracing"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

// The attributes of spans.
const (
	attrExecution     = "tercel.execution.id"
	attrExecutionName = "tercel.execution.name"
	attrStatus        = "tercel.execution.status"
	attrRedrives      = "tercel.execution.redrives"
	attrNamespace     = "tercel.namespace"
	attrMachine       = "tercel.state_machine.name"
	attrState         = "tercel.state.name"
	attrStateType     = "tercel.state.type"
	attrOutcome       = "tercel.outcome"
	attrRetries       = "tercel.state.retries"
	attrItems         = "tercel.map.items"
	attrUntraced      = "tercel.map.untraced"
	attrIteration     = "tercel.map.index"
	attrBranch        = "tercel.parallel.index"
	attrTask          = "tercel.task.id"
	attrResource      = "tercel.task.resource"
	attrAttempt       = "tercel.task.attempt"
	attrNode          = "tercel.node.id"
	attrError         = "error.type"
)

// The outcomes of states and attempts.
const (
	outcomeSucceeded = "succeeded"
	outcomeFailed    = "failed"
	outcomeCaught    = "caught"  // it failed, and a catcher led out
	outcomeAborted   = "aborted" // what it was part of ended before it
)

// The bounds of what a span says about an error, in bytes.
const (
	maxSpanStatus = 256
	maxSpanCause  = 4096
)

// span is a span that is made once what ended it is durable.
type span struct {
	id, parent trace.SpanID
	name       string
	kind       trace.SpanKind
	start, end time.Time
	outcome    string
	failed     *failed
	attributes []attribute.KeyValue
	link       trace.SpanContext // what ended it came from there
	handedOver time.Time         // of an attempt, zero if it was not
}

func executionSpanName(row *ExecutionRow) string { return "execution " + row.MachineName }

func attemptSpanName(what string) string { return "attempt " + what }

// see makes the spans that an event ends. The event is not yet folded into the run.
func (x *executionTrace) see(run *statemachine.Run, f *statemachine.Frame, ev statemachine.Event) {
	switch data := ev.Data.(type) {
	case event.TaskSucceeded:
		x.attemptEnds(run, f, ev.Time, outcomeSucceeded)
	case event.TaskFailed:
		x.fails(f, data.Error, data.Cause)
		x.attemptEnds(run, f, ev.Time, outcomeFailed)
	case event.TaskTimedOut:
		name := statemachine.ErrorTimeout
		if data.Heartbeat {
			name = statemachine.ErrorHeartbeatTimeout
		}
		x.fails(f, &name, nil)
		x.attemptEnds(run, f, ev.Time, outcomeFailed)
	case event.EvaluationFailed:
		x.fails(f, &data.Error, &data.Cause)
	case event.ParallelFailed:
		x.fails(f, data.Error, data.Cause)
	case event.MapFailed:
		x.fails(f, data.Error, data.Cause)
	case event.MapSucceeded:
		x.items = f.Size() // the exit of the state comes next, and does not know it any more
	case event.RetryScheduled:
		x.below(run, f, ev.Time)
		delete(x.failures, f.ID())
	case event.StateExited:
		x.below(run, f, ev.Time)
		outcome := outcomeSucceeded
		if data.Caught > 0 {
			outcome = outcomeCaught
		}
		x.stateEnds(run, f, ev.Time, outcome)
	case event.IterationFailed:
		x.failsLast(f, data.Error, data.Cause)
		if data.Tolerated {
			x.endAll(run, f, ev.Time)
		}
	case event.ExecutionFailed:
		x.failsLast(f, data.Error, data.Cause)
		x.endAll(run, f, ev.Time)
	case event.ExecutionAborted, event.ExecutionTimedOut:
		x.endAll(run, f, ev.Time)
	}
}

// fails notes what the frame's state failed with.
func (x *executionTrace) fails(f *statemachine.Frame, name, cause *string) {
	var why failed
	if name != nil {
		why.name = *name
	}
	if cause != nil {
		why.cause = *cause
	}
	if x.failures == nil {
		x.failures = map[statemachine.FrameID]failed{}
	}
	x.failures[f.ID()] = why
}

// failsLast is fails for a failure that may have been noted with more.
func (x *executionTrace) failsLast(f *statemachine.Frame, name, cause *string) {
	if _, known := x.failures[f.ID()]; !known {
		x.fails(f, name, cause)
	}
}

// endAll ends the spans of the frame's state and of everything in it, none of which has come to an end of its own.
func (x *executionTrace) endAll(run *statemachine.Run, f *statemachine.Frame, at time.Time) {
	x.below(run, f, at)
	if f.Open() {
		outcome := outcomeAborted
		if _, ok := x.failures[f.ID()]; ok {
			outcome = outcomeFailed
		}
		x.stateEnds(run, f, at, outcome)
	}
}

// below ends the spans of what is open in the frame's state.
func (x *executionTrace) below(run *statemachine.Run, f *statemachine.Frame, at time.Time) {
	if _, open := f.Attempt(); open {
		x.attemptEnds(run, f, at, outcomeAborted)
	}
	for _, child := range f.Children() {
		x.endAll(run, child, at)
	}
}

func (x *executionTrace) stateEnds(run *statemachine.Run, f *statemachine.Frame, at time.Time, outcome string) {
	name, typ := f.State()
	s := span{
		id: x.stateID(run, f), parent: x.above(run, f), name: name, kind: trace.SpanKindInternal,
		start: later(f.EnteredAt(), run.RedrivenAt()), end: at, outcome: outcome, failed: x.failure(f, outcome),
	}
	delete(x.failures, f.ID())
	if !x.covers(f) {
		return
	}
	s.attributes = append(x.place(f), attribute.String(attrState, name), attribute.String(attrStateType, typ))
	if n := f.Retries(); n > 0 {
		s.attributes = append(s.attributes, attribute.Int(attrRetries, n))
	}
	x.spans = append(x.spans, s)
}

// failure gives what the frame's state failed with, nil if it did not.
func (x *executionTrace) failure(f *statemachine.Frame, outcome string) *failed {
	if outcome != outcomeFailed && outcome != outcomeCaught {
		return nil
	}
	why := x.failures[f.ID()]
	return &why
}

// attemptEnds ends the span of the frame's open task.
func (x *executionTrace) attemptEnds(run *statemachine.Run, f *statemachine.Frame, at time.Time, outcome string) {
	task, open := f.Attempt()
	if !open || !x.covers(f) {
		return
	}
	start := task.ScheduledAt
	if start.IsZero() {
		start = f.EnteredAt()
	}
	name, _ := f.State()
	x.spans = append(x.spans, span{
		id: x.attemptID(task.Task), parent: x.stateID(run, f), name: attemptSpanName(task.Resource), kind: trace.SpanKindClient,
		start: start, end: at, outcome: outcome, failed: x.failure(f, outcome), link: x.cause, handedOver: task.HandedOverAt,
		attributes: append(x.place(f), attribute.String(attrState, name), attribute.Int64(attrTask, int64(task.Task)),
			attribute.String(attrResource, task.Resource), attribute.Int(attrAttempt, f.Retries())),
	})
}

// common gives the attributes that all spans of the execution have.
func (x *executionTrace) common() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String(attrExecution, x.row.ID.String()),
		attribute.String(attrNamespace, x.row.Namespace),
		attribute.String(attrMachine, x.row.MachineName),
	}
}

// place gives the common attributes, and where in Parallel and Map states the frame is.
func (x *executionTrace) place(f *statemachine.Frame) []attribute.KeyValue {
	list := x.common()
	if parent := f.Parent(); parent != nil {
		key := attrBranch
		if _, typ := parent.State(); typ == "Map" {
			key = attrIteration
		}
		list = append(list, attribute.Int(key, f.Index()))
	}
	if _, typ := f.State(); typ == "Map" {
		items := max(f.Size(), x.items)
		x.items = 0
		traced, _ := x.room(f)
		list = append(list, attribute.Int(attrItems, items), attribute.Int(attrUntraced, max(0, items-traced)))
	}
	return list
}

// returned makes the span of the time in which the execution was out of memory, once: it is back with its next durable
// point.
func (x *executionTrace) returned(l *live, at time.Time) {
	if x.away == nil {
		return
	}
	a := *x.away
	x.away = nil
	if a.since.IsZero() || !at.After(a.since) {
		return
	}
	x.spans = append(x.spans, span{
		id: tracing.SpanOf(x.row.ID, "away", l.seq), parent: x.rootID(l.run.RedriveCount()), name: a.why,
		kind: trace.SpanKindInternal, start: a.since, end: at, link: x.cause,
		attributes: append(x.common(), attribute.String(attrNode, l.node.String())),
	})
}

// take gives the spans that end with the durable point that has just been decided.
func (x *executionTrace) take(l *live, at time.Time) []span {
	if !x.records() {
		return nil
	}
	x.returned(l, at)
	spans := x.spans
	x.spans = nil
	clear(x.failures)
	return spans
}

// emit makes the spans of what is durable now.
func (x *executionTrace) emit(spans []span) {
	for i := range spans {
		s := &spans[i]
		ctx := trace.ContextWithSpanContext(context.Background(), x.context(s.parent, x.flags))
		s.create(tracing.WithIDs(ctx, x.id, s.id), x.tracer)
	}
}

// ended makes the span of the execution, which has ended.
func (x *executionTrace) ended(run *statemachine.Run, end *EndRow) {
	if !x.records() {
		return
	}
	redrives := run.RedriveCount()
	s := span{
		id: x.rootID(redrives), name: executionSpanName(x.row), kind: trace.SpanKindInternal,
		start: later(x.row.StartedAt, run.RedrivenAt()), end: end.EndedAt,
		attributes: append(x.common(), attribute.String(attrExecutionName, x.row.Name), attribute.String(attrStatus, string(end.Status))),
	}
	if end.Status != Succeeded {
		s.failed = &failed{name: string(end.Status)}
		if end.Error != nil {
			s.failed.name = *end.Error
		}
		if end.Cause != nil {
			s.failed.cause = *end.Cause
		}
	}
	if redrives > 0 {
		s.link = x.context(x.rootID(redrives-1), x.flags)
		s.attributes = append(s.attributes, attribute.Int(attrRedrives, redrives))
	}
	s.create(tracing.WithIDs(x.outside(), x.id, s.id), x.tracer)
}

func (s *span) options() []trace.SpanStartOption {
	if s.outcome != "" {
		s.attributes = append(s.attributes, attribute.String(attrOutcome, s.outcome))
	}
	if s.failed != nil {
		s.attributes = append(s.attributes, attribute.String(attrError, s.failed.name))
	}
	options := []trace.SpanStartOption{
		trace.WithTimestamp(s.start), trace.WithSpanKind(s.kind), trace.WithAttributes(s.attributes...),
	}
	if s.link.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: s.link}))
	}
	return options
}

// create makes the span, from its start to its end. The context has its ids, and the span above it.
func (s *span) create(ctx context.Context, tracer trace.Tracer) {
	_, made := tracer.Start(ctx, s.name, s.options()...)
	if !s.handedOver.IsZero() {
		made.AddEvent("handed over", trace.WithTimestamp(s.handedOver))
	}
	if s.failed != nil {
		made.AddEvent("exception", trace.WithTimestamp(s.end), trace.WithAttributes(
			attribute.String("exception.type", s.failed.name),
			attribute.String("exception.message", cut(s.failed.cause, maxSpanCause))))
		made.SetStatus(codes.Error, cut(strings.TrimPrefix(s.failed.name+": "+s.failed.cause, ": "), maxSpanStatus))
	}
	made.End(trace.WithTimestamp(s.end))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// cut shortens a text to at most so many bytes, at the border of a character, and mends what is not UTF-8, which would
// keep the whole batch of spans from being exported.
func cut(text string, limit int) string {
	if len(text) > limit {
		n := limit
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
