package rehearsal

import (
	"container/heap"
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
)

// entry is a signal that comes at a time.
type entry struct {
	at    time.Time
	seq   int // entries of the same time come in the order in which they were made, but heartbeats come first
	task  statemachine.TaskID
	sig   statemachine.Signal
	every time.Duration // a heartbeat: it comes again after this time
	until time.Time     // before this time; zero for as long as the task is open
	err   error         // in place of a signal: what ends the rehearsal
}

// agenda holds what is to come, earliest first.
type agenda struct {
	entries entries
	seq     int
}

func (a *agenda) add(e entry) {
	a.seq++
	e.seq = a.seq
	heap.Push(&a.entries, e)
}

// peek gives the time of the next entry, zero if there is none.
func (a *agenda) peek() time.Time {
	if len(a.entries) == 0 {
		return time.Time{}
	}
	return a.entries[0].at
}

func (a *agenda) next() entry { return heap.Pop(&a.entries).(entry) }

// forget takes out what was to come before a time.
func (a *agenda) forget(before time.Time) {
	a.entries = slices.DeleteFunc(a.entries, func(e entry) bool { return e.at.Before(before) })
	heap.Init(&a.entries)
}

// entries implements heap.Interface.
type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	if beats := e[i].every > 0; beats != (e[j].every > 0) {
		return beats
	}
	return e[i].seq < e[j].seq
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)   { *e = append(*e, x.(entry)) }
func (e *entries) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}
