package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// patience bounds every wait of the tests. It is there to catch hangs, not to measure.
const patience = 60 * time.Second

// cluster carries calls between the engines of one test.
type cluster struct {
	mu    sync.Mutex
	nodes map[string]*engine.Engine
}

// Forward implements engine.Peers, as the HTTP implementation does: by way of JSON.
func (c *cluster) Forward(ctx context.Context, node engine.Node, call engine.ForwardedCall) error {
	c.mu.Lock()
	e := c.nodes[node.Address]
	c.mu.Unlock()
	if e == nil {
		return errors.New("nobody there")
	}
	text, err := json.Marshal(call)
	if err != nil {
		return err
	}
	var sent engine.ForwardedCall
	if err := json.Unmarshal(text, &sent); err != nil {
		return err
	}
	return e.HandleForwarded(ctx, sent)
}

func (c *cluster) remove(e *engine.Engine) {
	c.mu.Lock()
	delete(c.nodes, e.Node().Address)
	c.mu.Unlock()
}

// bench is what the engines of one test share.
type bench struct {
	t       testing.TB
	store   engine.Store
	cluster *cluster
	funcs   map[string]engine.Func
}

func newBench(t testing.TB) *bench {
	return newBenchOn(t, storetest.Open(t))
}

func newBenchOn(t testing.TB, store engine.Store) *bench {
	return &bench{t: t, store: store, cluster: &cluster{nodes: map[string]*engine.Engine{}}, funcs: map[string]engine.Func{}}
}

// fn registers a Go function on all engines that are started afterwards.
func (b *bench) fn(name string, f engine.Func) { b.funcs[name] = f }

// start starts an engine; it is shut down when the test ends.
func (b *bench) start(change ...func(*engine.Config)) *engine.Engine {
	b.t.Helper()
	cfg := engine.Config{
		Store: b.store, Address: "node-" + uuid.NewString(), Peers: b.cluster,
		Poll: 50 * time.Millisecond, Lease: 3 * time.Second, ShutdownGrace: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(testLog{b.t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, c := range change {
		c(&cfg)
	}
	e, err := engine.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, f := range b.funcs {
		e.RegisterFunc(name, f)
	}
	if err := e.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.cluster.mu.Lock()
	b.cluster.nodes[cfg.Address] = e
	b.cluster.mu.Unlock()
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Shutdown(ctx); err != nil {
			b.t.Errorf("shutting down: %v", err)
		}
	})
	return e
}

// testLog writes what the engine logs into the log of the test.
type testLog struct{ tb testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	defer func() { _ = recover() }() // a goroutine that logs after the test's end is no failure
	l.tb.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) deploy(e *engine.Engine, name, definition string) {
	b.t.Helper()
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: name, Definition: []byte(definition)})
	if err != nil {
		b.t.Fatalf("deploying %s: %v", name, err)
	}
}

func (b *bench) begin(e *engine.Engine, machine, input string) engine.Execution {
	b.t.Helper()
	x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: machine, Input: []byte(input)})
	if err != nil {
		b.t.Fatalf("starting %s: %v", machine, err)
	}
	return x
}

func (b *bench) wait(e *engine.Engine, id uuid.UUID) engine.Execution {
	b.t.Helper()
	x, err := e.Wait(b.ctx(), id)
	if err != nil {
		b.t.Fatalf("waiting for %s, which is %s: %v", id, x.Status, err)
	}
	return x
}

// run starts an execution and waits for its end.
func (b *bench) run(e *engine.Engine, machine, input string) engine.Execution {
	b.t.Helper()
	return b.wait(e, b.begin(e, machine, input).ID)
}

// succeeded checks the output of an execution.
func (b *bench) succeeded(x engine.Execution, output string) {
	b.t.Helper()
	if x.Status != engine.Succeeded {
		b.t.Fatalf("execution %s is %s: %s", x.ID, x.Status, failure(x))
	}
	if x.Output.String() != output {
		b.t.Fatalf("the output is %s, want %s", x.Output, output)
	}
}

// failed checks the error of an execution and gives its cause.
func (b *bench) failed(x engine.Execution, name string) string {
	b.t.Helper()
	if x.Status != engine.Failed || x.Error == nil || *x.Error != name {
		b.t.Fatalf("execution %s is %s: %s; want the error %s", x.ID, x.Status, failure(x), name)
	}
	if x.Cause == nil {
		return ""
	}
	return *x.Cause
}

func failure(x engine.Execution) string {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	return text(x.Error) + ": " + text(x.Cause)
}

// until waits for a condition.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("it did not come to be that %s", what)
		}
	}
}

// parked waits until an execution is parked.
func (b *bench) parked(e *engine.Engine, id uuid.UUID) {
	b.t.Helper()
	b.until("the execution is parked", func() bool {
		x, err := e.DescribeExecution(b.ctx(), "", id.String())
		if err != nil {
			b.t.Fatal(err)
		}
		return x.Status == engine.Running && x.Owner == nil && !e.IsLive(id)
	})
}

// events gives the history of an execution, checking that it has no gap.
func (b *bench) events(e *engine.Engine, id uuid.UUID) []statemachine.Event {
	b.t.Helper()
	page, err := e.History(b.ctx(), id, 0, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, row := range page.Rows {
		if row.Seq != int64(i) {
			b.t.Fatalf("history row %d has seq %d", i, row.Seq)
		}
	}
	events, err := page.Events()
	if err != nil {
		b.t.Fatal(err)
	}
	return events
}

// chain is a machine of n tasks, one after another.
func chain(n int, resource string) string {
	var states []string
	for i := range n {
		end := fmt.Sprintf(`"Next": "S%d"`, i+1)
		if i == n-1 {
			end = `"End": true`
		}
		states = append(states, fmt.Sprintf(`"S%d": {"Type": "Task", "Resource": %q, %s}`, i, resource, end))
	}
	return `{"QueryLanguage": "CEL", "StartAt": "S0", "States": {` + strings.Join(states, ", ") + `}}`
}

// task is a machine of one task with further fields.
func task(resource, fields string) string {
	return `{"QueryLanguage": "CEL", "StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "` + resource + `", "End": true` + fields + `}}}`
}

// code checks an error's code.
func code(t testing.TB, err error, want engine.Code) {
	t.Helper()
	var coded *engine.Error
	if !errors.As(err, &coded) || coded.Code != want {
		t.Fatalf("got the error %v, want %s", err, want)
	}
}

// inc counts: 1 becomes 2.
func inc(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
	var n int
	err := json.Unmarshal(in, &n)
	return n + 1, err
}
