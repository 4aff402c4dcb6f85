package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

// MapRun is what a distributed Map of an execution has done. It is read from the execution's history.
type MapRun struct {
	ARN       string
	Execution Execution
	Label     string // of the Map, or its name for want of one
	Status    Status // RUNNING, SUCCEEDED, FAILED or ABORTED
	StartedAt time.Time
	StoppedAt *time.Time

	MaxConcurrency      int     // 0: none but the engine's
	ToleratedCount      int     // 0 if none is tolerated
	ToleratedPercentage float64 // 0 if none is tolerated

	Children Counts // one for each item, or for each batch
	Items    Counts

	event int64 // the id of its MapStateStarted, with which its ARN ends
}

// Counts count by what has become of things.
type Counts struct {
	Total, Pending, Running, Succeeded, Failed, Aborted int
}

// MapRuns gives the map runs of an execution, in the order of their starts.
func (e *Engine) MapRuns(ctx context.Context, x Execution) ([]MapRun, error) {
	page, err := e.History(ctx, x.ID, 0, 0)
	if err != nil {
		return nil, err
	}
	if page.Machine == nil {
		return nil, fmt.Errorf("reading the map runs of execution %s: its definition does not compile with this release", x.ID)
	}
	events, err := page.Events()
	if err != nil {
		return nil, err
	}
	row := page.Execution.ExecutionRow
	r := &mapRunReader{run: page.Machine.NewRun(e.info(&row)), open: map[event.FrameID]*mapRun{}, parents: map[event.FrameID]*mapRun{}}
	for _, ev := range events {
		if err := r.add(ev); err != nil {
			return nil, fmt.Errorf("reading the map runs of execution %s: %w", x.ID, err)
		}
	}
	list := make([]MapRun, len(r.found))
	for i, m := range r.found {
		list[i] = m.result(page.Execution)
		list[i].ARN = e.mapRunARN(&page.Execution.ExecutionRow, m.Label, m.event)
	}
	return list, nil
}

// MapRun gives one map run by its ARN, or ResourceNotFound.
func (e *Engine) MapRun(ctx context.Context, namespace, arn string) (MapRun, error) {
	kind, rest, err := statesARN(arn)
	if err != nil {
		return MapRun{}, err
	}
	machine, name, ok := strings.Cut(rest, "/")
	if ok {
		_, name, ok = strings.Cut(name, ":")
	}
	dash := strings.LastIndexByte(name, '-')
	if kind != "mapRun" || !ok || dash < 0 {
		return MapRun{}, errorf(CodeInvalidArn, "%q is not the ARN of a map run", arn)
	}
	none := errorf(CodeResourceNotFound, "there is no map run %s", arn)
	x, err := e.DescribeExecution(ctx, namespace, machine+"/"+name[:dash])
	if coded, ok := err.(*Error); ok && coded.Code == CodeExecutionDoesNotExist { //nolint:errorlint // made there, never wrapped
		return MapRun{}, none
	}
	if err != nil {
		return MapRun{}, err
	}
	runs, err := e.MapRuns(ctx, x)
	if err != nil {
		return MapRun{}, err
	}
	for _, r := range runs {
		if strings.HasSuffix(r.ARN, ":mapRun:"+rest) { // region and account are not looked at
			return r, nil
		}
	}
	return MapRun{}, none
}

// mapRunReader counts what the map runs of an execution do.
type mapRunReader struct {
	run     *statemachine.Run
	found   []*mapRun
	open    map[event.FrameID]*mapRun // by the frame of the Map
	parents map[event.FrameID]*mapRun // by the frames of iterations
}

type mapRun struct {
	MapRun

	items map[event.FrameID]int // how many items each open iteration has
	batch []int                 // by index, how many items it has; nil: one each
	ended bool
}

// add folds the next event of the execution.
func (r *mapRunReader) add(ev statemachine.Event) error {
	if err := r.run.Apply(ev); err != nil {
		return err
	}
	f := r.run.Frame(ev.Frame)
	switch data := ev.Data.(type) {
	case event.MapStarted:
		if label, ok := f.Distributed(); ok && !f.Hidden() {
			m := &mapRun{MapRun: MapRun{
				Label: label, StartedAt: ev.Time, event: f.MapStarted(), MaxConcurrency: data.MaxConcurrency,
				ToleratedCount: max(0, data.ToleratedCount), ToleratedPercentage: max(0, data.ToleratedPercentage),
			}, items: map[event.FrameID]int{}, batch: f.Batches()}
			m.Children.Total, m.Items.Total = f.Size(), f.Size()
			if m.batch != nil {
				m.Items.Total = 0
				for _, n := range m.batch {
					m.Items.Total += n
				}
			}
			r.open[ev.Frame] = m
			r.found = append(r.found, m)
		}
	case event.MapChanged:
		if m := r.open[ev.Frame]; m != nil {
			m.MaxConcurrency, m.ToleratedCount = data.MaxConcurrency, max(0, data.ToleratedCount)
			m.ToleratedPercentage = max(0, data.ToleratedPercentage)
		}
	case event.IterationStarted:
		if m := r.open[ev.Frame]; m != nil {
			child := r.run.LastFrame()
			r.parents[child.ID()] = m
			n := 1
			if m.batch != nil {
				n = m.batch[child.Index()]
			}
			m.items[child.ID()] = n
			m.Children.Running++
			m.Items.Running += n
		}
	case event.IterationSucceeded:
		r.ended(ev, func(c *Counts) *int { return &c.Succeeded })
	case event.IterationFailed:
		r.ended(ev, func(c *Counts) *int { return &c.Failed })
	case event.IterationAborted:
		r.ended(ev, func(c *Counts) *int { return &c.Aborted })
	case event.MapSucceeded:
		r.stopped(ev, Succeeded)
	case event.MapFailed:
		r.stopped(ev, Failed)
	}
	return nil
}

// ended counts an iteration.
func (r *mapRunReader) ended(ev statemachine.Event, counter func(*Counts) *int) {
	m := r.parents[ev.Frame]
	if m == nil {
		return
	}
	n := m.items[ev.Frame]
	delete(m.items, ev.Frame)
	delete(r.parents, ev.Frame)
	m.Children.Running--
	m.Items.Running -= n
	*counter(&m.Children)++
	*counter(&m.Items) += n
}

// stopped notes the end of a Map.
func (r *mapRunReader) stopped(ev statemachine.Event, status Status) {
	if m := r.open[ev.Frame]; m != nil {
		at := ev.Time
		m.Status, m.StoppedAt, m.ended = status, &at, true
		delete(r.open, ev.Frame)
	}
}

// result gives what was counted. A Map that has not ended with its execution was aborted with it.
func (m *mapRun) result(x Execution) MapRun {
	out := m.MapRun
	out.Execution = x
	if !m.ended {
		out.Status = Running
		if x.Status != Running {
			out.Status, out.StoppedAt = Aborted, x.EndedAt
		}
	}
	for _, c := range []*Counts{&out.Children, &out.Items} {
		if out.Status != Running { // what ran on when the Map ended, and what never began
			c.Aborted += c.Running
			c.Running = 0
		}
		c.Pending = c.Total - c.Running - c.Succeeded - c.Failed - c.Aborted
		if out.Status != Running {
			c.Aborted += c.Pending
			c.Pending = 0
		}
	}
	return out
}
