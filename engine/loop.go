package engine

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// loop is a background task of a node. All of them have this one shape: runOnce does a piece of work and says how long
// to rest; kick ends the rest early. An error or a panic is logged, once for each series, and followed by a growing rest.
type loop struct {
	name    string
	log     *slog.Logger
	runOnce func(ctx context.Context) (rest time.Duration, err error)

	wake   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
	once   sync.Once
}

const (
	minRetry = 50 * time.Millisecond
	maxRetry = 2 * time.Second
)

func newLoop(name string, log *slog.Logger, runOnce func(context.Context) (time.Duration, error)) *loop {
	return &loop{
		name: name, log: log.With(keyLoop, name), runOnce: runOnce,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

func (l *loop) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.run(ctx)
}

// stop ends the loop and waits for it. It may be called more than once, and before start.
func (l *loop) stop() {
	if l.cancel == nil {
		return
	}
	l.once.Do(l.cancel)
	<-l.done
}

// kick makes the loop run as soon as it can.
func (l *loop) kick() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loop) run(ctx context.Context) {
	defer close(l.done)
	failures := 0
	for ctx.Err() == nil {
		rest, err := l.guarded(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if failures == 0 {
				l.log.Warn("a background loop ran into an error and tries again", keyError, err)
			}
			rest = backoff(failures)
			failures++
		case failures > 0:
			l.log.Info("a background loop works again", keyCount, failures)
			failures = 0
		}
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if err != nil { // a kick does not shorten the rest after an error to nothing
			pause(ctx, minRetry)
		}
	}
}

func (l *loop) guarded(ctx context.Context) (rest time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("a background loop panicked", keyError, p, keyStack, string(debug.Stack()))
			rest, err = maxRetry, nil
		}
	}()
	return l.runOnce(ctx)
}

// backoff gives the rest after so many failures in a row: doubling, with jitter, so that the nodes of a cluster do not
// come back to the database at one moment.
func backoff(failures int) time.Duration {
	d := min(minRetry<<min(failures, 10), maxRetry)
	return d/2 + rand.N(d/2+1)
}

// pause rests, at most until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
