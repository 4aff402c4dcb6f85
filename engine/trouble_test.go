package engine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// An execution whose history cannot be read is set aside: the node lives on, logs it once, and says so to callers.
func TestCorruptHistory(t *testing.T) {
	pool := storetest.Pool(t, storetest.Postgres(t))
	b := newBenchOn(t, store.New(pool))
	var k tokens
	b.fn("ask", k.take)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "ask", task(ask, ""))
	b.deploy(e, "inc", task("function:inc", ""))
	for _, damage := range [][]string{
		{"UPDATE executions SET snapshot = '\\x00' WHERE id = $1"},
		{"UPDATE executions SET snapshot = NULL, snapshot_seq = NULL WHERE id = $1", "DELETE FROM history WHERE execution_id = $1 AND seq = 0"},
	} {
		x := b.begin(e, "ask", "{}")
		token := k.of(b, x.ID)
		b.parked(e, x.ID)
		for _, statement := range damage {
			if _, err := pool.Exec(b.ctx(), statement, x.ID); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			err := e.SendTaskSuccess(b.ctx(), token, []byte("1"))
			code(t, err, engine.CodeServiceUnavailable)
			if !strings.Contains(err.Error(), x.ID.String()) {
				t.Errorf("%v does not name the execution", err)
			}
		}
	}
	b.succeeded(b.run(e, "inc", "1"), "2")
}

// A panic in the core costs one execution, which is stopped for it, and nothing else.
func TestPanicInTheCore(t *testing.T) {
	b := newBench(t)
	gate := make(chan struct{})
	var calls atomic.Int64
	b.fn("gated", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		calls.Add(1)
		<-gate
		return inc(ctx, info, in)
	})
	e := b.start()
	b.deploy(e, "gated", task("function:gated", ""))
	sick, well := b.begin(e, "gated", "1"), b.begin(e, "gated", "1")
	b.until("both wait", func() bool { return calls.Load() == 2 })
	if !e.Poison(sick.ID) {
		t.Fatal("the execution is not in memory")
	}
	close(gate)
	b.succeeded(b.wait(e, well.ID), "2")
	x := b.wait(e, sick.ID)
	if x.Status != engine.Failed || !strings.HasPrefix(failure(x), "States.Runtime: the engine ran into an internal error") {
		t.Errorf("it is %s: %s", x.Status, failure(x))
	}
	b.events(e, x.ID)
}

// A function behind a URL, from the registry to the result: retried, with its idempotency key.
func TestHTTPFunction(t *testing.T) {
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get(invoke.HeaderIdempotencyKey))
		if len(keys) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	b := newBench(t)
	e := b.start()
	err := e.PutFunction(b.ctx(), "", "echo", engine.FunctionConfig{HTTP: &invoke.HTTPConfig{URL: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	b.deploy(e, "echo", task("function:echo", `, "Retry": [{"ErrorEquals": ["HTTP.503"], "IntervalSeconds": 1}]`))
	x := b.run(e, "echo", `{"n":123456789012345678901234567890}`)
	b.succeeded(x, `{"n":123456789012345678901234567890}`)
	if len(keys) != 2 || keys[0] != x.ID.String()+"/1" || keys[1] != x.ID.String()+"/2" {
		t.Errorf("the idempotency keys were %q", keys)
	}
}

func TestCommandFunction(t *testing.T) {
	b := newBench(t)
	e := b.start(func(c *engine.Config) { c.AllowCommands = true })
	err := e.PutFunction(b.ctx(), "", "wc", engine.FunctionConfig{Command: &invoke.CommandConfig{Argv: []string{"/bin/sh", "-c", "wc -c"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.deploy(e, "wc", task("arn:aws:lambda:us-east-1:000000000000:function:wc", ""))
	b.succeeded(b.run(e, "wc", `{"a":1}`), "7")
}

// A machine that never waits neither ends the node's work for others nor its shutdown.
func TestEndlessLoop(t *testing.T) {
	b := newBench(t)
	b.fn("inc", inc)
	e := b.start()
	b.deploy(e, "loop", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice",
		"Choices": [{"Condition": "{% true %}", "Next": "A"}], "Default": "C"}, "C": {"Type": "Succeed"}}}`)
	b.deploy(e, "inc", task("function:inc", ""))
	x := b.begin(e, "loop", "{}")
	b.succeeded(b.run(e, "inc", "1"), "2")
	stopped, err := e.StopExecution(b.ctx(), x.ID, "", "")
	if err != nil || stopped.Status != engine.Aborted {
		t.Fatalf("it is %s, %v", stopped.Status, err)
	}
	b.begin(e, "loop", "{}") // left to the shutdown
}
