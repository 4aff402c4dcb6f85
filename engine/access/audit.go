package access

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// The bounds of the audit.
const (
	auditBatch   = 1000             // entries in one statement
	auditLimit   = 10 * time.Second // for one statement
	roomPatience = 5 * time.Second  // how long a call waits for room in the queue
	maxDenials   = 50               // calls that were not let in, recorded in a second
	forgetBatch  = 1000             // old entries deleted in one statement
	forgetEvery  = 10 * time.Minute // how often it is looked for them
	forgetPause  = 100 * time.Millisecond
	maxText      = 512 // bytes of each text of an entry
)

// auditor writes entries in batches, in the background: entries that come within 100 ms share a commit, and no call waits for it. So a
// node that dies loses what came within the last 100 ms; one that ends in order loses nothing. What does not fit into the queue is not
// dropped: calls wait for room, and are refused before they do anything if there is none.
type auditor struct {
	cfg  Config
	log  *slog.Logger
	room chan struct{} // one token for each entry that waits or will come

	denials denials
	mu      sync.Mutex
	waiting []Entry
}

// denials counts calls that were not let in.
type denials struct {
	mu      sync.Mutex
	second  int64 // that is counted
	seen    int   // within it
	dropped int   // not recorded, and not told yet
}

// take tells whether a denied call is to be recorded.
func (d *denials) take(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if second := now.Unix(); second != d.second {
		d.second, d.seen = second, 0
	}
	d.seen++
	if d.seen > maxDenials {
		d.dropped++
		return false
	}
	return true
}

// untold gives how many were not recorded since it was asked last.
func (d *denials) untold() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.dropped
	d.dropped = 0
	return n
}

func newAuditor(cfg Config) *auditor {
	return &auditor{cfg: cfg, log: cfg.Logger, room: make(chan struct{}, cfg.AuditQueue)}
}

// Call is a call that is under way and will be in the audit when it ends.
type Call struct {
	audit *auditor
	entry Entry
	once  sync.Once
}

// Begin announces a call that changes something, before it does. Principal and origin come from the context. It gives an
// *UnavailableError, and the call must not be carried out, if there is no room for its entry: the database has not taken any for long.
func (c *Control) Begin(ctx context.Context, action, namespace, resource string) (*Call, error) {
	p, ok := From(ctx)
	if !ok {
		p = Local()
	}
	from := OriginOf(ctx)
	call := &Call{audit: c.audit, entry: Entry{
		ID: newEntryID(), At: c.cfg.Now().UTC(), Actor: p.Name, KeyID: p.KeyID, Action: action, Namespace: namespace, Resource: resource,
		Address: from.Address, RequestID: from.RequestID,
	}}
	if err := c.audit.enter(ctx); err != nil {
		return nil, err
	}
	return call, nil
}

// Denied puts a call into the audit that was not let in, whether it would have changed something or not; outcome is the code of the
// error. Of more than some tens a second only the number is recorded, so that a flood of them neither fills the database nor keeps
// other calls from being recorded.
func (c *Control) Denied(ctx context.Context, action, namespace, resource, outcome string) {
	if !c.audit.denials.take(c.cfg.Now()) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel() // it does not wait for room
	if call, err := c.Begin(ctx, action, namespace, resource); err == nil {
		call.End(outcome)
	}
}

// WithCall puts a call into a context, for those who carry it out.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey, c)
}

// CallOf gives the call of a context, or nil, whose methods do nothing.
func CallOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey).(*Call)
	return c
}

// About says what a call turned out to be about, where that was not known when it began.
func (c *Call) About(namespace, resource string) {
	if c != nil {
		c.entry.Namespace, c.entry.Resource = namespace, resource
	}
}

// By says who makes a call that carries no key but proves itself otherwise, such as by a signed link.
func (c *Call) By(actor string) {
	if c != nil {
		c.entry.Actor = actor
	}
}

// End puts the call into the audit with its outcome: OutcomeOK, or the code of the error that the caller is given. Only the first counts.
func (c *Call) End(outcome string) {
	if c == nil {
		return
	}
	c.once.Do(func() {
		c.entry.Outcome = outcome
		c.audit.put(c.entry)
	})
}

// enter waits for room for an entry.
func (a *auditor) enter(ctx context.Context) error {
	select {
	case a.room <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(roomPatience)
	defer timer.Stop()
	select {
	case a.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &UnavailableError{"calls that change something are refused at present, because they cannot be recorded: the database " +
			"takes no entries of the audit. Try again"}
	}
}

// put queues an entry that has room.
func (a *auditor) put(e Entry) {
	for _, text := range []*string{&e.Actor, &e.KeyID, &e.Action, &e.Namespace, &e.Resource, &e.Address, &e.Outcome, &e.RequestID} {
		*text = clean(*text)
	}
	a.mu.Lock()
	a.waiting = append(a.waiting, e)
	a.mu.Unlock()
}

// clean makes a text fit for the database, which has no U+0000 and nothing that is not UTF-8, and bounds its length.
func clean(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// run writes entries until stop is closed.
func (a *auditor) run(stop <-chan struct{}) {
	ticker := time.NewTicker(a.cfg.AuditEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		if n := a.denials.untold(); n > 0 {
			a.log.Warn("calls without a right were refused and not put into the audit, because there are too many", "calls", n)
		}
		err := a.flush(context.Background())
		if err != nil && !failing {
			a.log.Error("the audit cannot be written; it is tried again, and calls that change something are refused when too many wait",
				"error", err, "waiting", a.count())
		}
		failing = err != nil
	}
}

func (a *auditor) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting)
}

// flush writes what waits. What was not written stays.
func (a *auditor) flush(ctx context.Context) error {
	for {
		a.mu.Lock()
		batch := a.waiting[:min(len(a.waiting), auditBatch)]
		a.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := a.write(ctx, batch); err != nil {
			return err
		}
		a.mu.Lock()
		if a.waiting = a.waiting[len(batch):]; len(a.waiting) == 0 {
			a.waiting = nil // what was written is not kept in memory
		}
		a.mu.Unlock()
		for range batch {
			<-a.room
		}
	}
}

func (a *auditor) write(ctx context.Context, batch []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	if err := a.cfg.Store.InsertAudit(ctx, batch); err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	return nil
}

// forget deletes entries that are older than they are kept, in small pieces, until stop is closed.
func (a *auditor) forget(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	for {
		rest := forgetEvery
		n, err := a.cfg.Store.DeleteAudit(ctx, a.cfg.Now().Add(-a.cfg.AuditRetention), forgetBatch)
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Warn("old entries of the audit could not be deleted", "error", err)
		case n == forgetBatch:
			rest = forgetPause
		}
		select {
		case <-stop:
			return
		case <-time.After(rest):
		}
	}
}

// drain writes what is left, and tries again until ctx ends.
func (a *auditor) drain(ctx context.Context) error {
	for {
		err := a.flush(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d entries of the audit are lost: %w", a.count(), err)
		case <-time.After(a.cfg.AuditEvery):
		}
	}
}
