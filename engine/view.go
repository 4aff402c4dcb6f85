package engine

import (
	"context"
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
)

// Viewer unfolds the rows of an execution's history into the events of the Step Functions API.
type Viewer struct {
	view *history.Viewer
	next int64 // the seq of the row that comes next
}

// Viewer gives what unfolds the history of an execution, which must be one that DescribeExecution, History or Watch
// gave: with its input.
func (e *Engine) Viewer(ctx context.Context, x Execution) (*Viewer, error) {
	m, err := e.machines.compiled(ctx, x.Revision)
	if err != nil {
		return nil, fmt.Errorf("getting the state machine of execution %s: %w", x.ID, err)
	}
	row := x.ExecutionRow
	return &Viewer{view: history.NewViewer(m.machine, e.info(&row))}, nil
}

// Add unfolds the next row. Rows come in order, from seq 0.
func (v *Viewer) Add(row HistoryRow) ([]history.Event, error) {
	if row.Seq != v.next {
		return nil, fmt.Errorf("reading the history: the row of seq %d is missing, the next is %d", v.next, row.Seq)
	}
	events, err := statemachine.DecodeEvents(row.Events)
	if err != nil {
		return nil, fmt.Errorf("reading the history row of seq %d: %w", row.Seq, err)
	}
	v.next++
	var out []history.Event
	for _, ev := range events {
		unfolded, err := v.view.Add(ev)
		if err != nil {
			return out, fmt.Errorf("unfolding the history row of seq %d: %w", row.Seq, err)
		}
		out = append(out, unfolded...)
	}
	return out, nil
}
