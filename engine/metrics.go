package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

// attrFunction names a function in metrics.
const attrFunction = "tercel.function.name"

// The outcomes of function calls in metrics, besides those of spans.
const (
	outcomeTimedOut   = "timed_out"
	outcomeCancelled  = "cancelled"   // nobody waits for it any more
	outcomeHandedOver = "handed_over" // it succeeded, and the task waits for its token
)

// The bounds of the histograms, in seconds: of what takes fractions of a second, and of executions, which take up to a
// year.
var (
	shortBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	longBounds  = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 60, 300, 3600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000}
	sizeBounds  = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

// metrics are the instruments of an engine. What they are told is summed up by state machine, function and outcome, never
// by execution, so that their number is bounded by what is deployed.
type metrics struct {
	starts, ends, transitions, parks, fenced, failures metric.Int64Counter
	executions, commits, calls, lag                    metric.Float64Histogram
	sizes                                              metric.Int64Histogram

	labels sync.Map // label: metric.MeasurementOption
	meter  *instruments
	gauges metric.Registration
}

// label is a set of attributes that is made once.
type label struct{ namespace, machine, function, outcome string }

func newMetrics(cfg Config) (*metrics, error) {
	provider := cfg.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider() // hands on to one that is set later
	}
	b := &instruments{Meter: provider.Meter(instrumentation)}
	m := &metrics{meter: b}
	m.starts = b.counter("tercel.execution.starts", "{execution}", "Executions started")
	m.ends = b.counter("tercel.execution.ends", "{execution}", "Executions ended, by status")
	m.parks = b.counter("tercel.execution.parks", "{execution}", "Executions that left memory to wait")
	m.transitions = b.counter("tercel.transitions", "{transition}", "States entered")
	m.fenced = b.counter("tercel.writes.fenced", "{write}", "Durable points refused because another node owns the execution")
	m.failures = b.counter("tercel.commit.failures", "{commit}", "Tries to commit that failed; the batch is tried again")
	m.executions = b.seconds("tercel.execution.duration", "From the start of an execution to its end", longBounds)
	m.commits = b.seconds("tercel.commit.duration", "One commit of a batch", shortBounds)
	m.calls = b.seconds("tercel.invocation.duration", "One call of a function", shortBounds)
	m.lag = b.seconds("tercel.timer.lag", "How late a deadline of an execution was met", shortBounds)
	m.sizes = b.sizes("tercel.commit.size", "{write}", "Durable points in one commit")
	if b.err != nil {
		return nil, fmt.Errorf("making the instruments of the engine's metrics: %w", b.err)
	}
	return m, nil
}

// observe has the gauges read from Stats when somebody asks, until close.
func (m *metrics) observe(stats func() Stats) error {
	b := m.meter
	live := b.gauge("tercel.executions.live", "{execution}", "Executions in memory")
	runnable := b.gauge("tercel.queue.runnable", "{execution}", "Executions that have something to do and wait for a processor")
	writes := b.gauge("tercel.queue.writes", "{write}", "Durable points that wait for a commit")
	bytes := b.gauge("tercel.queue.size", "By", "Bytes of durable points that wait for a commit, or commit")
	reads := b.gauge("tercel.queue.reads", "{execution}", "Parked executions that wait to be read for a signal")
	running := b.gauge("tercel.invocations.running", "{call}", "Function calls in flight")
	waiting := b.gauge("tercel.invocations.waiting", "{call}", "Function calls that wait for room")
	if b.err != nil {
		return fmt.Errorf("making the gauges of the engine's metrics: %w", b.err)
	}
	var err error
	m.gauges, err = b.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := stats()
		o.ObserveInt64(live, int64(s.Live))
		o.ObserveInt64(runnable, int64(s.Runnable))
		o.ObserveInt64(writes, int64(s.QueuedWrites))
		o.ObserveInt64(bytes, int64(s.QueuedBytes))
		o.ObserveInt64(reads, int64(s.WaitingReads))
		o.ObserveInt64(running, int64(s.Invocations))
		o.ObserveInt64(waiting, int64(s.WaitingInvocations))
		return nil
	}, live, runnable, writes, bytes, reads, running, waiting)
	if err != nil {
		return fmt.Errorf("registering the gauges of the engine's metrics: %w", err)
	}
	return nil
}

// close ends the gauges.
func (m *metrics) close() {
	if m.gauges != nil {
		_ = m.gauges.Unregister() // it fails if it was done before
	}
}

// with gives the attributes of a label.
func (m *metrics) with(l label) metric.MeasurementOption {
	if known, ok := m.labels.Load(l); ok {
		option, _ := known.(metric.MeasurementOption)
		return option
	}
	list := []attribute.KeyValue{attribute.String(attrNamespace, l.namespace)}
	if l.machine != "" {
		list = append(list, attribute.String(attrMachine, l.machine))
	}
	switch {
	case l.function != "":
		list = append(list, attribute.String(attrFunction, l.function), attribute.String(attrOutcome, l.outcome))
	case l.outcome != "":
		list = append(list, attribute.String(attrStatus, l.outcome))
	}
	option := metric.WithAttributeSet(attribute.NewSet(list...))
	m.labels.Store(l, option)
	return option
}

func (m *metrics) started(row *ExecutionRow) {
	if ctx := context.Background(); m.starts.Enabled(ctx) {
		m.starts.Add(ctx, 1, m.with(label{namespace: row.Namespace, machine: row.MachineName}))
	}
}

func (m *metrics) ended(row *ExecutionRow, end *EndRow) {
	ctx := context.Background()
	if !m.ends.Enabled(ctx) {
		return
	}
	with := m.with(label{namespace: row.Namespace, machine: row.MachineName, outcome: string(end.Status)})
	m.ends.Add(ctx, 1, with)
	m.executions.Record(ctx, max(0, end.EndedAt.Sub(row.StartedAt).Seconds()), with)
}

func (m *metrics) parked(row *ExecutionRow) {
	if ctx := context.Background(); m.parks.Enabled(ctx) {
		m.parks.Add(ctx, 1, m.with(label{namespace: row.Namespace, machine: row.MachineName}))
	}
}

// entered counts the states that a durable point enters.
func (m *metrics) entered(row *ExecutionRow, states int) {
	if ctx := context.Background(); states > 0 && m.transitions.Enabled(ctx) {
		m.transitions.Add(ctx, int64(states), m.with(label{namespace: row.Namespace, machine: row.MachineName}))
	}
}

func (m *metrics) committed(size int, took time.Duration) {
	if ctx := context.Background(); m.commits.Enabled(ctx) {
		m.commits.Record(ctx, took.Seconds())
		m.sizes.Record(ctx, int64(size))
	}
}

// called tells of a function call, which has the name that the registry, or the definition, has.
func (m *metrics) called(namespace, function, outcome string, took time.Duration) {
	if ctx := context.Background(); m.calls.Enabled(ctx) {
		m.calls.Record(ctx, took.Seconds(), m.with(label{namespace: namespace, function: function, outcome: outcome}))
	}
}

// late tells of a deadline that was due at a time and is met now.
func (m *metrics) late(by time.Duration) {
	if ctx := context.Background(); m.lag.Enabled(ctx) {
		m.lag.Record(ctx, max(0, by.Seconds()))
	}
}

// instruments makes instruments and keeps the first error.
type instruments struct {
	metric.Meter
	err error
}

func (b *instruments) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *instruments) counter(name, unit, description string) metric.Int64Counter {
	c, err := b.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	b.note(err)
	return c
}

func (b *instruments) gauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := b.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	b.note(err)
	return g
}

func (b *instruments) seconds(name, description string, bounds []float64) metric.Float64Histogram {
	h, err := b.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
	b.note(err)
	return h
}

func (b *instruments) sizes(name, unit, description string) metric.Int64Histogram {
	h, err := b.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(sizeBounds...))
	b.note(err)
	return h
}

// statesEntered counts the states that events enter.
func statesEntered(events []statemachine.Event) (n int) {
	for i := range events {
		if _, ok := events[i].Data.(event.StateEntered); ok {
			n++
		}
	}
	return n
}

// callOutcome names what became of a function call.
func callOutcome(ctx context.Context, j *job, err error) string {
	switch {
	case err == nil && j.command.Pattern != statemachine.RequestResponse:
		return outcomeHandedOver
	case err == nil:
		return outcomeSucceeded
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return outcomeTimedOut
	case ctx.Err() != nil:
		return outcomeCancelled
	default:
		return outcomeFailed
	}
}
