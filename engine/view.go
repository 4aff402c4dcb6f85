package engine

import (
	"context"
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
)

// Viewer unfolds the rows of an execution's history into the events of the Step Functions API.
type Viewer struct {
	view  *history.Viewer
	next  int64 // the seq of the row that comes next
	seq   int64 // how many events it has given
	notes *notes
}

// HistoryEvent is an event with its place in the history.
type HistoryEvent struct {
	history.Event
	Seq int64 // counts all events from 1, those with Extra too
}

// Viewer gives what unfolds the history of an execution, which must be one that DescribeExecution, History or Watch
// gave: with its input.
func (e *Engine) Viewer(ctx context.Context, x Execution) (*Viewer, error) {
	return e.viewerAt(ctx, x, mark{})
}

// ViewerAfter gives a Viewer for the events behind a place: the Seq of an event, 0 for all. It begins at most a thousand
// events before, if the history was unfolded before on this node, and at the first row if not. Its Next tells with which
// row to begin; events up to the place are still to be passed over.
func (e *Engine) ViewerAfter(ctx context.Context, x Execution, place int64) (*Viewer, error) {
	return e.viewerAt(ctx, x, e.views.before(x.ID, func(m mark) bool { return m.seq <= place }))
}

func (e *Engine) viewerAt(ctx context.Context, x Execution, m mark) (*Viewer, error) {
	c, err := e.machines.compiled(ctx, x.Revision)
	if err != nil {
		return nil, fmt.Errorf("getting the state machine of execution %s: %w", x.ID, err)
	}
	row := x.ExecutionRow
	row.RoleARN = c.definition.RoleARN
	v := &Viewer{next: m.row, seq: m.seq, notes: &notes{views: &e.views, id: x.ID, last: m}}
	if m.state == nil {
		v.view = history.NewViewer(c.machine, e.info(&row))
		return v, nil
	}
	v.view, err = history.Resume(c.machine, e.info(&row), m.state)
	return v, err
}

// Next gives the seq of the row that Add takes next.
func (v *Viewer) Next() int64 { return v.next }

// Add unfolds the next row. Rows come in order, from that of seq Next.
func (v *Viewer) Add(row HistoryRow) ([]HistoryEvent, error) {
	if row.Seq != v.next {
		return nil, fmt.Errorf("reading the history: the row of seq %d is missing, the next is %d", v.next, row.Seq)
	}
	events, err := statemachine.DecodeEvents(row.Events)
	if err != nil {
		return nil, fmt.Errorf("reading the history row of seq %d: %w", row.Seq, err)
	}
	v.next++
	var out []HistoryEvent
	for _, ev := range events {
		unfolded, err := v.view.Add(ev)
		if err != nil {
			return out, fmt.Errorf("unfolding the history row of seq %d: %w", row.Seq, err)
		}
		for _, ev := range unfolded {
			v.seq++
			out = append(out, HistoryEvent{Event: ev, Seq: v.seq})
		}
	}
	v.notes.passed(v, len(row.Events))
	return out, nil
}
