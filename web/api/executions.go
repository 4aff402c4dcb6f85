package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *API) start(w http.ResponseWriter, r *http.Request) error {
	ns, machine, err := named(r)
	if err != nil {
		return err
	}
	var in wire.Start
	if err := readJSON(r, &in); err != nil {
		return err
	}
	x, created, err := a.eng.StartExecution(r.Context(), engine.StartRequest{
		Namespace: ns, StateMachine: machine, Name: in.Name, Input: in.Input, TraceContext: traceContext(r),
	})
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if !created {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/api/v1/executions/"+x.ID.String())
	a.write(w, r, status, wire.Started{
		ID: x.ID.String(), ARN: x.ARN, Name: x.Name, StateMachine: x.MachineName, StartedAt: x.StartedAt.UTC(), Existing: !created,
	})
	return nil
}

// startSync runs an Express execution and answers with it as it ended.
func (a *API) startSync(w http.ResponseWriter, r *http.Request) error {
	ns, machine, err := named(r)
	if err != nil {
		return err
	}
	var in wire.Start
	if err := readJSON(r, &in); err != nil {
		return err
	}
	// The request has been read; its time limit must not end the wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	x, err := a.eng.StartSyncExecution(r.Context(), engine.StartRequest{
		Namespace: ns, StateMachine: machine, Name: in.Name, Input: in.Input, TraceContext: traceContext(r),
	})
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, execution(x))
	return nil
}

func (a *API) listExecutions(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	p := query(r, "stateMachine", "status", "namePrefix", "startedAfter", "startedBefore", "limit", "cursor")
	filter := engine.Filter{
		Namespace: ns, Machine: p.text("stateMachine"), Status: p.statuses(), NamePrefix: p.text("namePrefix"),
		StartedAfter: p.moment("startedAfter"), StartedBefore: p.moment("startedBefore"),
	}
	limit, cursor := p.limit(), p.text("cursor")
	if cursor != "" && uuid.Validate(cursor) != nil {
		p.fail("the parameter cursor is %q, which is none that this server gave; use nextCursor of the page before", cursor)
	}
	if p.err != nil {
		return p.err
	}
	found, err := a.eng.ListExecutions(r.Context(), filter, engine.Page{Limit: limit + 1, After: cursor})
	if err != nil {
		return err
	}
	out := wire.ExecutionList{Executions: make([]wire.Execution, 0, len(found))}
	for i, x := range found {
		if i == limit {
			out.NextCursor = found[limit-1].ID.String()
			break
		}
		out.Executions = append(out.Executions, execution(x))
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// find gives the id of the execution that a path is about: by its id, MACHINE/NAME (the slash escaped), or its ARN.
func (a *API) find(r *http.Request) (string, uuid.UUID, error) {
	ns, err := namespace(r)
	if err != nil {
		return "", uuid.Nil, err
	}
	ref, err := pathParam(r, "id")
	if err != nil {
		return "", uuid.Nil, err
	}
	id, err := a.eng.ResolveExecution(r.Context(), ns, ref)
	return ns, id, err
}

func (a *API) getExecution(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	ref, err := pathParam(r, "id")
	if err != nil {
		return err
	}
	x, err := a.eng.DescribeExecution(r.Context(), ns, ref)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, execution(x))
	return nil
}

// The bounds of one long poll; proxies cut longer ones.
const (
	defaultWait = 30 * time.Second
	maxWait     = time.Minute
)

// wait answers when the execution has ended, or, at the end of the timeout, with one that has not.
func (a *API) wait(w http.ResponseWriter, r *http.Request) error {
	p := query(r, "timeout")
	timeout := p.span("timeout", defaultWait, maxWait)
	if p.err != nil {
		return p.err
	}
	ns, id, err := a.find(r)
	if err != nil {
		return err
	}
	ctx, cancel := a.drained(r.Context())
	defer cancel()
	// The request has been read; its time limit must not end the wait.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	x, err := a.eng.Wait(ctx, id)
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		x, err = a.eng.DescribeExecution(r.Context(), ns, id.String())
	}
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, execution(x))
	return nil
}

func (a *API) stop(w http.ResponseWriter, r *http.Request) error {
	var in wire.Stop
	if err := readJSON(r, &in); err != nil {
		return err
	}
	_, id, err := a.find(r)
	if err != nil {
		return err
	}
	x, err := a.eng.StopExecution(r.Context(), id, in.Error, in.Cause)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, execution(x))
	return nil
}

func (a *API) redrive(w http.ResponseWriter, r *http.Request) error {
	if err := readJSON(r, &struct{}{}); err != nil {
		return err
	}
	_, id, err := a.find(r)
	if err != nil {
		return err
	}
	x, err := a.eng.RedriveExecution(r.Context(), id)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, execution(x))
	return nil
}

// execution gives an execution as it travels.
func execution(x engine.Execution) wire.Execution {
	out := wire.Execution{
		ID: x.ID.String(), ARN: x.ARN, Namespace: x.Namespace, StateMachine: x.MachineName, Type: x.Type, RevisionID: x.Revision.String(),
		Name: x.Name, Status: string(x.Status), Input: payload(x.Input), Output: payload(x.Output),
		Error: x.Error, Cause: x.Cause, StartedAt: x.StartedAt.UTC(), EndedAt: utc(x.EndedAt), WakeAt: utc(x.WakeAt),
		RedriveCount: x.RedriveCount, RedrivenAt: utc(x.RedrivenAt),
	}
	if x.Owner != nil {
		out.Node = x.Owner.String()
	}
	return out
}

func payload(v *value.Value) []byte {
	if v == nil {
		return nil
	}
	return v.JSON()
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
