package engine

import "sync"

// queue is an unbounded queue of work for a few goroutines. What is in it is bounded by who fills it: an execution is in
// the runners' queue once at most, and has one durable point under way at most.
type queue[T any] struct {
	mu     sync.Mutex
	ready  sync.Cond
	items  []T
	head   int
	closed bool
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{}
	q.ready.L = &q.mu
	return q
}

func (q *queue[T]) push(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.ready.Signal()
}

func (q *queue[T]) pushAll(items []T) {
	q.mu.Lock()
	q.items = append(q.items, items...)
	q.mu.Unlock()
	q.ready.Broadcast()
}

// pop waits for an item; it gives false once the queue is closed, however much is in it.
func (q *queue[T]) pop() (item T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == len(q.items) && !q.closed {
		q.ready.Wait()
	}
	if q.closed {
		return item, false
	}
	return q.shift(), true
}

// popBatch waits for an item and gives it with those behind it, as long as more says so of the batch with the next item.
func (q *queue[T]) popBatch(more func(batch []T, next T) bool) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == len(q.items) && !q.closed {
		q.ready.Wait()
	}
	if q.closed {
		return nil
	}
	batch := []T{q.shift()}
	for q.head < len(q.items) && more(batch, q.items[q.head]) {
		batch = append(batch, q.shift())
	}
	return batch
}

// shift takes the first item. The caller holds the lock and knows that there is one.
func (q *queue[T]) shift() T {
	var zero T
	item := q.items[q.head]
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > 4096 { // a burst does not hold its memory for ever
			q.items = nil
		}
	} else if q.head > 1024 && q.head*2 > len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return item
}

func (q *queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) - q.head
}

// close makes all pops give up.
func (q *queue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.ready.Broadcast()
}
