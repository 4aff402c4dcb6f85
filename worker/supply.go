package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// supply brings the tasks of one activity to its function.
type supply struct {
	worker  *Worker
	handler handler
	log     *slog.Logger
	slots   chan struct{} // taken by each task, and by each poll, which may bring one
	tasks   *sync.WaitGroup
	work    context.Context //nolint:containedctx // of the tasks, which outlive the polls
}

// poll takes tasks until ctx ends. It gives an error if asking again would not help.
func (s *supply) poll(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		task, err := s.worker.client.PollActivity(ctx, s.handler.activity, s.worker.cfg.Name, pollTime)
		if task != nil {
			failures = 0
			s.tasks.Go(func() {
				defer func() { <-s.slots }()
				s.do(task)
			})
			continue
		}
		<-s.slots
		switch {
		case err == nil, ctx.Err() != nil:
			failures = 0
		case final(err):
			return err
		case s.create(ctx, err):
		default:
			if failures == 0 {
				s.log.WarnContext(ctx, "polling for tasks; it is tried again", "error", err)
			}
			pause(ctx, backoff(failures))
			failures++
		}
	}
	return nil
}

// final tells whether the server does not let this worker in.
func final(err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden)
}

// create creates the activity if that is what is missing, and wanted.
func (s *supply) create(ctx context.Context, err error) bool {
	if !s.worker.cfg.Create || !client.IsCode(err, "ActivityDoesNotExist") {
		return false
	}
	_, err = s.worker.client.CreateActivity(ctx, s.handler.activity)
	if err != nil {
		s.log.WarnContext(ctx, "creating the activity", "error", err)
	}
	return err == nil
}

// do works on a task, and brings its outcome back.
func (s *supply) do(polled *wire.Task) {
	task := &Task{
		Activity: s.handler.activity, Input: polled.Input, ExecutionARN: polled.ExecutionARN, ExecutionName: polled.ExecutionName,
		StateMachine: polled.StateMachine, State: polled.State, Attempt: polled.Attempt, IdempotencyKey: polled.IdempotencyKey,
		Heartbeat: time.Duration(polled.HeartbeatSeconds * float64(time.Second)), token: polled.Token,
	}
	log := s.log.With("execution", task.ExecutionARN, "state", task.State, "attempt", task.Attempt)
	ctx, over := context.WithCancelCause(context.WithValue(s.work, taskKey{}, task))
	defer over(nil)
	if polled.Deadline != nil {
		task.Deadline = *polled.Deadline
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, task.Deadline)
		defer cancel()
	}
	if polled.Traceparent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": polled.Traceparent})
	}
	alive := make(chan struct{})
	go func() {
		defer close(alive)
		s.keepAlive(ctx, task, over, log)
	}()
	result, err := s.call(ctx, task, log)
	if errors.Is(context.Cause(ctx), ErrOver) {
		<-alive
		return
	}
	if err != nil && errors.Is(context.Cause(s.work), ErrStopped) {
		err = &Error{ErrNameStopped, "the worker was stopped: " + err.Error()}
	}
	// The heartbeats go on until the outcome is with the server.
	s.report(ctx, task, result, err, log)
	over(nil)
	<-alive
}

// call calls the function.
func (s *supply) call(ctx context.Context, task *Task, log *slog.Logger) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "a function panicked", "error", p, "stack", string(debug.Stack()))
			err = &Error{ErrPanicked, fmt.Sprint(p)}
		}
	}()
	return s.handler.do(ctx, task)
}

// keepAlive sends heartbeats until ctx ends, and ends it when the server says that the task is over.
func (s *supply) keepAlive(ctx context.Context, task *Task, over context.CancelCauseFunc, log *slog.Logger) {
	every := lookout
	if task.Heartbeat > 0 {
		every = min(max(task.Heartbeat/3, 10*time.Millisecond), lookout)
	}
	for {
		pause(ctx, every)
		if ctx.Err() != nil {
			return
		}
		switch err := s.worker.client.TaskHeartbeat(ctx, wire.TaskHeartbeat{Token: task.token}); {
		case err == nil, ctx.Err() != nil:
		case isOver(err):
			log.InfoContext(ctx, "the task is over before its function has ended", "error", err)
			over(ErrOver)
			return
		default:
			log.WarnContext(ctx, "sending a heartbeat", "error", err)
		}
	}
}

// isOver tells whether the server says that nobody waits for a task.
func isOver(err error) bool {
	for _, code := range []string{"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"} {
		if client.IsCode(err, code) {
			return true
		}
	}
	return false
}

// report brings the outcome to the server, again and again while that cannot take it: until it is over, or the worker
// has to end.
func (s *supply) report(ctx context.Context, task *Task, result []byte, failed error, log *slog.Logger) {
	// A function that has failed because its time is up is not reported; the run knows.
	if failed != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		log.InfoContext(ctx, "the task has timed out", "error", failed)
		return
	}
	send := context.WithoutCancel(ctx)
	for failures := 0; ; failures++ {
		err := s.send(send, task, result, failed)
		switch {
		case err == nil:
			return
		case isOver(err):
			log.WarnContext(ctx, "the outcome comes too late: nobody waits for the task any more", "error", err)
			return
		case refusal(err) && failed == nil: // it cannot be stored, or is too large
			failed = &Error{ErrInvalidResult, err.Error()}
			continue
		case refusal(err):
			log.ErrorContext(ctx, "the server refuses the outcome of a task", "error", err)
			return
		}
		if failures == 0 {
			log.WarnContext(ctx, "bringing the outcome to the server; it is tried again", "error", err)
		}
		if errors.Is(context.Cause(s.work), ErrStopped) && failures >= 3 {
			log.ErrorContext(ctx, "the outcome of a task is lost, since the worker ends and the server does not answer", "error", err)
			return
		}
		pause(s.work, backoff(failures))
		if errors.Is(context.Cause(ctx), ErrOver) || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return
		}
	}
}

// refusal tells whether the server understood and said no.
func refusal(err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests
}

func (s *supply) send(ctx context.Context, task *Task, result []byte, failed error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if failed == nil {
		return s.worker.client.TaskSuccess(ctx, wire.TaskSuccess{Token: task.token, Output: result})
	}
	name, cause := failure(failed)
	return s.worker.client.TaskFailure(ctx, wire.TaskFailure{
		Token: task.token, Error: clip(name, 256), Cause: clip(cause, 32_768),
	})
}

// clip cuts a text to so many bytes.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}

// backoff gives the rest after so many failures in a row: doubling, with jitter.
func backoff(failures int) time.Duration {
	d := min(firstRetry<<min(failures, 10), lastRetry)
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
