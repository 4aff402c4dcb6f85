package engine_test

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

// Two nodes are given the same answer to the same tokens at the same time, so that both write the same event, often in
// the same millisecond. Each execution goes on once.
func TestSameAnswerOnTwoNodes(t *testing.T) {
	const executions = 100
	b := newBench(t)
	var k tokens
	var calls atomic.Int64
	b.fn("ask", k.take)
	b.fn("next", func(ctx context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		calls.Add(1)
		return in, nil
	})
	nodes := []*engine.Engine{b.start(), b.start()}
	b.deploy(nodes[0], "ask", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {
		"A": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "Next": "B"},
		"B": {"Type": "Task", "Resource": "function:next", "End": true}}}`)
	ids := make([]uuid.UUID, executions)
	for i := range ids {
		ids[i] = b.begin(nodes[0], "ask", "{}").ID
	}
	b.until("all are parked", func() bool { return nodes[0].Stats().Parked == executions && nodes[0].Stats().Live == 0 })
	var wg sync.WaitGroup
	for _, id := range ids {
		token := k.of(b, id)
		var won atomic.Int64
		ready := make(chan struct{})
		for i := range 4 {
			wg.Go(func() {
				<-ready
				err := nodes[i%2].SendTaskSuccess(b.ctx(), token, []byte("1"))
				switch {
				case err == nil:
					if won.Add(1) > 1 {
						t.Errorf("two answers to execution %s won", id)
					}
				case !isCode(err, engine.CodeTaskTimedOut) && !isCode(err, engine.CodeTaskDoesNotExist):
					t.Errorf("got %v", err)
				}
			})
		}
		close(ready)
	}
	wg.Wait()
	for _, id := range ids {
		b.succeeded(b.wait(nodes[0], id), "1")
		b.events(nodes[0], id)
	}
	if n := calls.Load(); n != executions {
		t.Errorf("the task behind the answers was called %d times for %d executions", n, executions)
	}
}

// Answers come at the very moment at which their time is over, on nodes that claim what is due: each execution ends,
// one way or the other, and an answer that was accepted is the result.
func TestAnswerAtTheDeadline(t *testing.T) {
	const executions = 60
	b := newBench(t)
	var k tokens
	b.fn("ask", k.take)
	setup := func(c *engine.Config) { c.ParkAfter, c.Poll = -1, 20*time.Millisecond }
	nodes := []*engine.Engine{b.start(setup), b.start(setup)}
	b.deploy(nodes[0], "ask", `{"QueryLanguage": "CEL", "StartAt": "A", "States": {
		"A": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "TimeoutSeconds": 1, "End": true}}}`)
	var wg sync.WaitGroup
	for i := range executions {
		wg.Go(func() {
			x := b.begin(nodes[i%2], "ask", "{}")
			token := k.of(b, x.ID)
			due := time.NewTimer(time.Until(x.StartedAt.Add(time.Second + time.Duration(i%20-10)*time.Millisecond)))
			<-due.C
			err := nodes[(i/2)%2].SendTaskSuccess(b.ctx(), token, []byte("1"))
			end, waiting := nodes[0].Wait(b.ctx(), x.ID)
			switch {
			case waiting != nil:
				now, _ := nodes[0].DescribeExecution(context.Background(), "", x.ID.String())
				t.Errorf("execution %s: %v; its answer: %v; live on %v, %v; %+v", x.ID, waiting, err,
					nodes[0].IsLive(x.ID), nodes[1].IsLive(x.ID), now.ExecutionRow)
			case err == nil && end.Status != engine.Succeeded:
				t.Errorf("execution %s took the answer and is %s", x.ID, end.Status)
			case err != nil && end.Status != engine.Failed:
				t.Errorf("execution %s refused the answer with %v and is %s", x.ID, err, end.Status)
			}
		})
	}
	wg.Wait()
}
