package statemachine

import (
	"container/heap"
	"slices"
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
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return last
}

// add notes the frame's present time, if it has one.
func (h *timerHeap) add(f *Frame) {
	at := f.due()
	if at.IsZero() {
		return
	}
	if len(*h) == cap(*h) && len(*h) >= 64 {
		h.compact()
	}
	heap.Push(h, timer{at, f})
}

// compact drops the entries that match no frame any more, before the heap would have to grow. A strand that never waits
// for long would else fill it behind one that waits for a year.
func (h *timerHeap) compact() {
	seen := make(map[*Frame]bool, len(*h)/2)
	kept := (*h)[:0]
	for _, t := range *h {
		if !seen[t.frame] && t.frame.due().Equal(t.at) { // a closed frame is not due
			seen[t.frame] = true
			kept = append(kept, t)
		}
	}
	clear((*h)[len(kept):])
	if len(kept) > cap(kept)/2 {
		kept = slices.Grow(kept, len(kept))
	}
	*h = kept
	heap.Init(h)
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
