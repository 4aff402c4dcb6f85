package engine_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
)

// A flood of executions of one machine fills the node's function calls; the single execution of another machine has its
// turn all the same, after a call or two and not after hundreds.
func TestFloodStarvesNobody(t *testing.T) {
	const flood = 300
	b := newBench(t)
	step := make(chan struct{})
	b.fn("slow", func(ctx context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		select {
		case <-step:
			return in, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	b.fn("quick", inc)
	e := b.start(func(c *engine.Config) { c.MaxInvocations = 2 })
	b.deploy(e, "flood", task("function:slow", ""))
	b.deploy(e, "single", task("function:quick", ""))
	for range flood {
		b.begin(e, "flood", "1")
	}
	b.until("the flood waits for room", func() bool {
		s := e.Stats()
		return s.Invocations == 2 && s.WaitingInvocations == flood-2
	})
	x := b.begin(e, "single", "1")
	b.until("the single one waits too", func() bool { return e.Stats().WaitingInvocations == flood-1 })
	ended := make(chan engine.Execution, 1)
	go func() { ended <- b.wait(e, x.ID) }()
	served := 0
	for done := false; !done; {
		if served > 2 { // by now it has had its turn; what remains is its own commit
			b.succeeded(<-ended, "2")
			break
		}
		select {
		case step <- struct{}{}:
			served++
		case end := <-ended:
			b.succeeded(end, "2")
			done = true
		}
	}
	close(step)
	b.until("the flood has ended", func() bool { return e.Stats().Ended == flood+1 })
}
