package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// oddStore gives errors that are neither Postgres' nor those of a connection, and that come again whatever is done.
type oddStore struct {
	*store.Store
	machines atomic.Bool // cannot be read
	poison   atomic.Bool // writes with "poison" in their input cannot be written, and what rides with them neither
}

var errOdd = errors.New("cannot scan unknown type (OID 600) in text format")

func (s *oddStore) StateMachine(ctx context.Context, namespace, name string) (engine.StateMachine, error) {
	if s.machines.Load() {
		return engine.StateMachine{}, errOdd
	}
	return s.Store.StateMachine(ctx, namespace, name)
}

func (s *oddStore) Commit(ctx context.Context, batch []*engine.Write) error {
	for _, w := range batch {
		if s.poison.Load() && w.Start != nil && strings.Contains(w.Start.Input.String(), "poison") {
			return pgx.ErrTxCommitRollback
		}
	}
	return s.Store.Commit(ctx, batch)
}

// An error that no retry mends ends what was asked for, with what it was; a caller without a deadline does not hang.
func TestErrorsThatDoNotPassEnd(t *testing.T) {
	s := &oddStore{Store: storetest.Open(t)}
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "inc", task("function:inc", ""))
	s.machines.Store(true)
	_, _, err := e.StartExecution(context.Background(), engine.StartRequest{StateMachine: "inc", Input: []byte("1")})
	code(t, err, engine.CodeServiceUnavailable)
	if !strings.Contains(err.Error(), errOdd.Error()) {
		t.Errorf("%v does not say what stood in the way", err)
	}
	s.machines.Store(false)
	b.succeeded(b.run(e, "inc", "1"), "2")
}

// A write that cannot be written is refused alone: what waits with it, and behind it, goes on.
func TestPoisonedWriteIsRefusedAlone(t *testing.T) {
	s := &oddStore{Store: storetest.Open(t)}
	b := newBenchOn(t, s)
	b.fn("inc", inc)
	e := b.start(func(c *engine.Config) { c.Writers = 1 })
	b.deploy(e, "inc", task("function:inc", ""))
	b.deploy(e, "pass", `{"QueryLanguage": "CEL", "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}`)
	s.poison.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "pass", Input: []byte(`"poison"`)})
		code(t, err, engine.CodeValidation)
	})
	for range 20 {
		wg.Go(func() { b.succeeded(b.run(e, "inc", "1"), "2") })
	}
	wg.Wait()
}
