package engine

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// Children keeps the tasks that wait for the end of an execution that they started.
//
// A commit that ends an execution marks the waits of its parents as ended, and those for its own children as abandoned,
// in the same transaction.
type Children interface {
	// AwaitChild notes that a task waits for the end of an execution. It gives true if that has come already; the wait is
	// settled then. Noting it again is safe. ErrNotFound says that there is no such execution.
	AwaitChild(ctx context.Context, wait ChildWait) (ended bool, err error)
	// AbandonChild says that a task does not wait any more.
	AbandonChild(ctx context.Context, parent uuid.UUID, task statemachine.TaskID) error
	// SettledChildren takes up to limit waits that are ended or abandoned. Those that are not forgotten are given again,
	// to any node, after a while.
	SettledChildren(ctx context.Context, limit int, again time.Duration) ([]ChildWait, error)
	// ForgetChild removes a settled wait, whose news have been brought.
	ForgetChild(ctx context.Context, wait ChildWait) error
}

// ChildWait is a task that waits for an execution.
type ChildWait struct {
	Child     uuid.UUID
	Parent    uuid.UUID
	Task      statemachine.TaskID
	AsJSON    bool // the task sees the execution's payloads as JSON, not as text
	Abandoned bool // settled, because nobody waits any more; else because the child has ended
}
