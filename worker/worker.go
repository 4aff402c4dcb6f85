// Package worker runs the tasks of activities: it polls a Tercel server, calls your functions, and brings their results
// back.
//
//	w := worker.New(worker.Config{Server: "http://127.0.0.1:8083", Concurrency: 8})
//	worker.Handle(w, "resize", func(ctx context.Context, in Image) (Thumbnail, error) { ... })
//	err := w.Run(ctx)
//
// A state names the activity as its resource (activity:resize). Any number of workers, on any machines, may serve one
// activity; they need to reach the server and nothing needs to reach them.
//
// # What a worker sees to
//
// While a function works, its task is kept alive by heartbeats, at a third of the state's HeartbeatSeconds. When the task
// is over, because it timed out or its execution was stopped, the function's context ends. An error or a panic fails the
// task, under a name that Retry and Catch of the state can match. A server that does not answer is asked again, less and
// less often, and so is one that cannot take a result at the moment.
//
// An attempt is given to one worker only, but a worker may die, or lose the network, after it has done the work and before
// it could say so. The next attempt has the same input: functions should bear to be called twice, and [Task] has what
// they need to notice.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tercel-workflows/tercel/web/client"
)

// Config is what a worker is made of. All of it may be left out.
type Config struct {
	Server    string // base URL; default TERCEL_SERVER, else http://127.0.0.1:8083
	Key       string // access key; default TERCEL_KEY
	Namespace string // default TERCEL_NAMESPACE, else the server's default
	Name      string // of this worker, for the history of executions; default HOST/PID. At most 80 characters.

	Concurrency int           // tasks of each activity at a time; default 10
	Grace       time.Duration // how long Run lets functions go on once it is to stop; default 30s, negative: not at all
	Create      bool          // create the activities that do not exist
	Logger      *slog.Logger  // default slog.Default()
	HTTP        *http.Client  // default http.DefaultClient; it must have no timeout below that of a poll, a minute
}

// Worker polls for the tasks of activities. Make one with New, give it functions with Handle, and then Run it.
type Worker struct {
	cfg      Config
	client   *client.Client
	log      *slog.Logger
	handlers []handler

	mu      sync.Mutex
	running bool
}

// handler is an activity with the function that does its tasks.
type handler struct {
	activity string
	do       func(ctx context.Context, task *Task) ([]byte, error)
}

// The bounds of a worker.
const (
	defaultConcurrency = 10
	defaultGrace       = 30 * time.Second
	pollers            = 4 // polls of one activity that wait at a time
	pollTime           = 50 * time.Second
	maxName            = 80
	firstRetry         = 250 * time.Millisecond
	lastRetry          = 15 * time.Second
	// lookout is how often a worker asks whether a task goes on that needs no heartbeats.
	lookout = 30 * time.Second
)

// New makes a worker.
func New(cfg Config) *Worker {
	cfg.Server = cmp.Or(cfg.Server, os.Getenv("TERCEL_SERVER"), "http://127.0.0.1:8083")
	cfg.Key = cmp.Or(cfg.Key, os.Getenv("TERCEL_KEY"))
	cfg.Namespace = cmp.Or(cfg.Namespace, os.Getenv("TERCEL_NAMESPACE"))
	if cfg.Name == "" {
		host, _ := os.Hostname() // a worker without a host name is still a worker
		cfg.Name = fmt.Sprintf("%.60s/%d", cmp.Or(host, "worker"), os.Getpid())
	}
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = defaultConcurrency
	}
	if cfg.Grace == 0 {
		cfg.Grace = defaultGrace
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	return &Worker{
		cfg: cfg, log: cfg.Logger.With("worker", cfg.Name),
		client: &client.Client{
			Server: cfg.Server, Key: cfg.Key, Namespace: cfg.Namespace, UserAgent: "tercel-worker", HTTP: cfg.HTTP,
		},
	}
}

// Run polls and works until ctx ends. Then it takes no more tasks, and lets the functions that are at work go on for
// Config.Grace; those that still are not done have their contexts ended, and their tasks fail with Worker.Stopped, so that
// a Retry can give them to another worker. It gives nil then, and an error if it could not begin, or if the server does
// not let this worker in. A worker runs once.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.check(); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	polling, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abandon(nil)
	var polls, tasks sync.WaitGroup
	for _, h := range w.handlers {
		s := &supply{
			worker: w, handler: h, log: w.log.With("activity", h.activity), slots: make(chan struct{}, w.cfg.Concurrency),
			tasks: &tasks, work: work,
		}
		for range min(pollers, w.cfg.Concurrency) {
			polls.Go(func() {
				if err := s.poll(polling); err != nil {
					stop(err)
				}
			})
		}
	}
	w.log.InfoContext(ctx, "the worker polls", "server", w.cfg.Server, "activities", len(w.handlers), "concurrency", w.cfg.Concurrency)
	polls.Wait()
	w.finish(ctx, &tasks, abandon)
	if err := context.Cause(polling); err != nil && ctx.Err() == nil {
		return fmt.Errorf("polling: %w", err)
	}
	return nil
}

func (w *Worker) check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.running:
		return errors.New("it was run before")
	case len(w.handlers) == 0:
		return errors.New("it has nothing to do; give it functions with Handle")
	case len([]rune(w.cfg.Name)) > maxName:
		return fmt.Errorf("its name %q has more than %d characters", w.cfg.Name, maxName)
	}
	seen := map[string]bool{}
	for _, h := range w.handlers {
		if seen[h.activity] {
			return fmt.Errorf("activity %q has two functions", h.activity)
		}
		seen[h.activity] = true
	}
	w.running = true
	return nil
}

// finish waits for the tasks in hand, for the grace, and then for them to notice that it is over.
func (w *Worker) finish(ctx context.Context, tasks *sync.WaitGroup, abandon context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() {
		tasks.Wait()
		close(done)
	}()
	grace := time.NewTimer(max(w.cfg.Grace, 0))
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		w.log.WarnContext(ctx, "the grace is over; the tasks in hand are given up")
		abandon(ErrStopped)
		<-done
	}
	w.log.InfoContext(ctx, "the worker has stopped")
}
