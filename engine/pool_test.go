package engine

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func testJob(machine uuid.UUID, name string, limit int) *job {
	return &job{
		x:        &live{row: ExecutionRow{Machine: machine}},
		function: &function{key: functionKey{"default", name}, config: FunctionConfig{MaxConcurrency: limit}},
	}
}

// peak counts how many run at a time, and the most that ever did.
type peak struct{ now, most atomic.Int64 }

func (p *peak) enter() {
	n := p.now.Add(1)
	for old := p.most.Load(); n > old && !p.most.CompareAndSwap(old, n); old = p.most.Load() {
	}
}

func TestPoolKeepsItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, slow peak
		var done atomic.Int64
		p := newPool(10, func(j *job) {
			all.enter()
			if j.function.key.name == "slow" {
				slow.enter()
				defer slow.now.Add(-1)
			}
			time.Sleep(time.Second)
			all.now.Add(-1)
			done.Add(1)
		}, notFull)
		machine := uuid.New()
		for range 100 {
			p.submit(testJob(machine, "slow", 3))
			p.submit(testJob(machine, "fast", 0))
		}
		synctest.Wait()
		if running, waiting := p.counts(); running != 10 || waiting != 190 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
		for done.Load() < 200 {
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if all.most.Load() != 10 || slow.most.Load() != 3 {
			t.Errorf("at most %d ran at a time, %d of them slow ones; want 10 and 3", all.most.Load(), slow.most.Load())
		}
		if running, waiting := p.counts(); running != 0 || waiting != 0 || len(p.gates) != 0 {
			t.Errorf("in the end %d run, %d wait, %d gates are left", running, waiting, len(p.gates))
		}
	})
}

// A machine with a single call does not wait behind another's thousand.
func TestPoolIsFairBetweenMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small := uuid.New()
		var at time.Duration
		begin := time.Now()
		p := newPool(2, func(j *job) {
			if j.x.row.Machine == small {
				at = time.Since(begin)
			}
			time.Sleep(time.Second)
		}, notFull)
		large := uuid.New()
		for range 1000 {
			p.submit(testJob(large, "f", 0))
		}
		p.submit(testJob(small, "f", 0))
		p.idle()
		if at > 2*time.Second {
			t.Errorf("the single call began after %s", at)
		}
	})
}

func TestPoolDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		p := newPool(1, func(*job) {
			time.Sleep(time.Second)
			ran.Add(1)
		}, notFull)
		for range 3 {
			p.submit(testJob(uuid.New(), "f", 0))
		}
		synctest.Wait()
		p.drain()
		p.idle()
		if ran.Load() != 1 {
			t.Errorf("%d jobs ran, want the one that had begun", ran.Load())
		}
	})
}

func notFull() bool { return false }

// A pool that is full begins nothing, and goes on when it is told that there is room.
func TestPoolPauses(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	ran := make(chan struct{})
	p := newPool(5, func(*job) { close(ran) }, full.Load)
	p.submit(testJob(uuid.New(), "any", 0))
	if running, waiting := p.counts(); running != 0 || waiting != 1 {
		t.Fatalf("%d run, %d wait; want one that waits", running, waiting)
	}
	full.Store(false)
	p.resume()
	<-ran
	p.idle()
}
