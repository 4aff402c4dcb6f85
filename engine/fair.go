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
	q.size--
	if l.head == len(l.items) {
		delete(q.items, key)
		return v, true
	}
	q.turns = append(q.turns, key)
	return v, true
}
