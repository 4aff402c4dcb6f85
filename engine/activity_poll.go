package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// MaxActivityPoll is how long one GetActivityTask waits at most, as in the Step Functions API.
const MaxActivityPoll = time.Minute

const (
	// maxPolls is how many workers may wait for one activity at a time on one node: the service's quota for all.
	maxPolls = 1000
	// activityHold is how long a task that was taken from the queue is kept from other workers. It must only outlast
	// the writing of who works on it.
	activityHold = 15 * time.Second
	// activityAnswer bounds how long a worker is kept for the durable point that makes a task its own.
	activityAnswer = time.Minute
	// briskRest is how soon a node looks for tasks again after it has found some.
	briskRest = 20 * time.Millisecond
)

// activityKey names an activity.
type activityKey struct{ namespace, name string }

// activities is what a node knows of activities, and the workers that wait for their tasks here.
type activities struct {
	mu      sync.Mutex
	exist   map[activityKey]struct{}
	changes int // of the registry, seen so far
	rooms   map[activityKey][]*seat
	closed  bool

	rest time.Duration // between two looks into the queue; belongs to the loop
}

// seat is the place of one worker among those that wait for an activity's tasks, the first one first.
type seat struct {
	key  activityKey
	task chan QueuedTask // buffered; closed when there will be none
}

func newActivities() *activities {
	return &activities{exist: map[activityKey]struct{}{}, rooms: map[activityKey][]*seat{}}
}

// known tells whether the activity is known to exist. Changes is for know.
func (a *activities) known(key activityKey) (known bool, changes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known = a.exist[key]
	return known, a.changes
}

// know notes that an activity exists, unless the registry has changed since known.
func (a *activities) know(key activityKey, changes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changes == changes {
		a.exist[key] = struct{}{}
	}
}

// forget drops what was known of activities, after a change of the registry.
func (a *activities) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exist = map[activityKey]struct{}{}
	a.changes++
}

// sit gives a worker a seat. One that had a task which turned out to be over sits down in front.
func (a *activities) sit(key activityKey, inFront bool) (*seat, error) {
	s := &seat{key: key, task: make(chan QueuedTask, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch room := a.rooms[key]; {
	case a.closed:
		return nil, errStopping
	case inFront:
		a.rooms[key] = slices.Insert(room, 0, s)
	case len(room) >= maxPolls:
		return nil, errorf(CodeActivityWorkerLimitExceeded, "%d workers wait for tasks of activity %q on this node already, "+
			"which is the most; let each worker poll for as many tasks as it can work on, and no more", len(room), key.name)
	default:
		a.rooms[key] = append(room, s)
	}
	return s, nil
}

// rise gives a seat up. It gives the task that had come to it just before.
func (a *activities) rise(s *seat) (task QueuedTask, has bool) {
	a.mu.Lock()
	a.leave(s)
	a.mu.Unlock()
	select {
	case task, has = <-s.task:
	default:
	}
	return task, has
}

// leave takes a seat out of its room. The caller holds the lock.
func (a *activities) leave(s *seat) {
	room := a.rooms[s.key]
	i := slices.Index(room, s)
	switch {
	case i < 0:
	case len(room) == 1:
		delete(a.rooms, s.key)
	default:
		a.rooms[s.key] = slices.Delete(room, i, i+1)
	}
}

// awaited tells whether a worker waits here for one of the tasks.
func (a *activities) awaited(tasks []QueuedTask) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(tasks, func(t QueuedTask) bool { return len(a.rooms[activityKey{t.Namespace, t.Activity}]) > 0 })
}

// demand tells how many workers wait for each activity.
func (a *activities) demand() []ActivityDemand {
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := make([]ActivityDemand, 0, len(a.rooms))
	for key, room := range a.rooms {
		wanted = append(wanted, ActivityDemand{key.namespace, key.name, len(room)})
	}
	return wanted
}

// handOut gives tasks to those who wait for them, in order. What it gives back found nobody any more.
func (a *activities) handOut(tasks []QueuedTask) (left []TaskKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range tasks {
		room := a.rooms[activityKey{t.Namespace, t.Activity}]
		if len(room) == 0 {
			left = append(left, t.TaskKey)
			continue
		}
		room[0].task <- t
		a.leave(room[0])
	}
	return left
}

// close sends all workers away.
func (a *activities) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, room := range a.rooms {
		for _, s := range room {
			close(s.task)
		}
	}
	clear(a.rooms)
}

// supplyWorkers is the loop that looks for tasks while workers wait: at once when one comes, or a task for one, and else
// ever more seldom, down to Config.Poll. One query serves all workers of the node.
func (e *Engine) supplyWorkers(ctx context.Context) (time.Duration, error) {
	wanted := e.activities.demand()
	if len(wanted) == 0 {
		return time.Hour, nil // a worker that comes ends the rest
	}
	tasks, err := e.cfg.Store.TakeActivityTasks(ctx, wanted, activityHold)
	if err != nil {
		return 0, err
	}
	if left := e.activities.handOut(tasks); len(left) > 0 {
		e.giveBack(left...)
	}
	if len(tasks) > 0 {
		e.activities.rest = briskRest
	} else {
		e.activities.rest = min(max(2*e.activities.rest, briskRest), e.cfg.Poll)
	}
	return min(e.activities.rest, e.cfg.Poll), nil
}

// giveBack lets other workers have tasks. If it cannot, they can be had when activityHold is over.
func (e *Engine) giveBack(tasks ...TaskKey) {
	ctx, cancel := context.WithTimeout(context.Background(), activityHold)
	defer cancel()
	if err := e.cfg.Store.GiveBackActivityTasks(ctx, tasks); err != nil {
		e.log.Debug("giving tasks back to the queues of their activities", keyCount, len(tasks), keyError, err)
		return
	}
	e.activityLoop.kick()
}

// GetActivityTask waits for a task of an activity, by name or ARN, and gives it to a worker: the execution has noted
// durably who works on it. It gives nil if none came within the time of wait (at most MaxActivityPoll, which 0 stands for),
// before ctx ended, or before the node began to shut down; the worker then asks again.
//
// The name of the worker is for the history, and may be empty. Errors: ActivityDoesNotExist, InvalidArn, InvalidName,
// ActivityWorkerLimitExceeded, ServiceUnavailable.
func (e *Engine) GetActivityTask(ctx context.Context, namespace, ref, worker string, wait time.Duration) (*ActivityTask, error) {
	return e.HandActivityTask(ctx, namespace, ref, worker, wait, func(*ActivityTask) error { return nil })
}

// HandActivityTask is GetActivityTask for those who have to bring the task to the worker. They do so in hand; if that
// fails, the task is there for other workers at once, as if this one had never asked, and the error is that of hand. If
// the worker has got it nevertheless, two work on one attempt, and the first answer counts.
func (e *Engine) HandActivityTask(
	ctx context.Context, namespace, ref, worker string, wait time.Duration, hand func(*ActivityTask) error,
) (*ActivityTask, error) {
	name, err := activityRef(ref)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(worker) || utf8.RuneCountInString(worker) > maxName {
		return nil, errorf(CodeInvalidName, "the name of the worker must have at most %d characters, in UTF-8", maxName)
	}
	if err := e.closed(); err != nil {
		return nil, err
	}
	key := activityKey{namespaceOr(namespace), name}
	if exists, err := e.activityExists(ctx, key); err != nil {
		return nil, asked(err)
	} else if !exists {
		return nil, noActivity(key.namespace, name)
	}
	if wait <= 0 || wait > MaxActivityPoll {
		wait = MaxActivityPoll
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for over := false; ; over = true {
		queued, err := e.awaitTask(ctx, key, over)
		if queued == nil || err != nil {
			return nil, err
		}
		if task, err := e.entrust(ctx, queued, worker, hand); task != nil || err != nil {
			return task, err
		}
	}
}

// awaitTask waits until a task comes from the queue; nil if none does.
func (e *Engine) awaitTask(ctx context.Context, key activityKey, inFront bool) (*QueuedTask, error) {
	s, err := e.activities.sit(key, inFront)
	if err != nil {
		return nil, err
	}
	e.activityLoop.kick()
	select {
	case task, ok := <-s.task:
		if !ok {
			return nil, nil
		}
		return &task, nil
	case <-ctx.Done():
	}
	if task, has := e.activities.rise(s); has && task.Activity != "" {
		e.giveBack(task.TaskKey)
	}
	return nil, nil
}

// entrust makes a task that was taken from the queue the worker's. It gives nil if nobody waits for the task any more, or
// a worker has it.
func (e *Engine) entrust(ctx context.Context, queued *QueuedTask, worker string, hand func(*ActivityTask) error) (*ActivityTask, error) {
	var info queuedInfo
	if err := json.Unmarshal(queued.Info, &info); err != nil {
		return nil, fmt.Errorf("reading what is known of a task of execution %s: %w", queued.Execution, err)
	}
	task := &ActivityTask{
		Token: e.tokens.sign(queued.Execution, queued.Task), Input: queued.Input, ActivityTaskInfo: info.ActivityTaskInfo,
	}
	if ctx.Err() != nil {
		e.giveBack(queued.TaskKey)
		return nil, nil
	}
	// From here on the execution may note the worker at any moment, so the answer is waited for: a caller that has only
	// run out of time still gets its task.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), activityAnswer)
	defer cancel()
	call := ForwardedCall{Execution: queued.Execution, Kind: CallStarted, Task: queued.Task, Worker: worker, Again: info.Returned}
	err := callError(e.deliver(ctx, call, true), &call)
	var coded *Error
	switch {
	case err == nil:
		if err := hand(task); err != nil {
			e.returnTask(*queued, info)
			return nil, err
		}
		e.dropActivityTask(queued.TaskKey)
		return task, nil
	case e.stopped(), !errors.As(err, &coded):
		return nil, err
	case coded.Code == CodeServiceUnavailable:
		// The trouble of one execution is not the worker's: the task is there again when activityHold is over.
		e.log.Debug("a task cannot be given to a worker", keyExecution, queued.Execution, keyTask, queued.Task, keyError, err)
		return nil, nil
	default:
		e.dropActivityTask(queued.TaskKey)
		return nil, nil
	}
}

// returnTask lets other workers have a task whose worker is noted and never got it. If it cannot, heartbeat or timeout
// bring the next attempt, as when a worker dies.
func (e *Engine) returnTask(task QueuedTask, info queuedInfo) {
	ctx, cancel := context.WithTimeout(context.Background(), activityHold)
	defer cancel()
	info.Returned = true
	var err error
	if task.Info, err = json.Marshal(info); err == nil {
		err = e.persist(ctx, func(ctx context.Context) error { return e.cfg.Store.ReturnActivityTask(ctx, task) })
	}
	if err != nil {
		e.log.Warn("a task could not be brought to its worker, nor back to the queue", keyExecution, task.Execution, keyTask, task.Task, keyError, err)
		return
	}
	e.activityLoop.kick()
}
