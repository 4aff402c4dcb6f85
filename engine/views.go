package engine

import (
	"container/list"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// What an event of the Step Functions API looks like depends on all that came before: its id, the event that led to it, the
// input of its state. So a page in the middle of a long history would need everything in front of it. Instead, whoever
// unfolds a history notes on the way where it was, every thousand events or so, and whoever comes after begins at the note
// before the page. The history never changes, so a note is good for ever; the notes of a node are bounded, and those of
// histories that nobody reads make room.

const (
	markEvents   = 1000     // events between two notes at least
	maxViewBytes = 32 << 20 // of all notes
	maxViewShare = 8 << 20  // of the notes of one execution; beyond, every second one is dropped
)

// mark is a place in a history, with what it takes to unfold it from there on. The zero mark is its beginning.
type mark struct {
	row   int64  // the seq of the row that comes next
	seq   int64  // how many events came before
	id    int64  // the id of the last of them
	state []byte // history.Viewer.Snapshot
}

// views keeps the marks of the histories that were read last.
type views struct {
	mu    sync.Mutex
	all   map[uuid.UUID]*list.Element
	order list.List // of *marks, the last read first
	bytes int
}

// marks are those of one execution, in order.
type marks struct {
	id    uuid.UUID
	list  []mark
	bytes int
}

// before gives the last mark of an execution for which ok is true, as it is for all before it.
func (v *views) before(id uuid.UUID, ok func(mark) bool) mark {
	v.mu.Lock()
	defer v.mu.Unlock()
	el := v.all[id]
	if el == nil {
		return mark{}
	}
	v.order.MoveToFront(el)
	found := mark{}
	for _, m := range el.Value.(*marks).list { //nolint:forcetypeassert // only add fills the list
		if !ok(m) {
			break
		}
		found = m
	}
	return found
}

// add keeps a mark.
func (v *views) add(id uuid.UUID, m mark) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[uuid.UUID]*list.Element{}
	}
	el := v.all[id]
	if el == nil {
		el = v.order.PushFront(&marks{id: id})
		v.all[id] = el
	}
	of := el.Value.(*marks) //nolint:forcetypeassert // see above
	at, there := slices.BinarySearchFunc(of.list, m.row, func(m mark, row int64) int { return int(m.row - row) })
	if there {
		return
	}
	of.list = slices.Insert(of.list, at, m)
	v.count(of, len(m.state))
	if of.bytes > maxViewShare {
		v.thin(of)
	}
	for v.bytes > maxViewBytes {
		last := v.order.Back()
		old := last.Value.(*marks) //nolint:forcetypeassert // see above
		v.order.Remove(last)
		delete(v.all, old.id)
		v.count(old, -old.bytes)
	}
}

func (v *views) count(of *marks, bytes int) {
	of.bytes += bytes
	v.bytes += bytes
}

// thin drops every second mark.
func (v *views) thin(of *marks) {
	kept := of.list[:0]
	for i, m := range of.list {
		if i%2 == 1 {
			v.count(of, -len(m.state))
			continue
		}
		kept = append(kept, m)
	}
	clear(of.list[len(kept):])
	of.list = kept
}

// notes keeps marks while a history is unfolded.
type notes struct {
	views *views
	id    uuid.UUID
	last  mark
	bytes int // of the rows since the last mark
}

// passed notes where the viewer is, if that is far enough from the last note, in events and in bytes: the notes of an
// execution whose state is large are not larger than its history.
func (n *notes) passed(v *Viewer, bytes int) {
	n.bytes += bytes
	if v.seq-n.last.seq < markEvents || n.bytes < len(n.last.state) {
		return
	}
	n.last = mark{row: v.next, seq: v.seq, id: v.view.LastID(), state: v.view.Snapshot()}
	n.bytes = 0
	n.views.add(n.id, n.last)
}
