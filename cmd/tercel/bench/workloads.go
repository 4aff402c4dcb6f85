package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

const steps = 5

const sequenceDefinition = `{"QueryLanguage": "CEL", "StartAt": "S1", "States": {
	"S1": {"Type": "Task", "Resource": "function:noop", "Next": "S2"},
	"S2": {"Type": "Task", "Resource": "function:noop", "Next": "S3"},
	"S3": {"Type": "Task", "Resource": "function:noop", "Next": "S4"},
	"S4": {"Type": "Task", "Resource": "function:noop", "Next": "S5"},
	"S5": {"Type": "Task", "Resource": "function:noop", "End": true}}}`

const fanoutDefinition = `{"QueryLanguage": "CEL", "StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true,
	"ItemProcessor": {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": "function:noop", "End": true}}}}}}`

const parkDefinition = `{"QueryLanguage": "CEL", "StartAt": "Ask", "States": {
	"Ask": {"Type": "Task", "Resource": "function:ask.waitForTaskToken", "End": true}}}`

// input is what executions of sequence, latency and park start with.
const input = `{"order": 1234567, "customer": "c-4711"}`

func (b *bench) deploy(ctx context.Context, name, definition string) error {
	_, err := b.engine.Deploy(ctx, engine.DeployRequest{Name: name, Definition: []byte(definition)})
	return err
}

// execute starts an execution and waits for its end.
func (b *bench) execute(ctx context.Context, machine, input string) error {
	x, _, err := b.engine.StartExecution(ctx, engine.StartRequest{StateMachine: machine, Input: []byte(input)})
	if err != nil {
		return err
	}
	x, err = b.engine.Wait(ctx, x.ID)
	if err == nil && x.Status != engine.Succeeded {
		err = fmt.Errorf("execution %s ended as %s", x.ID, x.Status)
	}
	return err
}

// sequence is five tasks one after the other that do nothing, many executions at once.
func sequence(ctx context.Context, b *bench, n int) ([]Result, error) {
	inFlight := b.InFlight
	if inFlight == 0 {
		inFlight = 128
	}
	return b.sequences(ctx, "sequence", n, inFlight)
}

// latency is the same, one execution at a time.
func latency(ctx context.Context, b *bench, n int) ([]Result, error) {
	return b.sequences(ctx, "latency", n, 1)
}

func (b *bench) sequences(ctx context.Context, name string, n, inFlight int) ([]Result, error) {
	if err := b.deploy(ctx, "sequence", sequenceDefinition); err != nil {
		return nil, err
	}
	one := func(int) error { return b.execute(ctx, "sequence", input) }
	if _, err := loop(max(n/20, inFlight), inFlight, one); err != nil { // warm
		return nil, err
	}
	r, err := b.measured(ctx, n, func() (timings, error) { return loop(n, inFlight, one) })
	if err != nil {
		return nil, err
	}
	r.Workload, r.Unit = name, "executions"
	sizes, err := b.rowSizes(ctx)
	if err == nil && len(sizes) != steps+1 {
		err = fmt.Errorf("an execution has %d rows of history, not %d", len(sizes), steps+1)
	}
	if err != nil {
		return nil, err
	}
	limit, err := b.bareExecutions(ctx, n, inFlight, sizes)
	r.against(limit)
	return []Result{b.complete(ctx, r)}, err
}

// fanout is one execution with a Map of n items, each a task that does nothing.
func fanout(ctx context.Context, b *bench, n int) ([]Result, error) {
	if err := b.deploy(ctx, "fanout", fanoutDefinition); err != nil {
		return nil, err
	}
	items := "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]"
	if err := b.execute(ctx, "fanout", items); err != nil { // warm
		return nil, err
	}
	const rounds = 3
	r, err := b.measured(ctx, rounds, func() (timings, error) {
		return loop(rounds, 1, func(int) error { return b.execute(ctx, "fanout", items) })
	})
	if err != nil {
		return nil, err
	}
	r.Workload, r.Unit, r.N = "fanout", "items", n
	r.Rate *= float64(n)
	limit, err := b.bareItems(ctx, rounds*n)
	r.against(limit)
	return []Result{b.complete(ctx, r)}, err
}

// park is executions that all wait for a token, which are then all completed.
func park(ctx context.Context, b *bench, n int) ([]Result, error) {
	inFlight := b.InFlight
	if inFlight == 0 {
		inFlight = 512
	}
	if err := b.deploy(ctx, "park", parkDefinition); err != nil {
		return nil, err
	}
	starts, err := b.measured(ctx, n, func() (timings, error) {
		// The last ones are parked a moment after their start was answered.
		return b.drained(ctx, n, inFlight, func(int) error {
			_, _, err := b.engine.StartExecution(ctx, engine.StartRequest{StateMachine: "park", Input: []byte(input)})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	starts.Workload, starts.Unit = "park", "starts"
	starts.RSS = settledRSS()
	ends, err := b.measured(ctx, n, func() (timings, error) {
		return loop(n, inFlight, func(int) error {
			return b.engine.SendTaskSuccess(ctx, <-b.tokens, []byte(`{"approved": true}`))
		})
	})
	if err != nil {
		return nil, err
	}
	ends.Workload, ends.Unit = "park", "completions"
	if err := b.checkEnded(ctx, n); err != nil {
		return nil, err
	}
	sizes, err := b.rowSizes(ctx)
	if err != nil {
		return nil, err
	}
	bareStarts, bareEnds, err := b.bareParks(ctx, n, inFlight, sizes)
	if err != nil {
		return nil, err
	}
	starts.against(bareStarts)
	ends.against(bareEnds)
	return []Result{b.complete(ctx, starts), b.complete(ctx, ends)}, nil
}

// checkEnded makes sure that what was measured is what was meant.
func (b *bench) checkEnded(ctx context.Context, n int) error {
	var succeeded int
	err := b.pool.QueryRow(ctx, "SELECT count(*) FROM executions WHERE status = 'SUCCEEDED'").Scan(&succeeded)
	if err == nil && succeeded != n {
		err = fmt.Errorf("%d of %d executions have succeeded", succeeded, n)
	}
	return err
}

// timings are how long a workload took, and each part of it.
type timings struct {
	took time.Duration
	each []time.Duration
}

// loop calls one n times, inFlight of them at a time, each as soon as another has returned.
func loop(n, inFlight int, one func(i int) error) (timings, error) {
	t := timings{each: make([]time.Duration, n)}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for range min(inFlight, n) {
		all.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				began := time.Now()
				if err := one(i); err != nil {
					failed.Store(&err)
					return
				}
				t.each[i] = time.Since(began)
			}
		})
	}
	all.Wait()
	t.took = time.Since(began)
	if err := failed.Load(); err != nil {
		return t, *err
	}
	return t, nil
}
