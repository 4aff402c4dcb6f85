package store_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

func TestExecutions(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	begin := time.Now().Add(-time.Hour)
	statuses := []engine.Status{engine.Succeeded, engine.Failed, engine.Running, engine.Running, engine.Aborted}
	all := map[string]uuid.UUID{}
	for i := range 20 {
		w := f.start(fmt.Sprintf("%s-%02d", []string{"alpha", "beta"}[i%2], i))
		w.Start.StartedAt = begin.Add(time.Duration(i) * time.Minute)
		switch status := statuses[i%len(statuses)]; {
		case status == engine.Running && i%2 == 0:
			w.Park, w.Snapshot = &engine.ParkRow{}, []byte("snap")
		case status != engine.Running:
			w.End = &engine.EndRow{Status: status, EndedAt: w.At}
		}
		f.commit(engine.OutcomeCommitted, w)
		all[w.Start.Name] = w.Execution
	}
	names := func(filter engine.Filter, limit int) []string {
		t.Helper()
		var names []string
		page := engine.Page{Limit: limit}
		for {
			list, err := f.Executions(ctx, filter, page)
			if err != nil {
				t.Fatal(err)
			}
			if limit > 0 && len(list) > limit {
				t.Fatalf("a page of %d has %d", limit, len(list))
			}
			for _, e := range list {
				if e.Input != nil || e.MachineName != "orders" || all[e.Name] != e.ID {
					t.Errorf("listed %+v", e)
				}
				names = append(names, e.Name)
			}
			if limit == 0 || len(list) < limit {
				return names
			}
			page.After = list[len(list)-1].ID.String()
		}
	}
	want := func(keep func(i int) bool) []string {
		var names []string
		for i := 19; i >= 0; i-- {
			if keep(i) {
				names = append(names, fmt.Sprintf("%s-%02d", []string{"alpha", "beta"}[i%2], i))
			}
		}
		return names
	}
	for _, c := range []struct {
		name   string
		filter engine.Filter
		keep   func(i int) bool
	}{
		{"all", engine.Filter{}, func(int) bool { return true }},
		{"machine", engine.Filter{Namespace: "default", Machine: "orders"}, func(int) bool { return true }},
		{"unknown machine", engine.Filter{Machine: "none"}, func(int) bool { return false }},
		{"namespace", engine.Filter{Namespace: "none"}, func(int) bool { return false }},
		{"prefix", engine.Filter{NamePrefix: "beta-0"}, func(i int) bool { return i%2 == 1 && i < 10 }},
		{"prefix with a wildcard", engine.Filter{NamePrefix: "beta_"}, func(int) bool { return false }},
		{"running", engine.Filter{Status: []engine.Status{engine.Running}}, func(i int) bool { return i%5 == 2 || i%5 == 3 }},
		{"failed", engine.Filter{Status: []engine.Status{engine.Failed}}, func(i int) bool { return i%5 == 1 }},
		{
			"running or aborted",
			engine.Filter{Status: []engine.Status{engine.Running, engine.Aborted}},
			func(i int) bool { return i%5 >= 2 },
		},
		{
			"time",
			engine.Filter{StartedAfter: begin.Add(5 * time.Minute), StartedBefore: begin.Add(10 * time.Minute)},
			func(i int) bool { return i > 5 && i < 10 },
		},
		{
			"all filters",
			engine.Filter{
				Namespace: "default", Machine: "orders", Status: []engine.Status{engine.Running}, NamePrefix: "alpha",
				StartedAfter: begin, StartedBefore: begin.Add(15 * time.Minute),
			},
			func(i int) bool { return i > 0 && i < 15 && i%2 == 0 && (i%5 == 2 || i%5 == 3) },
		},
	} {
		for _, limit := range []int{0, 1, 3, 20} {
			if diff := cmp.Diff(want(c.keep), names(c.filter, limit)); diff != "" {
				t.Errorf("%s, %d a page (-want +got):\n%s", c.name, limit, diff)
			}
		}
	}
	if _, err := f.Executions(ctx, engine.Filter{}, engine.Page{After: "nonsense"}); err == nil {
		t.Error("a page token that is none was accepted")
	}
}

func TestExecutionByName(t *testing.T) {
	f := newFixture(t)
	w, unnamed := f.start("mine"), f.start("theirs")
	unnamed.Start.Named = false
	f.commit(engine.OutcomeCommitted, w, unnamed)
	row, err := f.ExecutionByName(t.Context(), "default", "orders", "mine")
	if err != nil || row.ID != w.Execution || row.Input.String() != `{"order": 1}` {
		t.Errorf("got %+v, %v", row, err)
	}
	for _, name := range []string{"none", "theirs"} {
		if _, err := f.ExecutionByName(t.Context(), "default", "orders", name); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%q gives %v", name, err)
		}
	}
}

func TestHistory(t *testing.T) {
	f := newFixture(t)
	w := f.start("")
	f.commit(engine.OutcomeCommitted, w)
	for seq := int64(1); seq < 10; seq++ {
		f.commit(engine.OutcomeCommitted, f.step(w.Execution, seq))
	}
	for _, c := range []struct {
		from  int64
		limit int
		want  []int64
	}{{0, 3, []int64{0, 1, 2}}, {7, 0, []int64{7, 8, 9}}, {10, 5, nil}, {4, 1, []int64{4}}} {
		rows, err := f.History(t.Context(), w.Execution, c.from, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []int64
		for _, row := range rows {
			seqs = append(seqs, row.Seq)
			if row.At.IsZero() || len(row.Events) == 0 {
				t.Errorf("row %+v", row)
			}
		}
		if diff := cmp.Diff(c.want, seqs); diff != "" {
			t.Errorf("from %d, limit %d (-want +got):\n%s", c.from, c.limit, diff)
		}
	}
	if rows, err := f.History(t.Context(), newID(), 0, 0); err != nil || len(rows) != 0 {
		t.Errorf("an unknown execution has %d rows, %v", len(rows), err)
	}
}

// TestDeleteFinished sweeps old executions away, a few at a time, and leaves the others.
func TestDeleteFinished(t *testing.T) {
	f := newFixture(t)
	var old, kept []*engine.Write
	for i := range 30 {
		w := f.start(strconv.Itoa(i))
		endedAt := time.Now().Add(-48 * time.Hour)
		switch i % 3 {
		case 0: // ended long ago
			w.End = &engine.EndRow{Status: engine.Succeeded, EndedAt: endedAt}
			old = append(old, w)
		case 1: // ended just now
			w.End = &engine.EndRow{Status: engine.Succeeded, EndedAt: time.Now()}
			kept = append(kept, w)
		default: // parked since long ago
			w.Park, w.Snapshot = &engine.ParkRow{}, []byte("snap")
			kept = append(kept, w)
		}
		w.Execution = idAt(w.At.Add(-72*time.Hour), byte(i))
		f.commit(engine.OutcomeCommitted, w)
	}
	before := snapshotOf(f, kept)
	deleted, calls := 0, 0
	var cursor uuid.UUID
	for {
		d, err := f.DeleteFinished(t.Context(), time.Now().Add(-24*time.Hour), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		if d.Executions > 7 {
			t.Errorf("%d were deleted at once", d.Executions)
		}
		deleted, calls, cursor = deleted+d.Executions, calls+1, d.Next
		if d.Done {
			break
		}
		if calls > 30 {
			t.Fatal("it does not end")
		}
	}
	if deleted != len(old) {
		t.Errorf("%d were deleted, want %d", deleted, len(old))
	}
	if diff := cmp.Diff(before, snapshotOf(f, kept)); diff != "" {
		t.Errorf("others were touched:\n%s", diff)
	}
	for _, w := range old {
		if n := len(f.history(w.Execution)); n != 0 {
			t.Errorf("a deleted execution has %d rows of history left", n)
		}
	}
}

// idAt makes an id as of a time.
func idAt(at time.Time, tag byte) uuid.UUID {
	id := newID()
	ms := at.UnixMilli()
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	id[15] = tag
	return id
}

func TestPing(t *testing.T) {
	f := newFixture(t)
	if err := f.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	f.pool.Close()
	if err := f.Ping(t.Context()); err == nil {
		t.Error("a closed pool answers")
	}
}
