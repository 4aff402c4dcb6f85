package engine

import (
	"context"
	"errors"
	"sync"
)

// turnstile bounds how much of a kind of work is under way, in pieces and in bytes. Who finds no room waits in line, in which
// each key has its turn. What waits costs the engine a few dozen bytes, whatever the work would cost.
type turnstile[K comparable] struct {
	closed func() error    // why nobody is let in any more, or nil
	ending <-chan struct{} // ends all waiting

	mu      sync.Mutex
	free    int // pieces
	weight  int // bytes that are under way
	most    int // bytes that may be; a single piece may be larger
	running int
	line    fairQueue[K, *entrant]
	left    int // those in line who wait no more
}

// entrant is somebody who waits in line.
type entrant struct {
	weight int
	in     chan struct{} // closed when it is let in
	gone   bool
}

func newTurnstile[K comparable](pieces, bytes int, closed func() error, ending <-chan struct{}) *turnstile[K] {
	return &turnstile[K]{free: pieces, most: bytes, closed: closed, ending: ending}
}

// enter waits for room for a piece of work of so many bytes. Who was let in without an error must leave.
func (g *turnstile[K]) enter(ctx context.Context, key K, weight int) error {
	g.mu.Lock()
	if g.line.size == g.left && g.fits(weight) {
		g.let(weight)
		g.mu.Unlock()
		return nil
	}
	w := &entrant{weight: weight, in: make(chan struct{})}
	g.line.push(key, w)
	g.mu.Unlock()
	var err error
	select {
	case <-w.in:
		if err = g.closed(); err != nil {
			g.leave(weight)
		}
		return err
	case <-ctx.Done():
		err = errors.Join(errorf(CodeServiceUnavailable, "the node has more to do than it may take on at a time; try again"), context.Cause(ctx))
	case <-g.ending:
		err = errStopping
	}
	g.abandon(w)
	return err
}

// leave makes room for others.
func (g *turnstile[K]) leave(weight int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free++
	g.running--
	g.weight -= weight
	g.admit()
}

func (g *turnstile[K]) fits(weight int) bool {
	return g.free > 0 && (g.weight+weight <= g.most || g.running == 0)
}

func (g *turnstile[K]) let(weight int) {
	g.free--
	g.running++
	g.weight += weight
}

// admit lets in who waits, as far as there is room. The caller holds the lock.
func (g *turnstile[K]) admit() {
	for {
		next, ok := g.line.peek()
		switch {
		case !ok:
			return
		case next.gone:
			g.left--
		case !g.fits(next.weight):
			return
		default:
			g.let(next.weight)
			close(next.in)
		}
		g.line.pop()
	}
}

// abandon takes somebody out of the line, or out of what has entered, if it was let in just now.
func (g *turnstile[K]) abandon(w *entrant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.in:
		g.free++
		g.running--
		g.weight -= w.weight
		g.admit()
		return
	default:
	}
	w.gone = true
	g.left++
	if g.left > 64 && g.left*2 > g.line.size { // callers that give up again and again do not make it grow
		g.line.keep(func(w *entrant) bool { return !w.gone })
		g.left = 0
	}
	g.admit() // a smaller piece may have waited behind it
}

// counts tells how many pieces are under way, and how many wait in line.
func (g *turnstile[K]) counts() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.line.size - g.left
}
