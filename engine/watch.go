package engine

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/google/uuid"
)

// watchRows is how many history rows one update holds at most.
const watchRows = 500

// hub tells those who watch an execution that something was committed for it here.
type hub struct {
	mu    sync.Mutex
	cells map[uuid.UUID]map[chan struct{}]struct{}
}

// listen gives a channel that gets a token after each commit; tokens that nobody takes merge into one.
func (h *hub) listen(id uuid.UUID) (news <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells[id] == nil {
		h.cells[id] = map[chan struct{}]struct{}{}
	}
	h.cells[id][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.cells[id], ch)
		if len(h.cells[id]) == 0 {
			delete(h.cells, id)
		}
	}
}

func (h *hub) notify(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.cells[id] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Watch gives the history rows from seq from on (0: all) as they are committed, until the execution has ended, ctx
// ends, or the caller breaks off. The last update has the execution's end. The first update comes at once. Commits of
// this node are told at once, those of others within Config.Poll.
func (e *Engine) Watch(ctx context.Context, id uuid.UUID, from int64) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		news, stop := e.hub.listen(id)
		defer stop()
		for first := true; ; {
			// The execution is read before its rows, so that an end that is told comes with all rows.
			x, err := e.byID(ctx, id)
			if err != nil {
				yield(Update{}, err)
				return
			}
			rows, err := e.cfg.Store.History(ctx, id, from, watchRows)
			if err != nil {
				yield(Update{}, asked(err))
				return
			}
			if len(rows) > 0 {
				from = rows[len(rows)-1].Seq + 1
			}
			full := len(rows) == watchRows
			over := x.Status != Running && !full
			if (first || over || len(rows) > 0) && !yield(Update{Execution: x, Rows: rows}, nil) {
				return
			}
			first = false
			if over {
				return
			}
			if !full && !e.await(ctx, id, news) {
				yield(Update{}, context.Cause(ctx))
				return
			}
		}
	}
}

// await waits for news. Those of executions in this memory come by themselves; for others it looks every Config.Poll. It
// gives false when ctx has ended.
func (e *Engine) await(ctx context.Context, id uuid.UUID, news <-chan struct{}) bool {
	rest := e.cfg.Poll
	if e.lives.get(id) != nil {
		rest *= 30 // it is told when the execution leaves
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
