package engine

import (
	"time"

	"github.com/google/uuid"
)

// SetClock gives the decisions of an engine another clock.
func (c *Config) SetClock(now func() time.Time) { c.clock = now }

// Kill ends the engine as a crash does.
func (e *Engine) Kill() { e.kill() }

// StopRenewing makes the node lose its lease without knowing it.
func (e *Engine) StopRenewing() { e.leaseLoop.stop() }

// RenewNow lets the node look after its lease, as its loop would.
func (e *Engine) RenewNow() error {
	_, err := e.renew(e.writing)
	return err
}

// IsLive tells whether an execution is in the node's memory.
func (e *Engine) IsLive(id uuid.UUID) bool { return e.lives.get(id) != nil }

// Poison makes the next decision of an execution panic.
func (e *Engine) Poison(id uuid.UUID) bool {
	x := e.lives.get(id)
	if x == nil {
		return false
	}
	x.run = nil
	return true
}

// WaitingWorkers counts the workers that wait for tasks of activities on this node.
func (e *Engine) WaitingWorkers() int {
	n := 0
	for _, d := range e.activities.demand() {
		n += d.Workers
	}
	return n
}

// Marks tells how many places in histories the node has noted, and their size.
func (e *Engine) Marks() (n, bytes int) {
	e.views.mu.Lock()
	defer e.views.mu.Unlock()
	for el := e.views.order.Front(); el != nil; el = el.Next() {
		n += len(el.Value.(*marks).list)
	}
	return n, e.views.bytes
}

// Holdings is what a node holds in memory, in pieces.
type Holdings struct {
	Lives, Flights, Aside, Listeners, Timers, Writes, Reads, Runnable, Calls, Gates, Starting, Machines int
}

// Holds counts what the node holds.
func (e *Engine) Holds() Holdings {
	h := Holdings{Lives: e.lives.len(), Writes: e.writes.len(), Reads: e.reads.len(), Runnable: e.runnable.len()}
	e.flights.mu.Lock()
	h.Flights = len(e.flights.pending)
	e.flights.mu.Unlock()
	e.aside.Range(func(any, any) bool { h.Aside++; return true })
	e.hub.mu.Lock()
	h.Listeners = len(e.hub.cells)
	e.hub.mu.Unlock()
	e.timers.mu.Lock()
	h.Timers = len(e.timers.heap)
	e.timers.mu.Unlock()
	running, waiting := e.pool.counts()
	h.Calls = running + waiting
	e.pool.mu.Lock()
	h.Gates = len(e.pool.gates)
	e.pool.mu.Unlock()
	running, waiting = e.starts.counts()
	h.Starting = running + waiting
	e.machines.mu.Lock()
	h.Machines = len(e.machines.entries)
	e.machines.mu.Unlock()
	return h
}
