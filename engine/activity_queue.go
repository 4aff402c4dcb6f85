package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// How a task of an activity comes to a worker.
//
// The durable point that schedules it is committed. Then the task is put into a queue in the database (QueuedTask), and
// then the run is told so (TaskSubmitted): from there on nothing in this process is needed any more, and the execution is
// parked. Should the node end in between, whoever takes the execution over finds a task that nobody has, and puts it into
// the queue once more, which changes nothing if it is there.
//
// A worker's poll takes the task from the queue for a while (activityHold), tells the run who works on it (TaskStarted),
// and once that is durable the worker gets the task and the queue loses it. The run accepts one worker for each attempt,
// so whatever the queue holds twice, too late or again is found out here: such a row is dropped and the next one taken.
// Should the node end before TaskStarted is durable, the task is there again for others after activityHold. Should it end
// after that, and before the worker has its answer, then the run waits for a worker that knows nothing; that looks the
// same as a worker that dies, and ends the same: by the state's HeartbeatSeconds or TimeoutSeconds, and its Retry. Nobody
// can tell that apart from a worker that has the task already, so it is not handed out twice. If the node lives and only
// the connection is gone, it knows, and the task goes back into the queue (returnTask), marked, so that the run accepts
// another worker for the same attempt.
//
// What the run gives up (Cancel: a timeout, a stop, a failure elsewhere) is removed from the queue after the commit. A
// crash may lose that; the row is then dropped when a worker would get it.

const (
	maxQueueBatch = 500     // changes of the queue that are written at once at most
	maxQueueBytes = 4 << 20 // bytes of inputs after which a batch takes no more
)

// queueChange is a task to be put into the queue of an activity, or to be removed from it.
type queueChange struct {
	task QueuedTask
	x    *live // whose task is put; nil to remove one
}

// carryOutActivity begins an attempt of an activity's task: it puts the task where workers find it.
func (e *Engine) carryOutActivity(x *live, c statemachine.Invoke, name string) {
	if c.Pattern != statemachine.RequestResponse {
		e.failTask(x, c.Task, invoke.ErrUnsupported, c.Resource+" is an activity, whose result comes from its worker; "+
			"leave the suffix out of the resource")
		return
	}
	info, err := json.Marshal(queuedInfo{ActivityTaskInfo: e.activityInfo(x, c)})
	if err != nil {
		e.failTask(x, c.Task, statemachine.ErrorRuntime, fmt.Sprintf("describing the task for its worker: %v", err))
		return
	}
	input := c.Arguments
	if input == nil {
		input = value.NullValue
	}
	key := activityKey{x.row.Namespace, name}
	change := &queueChange{x: x, task: QueuedTask{
		TaskKey: TaskKey{x.row.ID, c.Task}, Namespace: key.namespace, Activity: key.name, Info: info, Input: input.JSON(),
	}}
	if known, _ := e.activities.known(key); known {
		e.queueing.push(change)
		return
	}
	go e.resolveActivity(change, key)
}

// resolveActivity looks whether there is the activity that a task is for.
func (e *Engine) resolveActivity(change *queueChange, key activityKey) {
	var exists bool
	err := e.persist(e.calls, func(ctx context.Context) (err error) {
		exists, err = e.activityExists(ctx, key)
		return err
	})
	switch {
	case err != nil && (e.stopped() || e.calls.Err() != nil): // the next owner looks again
	case err != nil:
		e.failTask(change.x, change.task.Task, statemachine.ErrorRuntime, err.Error())
	case !exists:
		e.failTask(change.x, change.task.Task, string(CodeActivityDoesNotExist),
			"Activity Does Not Exist: '"+e.ActivityARN(key.name)+"'")
	default:
		e.queueing.push(change)
	}
}

func (e *Engine) activityInfo(x *live, c statemachine.Invoke) ActivityTaskInfo {
	j := &job{x: x, command: c}
	_, j.traceparent = x.traceContext(&c)
	call := e.invocation(j)
	return ActivityTaskInfo{
		ExecutionARN: call.ExecutionARN, ExecutionName: call.ExecutionName, StateMachine: call.StateMachine, State: call.State,
		Attempt: call.Attempt, Heartbeat: c.Heartbeat, Deadline: c.Deadline,
		TraceContext: call.TraceContext, IdempotencyKey: call.IdempotencyKey,
	}
}

// failTask fails a task that could not be begun.
func (e *Engine) failTask(x *live, task statemachine.TaskID, name, cause string) {
	e.post(x, message{signal: statemachine.TaskFailed{Task: task, Error: name, Cause: cause}})
}

// dropActivityTasks removes what a durable point has given up from the queue.
func (e *Engine) dropActivityTasks(x *live, commands []statemachine.Command) {
	if !x.machine.HasActivities() {
		return
	}
	for _, c := range commands {
		if c, ok := c.(statemachine.Cancel); ok {
			e.dropActivityTask(TaskKey{x.row.ID, c.Task})
		}
	}
}

func (e *Engine) dropActivityTask(key TaskKey) {
	e.queueing.push(&queueChange{task: QueuedTask{TaskKey: key}})
}

// queueWriter writes what is to be put into the queue and removed from it: all that piled up during the write before. It
// ends when the queue of changes is closed.
func (e *Engine) queueWriter() {
	for {
		bytes := 0
		batch := e.queueing.popBatch(func(batch []*queueChange, next *queueChange) bool {
			if len(batch) == 1 {
				bytes = len(batch[0].task.Input)
			}
			bytes += len(next.task.Input)
			return len(batch) < maxQueueBatch && bytes <= maxQueueBytes
		})
		if batch == nil {
			return
		}
		e.changeQueue(batch)
	}
}

// changeQueue writes a batch: first what is put, then what is removed, since a task is never put once it was given up.
func (e *Engine) changeQueue(batch []*queueChange) {
	var put []*queueChange
	var remove []TaskKey
	for _, c := range batch {
		if c.x == nil {
			remove = append(remove, c.task.TaskKey)
		} else {
			put = append(put, c)
		}
	}
	if len(put) > 0 {
		e.putTasks(put)
	}
	if len(remove) == 0 {
		return
	}
	err := e.persist(e.writing, func(ctx context.Context) error { return e.cfg.Store.RemoveActivityTasks(ctx, remove) })
	if err != nil && !e.stopped() {
		e.log.Warn("removing tasks from the queues of activities; they are dropped when a worker would get them",
			keyCount, len(remove), keyError, err)
	}
}

// putTasks puts tasks into the queue and tells their executions.
func (e *Engine) putTasks(changes []*queueChange) {
	tasks := make([]QueuedTask, len(changes))
	for i, c := range changes {
		tasks[i] = c.task
	}
	err := e.persist(e.writing, func(ctx context.Context) error { return e.cfg.Store.PutActivityTasks(ctx, tasks) })
	switch {
	case err != nil && e.stopped(): // the next owner puts them
		return
	case err != nil && len(changes) > 1: // one of them cannot be stored
		for i := range changes {
			e.putTasks(changes[i : i+1])
		}
		return
	case err != nil:
		c := changes[0]
		e.log.Error("the database refuses a task of an activity", keyExecution, c.task.Execution, keyTask, c.task.Task, keyError, err)
		e.failTask(c.x, c.task.Task, statemachine.ErrorRuntime, fmt.Sprintf("the database cannot store the task: %v", err))
		return
	}
	for _, c := range changes {
		e.post(c.x, message{signal: statemachine.TaskSubmitted{Task: c.task.Task, Output: value.NullValue}})
	}
	if e.activities.awaited(tasks) {
		e.activityLoop.kick()
	}
}
