package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

// owned makes the end of an Express execution, with a history or without.
func (f *fixture) owned(execution uuid.UUID, events string) *engine.Write {
	w := f.end(execution, 0)
	w.Owned, w.Events = true, []byte(events)
	w.End.EndedAt = w.At.Truncate(time.Millisecond)
	return w
}

// express makes the start of an Express execution.
func (f *fixture) express() *engine.Write {
	w := f.start("")
	w.Events, w.Start.Name = nil, "not unique"
	return w
}

// TestExpressLife starts Express executions and ends them, at once or later, with and without a history; each batch is
// sent twice, as after an answer that was lost.
func TestExpressLife(t *testing.T) {
	f := newFixture(t)
	later, logged, whole := f.express(), f.express(), f.express()
	whole.Events, whole.End = []byte("all of it"), &engine.EndRow{Status: engine.Succeeded, Output: input("1"), EndedAt: whole.At}
	for range 2 {
		f.commit(engine.OutcomeCommitted, later, logged, whole)
	}
	if row := f.execution(later.Execution); row.Status != engine.Running || row.Owner == nil || *row.Owner != f.node || len(f.history(row.ID)) != 0 {
		t.Errorf("the one that runs is %+v", row)
	}
	if row := f.execution(whole.Execution); row.Status != engine.Succeeded || row.Owner != nil || len(f.history(row.ID)) != 1 {
		t.Errorf("the one that is written whole is %+v", row)
	}
	ends := []*engine.Write{f.owned(later.Execution, ""), f.owned(logged.Execution, "all of it")}
	for range 2 {
		f.commit(engine.OutcomeCommitted, ends...)
	}
	for i, rows := range []int{0, 1} {
		row := f.execution(ends[i].Execution)
		if row.Status != engine.Succeeded || row.Output.String() != `{"total": 12}` || row.Owner != nil || len(f.history(row.ID)) != rows {
			t.Errorf("it ended as %+v, with the history %v", row, f.history(row.ID))
		}
	}
}

// TestExpressFenced: the end of a node that lost the execution changes nothing, beside writes that are fine; the heir
// finds no history, and its own end counts, once.
func TestExpressFenced(t *testing.T) {
	f := newFixture(t)
	lost, kept := f.express(), f.express()
	lost.Node = deadNode
	f.commit(engine.OutcomeCommitted, lost, kept)
	claimed, err := f.ClaimDead(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 1 || claimed[0].Execution.ID != lost.Execution || len(claimed[0].History) != 0 || claimed[0].Snapshot != nil {
		t.Fatalf("claimed are %+v, %v", claimed, err)
	}
	loser := f.owned(lost.Execution, "of the loser")
	loser.Node = deadNode
	fine := f.owned(kept.Execution, "")
	if err := f.Commit(t.Context(), []*engine.Write{loser, fine}); err != nil {
		t.Fatal(err)
	}
	if loser.Outcome != engine.OutcomeFenced || fine.Outcome != engine.OutcomeCommitted {
		t.Errorf("the outcomes are %d and %d", loser.Outcome, fine.Outcome)
	}
	if row := f.execution(lost.Execution); row.Status != engine.Running || *row.Owner != f.node || len(f.history(row.ID)) != 0 {
		t.Errorf("the loser has made it %+v", row)
	}
	f.commit(engine.OutcomeCommitted, f.owned(lost.Execution, "of the heir"))
	late := f.owned(lost.Execution, "once more")
	late.End.EndedAt = late.End.EndedAt.Add(time.Second)
	f.commit(engine.OutcomeFenced, late)
	if rows := f.history(lost.Execution); len(rows) != 1 || string(rows[0].Events) != "of the heir" {
		t.Errorf("the history is %v", rows)
	}
}
