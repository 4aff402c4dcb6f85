package statemachine

import (
	"container/heap"
	"time"
)

// timerHeap orders frames by the time at which they want to be woken. Entries are not removed when a frame stops
// waiting: one that no longer matches its frame is dropped when it comes up.
type timerHeap []timer //nolint:recvcheck // container/heap wants it so

type timer struct {
	at    time.Time
	frame *Frame
}

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) } //nolint:forcetypeassert // only add pushes
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// add notes the frame's present time, if it has one.
func (h *timerHeap) add(f *Frame) {
	if at := f.due(); !at.IsZero() {
		heap.Push(h, timer{at, f})
	}
}

// peek gives the frame that is due first, and its time; nil if no frame waits for time.
func (h *timerHeap) peek(r *Run) (time.Time, *Frame) {
	for len(*h) > 0 {
		top := (*h)[0]
		if r.frames[top.frame.id] == top.frame && top.frame.due().Equal(top.at) {
			return top.at, top.frame
		}
		heap.Pop(h)
	}
	return time.Time{}, nil
}
