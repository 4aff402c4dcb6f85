package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// Filter chooses executions. Zero fields choose all.
type Filter struct {
	StateMachine  string
	Status        []string
	NamePrefix    string
	StartedAfter  time.Time
	StartedBefore time.Time
}

func (f Filter) query() url.Values {
	query := url.Values{}
	setIf(query, "stateMachine", f.StateMachine)
	for _, s := range f.Status {
		query.Add("status", s)
	}
	setIf(query, "namePrefix", f.NamePrefix)
	if !f.StartedAfter.IsZero() {
		query.Set("startedAfter", f.StartedAfter.UTC().Format(time.RFC3339Nano))
	}
	if !f.StartedBefore.IsZero() {
		query.Set("startedBefore", f.StartedBefore.UTC().Format(time.RFC3339Nano))
	}
	return query
}

// execution gives the path of an execution, which is named by its id or as MACHINE/NAME.
func execution(id, rest string) string { return "/api/v1/executions/" + url.PathEscape(id) + rest }

// Start begins an execution. It is durable when Start returns.
func (c *Client) Start(ctx context.Context, machine string, in wire.Start) (wire.Started, error) {
	var out wire.Started
	err := c.call(ctx, http.MethodPost, "/api/v1/state-machines/"+url.PathEscape(machine)+"/executions", nil, in, &out)
	return out, err
}

// StartSync runs an Express execution and gives it as it ended.
func (c *Client) StartSync(ctx context.Context, machine string, in wire.Start) (wire.Execution, error) {
	var out wire.Execution
	err := c.call(ctx, http.MethodPost, "/api/v1/state-machines/"+url.PathEscape(machine)+"/executions:sync", nil, in, &out)
	return out, err
}

// Execution gives an execution with its input and output.
func (c *Client) Execution(ctx context.Context, id string) (wire.Execution, error) {
	var out wire.Execution
	err := c.call(ctx, http.MethodGet, execution(id, ""), nil, nil, &out)
	return out, err
}

// Executions gives one page of executions, newest first, without their inputs and outputs.
func (c *Client) Executions(ctx context.Context, f Filter, limit int, cursor string) (wire.ExecutionList, error) {
	query := f.query()
	setIf(query, "cursor", cursor)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.ExecutionList
	err := c.call(ctx, http.MethodGet, "/api/v1/executions", query, nil, &out)
	return out, err
}

// History gives one page of an execution's history.
func (c *Client) History(ctx context.Context, id string, reverse bool, limit int, cursor string) (wire.History, error) {
	query := url.Values{}
	setIf(query, "cursor", cursor)
	if reverse {
		query.Set("reverse", "true")
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.History
	err := c.call(ctx, http.MethodGet, execution(id, "/history"), query, nil, &out)
	return out, err
}

// waitSlice is how long one request of Wait waits; proxies cut longer ones.
const waitSlice = 30 * time.Second

// Wait waits until the execution has ended, or the context has.
func (c *Client) Wait(ctx context.Context, id string) (wire.Execution, error) {
	query := url.Values{"timeout": {waitSlice.String()}}
	for {
		var out wire.Execution
		if err := c.call(ctx, http.MethodGet, execution(id, "/wait"), query, nil, &out); err != nil {
			return wire.Execution{}, err
		}
		if out.Ended() {
			return out, nil
		}
	}
}

// Stop aborts an execution and gives what it ended as.
func (c *Client) Stop(ctx context.Context, id string, in wire.Stop) (wire.Execution, error) {
	var out wire.Execution
	err := c.call(ctx, http.MethodPost, execution(id, "/stop"), nil, in, &out)
	return out, err
}

// Redrive lets an execution that failed, was aborted or timed out go on from where it ended.
func (c *Client) Redrive(ctx context.Context, id string) (wire.Execution, error) {
	var out wire.Execution
	err := c.call(ctx, http.MethodPost, execution(id, "/redrive"), nil, nil, &out)
	return out, err
}

// TaskSuccess completes a task that waits for its token.
func (c *Client) TaskSuccess(ctx context.Context, in wire.TaskSuccess) error {
	return c.call(ctx, http.MethodPost, "/api/v1/tasks/success", nil, in, nil)
}

// TaskFailure fails a task that waits for its token.
func (c *Client) TaskFailure(ctx context.Context, in wire.TaskFailure) error {
	return c.call(ctx, http.MethodPost, "/api/v1/tasks/failure", nil, in, nil)
}

// TaskHeartbeat tells that whoever works on a task is alive.
func (c *Client) TaskHeartbeat(ctx context.Context, in wire.TaskHeartbeat) error {
	return c.call(ctx, http.MethodPost, "/api/v1/tasks/heartbeat", nil, in, nil)
}
