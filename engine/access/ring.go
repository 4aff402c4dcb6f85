package access

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of what a ring asks of the database.
const (
	askLimit   = 5 * time.Second        // for one look
	unknownGap = 100 * time.Millisecond // between looks for keys that are not known
	touchEvery = 10 * time.Second       // how often the last use of keys is noted
)

// ring is a node's copy of all keys. A loop looks each second whether they have changed, so that no request waits for the
// database. A key that is not in it may have been made at another node just now: then the database is asked, but not more often than
// each 100 ms, so that made-up keys cannot flood it.
type ring struct {
	cfg Config
	log *slog.Logger

	known  atomic.Pointer[keySet]
	asking sync.Mutex // held while the database is asked

	mu      sync.Mutex
	lastUse map[string]time.Time // not noted yet
	noted   time.Time
}

// keySet is all keys at one moment.
type keySet struct {
	keys    map[string]StoredKey
	version int64
	at      time.Time // when the database was asked that said so
}

func newRing(cfg Config) *ring {
	return &ring{cfg: cfg, log: cfg.Logger, lastUse: map[string]time.Time{}}
}

// any tells whether a key was ever made.
func (r *ring) any() bool {
	known := r.known.Load()
	return known == nil || len(known.keys) > 0
}

// find gives a key by its id.
func (r *ring) find(ctx context.Context, id string) (StoredKey, error) {
	asked := r.cfg.Now()
	known := r.known.Load()
	if key, ok := known.find(id); ok && asked.Sub(known.at) < r.cfg.Stale {
		return key, nil
	}
	if err := r.look(ctx, asked); err != nil {
		return StoredKey{}, err
	}
	known = r.known.Load()
	key, ok := known.find(id)
	switch {
	case r.cfg.Now().Sub(known.at) >= r.cfg.Stale:
		return StoredKey{}, &UnavailableError{"keys cannot be checked at present: the database is away. Try again"}
	case !ok:
		return StoredKey{}, unknown(id)
	}
	return key, nil
}

func (s *keySet) find(id string) (StoredKey, bool) {
	if s == nil {
		return StoredKey{}, false
	}
	key, ok := s.keys[id]
	return key, ok
}

// look asks the database whether keys have changed since a time, unless that was asked for just now.
func (r *ring) look(ctx context.Context, since time.Time) error {
	r.asking.Lock()
	defer r.asking.Unlock()
	if known := r.known.Load(); known != nil && since.Sub(known.at) < unknownGap {
		return nil
	}
	err := r.ask(ctx, false)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &UnavailableError{"keys cannot be checked at present: the database does not answer. Try again"}
	}
	return nil
}

// refresh brings the copy up to date. With anew it reads all keys, whatever the version is.
func (r *ring) refresh(ctx context.Context, anew bool) error {
	r.asking.Lock()
	defer r.asking.Unlock()
	return r.ask(ctx, anew)
}

func (r *ring) ask(ctx context.Context, anew bool) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	at := r.cfg.Now()
	known := r.known.Load()
	if known != nil && !anew {
		version, err := r.cfg.Store.KeysVersion(ctx)
		if err != nil {
			return fmt.Errorf("looking for changes of keys: %w", err)
		}
		if version == known.version {
			r.known.Store(&keySet{known.keys, version, at})
			return nil
		}
	}
	list, version, err := r.cfg.Store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reading the keys: %w", err)
	}
	set := &keySet{make(map[string]StoredKey, len(list)), version, at}
	for _, k := range list {
		set.keys[k.ID] = k
	}
	r.known.Store(set)
	return nil
}

// run keeps the copy up to date until stop is closed.
func (r *ring) run(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	ticker := time.NewTicker(r.cfg.Refresh)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		err := r.refresh(ctx, false)
		if err == nil {
			err = r.noteUse(ctx)
		}
		if err != nil && !failing && ctx.Err() == nil {
			r.log.Warn("keys cannot be looked after; those that are known go on working for a while", "error", err, "while", r.cfg.Stale)
		}
		failing = err != nil
	}
}

// used remembers when a key was used.
func (r *ring) used(id string, at time.Time) {
	r.mu.Lock()
	r.lastUse[id] = at
	r.mu.Unlock()
}

// noteUse stores when keys were used, now and then.
func (r *ring) noteUse(ctx context.Context) error {
	now := r.cfg.Now()
	r.mu.Lock()
	due := now.Sub(r.noted) >= touchEvery
	if due {
		r.noted = now
	}
	r.mu.Unlock()
	if !due {
		return nil
	}
	return r.touch(ctx)
}

// touch stores when keys were used.
func (r *ring) touch(ctx context.Context) error {
	r.mu.Lock()
	used := maps.Clone(r.lastUse)
	clear(r.lastUse)
	r.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	if err := r.cfg.Store.TouchKeys(ctx, used); err != nil {
		return fmt.Errorf("noting the use of keys: %w", err)
	}
	return nil
}
