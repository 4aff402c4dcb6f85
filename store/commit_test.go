package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/store"
)

func TestCommitWholeLife(t *testing.T) {
	f := newFixture(t)
	w := f.start("one")
	f.commit(engine.OutcomeCommitted, w)
	row := f.execution(w.Execution)
	if row.Status != engine.Running || row.Owner == nil || *row.Owner != f.node || row.MachineName != "orders" {
		t.Fatalf("after the start the row is %+v", row)
	}
	f.commit(engine.OutcomeCommitted, f.step(w.Execution, 1))
	f.commit(engine.OutcomeCommitted, f.end(w.Execution, 2))
	row = f.execution(w.Execution)
	if row.Status != engine.Succeeded || row.Owner != nil || row.EndedAt == nil || row.Output.String() != `{"total": 12}` {
		t.Fatalf("after the end the row is %+v", row)
	}
	if n := len(f.history(w.Execution)); n != 3 {
		t.Fatalf("the history has %d rows, want 3", n)
	}
}

// TestCommitFinalShape starts executions that are parked, ended, or snapshotted in the write that starts them.
func TestCommitFinalShape(t *testing.T) {
	f := newFixture(t)
	wakeAt := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	ended, parked, waiting, snapshotted := f.start(""), f.start("named"), f.start("waiting"), f.start("")
	ended.End = &engine.EndRow{Status: engine.Failed, Error: new("Oops"), Cause: new("it broke"), EndedAt: ended.At}
	parked.Park, parked.Snapshot = &engine.ParkRow{WakeAt: wakeAt}, []byte("snap")
	waiting.Start.Waiting, waiting.Events = true, nil
	snapshotted.Snapshot = []byte("early")
	f.commit(engine.OutcomeCommitted, ended, parked, waiting, snapshotted)

	if row := f.execution(ended.Execution); row.Status != engine.Failed || row.Owner != nil || row.EndedAt == nil ||
		*row.Error != "Oops" || *row.Cause != "it broke" {
		t.Errorf("the ended one is %+v", row)
	}
	if row := f.execution(parked.Execution); row.Status != engine.Running || row.Owner != nil || row.WakeAt == nil ||
		!row.WakeAt.Equal(wakeAt) {
		t.Errorf("the parked one is %+v", row)
	}
	if row := f.execution(waiting.Execution); row.Owner != nil || row.WakeAt != nil {
		t.Errorf("the waiting one is %+v", row)
	}
	if row := f.execution(snapshotted.Execution); row.Owner == nil || *row.Owner != f.node {
		t.Errorf("the snapshotted one is %+v", row)
	}
	if n := len(f.history(waiting.Execution)); n != 0 {
		t.Errorf("the waiting one has %d rows of history, want none", n)
	}
}

// TestCommitFenced lets another owner write first, and then has the old one try each thing a write can do, in one batch
// with writes that are not fenced.
func TestCommitFenced(t *testing.T) {
	f := newFixture(t)
	var starts, fenced []*engine.Write
	for range 4 {
		starts = append(starts, f.start(""))
	}
	f.commit(engine.OutcomeCommitted, starts...)
	other := newID()
	for _, w := range starts {
		takeover := f.step(w.Execution, 1)
		takeover.Node, takeover.Events = other, []byte("taken over")
		f.commit(engine.OutcomeCommitted, takeover)
	}
	fenced = append(fenced, f.step(starts[0].Execution, 1), f.end(starts[1].Execution, 1),
		f.park(starts[2].Execution, 1, time.Now()), f.step(starts[3].Execution, 1))
	fenced[3].Snapshot = []byte("snapshot of the loser")
	fine := []*engine.Write{f.start("name"), f.start("")}
	before := snapshotOf(f, starts)
	if err := f.Commit(t.Context(), append(append([]*engine.Write{fine[0]}, fenced...), fine[1])); err != nil {
		t.Fatal(err)
	}
	for _, w := range fenced {
		if w.Outcome != engine.OutcomeFenced {
			t.Errorf("a fenced write has outcome %d", w.Outcome)
		}
	}
	for _, w := range fine {
		if w.Outcome != engine.OutcomeCommitted {
			t.Errorf("a write beside the fenced ones has outcome %d", w.Outcome)
		}
		f.execution(w.Execution)
	}
	if diff := cmp.Diff(before, snapshotOf(f, starts)); diff != "" {
		t.Errorf("fenced writes changed something:\n%s", diff)
	}
}

// snapshotOf gives all that is stored of executions, as text.
func snapshotOf(f *fixture, writes []*engine.Write) []string {
	f.t.Helper()
	var all []string
	for _, w := range writes {
		var row string
		err := f.pool.QueryRow(context.Background(), `SELECT e::text || coalesce((SELECT string_agg(h::text, ' ' ORDER BY seq)
			FROM history h WHERE h.execution_id = e.id), '') FROM executions e WHERE id = $1`, w.Execution).Scan(&row)
		if errors.Is(err, pgx.ErrNoRows) {
			row = "none"
		} else if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// TestCommitAgain sends batches a second time, as after a connection that broke before the answer.
func TestCommitAgain(t *testing.T) {
	f := newFixture(t)
	a, b, c, d := f.start("a"), f.start(""), f.start("waiting"), f.start("parked")
	c.Start.Waiting, c.Events = true, nil
	d.Park, d.Snapshot = &engine.ParkRow{WakeAt: time.Now().Add(time.Hour)}, []byte("snap")
	first := []*engine.Write{a, b, c, d}
	second := []*engine.Write{f.step(a.Execution, 1), f.park(b.Execution, 1, time.Now().Add(time.Hour))}
	third := []*engine.Write{f.end(a.Execution, 2)}
	fourth := []*engine.Write{f.step(a.Execution, 3)}
	fourth[0].Reopen = true
	for i, batch := range [][]*engine.Write{first, second, third, fourth} {
		f.commit(engine.OutcomeCommitted, batch...)
		before := snapshotOf(f, first)
		f.commit(engine.OutcomeCommitted, batch...)
		if diff := cmp.Diff(before, snapshotOf(f, first)); diff != "" {
			t.Errorf("batch %d: the second commit changed something:\n%s", i, diff)
		}
	}
	if row := f.execution(a.Execution); row.RedriveCount != 1 || row.Status != engine.Running || row.EndedAt != nil {
		t.Errorf("after the redrive the row is %+v", row)
	}
	// What was committed stays committed when others have gone on since.
	f.commit(engine.OutcomeCommitted, first...)
}

// TestCommitRace has two owners write every point of an execution at the same time: exactly one of them wins each.
func TestCommitRace(t *testing.T) {
	f := newFixture(t)
	const executions, points = 20, 20
	var starts []*engine.Write
	for range executions {
		starts = append(starts, f.start(""))
	}
	f.commit(engine.OutcomeCommitted, starts...)
	for seq := int64(1); seq <= points; seq++ {
		var batches [2][]*engine.Write
		for who := range batches {
			for i := range starts {
				if who == 1 { // the other way round, to meet in the middle
					i = executions - 1 - i
				}
				w := f.step(starts[i].Execution, seq)
				w.Events = fmt.Appendf(nil, "%d by %d", seq, who)
				if seq == points {
					w.End = &engine.EndRow{Status: engine.Succeeded, Output: input(strconv.Itoa(who)), EndedAt: w.At}
				}
				batches[who] = append(batches[who], w)
			}
		}
		var wg sync.WaitGroup
		for _, batch := range batches {
			wg.Go(func() {
				if err := f.Commit(t.Context(), batch); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		winners := map[uuid.UUID]int{}
		for who, batch := range batches {
			for _, w := range batch {
				if w.Outcome == engine.OutcomeCommitted {
					winners[w.Execution]++
					if seq == points && f.execution(w.Execution).Output.String() != strconv.Itoa(who) {
						t.Errorf("the end of %s is not that of its winner", w.Execution)
					}
				} else if w.Outcome != engine.OutcomeFenced {
					t.Errorf("outcome %d", w.Outcome)
				}
			}
		}
		for _, w := range starts {
			if winners[w.Execution] != 1 {
				t.Fatalf("point %d of %s has %d winners", seq, w.Execution, winners[w.Execution])
			}
		}
	}
}

// TestStartRace starts the same name a thousand times at once.
func TestStartRace(t *testing.T) {
	f := newFixture(t)
	const starters, each = 10, 100
	all := make([][]*engine.Write, starters)
	var wg sync.WaitGroup
	for i := range all {
		for range each {
			all[i] = append(all[i], f.start("the one"))
		}
		wg.Go(func() {
			// Some alone, some many in a batch.
			for _, batch := range [][]*engine.Write{all[i][:1], all[i][1:3], all[i][3:50], all[i][50:]} {
				if err := f.Commit(t.Context(), batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	row, err := f.ExecutionByName(t.Context(), "default", "orders", "the one")
	if err != nil {
		t.Fatal(err)
	}
	winners := 0
	for _, batch := range all {
		for _, w := range batch {
			switch w.Outcome {
			case engine.OutcomeCommitted:
				winners++
				if w.Execution != row.ID {
					t.Errorf("%s won, but the name belongs to %s", w.Execution, row.ID)
				}
			case engine.OutcomeNameTaken:
				if w.Existing != row.ID {
					t.Errorf("a loser is told %s, the name belongs to %s", w.Existing, row.ID)
				}
				if n := len(f.history(w.Execution)); n != 0 {
					t.Fatalf("a loser has %d rows of history", n)
				}
			default:
				t.Errorf("outcome %d", w.Outcome)
			}
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d starts won", winners, starters*each)
	}
}

// TestNamesPerMachine shows that a name is taken within its machine only, and only if the caller chose it.
func TestNamesPerMachine(t *testing.T) {
	f := newFixture(t)
	put, err := f.PutStateMachine(t.Context(), engine.StateMachine{Namespace: "default", Name: "other", Definition: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	a, b, c, d := f.start("x"), f.start("x"), f.start("x"), f.start("x")
	b.Start.Machine = put.ID
	c.Start.Named, d.Start.Named = false, false
	f.commit(engine.OutcomeCommitted, a, b, c, d)
}

// TestJSON stores what JSON allows and databases like to change, and reads it back byte for byte.
func TestJSON(t *testing.T) {
	f := newFixture(t)
	deep := strings.Repeat("[", value.MaxDepth) + strings.Repeat("]", value.MaxDepth)
	for _, text := range []string{
		`null`, `"\u0000"`, `{"\u0000": "a\u0000b"}`, `1e400`, `-1E-400`, `12345678901234567890`, `0.1000`, `-0`,
		`"\ud800"`, `"\udc00\ud800"`, `{"a": 1, "a": 2}`, `{ "b" : 1 ,"a":[ ] }`, `"\/\u00e9é\b"`, `"\ufffe\uffff"`, "\"\u2028\"",
		deep, `{"a":` + deep[1:len(deep)-1] + `}`, `"` + strings.Repeat("x", 300_000) + `"`,
	} {
		v, err := value.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%.40s: %v", text, err)
		}
		w := f.start("")
		w.Start.Input = v
		f.commit(engine.OutcomeCommitted, w)
		end := f.end(w.Execution, 1)
		end.End.Output = v
		f.commit(engine.OutcomeCommitted, end)
		row := f.execution(w.Execution)
		if row.Input.String() != text || row.Output.String() != text {
			t.Errorf("%.40s came back as %.40s and %.40s", text, row.Input, row.Output)
		}
	}
	// No payload is no payload; null is one.
	w := f.start("")
	w.Start.Input = nil
	f.commit(engine.OutcomeCommitted, w)
	if row := f.execution(w.Execution); row.Input != nil || row.Output != nil {
		t.Errorf("no input came back as %v", row.Input)
	}
}

// TestJSONIsQueried shows that people can look into outputs with SQL.
func TestJSONIsQueried(t *testing.T) {
	f := newFixture(t)
	w := f.start("")
	w.End = &engine.EndRow{Status: engine.Succeeded, Output: input(`{"total": 12.50}`), EndedAt: w.At}
	f.commit(engine.OutcomeCommitted, w)
	var total string
	err := f.pool.QueryRow(t.Context(), "SELECT output ->> 'total' FROM finished_executions WHERE machine = 'orders'").Scan(&total)
	if err != nil || total != "12.50" {
		t.Errorf("got %q, %v", total, err)
	}
}

// TestErrorText stores errors and causes that a column of type text cannot hold.
func TestErrorText(t *testing.T) {
	f := newFixture(t)
	for _, text := range []string{"", "plain", "a\x00b", "\xff\xfe", strings.Repeat("é", 40_000)} {
		w := f.start("")
		w.End = &engine.EndRow{Status: engine.Failed, Error: &text, Cause: &text, EndedAt: w.At}
		f.commit(engine.OutcomeCommitted, w)
		row := f.execution(w.Execution)
		if *row.Error != text || *row.Cause != text {
			t.Errorf("%.20q came back as %.20q and %.20q", text, *row.Error, *row.Cause)
		}
	}
}

// TestCommitRefused puts writes that Postgres cannot store into a batch with others.
func TestCommitRefused(t *testing.T) {
	f := newFixture(t)
	var batch []*engine.Write
	for range 9 {
		batch = append(batch, f.start(""))
	}
	batch[2].Start.Input = value.Trusted([]byte("{not json"))
	batch[7].Start.Name = "a\x00b"
	if err := f.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for i, w := range batch {
		bad := i == 2 || i == 7
		if bad != (w.Outcome == engine.OutcomeRefused) || bad != (w.Err != nil) || !bad && w.Outcome != engine.OutcomeCommitted {
			t.Errorf("write %d: outcome %d, %v", i, w.Outcome, w.Err)
		}
	}
}

// TestCommitTx stores starts in a transaction of the caller's.
func TestCommitTx(t *testing.T) {
	f := newFixture(t)
	waiting := func(name string) *engine.Write {
		w := f.start(name)
		w.Start.Waiting, w.Events = true, nil
		return w
	}
	first := waiting("x")
	rollback := errors.New("rolled back")
	err := pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error {
		return errors.Join(f.CommitTx(t.Context(), tx, []*engine.Write{first}), rollback)
	})
	if !errors.Is(err, rollback) || first.Outcome != engine.OutcomeCommitted {
		t.Fatalf("outcome %d, %v", first.Outcome, err)
	}
	if _, err := f.Execution(t.Context(), first.Execution); !errors.Is(err, engine.ErrNotFound) {
		t.Fatalf("a start that was rolled back is there: %v", err)
	}
	second, again, other := waiting("x"), waiting("x"), waiting("")
	err = pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error {
		if err := f.CommitTx(t.Context(), tx, []*engine.Write{second}); err != nil {
			return err
		}
		return f.CommitTx(t.Context(), tx, []*engine.Write{again, other})
	})
	if err != nil {
		t.Fatal(err)
	}
	if second.Outcome != engine.OutcomeCommitted || other.Outcome != engine.OutcomeCommitted ||
		again.Outcome != engine.OutcomeNameTaken || again.Existing != second.Execution {
		t.Errorf("outcomes %d, %d, %d (%s)", second.Outcome, other.Outcome, again.Outcome, again.Existing)
	}
	claimed, err := f.ClaimQueued(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 2 {
		t.Errorf("claimed %d, %v", len(claimed), err)
	}
	if err := pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error {
		return f.CommitTx(t.Context(), tx, []*engine.Write{f.start("")})
	}); err == nil {
		t.Error("a start that does not wait was stored in a transaction of the caller's")
	}
}

// TestCommitThroughBrokenConnections commits while connections are cut at random, and commits again what gave an error,
// as the engine does. Every write takes effect once and is told so.
func TestCommitThroughBrokenConnections(t *testing.T) {
	f := newFixture(t)
	config := f.pool.Config()
	config.ConnConfig.RuntimeParams["application_name"] = "cut off"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	cut := store.New(pool)

	done := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				f.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE application_name = 'cut off' AND state = 'active'`)
			}
		}
	})
	const executions, points = 10, 10
	var live []uuid.UUID
	errs := 0
	for seq := range int64(points) {
		var batch []*engine.Write
		for i := range executions {
			var w *engine.Write
			switch seq {
			case 0:
				w = f.start(fmt.Sprint("name ", i))
				live = append(live, w.Execution)
			case points - 1:
				w = f.end(live[i], seq)
			default:
				w = f.step(live[i], seq)
			}
			batch = append(batch, w)
		}
		for cut.Commit(t.Context(), batch) != nil {
			if errs++; errs > 100_000 {
				t.Fatal("no commit gets through")
			}
		}
		for _, w := range batch {
			if w.Outcome != engine.OutcomeCommitted {
				t.Fatalf("point %d of %s has outcome %d, %v", seq, w.Execution, w.Outcome, w.Err)
			}
		}
	}
	close(done)
	killer.Wait()
	t.Logf("%d commits gave an error", errs)
	for _, id := range live {
		if row, n := f.execution(id), len(f.history(id)); row.Status != engine.Succeeded || n != points {
			t.Errorf("%s is %s with %d points", id, row.Status, n)
		}
	}
}

// TestThroughPooler uses the store in the way that suits a pooler which does not keep prepared statements.
func TestThroughPooler(t *testing.T) {
	f := newFixture(t)
	config := f.pool.Config()
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	f.Store = store.New(pool)
	w, parked := f.start("x"), f.start("y")
	parked.Park, parked.Snapshot = &engine.ParkRow{WakeAt: time.Now().Add(-time.Second)}, []byte("snap")
	f.commit(engine.OutcomeCommitted, w, parked)
	f.commit(engine.OutcomeCommitted, f.end(w.Execution, 1))
	if claimed, err := f.ClaimDue(t.Context(), f.node, 10); err != nil || len(claimed) != 1 {
		t.Errorf("claimed %d, %v", len(claimed), err)
	}
	f.commit(engine.OutcomeNameTaken, f.start("x"))
	if list, err := f.Executions(t.Context(), engine.Filter{}, engine.Page{}); err != nil || len(list) != 2 {
		t.Errorf("listed %d, %v", len(list), err)
	}
	// Nothing of what a commit sets for itself stays behind on the connection.
	var seqscan string
	if err := pool.QueryRow(t.Context(), "SHOW enable_seqscan").Scan(&seqscan); err != nil || seqscan != "on" {
		t.Errorf("enable_seqscan is %s, %v", seqscan, err)
	}
}
