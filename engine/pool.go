package engine

import (
	"sync"

	"github.com/google/uuid"
)

// pool bounds the function calls of a node: in all, and for each function that has a bound of its own. Calls that wait
// have their turns by state machine, so that the fan-out of one does not starve the others.
type pool struct {
	run  func(*job)
	max  int
	full func() bool // no further calls begin: their results would wait in memory

	mu       sync.Mutex
	running  int
	held     int // calls that wait for their function
	draining bool
	waiting  fairQueue[uuid.UUID, *job]
	gates    map[functionKey]*gate
	empty    sync.Cond // told when running falls to 0
}

// gate bounds the calls of one function.
type gate struct {
	max     int
	running int
	waiting fairQueue[uuid.UUID, *job]
}

func newPool(size int, run func(*job), full func() bool) *pool {
	p := &pool{run: run, max: size, full: full, gates: map[functionKey]*gate{}}
	p.empty.L = &p.mu
	return p
}

// submit runs the job in a goroutine of its own as soon as there is room.
func (p *pool) submit(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit := j.function.config.MaxConcurrency; limit > 0 {
		g := p.gates[j.function.key]
		if g == nil {
			g = &gate{}
			p.gates[j.function.key] = g
		}
		g.max = limit
		j.gate = g
		if g.running >= g.max {
			p.held++
			g.waiting.push(j.x.row.Machine, j)
			return
		}
		g.running++
	}
	p.waiting.push(j.x.row.Machine, j)
	p.fill()
}

// fill starts waiting jobs while there is room. The caller holds the lock.
func (p *pool) fill() {
	for p.running < p.max && !p.draining && !p.full() {
		j, ok := p.waiting.pop()
		if !ok {
			return
		}
		p.running++
		go func() {
			defer p.finished(j)
			p.run(j)
		}()
	}
}

// finished makes the room of a job free for others.
func (p *pool) finished(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if g := j.gate; g != nil {
		g.running--
		for g.running < g.max {
			next, ok := g.waiting.pop()
			if !ok {
				break
			}
			p.held--
			g.running++
			p.waiting.push(next.x.row.Machine, next)
		}
		if g.running == 0 && g.waiting.size == 0 && p.gates[j.function.key] == g {
			delete(p.gates, j.function.key)
		}
	}
	p.fill()
	if p.running == 0 {
		p.empty.Broadcast()
	}
}

// resume begins what had to wait while the pool was full.
func (p *pool) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill()
}

// drain lets no further job begin.
func (p *pool) drain() {
	p.mu.Lock()
	p.draining = true
	p.mu.Unlock()
}

// idle waits until no job runs.
func (p *pool) idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.running > 0 {
		p.empty.Wait()
	}
}

func (p *pool) counts() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.waiting.size + p.held
}
