package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

const resize = "arn:aws:states:us-east-1:000000000000:activity:resize"

func (b *bench) activity(e *engine.Engine, name string) {
	b.t.Helper()
	if _, _, err := e.CreateActivity(b.ctx(), "", name); err != nil {
		b.t.Fatal(err)
	}
}

// poll waits for a task that must come.
func (b *bench) poll(e *engine.Engine, activity, worker string) *engine.ActivityTask {
	b.t.Helper()
	task, err := e.GetActivityTask(b.ctx(), "", activity, worker, 0)
	if err != nil || task == nil {
		b.t.Fatalf("polling for %s: %v, %v", activity, task, err)
	}
	return task
}

func TestActivities(t *testing.T) {
	b := newBench(t)
	e, other := b.start(), b.start()
	a, created, err := e.CreateActivity(b.ctx(), "", "resize")
	if err != nil || !created || a.Name != "resize" || a.Namespace != "default" || a.CreatedAt.IsZero() {
		t.Fatalf("created %+v, %t, %v", a, created, err)
	}
	again, created, err := other.CreateActivity(b.ctx(), "", "resize")
	if err != nil || created || !again.CreatedAt.Equal(a.CreatedAt) {
		t.Errorf("created again: %+v, %t, %v", again, created, err)
	}
	for _, bad := range []string{"", "a b", "a:b", "x/y", string(make([]byte, 81))} {
		_, _, err := e.CreateActivity(b.ctx(), "", bad)
		code(t, err, engine.CodeInvalidName)
	}
	for _, ref := range []string{"resize", resize} {
		if found, err := other.DescribeActivity(b.ctx(), "", ref); err != nil || found.Name != "resize" {
			t.Errorf("%s is %+v, %v", ref, found, err)
		}
	}
	if e.ActivityARN("resize") != resize {
		t.Errorf("the ARN is %s", e.ActivityARN("resize"))
	}
	_, err = e.DescribeActivity(b.ctx(), "other", "resize")
	code(t, err, engine.CodeActivityDoesNotExist)
	_, err = e.DescribeActivity(b.ctx(), "", "arn:aws:states:us-east-1:000000000000:stateMachine:x")
	code(t, err, engine.CodeInvalidArn)
	b.activity(e, "b")
	b.activity(e, "a")
	first, err := e.ListActivities(b.ctx(), "", engine.Page{Limit: 2})
	if err != nil || len(first) != 2 || first[0].Name != "a" || first[1].Name != "b" {
		t.Fatalf("listed %+v, %v", first, err)
	}
	if rest, err := e.ListActivities(b.ctx(), "", engine.Page{After: "b"}); err != nil || len(rest) != 1 {
		t.Errorf("the rest is %+v, %v", rest, err)
	}
	if err := e.DeleteActivity(b.ctx(), "", resize); err != nil {
		t.Fatal(err)
	}
	code(t, e.DeleteActivity(b.ctx(), "", "resize"), engine.CodeActivityDoesNotExist)
	_, err = other.GetActivityTask(b.ctx(), "", "never", "w", 0)
	code(t, err, engine.CodeActivityDoesNotExist)
	_, err = other.GetActivityTask(b.ctx(), "", "a", string(make([]byte, 81)), 0)
	code(t, err, engine.CodeInvalidName)
	if task, err := other.GetActivityTask(b.ctx(), "", "a", "w", time.Millisecond); task != nil || err != nil {
		t.Errorf("an empty queue gave %+v, %v", task, err)
	}
}

// A task waits in the database while its execution is parked, and goes to the worker that polls, on whatever node.
func TestWorkerGetsTask(t *testing.T) {
	b := newBench(t)
	e, other := b.start(), b.start()
	b.activity(e, "resize")
	b.deploy(e, "m", task(resize, `, "HeartbeatSeconds": 3000, "TimeoutSeconds": 5000`))
	for _, node := range []*engine.Engine{e, other} {
		x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{
			StateMachine: "m", Input: []byte(`{"n": 1e400}`), TraceContext: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		})
		if err != nil {
			t.Fatal(err)
		}
		b.parked(e, x.ID)
		got := b.poll(node, "resize", "w1")
		if string(got.Input) != `{"n": 1e400}` || got.State != "T" || got.StateMachine != "m" || got.ExecutionARN != x.ARN ||
			got.Heartbeat != 3000*time.Second || got.Deadline.Sub(x.StartedAt) < 4999*time.Second || got.TraceContext == "" ||
			got.IdempotencyKey != x.ID.String()+"/1" {
			t.Errorf("the task is %s %+v", got.Input, got.ActivityTaskInfo)
		}
		if err := node.SendTaskHeartbeat(b.ctx(), got.Token); err != nil {
			t.Error(err)
		}
		if err := other.SendTaskSuccess(b.ctx(), got.Token, []byte(`"done"`)); err != nil {
			t.Fatal(err)
		}
		b.succeeded(b.wait(e, x.ID), `"done"`)
		var worker string
		for _, ev := range b.events(e, x.ID) {
			if started, ok := ev.Data.(event.TaskStarted); ok {
				worker = started.Worker
			}
		}
		if worker != "w1" {
			t.Errorf("the history has the worker %q", worker)
		}
	}
	b.until("the queue is empty", func() bool { return b.queued() == 0 })
}

// queued counts the tasks in the queue, those that a node holds included.
func (b *bench) queued() int {
	b.t.Helper()
	n, err := b.store.(interface {
		CountActivityTasks(ctx context.Context) (int, error)
	}).CountActivityTasks(b.ctx())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// Two nodes, many workers, many tasks, from single states and from Maps: each task is done once.
func TestEachTaskOnce(t *testing.T) {
	b := newBench(t)
	nodes := []*engine.Engine{b.start(), b.start()}
	b.activity(nodes[0], "resize")
	b.deploy(nodes[0], "one", task("activity:resize", ""))
	b.deploy(nodes[0], "map", `{"QueryLanguage": "CEL", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "Items": "{% range(1, 50) %}",
		"ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "activity:resize", "End": true}}}}}}`)
	const singles, maps, items = 1000, 20, 50
	ctx, stop := context.WithCancel(b.ctx())
	defer stop()
	var done, doubled atomic.Int64
	var seen sync.Map
	var workers sync.WaitGroup
	for i := range 40 {
		workers.Go(func() {
			node := nodes[i%2]
			for ctx.Err() == nil {
				got, err := node.GetActivityTask(ctx, "", "resize", fmt.Sprint("w", i), 0)
				if err != nil {
					t.Errorf("polling: %v", err)
					return
				}
				if got == nil {
					continue
				}
				if _, twice := seen.LoadOrStore(got.Token, i); twice {
					doubled.Add(1)
				}
				if err := nodes[(i+1)%2].SendTaskSuccess(ctx, got.Token, got.Input); err != nil {
					t.Errorf("answering: %v", err)
				}
				done.Add(1)
			}
		})
	}
	var ids []uuid.UUID
	for i := range singles {
		ids = append(ids, b.begin(nodes[i%2], "one", strconv.Itoa(i)).ID)
		if i%(singles/maps) == 0 {
			ids = append(ids, b.begin(nodes[i/50%2], "map", "{}").ID)
		}
	}
	for i, id := range ids {
		if x := b.wait(nodes[i%2], id); x.Status != engine.Succeeded {
			t.Errorf("execution %s is %s: %s", id, x.Status, failure(x))
		}
	}
	stop()
	workers.Wait()
	if done.Load() != singles+maps*items || doubled.Load() != 0 {
		t.Errorf("%d tasks were done, %d of them twice; want %d", done.Load(), doubled.Load(), singles+maps*items)
	}
	b.until("the queue is empty", func() bool { return b.queued() == 0 })
}

// The task of a worker that is not heard of any more times out and is tried again; what the worker brings then is
// refused in words, and changes nothing.
func TestDeadWorker(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.activity(e, "resize")
	b.deploy(e, "m", task(resize, `, "HeartbeatSeconds": 1, "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1}]`))
	x := b.begin(e, "m", "1")
	dead := b.poll(e, "resize", "dead")
	next := b.poll(e, "resize", "alive") // comes only when the heartbeat of the first has run out
	if next.Attempt != 1 || next.Token == dead.Token || string(next.Input) != "1" {
		t.Errorf("the second attempt is %+v", next)
	}
	for range 2 {
		code(t, e.SendTaskHeartbeat(b.ctx(), dead.Token), engine.CodeTaskTimedOut)
		code(t, e.SendTaskSuccess(b.ctx(), dead.Token, []byte(`"late"`)), engine.CodeTaskTimedOut)
		code(t, e.SendTaskFailure(b.ctx(), dead.Token, "Late", ""), engine.CodeTaskTimedOut)
	}
	if err := e.SendTaskSuccess(b.ctx(), next.Token, []byte(`"second"`)); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), `"second"`)
}

// While no worker takes a task, no heartbeat is missed; its timeout runs.
func TestNobodyPolls(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.activity(e, "resize")
	b.deploy(e, "m", task(resize, `, "HeartbeatSeconds": 1, "TimeoutSeconds": 2`))
	x := b.wait(e, b.begin(e, "m", "1").ID)
	b.failed(x, "States.Timeout")
	if took := x.EndedAt.Sub(x.StartedAt); took < 2*time.Second {
		t.Errorf("it timed out after %s", took)
	}
	b.until("the task has left the queue", func() bool { return b.queued() == 0 })
}

// Tasks that nobody waits for any more leave the queue, and no worker gets them.
func TestGivenUpTasksLeaveTheQueue(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.activity(e, "resize")
	b.deploy(e, "map", `{"QueryLanguage": "CEL", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "Items": "{% range(1, 100) %}",
		"ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "activity:resize", "End": true}}}}}}`)
	x := b.begin(e, "map", "{}")
	b.parked(e, x.ID)
	if n := b.queued(); n != 100 {
		t.Errorf("%d tasks are in the queue", n)
	}
	if _, err := e.StopExecution(b.ctx(), x.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	b.until("the tasks have left the queue", func() bool { return b.queued() == 0 })

	// One that is answered by its token without a worker is found out when a worker would get it.
	var token atomic.Value
	b.deploy(e, "one", task("activity:resize", `, "Arguments": "{% states.context.Task.Token %}"`))
	first, second := b.begin(e, "one", "{}"), b.begin(e, "one", "{}")
	b.parked(e, first.ID)
	b.parked(e, second.ID)
	for _, ev := range b.events(e, first.ID) {
		if scheduled, ok := ev.Data.(event.TaskScheduled); ok {
			var text string
			if err := json.Unmarshal(scheduled.Arguments.JSON(), &text); err != nil {
				t.Fatal(err)
			}
			token.Store(text)
		}
	}
	if err := e.SendTaskSuccess(b.ctx(), token.Load().(string), []byte(`"by token"`)); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, first.ID), `"by token"`)
	got := b.poll(e, "resize", "w")
	if got.ExecutionARN != second.ARN {
		t.Errorf("the worker got a task of %s", got.ExecutionARN)
	}
	b.until("the queue is empty", func() bool { return b.queued() == 0 })
}

// A task of an activity that does not exist fails with the service's error; a deploy only warns.
func TestNoSuchActivity(t *testing.T) {
	b := newBench(t)
	e := b.start()
	r, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "m", Definition: []byte(task("activity:none", `, "Catch": [{"ErrorEquals":
		["ActivityDoesNotExist"], "Next": "C"}]}, "C": {"Type": "Succeed"`))})
	if err != nil || len(r.Warnings) != 1 || r.Warnings[0].Code != "UNKNOWN_ACTIVITY" {
		t.Fatalf("warnings %v, %v", r.Warnings, err)
	}
	x := b.run(e, "m", "{}")
	b.succeeded(x, `{"Error":"ActivityDoesNotExist","Cause":"Activity Does Not Exist: 'arn:aws:states:us-east-1:000000000000:activity:none'"}`)
	b.historyHas(e, x, "ActivityScheduled", "ActivityScheduleFailed")
	// A worker may call its error the same, which is another thing.
	b.activity(e, "some")
	b.deploy(e, "some", task("activity:some", ""))
	named := b.begin(e, "some", "1")
	if err := e.SendTaskFailure(b.ctx(), b.poll(e, "some", "w").Token, "ActivityDoesNotExist", ""); err != nil {
		t.Fatal(err)
	}
	b.historyHas(e, b.wait(e, named.ID), "ActivityScheduled", "ActivityStarted", "ActivityFailed")
	// From when it is there, tasks wait for it; once it is deleted, they fail again, on every node.
	b.activity(e, "none")
	waits := b.begin(e, "m", "{}")
	b.parked(e, waits.ID)
	if err := b.start().DeleteActivity(b.ctx(), "", "none"); err != nil {
		t.Fatal(err)
	}
	b.until("tasks of the deleted activity fail", func() bool {
		x := b.begin(e, "m", "{}") // it waits as the first one does if the node does not know of the deletion yet
		for x.Status == engine.Running && (x.Owner != nil || e.IsLive(x.ID)) {
			if x, err = e.DescribeExecution(b.ctx(), "", x.ID.String()); err != nil {
				t.Fatal(err)
			}
		}
		return x.Status == engine.Succeeded
	})
}

// historyHas checks which events of tasks the Step Functions API has of an execution.
func (b *bench) historyHas(e *engine.Engine, x engine.Execution, want ...string) {
	b.t.Helper()
	page, err := e.HistoryEvents(b.ctx(), x.ID, engine.HistoryQuery{Limit: 1000, Service: true})
	if err != nil {
		b.t.Fatal(err)
	}
	var got []string
	for _, ev := range page.Events {
		if strings.HasPrefix(ev.Type, "Activity") || ev.Type == "TaskSubmitted" {
			got = append(got, ev.Type)
		}
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("the history has %v, want %v", got, want)
	}
}

// What a node has put into the queue, or was about to, is there after its death; what a worker has, it keeps.
func TestActivitiesSurviveTheirNode(t *testing.T) {
	b := newBench(t)
	dying := b.start(shortLease)
	b.activity(dying, "resize")
	b.deploy(dying, "m", task("activity:resize", ""))
	const n = 100
	ids := map[string]uuid.UUID{}
	for range n {
		x := b.begin(dying, "m", "1")
		ids[x.ARN] = x.ID
	}
	worked := b.poll(dying, "resize", "w")
	b.cluster.remove(dying)
	dying.Kill()
	heir := b.start(shortLease)
	if err := heir.SendTaskSuccess(b.ctx(), worked.Token, []byte("2")); err != nil {
		t.Fatal(err)
	}
	for range n - 1 {
		got := b.poll(heir, "resize", "w")
		if err := heir.SendTaskSuccess(b.ctx(), got.Token, []byte("2")); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		b.succeeded(b.wait(heir, id), "2")
	}
}

// A task that could not be brought to its worker is there for the next one at once, though its state has neither
// heartbeat nor timeout; and the first worker's name stays in the history.
func TestTaskThatNeverReachesItsWorker(t *testing.T) {
	b := newBench(t)
	e, other := b.start(), b.start()
	b.activity(e, "resize")
	b.deploy(e, "m", task("activity:resize", ""))
	x := b.begin(e, "m", "1")
	b.parked(e, x.ID)
	cut := errors.New("the connection is gone")
	var lost *engine.ActivityTask
	for range 2 {
		got, err := e.HandActivityTask(b.ctx(), "", "resize", "lost", 0, func(task *engine.ActivityTask) error {
			lost = task
			return cut
		})
		if got != nil || !errors.Is(err, cut) {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	got := b.poll(other, "resize", "found")
	if got.Token != lost.Token || got.IdempotencyKey != lost.IdempotencyKey || string(got.Input) != "1" || got.Attempt != 0 {
		t.Errorf("the next worker gets %+v, but it was %+v", got, lost)
	}
	if again, err := e.GetActivityTask(b.ctx(), "", "resize", "late", time.Millisecond); again != nil || err != nil {
		t.Errorf("a third worker gets %+v, %v", again, err)
	}
	if err := other.SendTaskSuccess(b.ctx(), got.Token, []byte("2")); err != nil {
		t.Fatal(err)
	}
	x = b.wait(e, x.ID)
	b.succeeded(x, "2")
	b.historyHas(e, x, "ActivityScheduled", "ActivityStarted", "ActivityStarted", "ActivityStarted", "ActivitySucceeded")
	b.until("the queue is empty", func() bool { return b.queued() == 0 })
}

// A node that shuts down sends the workers that wait to another one, without an error.
func TestShutdownEndsPolls(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.activity(e, "resize")
	polled := make(chan error, 1)
	go func() {
		task, err := e.GetActivityTask(b.ctx(), "", "resize", "w", 0)
		if task != nil {
			err = fmt.Errorf("got %+v", task)
		}
		polled <- err
	}()
	b.until("a worker waits", func() bool { return e.WaitingWorkers() == 1 })
	if err := e.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := <-polled; err != nil {
		t.Errorf("the poll ended with %v", err)
	}
	_, err := e.GetActivityTask(b.ctx(), "", "resize", "w", 0)
	code(t, err, engine.CodeServiceUnavailable)
}

// Too many workers are told so; those that leave make room.
func TestTooManyWorkers(t *testing.T) {
	b := newBench(t)
	e := b.start()
	b.activity(e, "resize")
	ctx, leave := context.WithCancel(b.ctx())
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if task, err := e.GetActivityTask(ctx, "", "resize", "w", 0); task != nil || err != nil {
				t.Errorf("got %v, %v", task, err)
			}
		})
	}
	b.until("all of them wait", func() bool { return e.WaitingWorkers() == 1000 })
	_, err := e.GetActivityTask(b.ctx(), "", "resize", "one too many", 0)
	code(t, err, engine.CodeActivityWorkerLimitExceeded)
	leave()
	wg.Wait()
	if n := e.WaitingWorkers(); n != 0 {
		t.Errorf("%d workers wait", n)
	}
}
