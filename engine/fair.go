package engine

// fairQueue is a queue in which each key has its turn: one that has put in ten thousand items does not keep another's
// single item waiting for more than one round. Not safe for concurrent use.
type fairQueue[K comparable, V any] struct {
	items map[K]*lane[V]
	turns []K // the keys that have items, the next one first
	head  int // of turns
	size  int
}

// lane is the items of one key, in order.
type lane[V any] struct {
	items []V
	head  int
}

func (q *fairQueue[K, V]) push(key K, v V) {
	if q.items == nil {
		q.items = map[K]*lane[V]{}
	}
	l := q.items[key]
	if l == nil {
		l = &lane[V]{}
		q.items[key] = l
		q.turns = append(q.turns, key)
	}
	l.items = append(l.items, v)
	q.size++
}

func (q *fairQueue[K, V]) pop() (v V, ok bool) {
	if q.size == 0 {
		return v, false
	}
	key := q.turns[q.head]
	q.head++
	if q.head > 64 && q.head*2 > len(q.turns) {
		q.turns = append(q.turns[:0], q.turns[q.head:]...)
		q.head = 0
	}
	l := q.items[key]
	var zero V
	v, l.items[l.head] = l.items[l.head], zero
	l.head++
	if l.head > 64 && l.head*2 > len(l.items) { // a lane that is never empty does not keep the room of what has left it
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, l.head = l.items[:n], 0
	}
	q.size--
	if l.head == len(l.items) {
		delete(q.items, key)
		return v, true
	}
	q.turns = append(q.turns, key)
	return v, true
}

// peek gives what pop would.
func (q *fairQueue[K, V]) peek() (v V, ok bool) {
	if q.size == 0 {
		return v, false
	}
	l := q.items[q.turns[q.head]]
	return l.items[l.head], true
}

// keep drops what is not wanted any more, and the memory that it took.
func (q *fairQueue[K, V]) keep(wanted func(V) bool) {
	old := *q
	*q = fairQueue[K, V]{}
	for _, key := range old.turns[old.head:] {
		l := old.items[key]
		for _, v := range l.items[l.head:] {
			if wanted(v) {
				q.push(key, v)
			}
		}
	}
}
