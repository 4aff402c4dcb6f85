package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/worker"
)

const patience = 60 * time.Second

// bench is a server on a real engine and Postgres.
type bench struct {
	t      testing.TB
	ctx    context.Context
	engine *engine.Engine
	url    string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	eng, err := engine.New(engine.Config{Store: storetest.Open(t), Poll: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(ctx); err != nil {
		t.Fatal(err)
	}
	draining := make(chan struct{})
	server := httptest.NewServer(web.NewRouter(web.Config{Engine: eng, Logger: slog.New(slog.DiscardHandler), Draining: draining}))
	t.Cleanup(func() {
		close(draining)
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := eng.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, ctx: ctx, engine: eng, url: server.URL}
}

// start begins an execution of one task of the activity "work".
func (b *bench) start(input, fields string) engine.Execution {
	b.t.Helper()
	name := "m" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(b.t.Name()))
	_, err := b.engine.Deploy(b.ctx, engine.DeployRequest{Name: name, Definition: []byte(
		`{"QueryLanguage": "CEL", "StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "activity:work", "End": true` + fields + `}}}`)})
	if err != nil {
		b.t.Fatal(err)
	}
	x, _, err := b.engine.StartExecution(b.ctx, engine.StartRequest{
		StateMachine: name, Input: []byte(input), TraceContext: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return x
}

// end waits for the end of an execution and gives its output, or its error and cause.
func (b *bench) end(x engine.Execution) (output, name, cause string) {
	b.t.Helper()
	x, err := b.engine.Wait(b.ctx, x.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	if x.Output != nil {
		output = x.Output.String()
	}
	if x.Error != nil {
		name = *x.Error
	}
	if x.Cause != nil {
		cause = *x.Cause
	}
	return output, name, cause
}

// worker makes a worker; it is run by running.
func (b *bench) worker(change ...func(*worker.Config)) *worker.Worker {
	cfg := worker.Config{Server: b.url, Create: true, Concurrency: 4, Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	return worker.New(cfg)
}

// running runs a worker until stop is called, which waits for its end.
func (b *bench) running(w *worker.Worker) (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		cancel()
		if !stopped {
			stopped = true
			if err := <-ended; err != nil {
				b.t.Errorf("the worker ended with %v", err)
			}
		}
	}
	b.t.Cleanup(stop)
	return stop
}

func (b *bench) create() {
	b.t.Helper()
	if _, _, err := b.engine.CreateActivity(b.ctx, "", "work"); err != nil {
		b.t.Fatal(err)
	}
}

type pair struct{ A, B int }

func TestHandle(t *testing.T) {
	b := newBench(t)
	w := b.worker()
	var traced, key atomic.Value
	worker.Handle(w, "work", func(ctx context.Context, in pair) (int, error) {
		traced.Store(trace.SpanContextFromContext(ctx).TraceID().String())
		key.Store(worker.TaskOf(ctx).IdempotencyKey)
		return in.A + in.B, nil
	})
	b.create()
	b.running(w)
	x := b.start(`{"A": 2, "B": 3}`, "")
	if output, name, _ := b.end(x); output != "5" {
		t.Errorf("it ended with %s %s", output, name)
	}
	if traced.Load() != "0af7651916cd43dd8448eb211c80319c" || key.Load() != x.ID.String()+"/1" {
		t.Errorf("trace %v, key %v", traced.Load(), key.Load())
	}
	if _, name, cause := b.end(b.start(`"no pair"`, "")); name != worker.ErrInvalidInput || !strings.Contains(cause, "worker_test.pair") {
		t.Errorf("a wrong input gives %s: %s", name, cause)
	}
}

func TestErrors(t *testing.T) {
	b := newBench(t)
	w := b.worker()
	var calls atomic.Int64
	worker.Handle(w, "work", func(_ context.Context, in string) (any, error) {
		switch in {
		case "named":
			return nil, &worker.Error{Name: "Image.Corrupt", Cause: "no pixels"}
		case "panic":
			panic("over here")
		case "result":
			return func() {}, nil
		case "retry":
			if calls.Add(1) == 1 {
				return nil, &worker.Error{Name: "Again"}
			}
			return "second", nil
		default:
			return nil, errors.New("just so")
		}
	})
	b.create()
	b.running(w)
	for in, want := range map[string][2]string{
		"named": {"Image.Corrupt", "no pixels"}, "panic": {worker.ErrPanicked, "over here"},
		"result": {worker.ErrInvalidResult, "the result cannot"}, "other": {worker.ErrFailed, "just so"},
	} {
		if _, name, cause := b.end(b.start(`"`+in+`"`, "")); name != want[0] || !strings.HasPrefix(cause, want[1]) {
			t.Errorf("%s: %s: %s", in, name, cause)
		}
	}
	if output, _, _ := b.end(b.start(`"retry"`, `, "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1}]`)); output != `"second"` {
		t.Errorf("the retry gave %s", output)
	}
}

// beats tells of the heartbeats that a worker has sent.
type beats chan struct{}

// RoundTrip implements http.RoundTripper.
func (b beats) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if strings.HasSuffix(r.URL.Path, "/tasks/heartbeat") {
		select {
		case b <- struct{}{}:
		default:
		}
	}
	return resp, err
}

// A function that works longer than its state's HeartbeatSeconds is kept alive, and told when its execution is stopped.
func TestHeartbeats(t *testing.T) {
	b := newBench(t)
	beats := make(beats, 1)
	w := b.worker(func(c *worker.Config) { c.HTTP = &http.Client{Transport: beats} })
	began := make(chan struct{}, 2)
	told := make(chan error, 1)
	worker.Handle(w, "work", func(ctx context.Context, in string) (string, error) {
		began <- struct{}{}
		if in == "forever" {
			<-ctx.Done()
			told <- context.Cause(ctx)
			return "", ctx.Err()
		}
		for since := time.Now(); time.Since(since) < 2*time.Second; { // twice as long as it may be silent
			select {
			case <-beats:
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		return "alive", nil
	})
	b.create()
	b.running(w)
	long := b.start(`"long"`, `, "HeartbeatSeconds": 1`)
	stopped := b.start(`"forever"`, `, "HeartbeatSeconds": 1`)
	<-began
	<-began
	if _, err := b.engine.StopExecution(b.ctx, stopped.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, worker.ErrOver) {
		t.Errorf("the function was told %v", err)
	}
	if output, name, _ := b.end(long); output != `"alive"` {
		t.Errorf("it ended with %s %s", output, name)
	}
}

// A worker that stops ends what it has in hand; what takes longer than the grace is for another worker.
func TestGracefulStop(t *testing.T) {
	b := newBench(t)
	b.create()
	began, gate := make(chan struct{}), make(chan struct{})
	w := b.worker()
	worker.Handle(w, "work", func(context.Context, string) (string, error) {
		close(began)
		<-gate
		return "in time", nil
	})
	stop := b.running(w)
	x := b.start(`"x"`, "")
	<-began
	ended := make(chan struct{})
	go func() {
		stop()
		close(ended)
	}()
	close(gate)
	<-ended
	if output, name, _ := b.end(x); output != `"in time"` {
		t.Errorf("it ended with %s %s", output, name)
	}

	slow := b.worker(func(c *worker.Config) { c.Grace = -1 })
	working := make(chan struct{})
	worker.Handle(slow, "work", func(ctx context.Context, _ string) (string, error) {
		close(working)
		<-ctx.Done()
		return "", context.Cause(ctx)
	})
	stop = b.running(slow)
	x = b.start(`"x"`, `, "Retry": [{"ErrorEquals": ["Worker.Stopped"], "IntervalSeconds": 1}]`)
	<-working
	stop()
	next := b.worker()
	worker.Handle(next, "work", func(context.Context, string) (string, error) { return "by the next", nil })
	b.running(next)
	if output, name, cause := b.end(x); output != `"by the next"` {
		t.Errorf("it ended with %s %s: %s", output, name, cause)
	}
}

// No more functions run at a time than the worker may.
func TestConcurrency(t *testing.T) {
	b := newBench(t)
	b.create()
	w := b.worker(func(c *worker.Config) { c.Concurrency = 3 })
	var at, most atomic.Int64
	full := make(chan struct{})
	worker.Handle(w, "work", func(context.Context, int) (int, error) {
		n := at.Add(1)
		defer at.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 3 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full
		return 0, nil
	})
	b.running(w)
	var xs []engine.Execution
	for range 20 {
		xs = append(xs, b.start("1", ""))
	}
	for _, x := range xs {
		b.end(x)
	}
	if most.Load() != 3 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestNothingToDo(t *testing.T) {
	b := newBench(t)
	if err := b.worker().Run(b.ctx); err == nil {
		t.Error("a worker without functions runs")
	}
	w := b.worker()
	worker.Handle(w, "work", func(context.Context, int) (int, error) { return 0, nil })
	worker.Handle(w, "work", func(context.Context, int) (int, error) { return 0, nil })
	if err := w.Run(b.ctx); err == nil {
		t.Error("a worker with two functions for one activity runs")
	}
}
