package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/devpg"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// privatePostgres is a cluster that a test can stop and start.
type privatePostgres struct {
	t       *testing.T
	config  devpg.Config
	cluster *devpg.Cluster
}

func newPrivatePostgres(t *testing.T) *privatePostgres {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	p := &privatePostgres{t: t, config: devpg.Config{DataDir: t.TempDir(), Port: port, Ephemeral: true}}
	p.start()
	t.Cleanup(p.stop)
	if err := migrations.Up(t.Context(), p.cluster.TCPURL()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *privatePostgres) start() {
	var err error
	if p.cluster, err = devpg.Start(context.Background(), p.config); err != nil {
		p.t.Fatal(err)
	}
}

func (p *privatePostgres) stop() {
	if err := p.cluster.Stop(); err != nil {
		p.t.Errorf("stopping Postgres: %v", err)
	}
}

// Postgres goes away while executions run, and comes back after some of the leases have run out: nothing is lost, nobody
// fails, and starts that were asked for meanwhile are answered.
func TestDatabaseGoneAndBack(t *testing.T) {
	pg := newPrivatePostgres(t)
	b := newBenchOn(t, store.New(storetest.Pool(t, pg.cluster.TCPURL())))
	gate := make(chan struct{})
	var k tokens
	b.fn("ask", k.take)
	b.fn("inc", inc)
	b.fn("gated", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		<-gate
		return inc(ctx, info, in)
	})
	e := b.start(shortLease)
	b.deploy(e, "gated", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:gated", "Next": "B"},
		"B": {"Type": "Task", "Resource": "function:inc", "End": true}}}`)
	b.deploy(e, "ask", task(ask, ""))
	parked := b.begin(e, "ask", "{}")
	token := k.of(b, parked.ID)
	b.parked(e, parked.ID)
	var running []engine.Execution
	for range 50 {
		running = append(running, b.begin(e, "gated", "0"))
	}

	pg.stop()
	close(gate) // the results come while nothing can be written
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 20 {
		wg.Go(func() {
			x := b.begin(e, "gated", "0")
			mu.Lock()
			running = append(running, x)
			mu.Unlock()
		})
	}
	answered := make(chan error, 1)
	go func() { answered <- e.SendTaskSuccess(b.ctx(), token, []byte("1")) }()
	// A caller with less patience gets an error that says why.
	ctx, cancel := context.WithTimeout(b.ctx(), 300*time.Millisecond)
	defer cancel()
	if _, err := e.Wait(ctx, parked.ID); !errors.Is(err, engine.ErrServiceUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a wait in the outage gave %v", err)
	}
	b.until("the node knows that it cannot renew its lease", func() bool { return e.Ready(b.ctx()) != nil })
	time.Sleep(time.Second) // the lease runs out

	pg.start()
	wg.Wait()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, parked.ID), "1")
	for _, x := range running {
		b.succeeded(b.wait(e, x.ID), "2")
		b.events(e, x.ID)
	}
	b.until("the node is ready again", func() bool { return e.Ready(b.ctx()) == nil })
}

// answerLoser loses the answers of commits that were done.
type answerLoser struct {
	*store.Store
	lose atomic.Int64
}

func (a *answerLoser) Commit(ctx context.Context, batch []*engine.Write) error {
	err := a.Store.Commit(ctx, batch)
	if err == nil && a.lose.Add(-1) >= 0 {
		for _, w := range batch {
			w.Outcome = 0
		}
		return errors.New("the connection broke before the answer came")
	}
	return err
}

// A commit whose answer is lost is done again, and changes nothing the second time.
func TestLostAnswers(t *testing.T) {
	s := &answerLoser{Store: storetest.Open(t)}
	b := newBenchOn(t, s)
	var calls atomic.Int64
	b.fn("inc", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		calls.Add(1)
		return inc(ctx, info, in)
	})
	e := b.start()
	b.deploy(e, "five", chain(5, "function:inc"))
	s.lose.Store(8)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { b.succeeded(b.run(e, "five", "0"), "5") })
	}
	wg.Wait()
	if s.lose.Load() > 0 || calls.Load() != 50 || e.Stats().Fenced != 0 {
		t.Errorf("%d calls, %d fenced", calls.Load(), e.Stats().Fenced)
	}
}

// refuser refuses one durable point of an execution, as the store does with what Postgres cannot hold.
type refuser struct {
	*store.Store
	seq atomic.Int64 // of the point to refuse
}

func (r *refuser) Commit(ctx context.Context, batch []*engine.Write) error {
	var rest []*engine.Write
	for _, w := range batch {
		if w.Seq > 0 && r.seq.CompareAndSwap(w.Seq, -1) {
			w.Outcome, w.Err = engine.OutcomeRefused, errors.New("invalid byte sequence")
			continue
		}
		rest = append(rest, w)
	}
	return r.Store.Commit(ctx, rest)
}

// An execution that the database cannot hold is stopped, and says why; the others of its batch go on.
func TestRefusedWrite(t *testing.T) {
	s := &refuser{Store: storetest.Open(t)}
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "five", chain(5, "function:inc"))
	s.seq.Store(3)
	var wg sync.WaitGroup
	var stopped atomic.Int64
	for range 10 {
		wg.Go(func() {
			x := b.run(e, "five", "0")
			if x.Status == engine.Failed && strings.Contains(failure(x), "invalid byte sequence") {
				stopped.Add(1)
				return
			}
			b.succeeded(x, "5")
		})
	}
	wg.Wait()
	if stopped.Load() != 1 {
		t.Errorf("%d executions were stopped, want the one that was refused", stopped.Load())
	}
}

func TestCallsBeforeTheStart(t *testing.T) {
	e, err := engine.New(engine.Config{Store: storetest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.StartExecution(t.Context(), engine.StartRequest{StateMachine: "x"})
	code(t, err, engine.CodeServiceUnavailable)
	if err := e.Ready(t.Context()); !errors.Is(err, engine.ErrServiceUnavailable) {
		t.Errorf("it is ready: %v", err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := engine.New(engine.Config{MaxLive: -1, Lease: time.Millisecond}); err == nil {
		t.Error("a configuration without a store is taken")
	}
}
