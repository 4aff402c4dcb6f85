package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// Activity is a name under which tasks wait for workers that poll.
type Activity struct {
	Namespace string
	Name      string
	CreatedAt time.Time
}

// ActivityTask is a task of an activity in the hands of a worker. The worker answers with SendTaskSuccess or
// SendTaskFailure and, if Heartbeat is set, is heard of by SendTaskHeartbeat.
type ActivityTask struct {
	Token string          // proves to the Send functions that it is about this task
	Input json.RawMessage // as the state gave it

	ActivityTaskInfo
}

// ActivityTaskInfo tells a worker which task it works on. It is stored as JSON while the task waits.
type ActivityTaskInfo struct {
	ExecutionARN   string        `json:"execution_arn"`
	ExecutionName  string        `json:"execution_name"`
	StateMachine   string        `json:"state_machine"` // its name
	State          string        `json:"state"`
	Attempt        int           `json:"attempt,omitempty"`       // 0 for the first
	Heartbeat      time.Duration `json:"heartbeat,omitempty"`     // the worker must be heard of so often; 0: it need not
	Deadline       time.Time     `json:"deadline,omitzero"`       // when the attempt times out; zero for never
	TraceContext   string        `json:"trace_context,omitempty"` // traceparent, may be empty
	IdempotencyKey string        `json:"idempotency_key"`
}

// queuedInfo is what is stored of a task while it waits.
type queuedInfo struct {
	ActivityTaskInfo

	// Returned says that a worker was noted as having the task, and never got it.
	Returned bool `json:"returned,omitempty"`
}

// Activities keeps activities, and the queue of the tasks that wait for a worker. Package store implements it.
type Activities interface {
	// CreateActivity stores an activity unless there is one of that name, and reports whether there was none.
	CreateActivity(ctx context.Context, namespace, name string) (created bool, err error)
	// Activity gives an activity, or ErrNotFound.
	Activity(ctx context.Context, namespace, name string) (Activity, error)
	// Activities lists the activities of a namespace by name.
	Activities(ctx context.Context, namespace string, page Page) ([]Activity, error)
	// DeleteActivity removes an activity, or gives ErrNotFound. The tasks that wait for it stay in the queue.
	DeleteActivity(ctx context.Context, namespace, name string) error

	// PutActivityTasks puts tasks into the queue. Those that are in it already keep their place.
	PutActivityTasks(ctx context.Context, tasks []QueuedTask) error
	// TakeActivityTasks takes the oldest tasks of each activity, as many as there are workers for, and keeps them from all
	// others for the time of hold.
	TakeActivityTasks(ctx context.Context, wanted []ActivityDemand, hold time.Duration) ([]QueuedTask, error)
	// ReturnActivityTask lets others have a task that was handed to a worker in vain, and notes its new Info. It has its
	// old place if it is still in the queue, else the last one.
	ReturnActivityTask(ctx context.Context, task QueuedTask) error
	// GiveBackActivityTasks lets others have tasks that were taken, in their old place.
	GiveBackActivityTasks(ctx context.Context, tasks []TaskKey) error
	// RemoveActivityTasks takes tasks out of the queue. Those that are not in it are passed over.
	RemoveActivityTasks(ctx context.Context, tasks []TaskKey) error
}

// TaskKey names a task among those of all executions.
type TaskKey struct {
	Execution uuid.UUID
	Task      statemachine.TaskID
}

// QueuedTask is a task that waits for a worker.
type QueuedTask struct {
	TaskKey
	Namespace, Activity string
	Info                []byte // JSON, of which an ActivityTaskInfo is made
	Input               []byte // JSON
}

// ActivityDemand says how many workers of a node wait for tasks of an activity.
type ActivityDemand struct {
	Namespace, Activity string
	Workers             int
}

// ActivityARN gives the ARN of an activity.
func (e *Engine) ActivityARN(name string) string {
	return "arn:aws:states:" + e.cfg.Region + ":" + e.cfg.Account + ":activity:" + name
}

// activityRef gives the name of an activity from a name or an ARN.
func activityRef(ref string) (string, error) {
	if !strings.HasPrefix(ref, "arn:") {
		return ref, checkName("activity", ref)
	}
	name, ok := statemachine.ActivityName(ref)
	if !ok {
		return "", errorf(CodeInvalidArn, "%q is not the ARN of an activity; "+
			"it must look like arn:aws:states:us-east-1:000000000000:activity:NAME", ref)
	}
	return name, nil
}

func noActivity(namespace, name string) error {
	return errorf(CodeActivityDoesNotExist, "there is no activity %q in namespace %s; create it first", name, namespace)
}

// CreateActivity creates an activity. If there is one of that name already, it is given, and created is false. The rules
// for names are those of the Step Functions API; InvalidName says what is wrong with one.
func (e *Engine) CreateActivity(ctx context.Context, namespace, name string) (a Activity, created bool, err error) {
	namespace = namespaceOr(namespace)
	if err := errors.Join(checkName("activity", name), checkName("namespace", namespace)); err != nil {
		return a, false, err
	}
	if err := e.closed(); err != nil {
		return a, false, err
	}
	err = e.persist(ctx, func(ctx context.Context) error {
		if created, err = e.cfg.Store.CreateActivity(ctx, namespace, name); err != nil {
			return err
		}
		a, err = e.cfg.Store.Activity(ctx, namespace, name)
		return err
	})
	return a, created, err
}

// DescribeActivity gives an activity, by name or ARN, or ActivityDoesNotExist.
func (e *Engine) DescribeActivity(ctx context.Context, namespace, ref string) (Activity, error) {
	name, err := activityRef(ref)
	if err != nil {
		return Activity{}, err
	}
	a, err := e.cfg.Store.Activity(ctx, namespaceOr(namespace), name)
	if errors.Is(err, ErrNotFound) {
		return a, noActivity(namespaceOr(namespace), name)
	}
	return a, asked(err)
}

// ListActivities lists the activities of a namespace by name. Page.After is the last name of the page before.
func (e *Engine) ListActivities(ctx context.Context, namespace string, page Page) ([]Activity, error) {
	list, err := e.cfg.Store.Activities(ctx, namespaceOr(namespace), page)
	return list, asked(err)
}

// DeleteActivity removes an activity, by name or ARN, or gives ActivityDoesNotExist. Tasks that wait for it go on waiting
// until they time out, and are there again for workers should it be created anew; tasks that a worker has can be
// answered. A task that is reached from now on fails with ActivityDoesNotExist.
func (e *Engine) DeleteActivity(ctx context.Context, namespace, ref string) error {
	name, err := activityRef(ref)
	if err != nil {
		return err
	}
	namespace = namespaceOr(namespace)
	err = e.persist(ctx, func(ctx context.Context) error { return e.cfg.Store.DeleteActivity(ctx, namespace, name) })
	e.activities.forget()
	if errors.Is(err, ErrNotFound) {
		return noActivity(namespace, name)
	}
	return err
}

// activityExists tells whether there is an activity. That there is one is remembered until the registry changes; that
// there is none is not, since creating it is what mends that.
func (e *Engine) activityExists(ctx context.Context, key activityKey) (bool, error) {
	known, changes := e.activities.known(key)
	if known {
		return true, nil
	}
	_, err := e.cfg.Store.Activity(ctx, key.namespace, key.name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking activity %s up: %w", key.name, err)
	}
	e.activities.know(key, changes)
	return true, nil
}
