package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// eventful does what the events of a history depend on: iterations and branches at once, retries, catchers, variables.
const eventful = `{"QueryLanguage": "CEL", "StartAt": "Each", "States": {
	"Each": {"Type": "Map", "MaxConcurrency": 40, "Next": "Both", "ItemProcessor": {"StartAt": "Inc", "States": {
		"Inc": {"Type": "Task", "Resource": "function:inc", "Next": "Then", "Assign": {"had": "{% states.result %}"}},
		"Then": {"Type": "Pass", "End": true}}}},
	"Both": {"Type": "Parallel", "Next": "Flaky", "Branches": [
		{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:inc", "Arguments": 1, "End": true}}},
		{"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 0, "End": true}}}]},
	"Flaky": {"Type": "Task", "Resource": "function:flaky", "End": true,
		"Retry": [{"ErrorEquals": ["Flaky"], "MaxAttempts": 2, "IntervalSeconds": 1}],
		"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]},
	"Caught": {"Type": "Succeed"}}}`

// rowCounter counts the rows of history that are read.
type rowCounter struct {
	*store.Store
	rows atomic.Int64
}

func (c *rowCounter) History(ctx context.Context, id uuid.UUID, from int64, limit int) ([]engine.HistoryRow, error) {
	rows, err := c.Store.History(ctx, id, from, limit)
	c.rows.Add(int64(len(rows)))
	return rows, err
}

var sameValues = cmp.Options{
	cmp.Comparer(func(a, b *value.Value) bool {
		return a == b || a != nil && b != nil && a.String() == b.String()
	}),
	cmpopts.EquateEmpty(),
}

// runEventful runs an execution of a few thousand events and gives it with all of them.
func runEventful(b *bench, e *engine.Engine, items int) (engine.Execution, []engine.HistoryEvent) {
	b.t.Helper()
	b.deploy(e, "eventful", eventful)
	x := b.begin(e, "eventful", "["+strings.TrimSuffix(strings.Repeat("1,", items), ",")+"]")
	x = b.wait(e, x.ID)
	if x.Status != engine.Succeeded {
		b.t.Fatalf("it is %s: %s", x.Status, failure(x))
	}
	viewer, err := e.Viewer(b.ctx(), x)
	if err != nil {
		b.t.Fatal(err)
	}
	rows, err := b.store.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []engine.HistoryEvent
	for _, row := range rows {
		events, err := viewer.Add(row)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, events...)
	}
	return x, all
}

func newEventful(t *testing.T, s engine.Store) (*bench, *engine.Engine) {
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	b.fn("flaky", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		return nil, &invoke.TaskError{Name: "Flaky", Cause: "as ever"}
	})
	e := b.start()
	return b, e
}

// Pages of a history, in either direction and of any size, are parts of the whole; and a page in the middle or at the end
// of a long history reads the rows around it, and not all before it.
func TestHistoryPages(t *testing.T) {
	s := &rowCounter{Store: storetest.Open(t)}
	b, e := newEventful(t, s)
	x, all := runEventful(b, e, 1200)
	if len(all) < 6000 {
		t.Fatalf("only %d events", len(all))
	}
	rows := int(s.rows.Swap(0))
	service := slices.DeleteFunc(slices.Clone(all), func(ev engine.HistoryEvent) bool { return ev.Extra })
	for _, q := range []engine.HistoryQuery{
		{Limit: 700},
		{Limit: 700, Reverse: true},
		{Limit: 1000, Service: true},
		{Limit: 333, Service: true, Reverse: true},
		{Limit: 100_000},
		{Limit: 100_000, Reverse: true},
	} {
		want := slices.Clone(all)
		if q.Service {
			want = slices.Clone(service)
		}
		if q.Reverse {
			slices.Reverse(want)
		}
		var got []engine.HistoryEvent
		for more := true; more; {
			page, err := e.HistoryEvents(b.ctx(), x.ID, q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Events...)
			if page.Next > 0 != (len(got) < len(want)) || len(page.Events) > q.Limit {
				t.Fatalf("%+v: a page of %d ends after %d of %d events with next %d", q, len(page.Events), len(got), len(want), page.Next)
			}
			q.After, more = page.Next, page.Next > 0
		}
		if diff := cmp.Diff(want, got, sameValues); diff != "" {
			t.Errorf("%+v: the pages are not the whole:\n%.2000s", q, diff)
		}
	}
	// Rows are read in parts of 200; a node that began at the first row would read them all.
	marks, bytes := e.Marks()
	if marks < 4 || bytes == 0 {
		t.Errorf("%d marks of %d bytes were kept", marks, bytes)
	}
	for _, q := range []engine.HistoryQuery{
		{Limit: 10, Reverse: true}, {Limit: 10, After: int64(len(all)) - 20}, {Limit: 10, Reverse: true, After: int64(len(all)) - 5},
	} {
		s.rows.Store(0)
		if _, err := e.HistoryEvents(b.ctx(), x.ID, q); err != nil {
			t.Fatal(err)
		}
		if n := int(s.rows.Load()); rows > 1000 && n > rows/2 {
			t.Errorf("%+v read %d of %d rows", q, n, rows)
		}
	}
}

// A viewer that goes on from a snapshot tells the same as one that has seen everything, wherever the snapshot was taken.
func TestHistoryResumesAnywhere(t *testing.T) {
	b, e := newEventful(t, storetest.Open(t))
	x, _ := runEventful(b, e, 12)
	page, err := e.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	events, err := page.Events()
	if err != nil {
		t.Fatal(err)
	}
	info := statemachine.Info{ExecutionID: x.ARN, ExecutionName: x.Name, Input: x.Input}
	whole, err := history.View(page.Machine, info, events)
	if err != nil {
		t.Fatal(err)
	}
	first := history.NewViewer(page.Machine, info)
	told := 0
	for i := range events {
		second, err := history.Resume(page.Machine, info, first.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		var rest []history.Event
		for _, ev := range events[i:] {
			more, err := second.Add(ev)
			if err != nil {
				t.Fatal(err)
			}
			rest = append(rest, more...)
		}
		if diff := cmp.Diff(whole[told:], rest, sameValues); diff != "" {
			t.Fatalf("behind event %d:\n%.2000s", i, diff)
		}
		more, err := first.Add(events[i])
		if err != nil {
			t.Fatal(err)
		}
		told += len(more)
	}
	if _, err := history.Resume(page.Machine, info, []byte{9}); err == nil {
		t.Error("what is no snapshot is read as one")
	}
}
