package engine

import (
	"sync"

	"github.com/google/uuid"
)

// flights lets one caller at a time look for an execution; the others wait for what it finds.
type flights struct {
	mu      sync.Mutex
	pending map[uuid.UUID]chan struct{}
}

// join makes the caller the one who looks, who must call land in the end, or gives a channel that tells when to look
// into memory again.
func (f *flights) join(id uuid.UUID) (leader bool, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ch, ok := f.pending[id]; ok {
		return false, ch
	}
	f.pending[id] = make(chan struct{})
	return true, nil
}

func (f *flights) land(id uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.pending[id])
	delete(f.pending, id)
}
