package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// parked stores n executions that are parked until a time.
func (f *fixture) parked(n int, wakeAt time.Time) []uuid.UUID {
	f.t.Helper()
	var ids []uuid.UUID
	var batch []*engine.Write
	for range n {
		w := f.start("")
		w.Park, w.Snapshot = &engine.ParkRow{WakeAt: wakeAt}, []byte("snapshot")
		batch, ids = append(batch, w), append(ids, w.Execution)
	}
	f.commit(engine.OutcomeCommitted, batch...)
	return ids
}

// exec runs a statement that no method has, to bring about what takes time otherwise.
func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.pool.Exec(context.Background(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

// expire lets the lease of a node run out.
func (f *fixture) expire(node uuid.UUID) {
	f.t.Helper()
	f.exec("UPDATE nodes SET expires_at = clock_timestamp() - interval '1 ms' WHERE id = $1", node)
}

func TestClaimDue(t *testing.T) {
	f := newFixture(t)
	late := f.parked(1, time.Now().Add(-time.Minute))[0]
	later := f.parked(1, time.Now().Add(-time.Second))[0]
	f.parked(1, time.Now().Add(time.Hour))
	f.parked(1, time.Time{})
	// History behind the snapshot, as when a live run had been snapshotted before it was released.
	running := f.start("")
	snapshotted := f.step(running.Execution, 1)
	snapshotted.Snapshot = []byte("at 1")
	f.commit(engine.OutcomeCommitted, running)
	f.commit(engine.OutcomeCommitted, snapshotted)
	f.commit(engine.OutcomeCommitted, f.step(running.Execution, 2))
	f.commit(engine.OutcomeCommitted, f.step(running.Execution, 3))
	if err := f.Release(t.Context(), f.node, []uuid.UUID{running.Execution, newID()}); err != nil {
		t.Fatal(err)
	}

	claimer := newID()
	f.register(claimer, time.Minute)
	first, err := f.ClaimDue(t.Context(), claimer, 1)
	if err != nil || len(first) != 1 || first[0].Execution.ID != late {
		t.Fatalf("the first claim gives %+v, %v; want the one that is due the longest", first, err)
	}
	c := first[0]
	if string(c.Snapshot) != "snapshot" || c.SnapshotSeq != 0 || len(c.History) != 0 || *c.Execution.Owner != claimer ||
		c.Execution.WakeAt != nil || c.Execution.MachineName != "orders" || c.Execution.Input.String() != `{"order": 1}` {
		t.Errorf("claimed %+v", c)
	}
	rest, err := f.ClaimDue(t.Context(), claimer, 10)
	if err != nil || len(rest) != 2 {
		t.Fatalf("the second claim gives %d, %v; want 2", len(rest), err)
	}
	for _, c := range rest {
		switch c.Execution.ID {
		case later:
		case running.Execution:
			if string(c.Snapshot) != "at 1" || c.SnapshotSeq != 1 || len(c.History) != 2 || c.History[0].Seq != 2 ||
				string(c.History[1].Events) != "step 3" {
				t.Errorf("claimed %+v", c)
			}
		default:
			t.Errorf("claimed %s, which is not due", c.Execution.ID)
		}
	}
	if again, err := f.ClaimDue(t.Context(), claimer, 10); err != nil || len(again) != 0 {
		t.Errorf("the third claim gives %d, %v; want none", len(again), err)
	}
}

// queue stores n starts of a machine that wait for room.
func (f *fixture) queue(machine uuid.UUID, n int) []uuid.UUID {
	f.t.Helper()
	ids, batch := make([]uuid.UUID, n), make([]*engine.Write, n)
	for i := range batch {
		w := f.start("")
		w.Start.Machine, w.Start.Waiting, w.Events = machine, true, nil
		ids[i], batch[i] = w.Execution, w
	}
	f.commit(engine.OutcomeCommitted, batch...)
	return ids
}

// TestClaimQueuedInTurn lets every machine have its turn: the single start of one comes with the first that are claimed of
// another's thousand, however many machines there are, and what is due is claimed apart from all of them.
func TestClaimQueuedInTurn(t *testing.T) {
	f := newFixture(t)
	flood, single := newID(), newID()
	f.queue(flood, 1000)
	due := f.parked(1, time.Now().Add(-time.Second))[0]
	lone := f.queue(single, 1)[0]
	if claimed, err := f.ClaimDue(t.Context(), f.node, 10); err != nil || len(claimed) != 1 || claimed[0].Execution.ID != due {
		t.Errorf("claimed %d, %v; want the one that is due", len(claimed), err)
	}
	claimed, err := f.ClaimQueued(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 6 || !slices.ContainsFunc(claimed, func(c engine.Claimed) bool { return c.Execution.ID == lone }) {
		t.Fatalf("claimed %d, %v; want five of the flood and the single one", len(claimed), err)
	}
	// Thirty machines, four at a time: eight claims bring all of them to their turn once.
	f.exec("UPDATE executions SET queued = NULL WHERE queued")
	for range 30 {
		f.queue(newID(), 3)
	}
	turns := map[uuid.UUID]int{}
	for range 8 {
		claimed, err := f.ClaimQueued(t.Context(), f.node, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			turns[c.Execution.Machine]++
		}
	}
	if len(turns) != 30 {
		t.Errorf("after eight claims %d machines have had a turn, want all 30", len(turns))
	}
	for n := 1; n > 0; {
		claimed, err := f.ClaimQueued(t.Context(), f.node, 7)
		if n = len(claimed); err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			turns[c.Execution.Machine]++
		}
	}
	for machine, n := range turns {
		if n != 3 {
			t.Errorf("%d starts of machine %s were claimed, want 3", n, machine)
		}
	}
}

// TestQueueCostsOthersNothing shows that an execution that never waits for room has no entry in the queue's index at any
// time of its life.
func TestQueueCostsOthersNothing(t *testing.T) {
	f := newFixture(t)
	size := func() (bytes int64) {
		if err := f.pool.QueryRow(t.Context(), "SELECT pg_relation_size('executions_queued')").Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	empty := size()
	plain, parked := f.start("plain"), f.start("")
	f.commit(engine.OutcomeCommitted, plain, parked)
	f.commit(engine.OutcomeCommitted, f.park(parked.Execution, 1, time.Time{}))
	f.commit(engine.OutcomeCommitted, f.end(plain.Execution, 1), f.end(parked.Execution, 2))
	if n := size(); n != empty {
		t.Errorf("the queue's index has grown from %d to %d bytes, though nothing ever waited in it", empty, n)
	}
	f.queue(f.machine.ID, 1)
	if size() == empty {
		t.Error("a start that waits is not in the queue's index")
	}
}

// TestClaimQueued claims starts that wait for room: they have no snapshot and no history.
func TestClaimQueued(t *testing.T) {
	f := newFixture(t)
	w := f.start("waiting")
	w.Start.Waiting, w.Events = true, nil
	f.commit(engine.OutcomeCommitted, w)
	claimed, err := f.ClaimQueued(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %d, %v", len(claimed), err)
	}
	if c := claimed[0]; c.SnapshotSeq != -1 || c.Snapshot != nil || len(c.History) != 0 {
		t.Errorf("claimed %+v", c)
	}
	// Its first row of history is a write without Start.
	first := f.step(w.Execution, 0)
	f.commit(engine.OutcomeCommitted, first)
	f.commit(engine.OutcomeCommitted, f.end(w.Execution, 1))
}

// TestClaimsAreDisjoint has eight nodes claim at once.
func TestClaimsAreDisjoint(t *testing.T) {
	f := newFixture(t)
	const parked, claimers = 2000, 8
	f.parked(parked, time.Now().Add(-time.Second))
	var mu sync.Mutex
	owners := map[uuid.UUID]uuid.UUID{}
	var wg sync.WaitGroup
	for range claimers {
		wg.Go(func() {
			node := newID()
			for empty := 0; empty < 3; {
				claimed, err := f.ClaimDue(t.Context(), node, 37)
				if err != nil {
					t.Error(err)
					return
				}
				if len(claimed) == 0 {
					empty++
				}
				mu.Lock()
				for _, c := range claimed {
					if other, twice := owners[c.Execution.ID]; twice {
						t.Errorf("%s was claimed by %s and %s", c.Execution.ID, other, node)
					}
					owners[c.Execution.ID] = node
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(owners) != parked {
		t.Errorf("%d of %d were claimed", len(owners), parked)
	}
}

func TestNextDue(t *testing.T) {
	f := newFixture(t)
	f.parked(3, time.Time{})
	if _, ok, err := f.NextDue(t.Context()); ok || err != nil {
		t.Errorf("with nothing due: %v, %v", ok, err)
	}
	f.parked(1, time.Now().Add(2*time.Hour))
	f.parked(1, time.Now().Add(time.Hour))
	in, ok, err := f.NextDue(t.Context())
	if err != nil || !ok || in > time.Hour+time.Minute || in < time.Hour-10*time.Minute {
		t.Errorf("the next is due in %s, %v, %v; want about an hour", in, ok, err)
	}
	f.parked(1, time.Now().Add(-time.Hour))
	if in, ok, err = f.NextDue(t.Context()); err != nil || !ok || in > 0 {
		t.Errorf("the next is due in %s, %v, %v; want none or less", in, ok, err)
	}
}

func TestClaimDead(t *testing.T) {
	f := newFixture(t)
	dead, claimer := newID(), newID()
	f.register(dead, time.Minute)
	f.register(claimer, time.Minute)
	alive := f.start("")
	var batch []*engine.Write
	for range 5 {
		w := f.start("")
		w.Node = dead
		batch = append(batch, w)
	}
	f.commit(engine.OutcomeCommitted, append(batch, alive)...)
	finished := f.end(batch[4].Execution, 1)
	f.commit(engine.OutcomeCommitted, finished)

	if claimed, err := f.ClaimDead(t.Context(), claimer, 10); err != nil || len(claimed) != 0 {
		t.Fatalf("before any lease ran out, %d were claimed, %v", len(claimed), err)
	}
	f.expire(dead)
	nodes, err := f.Nodes(t.Context())
	if err != nil || len(nodes) != 2 {
		t.Errorf("there are %d nodes with a good lease, %v; want 2", len(nodes), err)
	}
	first, err := f.ClaimDead(t.Context(), claimer, 3)
	if err != nil || len(first) != 3 {
		t.Fatalf("claimed %d, %v; want 3", len(first), err)
	}
	second, err := f.ClaimDead(t.Context(), claimer, 3)
	if err != nil || len(second) != 1 {
		t.Fatalf("claimed %d, %v; want the one that is left", len(second), err)
	}
	for _, c := range append(first, second...) {
		if *c.Execution.Owner != claimer || len(c.History) != 1 || c.SnapshotSeq != -1 {
			t.Errorf("claimed %+v", c)
		}
	}
	if ok, err := f.Renew(t.Context(), dead, time.Minute); ok || err != nil {
		t.Errorf("the dead node renewed its lease: %v, %v", ok, err)
	}
	// What a node writes after its death is found too.
	zombie := f.start("")
	zombie.Node = dead
	f.commit(engine.OutcomeCommitted, zombie)
	third, err := f.ClaimDead(t.Context(), claimer, 3)
	if err != nil || len(third) != 1 || third[0].Execution.ID != zombie.Execution {
		t.Errorf("claimed %d, %v; want the zombie's", len(third), err)
	}
	if row := f.execution(alive.Execution); *row.Owner != f.node {
		t.Errorf("an execution of a living node was taken")
	}
}

// TestClaimDeadIsDisjoint has nodes take over from several dead ones at once.
func TestClaimDeadIsDisjoint(t *testing.T) {
	f := newFixture(t)
	const deadNodes, each, claimers = 3, 100, 4
	for range deadNodes {
		dead := newID()
		f.register(dead, time.Minute)
		var batch []*engine.Write
		for range each {
			w := f.start("")
			w.Node = dead
			batch = append(batch, w)
		}
		f.commit(engine.OutcomeCommitted, batch...)
		f.expire(dead)
	}
	var mu sync.Mutex
	seen := map[uuid.UUID]bool{}
	var wg sync.WaitGroup
	for range claimers {
		wg.Go(func() {
			node := newID()
			f.register(node, time.Minute)
			for empty := 0; empty < 3; {
				claimed, err := f.ClaimDead(t.Context(), node, 17)
				if err != nil {
					t.Error(err)
					return
				}
				if len(claimed) == 0 {
					empty++
				}
				mu.Lock()
				for _, c := range claimed {
					if seen[c.Execution.ID] {
						t.Errorf("%s was claimed twice", c.Execution.ID)
					}
					seen[c.Execution.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != deadNodes*each {
		t.Errorf("%d of %d were claimed", len(seen), deadNodes*each)
	}
}

// TestLeasesAfterAnOutage lets all leases run out, as while the database is away. Whoever comes back first does not take
// the others for dead at once.
func TestLeasesAfterAnOutage(t *testing.T) {
	f := newFixture(t)
	other := newID()
	f.register(other, time.Minute)
	f.expire(f.node)
	f.expire(other)
	w := f.start("")
	w.Node = other
	f.commit(engine.OutcomeCommitted, w)

	claim := func() int {
		t.Helper()
		claimed, err := f.ClaimDead(t.Context(), f.node, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(claimed)
	}
	if n := claim(); n != 0 {
		t.Fatalf("a node without a lease took over %d executions", n)
	}
	if ok, err := f.Renew(t.Context(), f.node, time.Minute); !ok || err != nil {
		t.Fatalf("a node that nobody took for dead could not renew its lease: %v, %v", ok, err)
	}
	if n := claim(); n != 0 {
		t.Fatalf("a node that was late itself took over %d executions of another", n)
	}
	if ok, err := f.Renew(t.Context(), other, time.Minute); !ok || err != nil {
		t.Fatalf("the other could not renew its lease: %v, %v", ok, err)
	}
	// One that does not come back is taken for dead once the first has been steady for as long as a lease lasts.
	f.expire(other)
	f.exec("UPDATE nodes SET expires_at = expires_at - interval '10 minutes' WHERE id = $1", other)
	if n := claim(); n != 0 {
		t.Fatalf("a node that was late itself took over %d executions of another", n)
	}
	f.exec("UPDATE nodes SET late_at = late_at - interval '2 minutes' WHERE id = $1", f.node)
	if n := claim(); n != 1 {
		t.Fatalf("%d executions were taken over, want 1", n)
	}
}

// TestLeaseByTheClockOfTheDatabase waits for a short lease to run out.
func TestLeaseByTheClockOfTheDatabase(t *testing.T) {
	f := newFixture(t)
	short := newID()
	f.register(short, 50*time.Millisecond)
	w := f.start("")
	w.Node = short
	f.commit(engine.OutcomeCommitted, w)
	deadline := time.Now().Add(30 * time.Second)
	for {
		claimed, err := f.ClaimDead(t.Context(), f.node, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(claimed) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the lease does not run out")
		}
	}
}

// TestRegisterAgain registers a node whose id still owns executions: the new process knows nothing of them.
func TestRegisterAgain(t *testing.T) {
	f := newFixture(t)
	w := f.start("")
	f.commit(engine.OutcomeCommitted, w)
	f.register(f.node, time.Minute)
	claimed, err := f.ClaimDue(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 1 || len(claimed[0].History) != 1 {
		t.Errorf("claimed %+v, %v", claimed, err)
	}
}

func TestLeave(t *testing.T) {
	f := newFixture(t)
	leaving := newID()
	f.register(leaving, time.Hour)
	w := f.start("")
	w.Node = leaving
	f.commit(engine.OutcomeCommitted, w)
	if err := f.Leave(t.Context(), leaving); err != nil {
		t.Fatal(err)
	}
	claimed, err := f.ClaimDead(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 1 {
		t.Errorf("claimed %d, %v; want what the node left behind", len(claimed), err)
	}
}

// TestLeaveAll: what a node owns whose lease would last for long can be taken over at once.
func TestLeaveAll(t *testing.T) {
	f := newFixture(t)
	w := f.start("a")
	f.commit(engine.OutcomeCommitted, w)
	if err := f.LeaveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	successor := newID()
	f.register(successor, time.Minute)
	claimed, err := f.ClaimDead(t.Context(), successor, 10)
	if err != nil || len(claimed) != 1 || claimed[0].Execution.ID != w.Execution {
		t.Errorf("the successor took over %v, %v; want execution %s", claimed, err, w.Execution)
	}
}

func TestClaimOne(t *testing.T) {
	f := newFixture(t)
	parked, ended, owned, orphan := f.parked(1, time.Time{})[0], f.start(""), f.start(""), f.start("")
	ended.End = &engine.EndRow{Status: engine.Aborted, EndedAt: ended.At}
	orphan.Node = newID()
	f.commit(engine.OutcomeCommitted, ended, owned, orphan)
	claimer := newID()
	for _, c := range []struct {
		name      string
		execution uuid.UUID
		want      engine.ClaimResult
		claimed   bool
	}{
		{"parked", parked, engine.ClaimResult{Found: true, Status: engine.Running}, true},
		{"ended", ended.Execution, engine.ClaimResult{Found: true, Status: engine.Aborted}, false},
		{"owned", owned.Execution, engine.ClaimResult{Found: true, Status: engine.Running, Owner: &engine.Node{ID: f.node}}, false},
		{"of a node that is gone", orphan.Execution, engine.ClaimResult{Found: true, Status: engine.Running}, true},
		{"unknown", newID(), engine.ClaimResult{}, false},
	} {
		got, err := f.ClaimOne(t.Context(), claimer, c.execution)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if (got.Claimed != nil) != c.claimed || got.Found != c.want.Found || got.Status != c.want.Status ||
			(got.Owner == nil) != (c.want.Owner == nil) || got.Owner != nil && got.Owner.ID != c.want.Owner.ID {
			t.Errorf("%s: got %+v", c.name, got)
		}
		if c.claimed && (got.Claimed == nil || got.Claimed.Execution.ID != c.execution || *got.Claimed.Execution.Owner != claimer) {
			t.Errorf("%s: claimed %+v", c.name, got.Claimed)
		}
	}
}

// TestClaimOneRace has many nodes claim one execution at once, as when signals for it come in everywhere.
func TestClaimOneRace(t *testing.T) {
	f := newFixture(t)
	parked := f.parked(1, time.Time{})[0]
	var mu sync.Mutex
	winners := 0
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			got, err := f.ClaimOne(t.Context(), newID(), parked)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got.Claimed != nil {
				winners++
			}
		})
	}
	wg.Wait()
	// The owners are no nodes, so later claims may take it over from earlier ones; but one after the other.
	if winners == 0 {
		t.Error("nobody claimed it")
	}
	node := newID()
	f.register(node, time.Minute)
	parked, winners = f.parked(1, time.Time{})[0], 0
	for range 16 {
		wg.Go(func() {
			got, err := f.ClaimOne(t.Context(), node, parked)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got.Claimed != nil {
				winners++
			}
		})
	}
	wg.Wait()
	if winners != 1 {
		t.Errorf("%d claims of a living node won", winners)
	}
}

// breakTails cancels every query that reads the histories behind a claim, while broken is set.
type breakTails struct{ broken bool }

func (b *breakTails) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if b.broken && strings.Contains(q.SQL, "WITH ORDINALITY") {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}
	return ctx
}

func (*breakTails) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestLostClaim breaks the connection after a claim was committed and before its answer was complete: the executions must
// not stay with an owner that knows nothing of them.
func TestLostClaim(t *testing.T) {
	f := newFixture(t)
	config := f.pool.Config()
	tracer := &breakTails{broken: true}
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	broken := store.New(pool)
	f.parked(5, time.Now().Add(-time.Second))
	kept, err := f.ClaimDue(t.Context(), f.node, 1)
	if err != nil || len(kept) != 1 {
		t.Fatalf("claimed %d, %v", len(kept), err)
	}
	if claimed, err := broken.ClaimDue(t.Context(), f.node, 10); err == nil {
		t.Fatalf("a broken claim gave %d", len(claimed))
	}
	tracer.broken = false
	claimed, err := broken.ClaimDue(t.Context(), f.node, 10)
	if err != nil || len(claimed) != 4 {
		t.Errorf("claimed %d, %v; want the 4 of the broken claim and not the one that arrived", len(claimed), err)
	}
}

// TestReleaseOnlyOwn shows that nobody can hand back what others own.
func TestReleaseOnlyOwn(t *testing.T) {
	f := newFixture(t)
	w, ended := f.start(""), f.start("")
	ended.End = &engine.EndRow{Status: engine.Aborted, EndedAt: ended.At}
	f.commit(engine.OutcomeCommitted, w, ended)
	before := snapshotOf(f, []*engine.Write{w, ended})
	if err := f.Release(t.Context(), newID(), []uuid.UUID{w.Execution, ended.Execution}); err != nil {
		t.Fatal(err)
	}
	if after := snapshotOf(f, []*engine.Write{w, ended}); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("released from\n%v\nto\n%v", before, after)
	}
}

// TestConcurrentStores uses the package through several pools, as several nodes do.
func TestClusterKey(t *testing.T) {
	url := storetest.Postgres(t)
	const nodes = 8
	keys := make([]string, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		s := store.New(storetest.Pool(t, url))
		wg.Go(func() {
			key, err := s.ClusterKey(t.Context())
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != 32 || key != keys[0] {
			t.Fatalf("the keys differ, or are not 32 bytes: %x", keys)
		}
	}
}

// TestClaimsDoNotWait claims while others hold locks on some of what is due.
func TestClaimsDoNotWait(t *testing.T) {
	f := newFixture(t)
	due := f.parked(3, time.Now().Add(-time.Minute))
	orphan := f.start("")
	orphan.Node = newID()
	held := f.start("")
	held.Node = orphan.Node
	f.commit(engine.OutcomeCommitted, orphan, held)
	tx, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), "SELECT FROM executions WHERE id = ANY($1) FOR UPDATE", []uuid.UUID{due[0], held.Execution})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if claimed, err := f.ClaimDue(ctx, f.node, 10); err != nil || len(claimed) != 2 {
		t.Errorf("claimed %d, %v; want the two that are free", len(claimed), err)
	}
	if claimed, err := f.ClaimDead(ctx, f.node, 10); err != nil || len(claimed) != 1 || claimed[0].Execution.ID != orphan.Execution {
		t.Errorf("claimed %d, %v; want the one that is free", len(claimed), err)
	}
}

// TestParked reads what is parked as it was parked, and nothing else; the first write adopts it.
func TestParked(t *testing.T) {
	f := newFixture(t)
	other := newID()
	f.register(other, time.Minute)
	parked := f.parked(3, time.Time{})
	live, ended, handedBack, waiting := f.start(""), f.start(""), f.start(""), f.start("")
	waiting.Start.Waiting, waiting.Events = true, nil
	f.commit(engine.OutcomeCommitted, live, ended, handedBack, waiting)
	f.commit(engine.OutcomeCommitted, f.end(ended.Execution, 1))
	if err := f.Release(t.Context(), f.node, []uuid.UUID{handedBack.Execution}); err != nil {
		t.Fatal(err)
	}
	all := append([]uuid.UUID{live.Execution, ended.Execution, handedBack.Execution, waiting.Execution, newID()}, parked...)
	got, err := f.Parked(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(parked) {
		t.Fatalf("%d are parked, want %d", len(got), len(parked))
	}
	for _, c := range got {
		if !slices.Contains(parked, c.Execution.ID) || string(c.Snapshot) != "snapshot" || c.SnapshotSeq < 0 || len(c.History) > 0 {
			t.Errorf("got %+v", c)
		}
	}
	// Two nodes go on with the same one: one write takes effect, and its node is the owner.
	seq := got[0].SnapshotSeq + 1
	first, second := f.step(got[0].Execution.ID, seq), f.step(got[0].Execution.ID, seq)
	first.Adopt, second.Adopt, second.Node, second.Events = true, true, other, []byte("another step")
	f.commit(engine.OutcomeCommitted, first)
	f.commit(engine.OutcomeFenced, second)
	if row := f.execution(first.Execution); row.Owner == nil || *row.Owner != f.node || row.WakeAt != nil {
		t.Errorf("the owner is %v, it wakes at %v", row.Owner, row.WakeAt)
	}
	// One that is parked again, or ends, with its first write has no owner.
	again, done := f.park(got[1].Execution.ID, got[1].SnapshotSeq+1, time.Time{}), f.end(got[2].Execution.ID, got[2].SnapshotSeq+1)
	again.Adopt, done.Adopt = true, true
	f.commit(engine.OutcomeCommitted, again, done)
	for _, w := range []*engine.Write{again, done} {
		if row := f.execution(w.Execution); row.Owner != nil {
			t.Errorf("execution %s, %s, has the owner %s", w.Execution, row.Status, row.Owner)
		}
	}
	if got, err := f.Parked(t.Context(), parked); err != nil || len(got) != 1 || got[0].Execution.ID != again.Execution {
		t.Errorf("got %+v, %v", got, err)
	}
}
