package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// bill is what the executions of a test have written.
type bill struct{ rows, events, snapshots, bytesOfSnapshots int }

// billingStore adds up what each execution writes.
type billingStore struct {
	*store.Store
	mu    sync.Mutex
	bills map[uuid.UUID]*bill
}

func newBillingStore(t *testing.T) *billingStore {
	return &billingStore{Store: storetest.Open(t), bills: map[uuid.UUID]*bill{}}
}

func (s *billingStore) Commit(ctx context.Context, batch []*engine.Write) error {
	err := s.Store.Commit(ctx, batch)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range batch {
		b := s.bills[w.Execution]
		if b == nil {
			b = &bill{}
			s.bills[w.Execution] = b
		}
		b.rows++
		b.events += len(w.Events)
		if w.Snapshot != nil {
			b.snapshots++
			b.bytesOfSnapshots += len(w.Snapshot)
		}
	}
	return nil
}

func (s *billingStore) of(id uuid.UUID) bill {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.bills[id]
}

// A machine that loops writes as much for a round after hundreds as for its first ones: rows of the same size, snapshots
// of the same size, no more often.
func TestLongHistoriesWriteNoMore(t *testing.T) {
	s := newBillingStore(t)
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start(func(c *engine.Config) { c.SnapshotRows = 16 })
	loop := func(rounds int) bill {
		name := fmt.Sprintf("loop-%d", rounds)
		b.deploy(e, name, fmt.Sprintf(`{"QueryLanguage": "CEL", "StartAt": "A", "States": {
			"A": {"Type": "Task", "Resource": "function:inc", "Next": "B"},
			"B": {"Type": "Choice", "Choices": [{"Condition": "{%% states.input < %d %%}", "Next": "A"}], "Default": "C"},
			"C": {"Type": "Succeed"}}}`, rounds))
		x := b.run(e, name, "0")
		b.succeeded(x, strconv.Itoa(rounds))
		return s.of(x.ID)
	}
	short, long := loop(100), loop(1600)
	per := func(of, rows int) float64 { return float64(of) / float64(rows) }
	if s, l := per(short.events, short.rows), per(long.events, long.rows); l > s*1.1+2 {
		t.Errorf("a row has %.1f bytes in a short history and %.1f in a long one", s, l)
	}
	if s, l := per(short.snapshots, short.rows), per(long.snapshots, long.rows); l > s*1.2+0.01 {
		t.Errorf("there are %.3f snapshots a row in a short history and %.3f in a long one", s, l)
	}
	if s, l := per(short.bytesOfSnapshots, short.snapshots), per(long.bytesOfSnapshots, long.snapshots); l > s*1.1+8 {
		t.Errorf("a snapshot has %.1f bytes in a short history and %.1f in a long one", s, l)
	}
}

// A Map writes as much for an item among thousands as among hundreds, its snapshots included.
func TestLargeMapsAreLinear(t *testing.T) {
	s := newBillingStore(t)
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start(func(c *engine.Config) { c.SnapshotRows, c.Limits = 2, statemachine.Limits{Payload: 1 << 20} })
	b.deploy(e, "each", `{"QueryLanguage": "CEL", "StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true,
		"ItemProcessor": {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": "function:inc", "End": true}}}}}}`)
	each := func(items int) float64 {
		x := b.run(e, "each", "["+strings.TrimSuffix(strings.Repeat("1,", items), ",")+"]")
		if x.Status != engine.Succeeded {
			t.Fatal(failure(x))
		}
		of := s.of(x.ID)
		if of.rows > items {
			t.Errorf("%d items took %d rows", items, of.rows)
		}
		return float64(of.events+of.bytesOfSnapshots) / float64(items)
	}
	small, large := each(500), each(8000)
	if large > 2*small {
		t.Errorf("an item costs %.0f bytes among 500 and %.0f among 8000", small, large)
	}
}

// What a node holds does not grow with the executions that have ended on it, however they ended.
func TestNothingIsKeptOfEndedExecutions(t *testing.T) {
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	b.fn("inc", inc)
	e := b.start(func(c *engine.Config) { c.ParkAfter = -1 })
	b.deploy(e, "inc", chain(2, "function:inc"))
	b.deploy(e, "ask", task(ask, ""))
	b.deploy(e, "fail", `{"QueryLanguage": "CEL", "StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No"}}}`)
	b.deploy(e, "wait", `{"QueryLanguage": "CEL", "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}}}`)
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "express", Type: engine.TypeExpress, Definition: []byte(chain(1, "function:inc"))})
	if err != nil {
		t.Fatal(err)
	}
	round := func() {
		for range 20 {
			b.succeeded(b.run(e, "inc", "0"), "2")
			b.run(e, "fail", "0")
			b.run(e, "express", "0")
			x := b.begin(e, "ask", "{}")
			b.parked(e, x.ID)
			if err := e.SendTaskSuccess(b.ctx(), k.of(b, x.ID), []byte("1")); err != nil {
				t.Fatal(err)
			}
			w := b.begin(e, "wait", "{}")
			if _, err := e.StopExecution(b.ctx(), w.ID, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		b.until("all have left", func() bool { return e.Stats().Live == 0 })
	}
	round()
	first := e.Holds()
	round()
	round()
	if last := e.Holds(); last != first {
		t.Errorf("after a hundred executions the node held %+v, after three hundred %+v", first, last)
	}
	if first.Lives+first.Flights+first.Listeners+first.Timers+first.Writes+first.Calls > 0 {
		t.Errorf("the node holds %+v, though nothing runs", first)
	}
}

// A Map whose items are answered one by one while it is parked costs the same for each answer, whatever their number: it
// stays in memory for a while after an answer, and leaves when none comes any more.
func TestAnswersToALargeParkedMap(t *testing.T) {
	s := newBillingStore(t)
	b := newBenchOn(t, s)
	var k taskTokens
	b.fn("ask", k.take)
	lingering := b.start(func(c *engine.Config) { c.ParkAfter = time.Hour })
	b.deploy(lingering, "each", `{"QueryLanguage": "CEL", "StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true,
		"ItemProcessor": {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "End": true}}}}}}`)
	const items = 400
	item := `"` + strings.Repeat("x", 200) + `"`
	input := "[" + strings.TrimSuffix(strings.Repeat(item+",", items), ",") + "]"

	x := b.begin(lingering, "each", input)
	b.parked(lingering, x.ID)
	before := s.of(x.ID)
	for _, token := range k.all(b, x.ID, items) {
		if err := lingering.SendTaskSuccess(b.ctx(), token, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if end := b.wait(lingering, x.ID); end.Status != engine.Succeeded {
		t.Fatal(failure(end))
	}
	after := s.of(x.ID)
	if wrote := after.bytesOfSnapshots - before.bytesOfSnapshots; wrote > 2*before.bytesOfSnapshots+2*(after.events-before.events) {
		t.Errorf("%d answers wrote %d bytes of snapshots, where one has %d", items, wrote, before.bytesOfSnapshots)
	}

	if err := lingering.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	short := b.start(func(c *engine.Config) { c.ParkAfter = time.Millisecond })
	x = b.begin(short, "each", input)
	b.parked(short, x.ID)
	for _, token := range k.all(b, x.ID, items)[:2] {
		if err := short.SendTaskSuccess(b.ctx(), token, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	b.parked(short, x.ID)
}

// taskTokens keeps the tokens of all tasks of an execution.
type taskTokens struct {
	mu sync.Mutex
	of map[uuid.UUID][]string
}

func (k *taskTokens) take(_ context.Context, info engine.TaskInfo, _ json.RawMessage) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil {
		k.of = map[uuid.UUID][]string{}
	}
	k.of[info.Execution] = append(k.of[info.Execution], info.Token)
	return nil, nil
}

// all gives the tokens of an execution once there are so many.
func (k *taskTokens) all(b *bench, id uuid.UUID, n int) (tokens []string) {
	b.t.Helper()
	b.until("all functions were given their tokens", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		tokens = slices.Clone(k.of[id])
		return len(tokens) == n
	})
	return tokens
}
