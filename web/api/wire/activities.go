package wire

import (
	"encoding/json"
	"time"
)

// Activity is a name under which tasks wait for workers that poll.
type Activity struct {
	Name      string    `json:"name"`
	ARN       string    `json:"arn"`
	Namespace string    `json:"namespace"`
	CreatedAt time.Time `json:"createdAt"`
}

// ActivityList is a page of activities, by name.
type ActivityList struct {
	Activities []Activity `json:"activities"`
	NextCursor string     `json:"nextCursor,omitempty"`
}

// Poll asks for a task.
type Poll struct {
	Worker string `json:"worker,omitempty"` // the worker's name, for the history
}

// Polled is the answer to a poll.
type Polled struct {
	Task *Task `json:"task"` // null if none came
}

// Task is a task of an activity in the hands of a worker.
type Task struct {
	Token            string          `json:"token"` // for the answer, and for heartbeats
	Input            json.RawMessage `json:"input"`
	ExecutionARN     string          `json:"executionArn"`
	ExecutionName    string          `json:"executionName"`
	StateMachine     string          `json:"stateMachine"`
	State            string          `json:"state"`
	Attempt          int             `json:"attempt"`                    // 0 for the first
	HeartbeatSeconds float64         `json:"heartbeatSeconds,omitempty"` // the worker must be heard of so often; absent: it need not
	Deadline         *time.Time      `json:"deadline,omitempty"`         // when the attempt times out
	IdempotencyKey   string          `json:"idempotencyKey"`             // the same for each delivery of the same attempt
	Traceparent      string          `json:"traceparent,omitempty"`      // W3C Trace Context of the attempt
}

// Callback is the answer to what came to a callback URL.
type Callback struct {
	Status    string     `json:"status"`              // completed, failed or alive
	Already   bool       `json:"already,omitempty"`   // it came before, and nothing was done now
	SettledAt *time.Time `json:"settledAt,omitempty"` // when it came before
}
