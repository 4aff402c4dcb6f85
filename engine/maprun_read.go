package engine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// mapRunReader folds the history of an execution into what its map runs do.
type mapRunReader struct {
	run   *statemachine.Run
	found []*mapRun
	open  map[event.FrameID]*mapRun   // by the frame of the Map
	child map[event.FrameID]*mapChild // by the frames of iterations
}

type mapRun struct {
	MapRun

	frame event.FrameID
	batch []int // by index, how many items an iteration has; nil: one each
	items int
	size  int
}

// mapChild is one iteration.
type mapChild struct {
	frame         event.FrameID
	status        Status
	startedAt     time.Time
	stoppedAt     *time.Time
	items         int
	redrives      int
	redrivenAt    *time.Time
	input, output *value.Value
	err, cause    *string
}

// end notes how an iteration ended, or the Map around it.
func (c *mapChild) end(status Status, at time.Time) { c.status, c.stoppedAt = status, &at }

// add folds the next event of the execution.
func (r *mapRunReader) add(ev statemachine.Event) error {
	c := r.child[ev.Frame]
	if _, ok := ev.Data.(event.IterationSucceeded); ok && c != nil { // which closes the frame
		c.output = r.run.Frame(ev.Frame).Input()
	}
	if err := r.run.Apply(ev); err != nil {
		return err
	}
	switch data := ev.Data.(type) {
	case event.MapStarted:
		r.started(ev, data)
	case event.MapChanged:
		if m := r.open[ev.Frame]; m != nil {
			m.bounds(data.MaxConcurrency, data.ToleratedCount, data.ToleratedPercentage)
		}
	case event.IterationStarted:
		if m := r.open[ev.Frame]; m != nil {
			m.begin(r.run.LastFrame(), ev, r.child)
		}
	case event.IterationSucceeded:
		if c != nil {
			c.end(Succeeded, ev.Time)
		}
	case event.IterationFailed:
		if c != nil {
			c.end(Failed, ev.Time)
			c.err, c.cause = data.Error, data.Cause
		}
	case event.IterationAborted:
		if c != nil {
			c.end(Aborted, ev.Time)
		}
	case event.MapSucceeded:
		r.stopped(ev, Succeeded)
	case event.MapFailed:
		r.stopped(ev, Failed)
	case event.ExecutionRedriven:
		r.redriven(ev)
	}
	return nil
}

func (r *mapRunReader) started(ev statemachine.Event, data event.MapStarted) {
	f := r.run.Frame(ev.Frame)
	label, ok := f.Distributed()
	if !ok || f.Hidden() {
		return
	}
	m := &mapRun{
		MapRun: MapRun{Label: label, Status: Running, StartedAt: ev.Time, event: f.MapStarted()},
		frame:  ev.Frame, batch: f.Batches(), size: f.Size(), items: f.Size(),
	}
	m.bounds(data.MaxConcurrency, data.ToleratedCount, data.ToleratedPercentage)
	if m.batch != nil {
		m.items = 0
		for _, n := range m.batch {
			m.items += n
		}
	}
	r.open[ev.Frame] = m
	r.found = append(r.found, m)
}

func (m *mapRun) bounds(concurrency, count int, percentage float64) {
	m.MaxConcurrency, m.ToleratedCount, m.ToleratedPercentage = concurrency, max(0, count), max(0, percentage)
}

func (m *mapRun) begin(f *statemachine.Frame, ev statemachine.Event, byFrame map[event.FrameID]*mapChild) {
	c := &mapChild{frame: f.ID(), status: Running, startedAt: ev.Time, items: 1, input: f.Input()}
	if m.batch != nil {
		c.items = m.batch[f.Index()]
	}
	m.children = append(m.children, c)
	byFrame[f.ID()] = c
}

// stopped notes the end of a Map.
func (r *mapRunReader) stopped(ev statemachine.Event, status Status) {
	if m := r.open[ev.Frame]; m != nil {
		at := ev.Time
		m.Status, m.StoppedAt = status, &at
		delete(r.open, ev.Frame)
	}
}

// redriven lets the map runs go on in the middle of which the execution ended, with those of their iterations that are still open.
func (r *mapRunReader) redriven(ev statemachine.Event) {
	at := ev.Time
	for _, m := range r.found {
		if f := r.run.Frame(m.frame); f == nil || f.MapStarted() != m.event {
			continue
		}
		m.Status, m.StoppedAt, m.RedrivenAt = Running, nil, &at
		m.RedriveCount++
		r.open[m.frame] = m
		for _, c := range m.children {
			if r.run.Frame(c.frame) != nil {
				c.status, c.stoppedAt, c.err, c.cause, c.redrivenAt = Running, nil, nil, nil, &at
				c.redrives++
			}
		}
	}
}

// result gives what was read. A Map that has not ended with its execution was aborted with it, and so were its iterations.
func (m *mapRun) result(x Execution) MapRun {
	out := m.MapRun
	out.Execution = x
	if out.Status == Running && x.Status != Running {
		out.Status, out.StoppedAt = Aborted, x.EndedAt
	}
	out.Children.Total, out.Items.Total = m.size, m.items
	for _, c := range m.children {
		if c.status == Running && out.StoppedAt != nil {
			c.end(Aborted, *out.StoppedAt)
		}
		out.Children.add(c.status, 1)
		out.Items.add(c.status, c.items)
	}
	for _, c := range []*Counts{&out.Children, &out.Items} {
		rest := c.Total - c.Running - c.Succeeded - c.Failed - c.Aborted
		if out.Status == Running {
			c.Pending = rest
		} else { // what never began
			c.Aborted += rest
		}
	}
	return out
}

func (c *Counts) add(status Status, n int) {
	switch status {
	case Running:
		c.Running += n
	case Succeeded:
		c.Succeeded += n
	case Failed:
		c.Failed += n
	default:
		c.Aborted += n
	}
}
