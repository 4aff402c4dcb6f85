package engine

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
)

// timer is the place of an execution in the heap of the node's timers.
type timer struct {
	at    time.Time // zero: not in the heap
	index int
}

// timers wakes executions in memory when their next deadline comes. Those that are parked wait in the database.
type timers struct {
	mu   sync.Mutex
	heap timerHeap
	loop *loop
	late func(by time.Duration) // is told how late each deadline is met
}

// set puts the execution's deadline into the heap; zero takes it out.
func (t *timers) set(x *live, at time.Time) {
	// Decisions know milliseconds: a tick that comes a fraction too early would do nothing and come again and again.
	if r := at.Truncate(time.Millisecond); !r.Equal(at) {
		at = r.Add(time.Millisecond)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case at.Equal(x.timer.at):
		return
	case at.IsZero():
		heap.Remove(&t.heap, x.timer.index)
		x.timer.at = at
		return
	case x.timer.at.IsZero():
		x.timer.at = at
		heap.Push(&t.heap, x)
	default:
		x.timer.at = at
		heap.Fix(&t.heap, x.timer.index)
	}
	if t.heap[0] == x {
		t.loop.kick()
	}
}

func (t *timers) drop(x *live) { t.set(x, time.Time{}) }

// due takes the executions out whose time has come, and tells in how long the next one's comes.
func (t *timers) due(now time.Time) (due []*live, rest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.heap) > 0 {
		first := t.heap[0]
		if wait := first.timer.at.Sub(now); wait > 0 {
			return due, wait
		}
		heap.Pop(&t.heap)
		t.late(now.Sub(first.timer.at))
		first.timer.at = time.Time{}
		due = append(due, first)
	}
	return due, time.Hour
}

func (e *Engine) tick(context.Context) (time.Duration, error) {
	due, rest := e.timers.due(e.now())
	for _, x := range due {
		e.post(x, message{signal: statemachine.Tick{}})
	}
	return rest, nil
}

// timerHeap implements heap.Interface by time.
type timerHeap []*live

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].timer.at.Before(h[j].timer.at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer.index, h[j].timer.index = i, j
}

func (h *timerHeap) Push(v any) {
	x, _ := v.(*live)
	x.timer.index = len(*h)
	*h = append(*h, x)
}

func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
