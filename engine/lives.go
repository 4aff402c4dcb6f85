package engine

import (
	"sync"

	"github.com/google/uuid"
)

// lives is the set of executions in memory.
type lives struct {
	mu  sync.RWMutex
	set map[uuid.UUID]*live
}

func (l *lives) get(id uuid.UUID) *live {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.set[id]
}

// add enters an execution.
func (l *lives) add(x *live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set[x.row.ID] = x
}

// enter enters an execution that was claimed. It takes the place of its former self, which may still be on its way out.
// But a former self that is unowned stays, inherits, and is given.
func (l *lives) enter(x *live, heir func()) (former *live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if former := l.set[x.row.ID]; former != nil && former.inherit(heir) {
		return former
	}
	l.set[x.row.ID] = x
	return nil
}

func (l *lives) remove(x *live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set[x.row.ID] == x {
		delete(l.set, x.row.ID)
	}
}

func (l *lives) len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.set)
}

func (l *lives) all() []*live {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := make([]*live, 0, len(l.set))
	for _, x := range l.set {
		list = append(list, x)
	}
	return list
}

// claim enters an execution unless it is there already.
func (l *lives) claim(x *live) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set[x.row.ID] != nil {
		return false
	}
	l.set[x.row.ID] = x
	return true
}
