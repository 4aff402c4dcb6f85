package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *API) listActivities(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	p := query(r, "limit", "cursor")
	limit, cursor := p.limit(), p.text("cursor")
	if p.err != nil {
		return p.err
	}
	found, err := a.eng.ListActivities(r.Context(), ns, engine.Page{Limit: limit + 1, After: cursor})
	if err != nil {
		return err
	}
	out := wire.ActivityList{Activities: make([]wire.Activity, 0, len(found))}
	for i, activity := range found {
		if i == limit {
			out.NextCursor = found[limit-1].Name
			break
		}
		out.Activities = append(out.Activities, a.activity(activity))
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// putActivity creates an activity, or finds that it is there.
func (a *API) putActivity(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := readJSON(r, &struct{}{}); err != nil {
		return err
	}
	activity, created, err := a.eng.CreateActivity(r.Context(), ns, name)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if !created {
		status = http.StatusOK
	}
	a.write(w, r, status, a.activity(activity))
	return nil
}

func (a *API) getActivity(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	activity, err := a.eng.DescribeActivity(r.Context(), ns, name)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, a.activity(activity))
	return nil
}

func (a *API) deleteActivity(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := a.eng.DeleteActivity(r.Context(), ns, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// pollActivity answers with a task for a worker, or, at the end of the timeout or when the server drains, with none.
func (a *API) pollActivity(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	p := query(r, "timeout")
	timeout := p.span("timeout", engine.MaxActivityPoll, engine.MaxActivityPoll)
	if p.err != nil {
		return p.err
	}
	var in wire.Poll
	if err := readJSON(r, &in); err != nil {
		return err
	}
	ctx, cancel := a.drained(r.Context())
	defer cancel()
	// The request has been read; its time limit must not end the wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	task, err := a.eng.HandActivityTask(ctx, ns, name, in.Worker, max(timeout, time.Millisecond), func(task *engine.ActivityTask) error {
		return a.handTask(w, r, task)
	})
	switch {
	case errors.Is(err, errWorkerGone):
		setOutcome(r.Context(), codeCanceled)
		return nil
	case err != nil:
		return err
	case task == nil:
		a.write(w, r, http.StatusOK, wire.Polled{})
	}
	return nil
}

// errWorkerGone says that a task was not brought to its worker.
var errWorkerGone = errors.New("the worker has gone")

// handTask brings a task to the worker that has polled, as far as one can tell from here.
func (a *API) handTask(w http.ResponseWriter, r *http.Request, task *engine.ActivityTask) error {
	out := wire.Task{
		Token: task.Token, Input: task.Input, ExecutionARN: task.ExecutionARN, ExecutionName: task.ExecutionName,
		StateMachine: task.StateMachine, State: task.State, Attempt: task.Attempt, HeartbeatSeconds: task.Heartbeat.Seconds(),
		IdempotencyKey: task.IdempotencyKey, Traceparent: task.TraceContext,
	}
	if !task.Deadline.IsZero() {
		out.Deadline = utc(&task.Deadline)
	}
	if r.Context().Err() != nil {
		return errWorkerGone // once it has the answer, it may go
	}
	a.write(w, r, http.StatusOK, wire.Polled{Task: &out})
	if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errWorkerGone
	}
	return nil
}

func (a *API) activity(activity engine.Activity) wire.Activity {
	return wire.Activity{
		Name: activity.Name, ARN: a.eng.ActivityARN(activity.Name), Namespace: activity.Namespace, CreatedAt: activity.CreatedAt.UTC(),
	}
}
