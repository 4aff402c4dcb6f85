package engine

import (
	"sync"
	"sync/atomic"
)

// backlog counts the bytes of the durable points that wait for a commit. Beyond a bound nothing further is decided and no
// function is called until a commit has made room: if the database is slow or away, memory does not pay for it.
type backlog struct {
	bytes  atomic.Int64
	most   int64
	resume func() // called when there is room again

	mu     sync.Mutex
	room   sync.Cond
	closed bool
}

func (b *backlog) init(most int, resume func()) {
	b.most, b.resume = int64(most), resume
	b.room.L = &b.mu
}

func (b *backlog) add(bytes int) { b.bytes.Add(int64(bytes)) }

func (b *backlog) remove(bytes int) {
	left := b.bytes.Add(-int64(bytes))
	if left >= b.most || left+int64(bytes) < b.most {
		return
	}
	b.mu.Lock()
	b.room.Broadcast()
	b.mu.Unlock()
	b.resume()
}

func (b *backlog) full() bool { return b.bytes.Load() >= b.most }

func (b *backlog) len() int { return int(b.bytes.Load()) }

// wait waits while it is full. Writers must never call it.
func (b *backlog) wait() {
	if !b.full() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.full() && !b.closed {
		b.room.Wait()
	}
}

// close lets nobody wait any more.
func (b *backlog) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.room.Broadcast()
}
