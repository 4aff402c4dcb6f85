package statemachine

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

const snapshotVersion = 1

// Snapshot gives the run in a form that Restore reads, in this release and in later ones. What Info has is not in it.
func (r *Run) Snapshot() []byte {
	e := &event.Encoder{}
	e.Uint(snapshotVersion)
	e.Text(string(r.status))
	e.Time(r.started)
	e.Time(r.ended)
	e.Time(r.deadline)
	e.Time(r.redriven)
	e.Uint(uint64(r.redriveCount))
	e.OptionalText(r.failure.name)
	e.OptionalText(r.failure.cause)
	e.Uint(uint64(r.lastFrame))
	e.Uint(uint64(r.lastTask))
	e.Int(r.lastEvent)
	e.Uint(uint64(len(r.settled)))
	for _, id := range slices.Sorted(maps.Keys(r.settled)) {
		e.Uint(uint64(id))
		e.Uint(uint64(r.settled[id]))
	}
	r.root.encode(e)
	r.encodeTimes(e)
	r.encodeApprovals(e)
	r.encodeMaps(e)
	return e.Bytes()
}

// encodeTimes writes when the last event was, and when each open task was scheduled and handed over.
func (r *Run) encodeTimes(e *event.Encoder) {
	e.Time(r.lastAt)
	e.Uint(uint64(len(r.tasks)))
	for _, id := range slices.Sorted(maps.Keys(r.tasks)) {
		t := r.tasks[id].task
		e.Uint(uint64(id))
		e.Time(t.scheduledAt)
		e.Time(t.handedOverAt)
	}
}

// restorer reads a snapshot into a run.
type restorer struct {
	*event.Decoder
	run *Run
}

// times reads what encodeTimes wrote; snapshots of older releases have nothing of it.
func (rs *restorer) times() {
	rs.run.lastAt = rs.Time()
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		id, scheduled, handedOver := TaskID(rs.Uint()), rs.Time(), rs.Time()
		if f := rs.run.tasks[id]; f != nil {
			f.task.scheduledAt, f.task.handedOverAt = scheduled, handedOver
		}
	}
}

func (f *Frame) encode(e *event.Encoder) {
	e.Uint(uint64(f.id))
	e.Uint(uint64(f.index))
	e.Text(f.next)
	name, _ := f.State()
	e.Text(name)
	e.Time(f.enteredAt)
	e.Int(f.enteredID)
	e.Value(f.input)
	e.Value(f.result)
	e.Uint(uint64(len(f.variables)))
	for _, name := range slices.Sorted(maps.Keys(f.variables)) {
		e.Text(name)
		e.Value(f.variables[name])
	}
	e.Uint(uint64(len(f.attempts)))
	for _, n := range f.attempts {
		e.Uint(uint64(n))
	}
	e.Time(f.until)
	e.Bool(f.retry)
	e.Bool(f.finished)
	e.Bool(f.task != nil)
	if f.task != nil {
		f.task.encode(e)
	}
	e.Bool(f.group != nil)
	if f.group != nil {
		f.group.encode(e)
	}
}

func (t *openTask) encode(e *event.Encoder) {
	e.Uint(uint64(t.id))
	e.Value(t.arguments)
	e.Duration(t.timeout)
	e.Duration(t.heartbeat)
	e.Time(t.deadline)
	e.Time(t.heartbeatDue)
	e.Bool(t.submitted)
	e.Bool(t.started)
}

func (g *group) encode(e *event.Encoder) {
	e.Value(g.input)
	e.Value(g.items)
	e.Uint(uint64(g.total))
	e.Uint(uint64(g.next))
	e.Uint(uint64(g.failed))
	e.Uint(uint64(g.maxConcurrency))
	e.Int(int64(g.toleratedCount))
	e.Float(g.toleratedPercentage)
	for _, v := range g.results {
		e.Value(v)
	}
	e.Uint(uint64(len(g.open)))
	for _, f := range g.ordered() {
		f.encode(e)
	}
}

// Restore gives the run that a snapshot was made of. Events behind the snapshot are then applied to it.
func (m *Machine) Restore(info Info, snapshot []byte) (*Run, error) {
	d := event.NewDecoder(snapshot)
	if v := d.Uint(); v != snapshotVersion {
		return nil, fmt.Errorf("reading a snapshot: version %d is not known to this release: %w", v, event.ErrCorrupt)
	}
	r := &Run{machine: m, info: info, frames: map[FrameID]*Frame{}, tasks: map[TaskID]*Frame{}}
	r.status = Status(d.Text())
	r.started, r.ended, r.deadline, r.redriven = d.Time(), d.Time(), d.Time(), d.Time()
	r.redriveCount = int(d.Uint())
	r.failure = failure{name: d.OptionalText(), cause: d.OptionalText()}
	r.lastFrame, r.lastTask, r.lastEvent = FrameID(d.Uint()), TaskID(d.Uint()), d.Int()
	for n := d.Uint(); n > 0 && d.More(); n-- {
		if r.settled == nil {
			r.settled = map[TaskID]settlement{}
		}
		r.settled[TaskID(d.Uint())] = settlement(d.Uint())
	}
	rs := &restorer{d, r}
	root, err := rs.frame(nil, func(int) *flow { return m.flow })
	if err == nil {
		rs.times()
		if err = rs.approvals(); err == nil {
			rs.maps()
			err = d.Err()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	r.root = root
	return r, nil
}

func (rs *restorer) frame(parent *Frame, flowOf func(index int) *flow) (*Frame, error) {
	f := &Frame{parent: parent, id: FrameID(rs.Uint()), index: int(rs.Uint()), next: rs.Text()}
	f.flow = flowOf(f.index)
	f.hidden = f.isHidden()
	if name := rs.Text(); name != "" {
		f.state = rs.run.machine.states[name]
		if f.state == nil || f.flow == nil || f.state.flow != f.flow {
			return nil, fmt.Errorf("there is no state %q where frame %d is: %w", name, f.id, event.ErrCorrupt)
		}
	}
	f.enteredAt, f.enteredID = rs.Time(), rs.Int()
	f.input, f.result = rs.Value(), rs.Value()
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		if f.variables == nil {
			f.variables = map[string]*value.Value{}
		}
		name := rs.Text()
		f.variables[name] = rs.Value()
	}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		f.attempts = append(f.attempts, int(rs.Uint()))
		f.retries += f.attempts[len(f.attempts)-1]
	}
	f.until, f.retry, f.finished = rs.Time(), rs.Bool(), rs.Bool()
	rs.run.frames[f.id] = f
	if f.next != "" {
		rs.run.pending++
	}
	if err := rs.work(f); err != nil {
		return nil, err
	}
	rs.run.timers.add(f)
	return f, nil
}

// work reads what the frame waits for.
func (rs *restorer) work(f *Frame) error {
	if rs.Bool() {
		if f.state == nil || f.state.task() == nil {
			return fmt.Errorf("frame %d has a task but is in no Task state: %w", f.id, event.ErrCorrupt)
		}
		f.task = &openTask{
			id: TaskID(rs.Uint()), arguments: rs.Value(), timeout: rs.Duration(), heartbeat: rs.Duration(),
			deadline: rs.Time(), heartbeatDue: rs.Time(), submitted: rs.Bool(), started: rs.Bool(),
		}
		rs.run.tasks[f.task.id] = f
		if !f.waitsOutside() {
			rs.run.busy++
		}
	}
	if !rs.Bool() {
		return nil
	}
	return rs.group(f)
}

func (rs *restorer) group(f *Frame) error {
	g := &group{open: map[int]*Frame{}}
	f.group = g
	g.input, g.items = rs.Value(), rs.Value()
	g.total, g.next, g.failed = int(rs.Uint()), int(rs.Uint()), int(rs.Uint())
	g.maxConcurrency, g.toleratedCount, g.toleratedPercentage = int(rs.Uint()), int(rs.Int()), rs.Float()
	flowOf, err := f.flows(g)
	if err != nil {
		return err
	}
	g.results = make([]*value.Value, g.total)
	for i := range g.results {
		g.results[i] = rs.Value()
	}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		child, err := rs.frame(f, flowOf)
		if err != nil {
			return err
		}
		if child.flow == nil {
			return fmt.Errorf("frame %d has no branch or iteration %d: %w", f.id, child.index, event.ErrCorrupt)
		}
		g.open[child.index] = child
		if g.items != nil {
			child.item = g.items.At(child.index)
		}
	}
	return nil
}

// flows gives the flow of each frame of a group, once the group is known to fit the state that the frame is in.
func (f *Frame) flows(g *group) (func(index int) *flow, error) {
	switch b := f.behaviour().(type) {
	case *parallelState:
		if g.total == len(b.branches) && g.next <= g.total {
			return func(i int) *flow {
				if i >= len(b.branches) {
					return nil
				}
				return b.branches[i]
			}, nil
		}
	case *mapState:
		if g.items != nil && g.items.Kind() == value.Array && g.total == g.items.Len() && g.next <= g.total {
			return func(i int) *flow {
				if i >= g.total {
					return nil
				}
				return b.processor
			}, nil
		}
	}
	return nil, fmt.Errorf("frame %d has branches or iterations that its state has not: %w", f.id, event.ErrCorrupt)
}
