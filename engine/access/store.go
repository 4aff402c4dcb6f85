package access

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Store keeps keys and the audit. Package store implements it on Postgres.
type Store interface {
	// InsertKey stores a new key.
	InsertKey(ctx context.Context, key StoredKey) error
	// Keys gives all keys, newest first, the revoked and the expired included, and the version that they are.
	Keys(ctx context.Context) (keys []StoredKey, version int64, err error)
	// KeysVersion grows with every key that is made or revoked.
	KeysVersion(ctx context.Context) (int64, error)
	// RevokeKey revokes a key for good, by the database's clock. One that was revoked before keeps its time.
	// It gives ErrNotFound if there is none of that id.
	RevokeKey(ctx context.Context, id string) (Key, error)
	// TouchKeys notes when keys were used last, where that is later than what is noted.
	TouchKeys(ctx context.Context, used map[string]time.Time) error
	// ClusterKey gives the 32 random bytes that all nodes share.
	ClusterKey(ctx context.Context) ([]byte, error)

	// InsertAudit stores entries, all or none. Entries whose id is stored already are passed over, so that it may be tried again.
	InsertAudit(ctx context.Context, entries []Entry) error
	// Audit lists entries, newest first.
	Audit(ctx context.Context, filter AuditFilter) ([]Entry, error)
	// DeleteAudit deletes at most limit entries that are older than a time, oldest first, and tells how many it deleted.
	DeleteAudit(ctx context.Context, before time.Time, limit int) (int, error)
}

// Entry is one call as the audit has it.
type Entry struct {
	ID        uuid.UUID // ordered by time
	At        time.Time
	Actor     string // name of the principal
	KeyID     string // "" without a key
	Action    string // such as StartExecution
	Namespace string // "" for what is the cluster's
	Resource  string // such as state-machine/order; "" if it is not known
	Address   string // of the caller
	Outcome   string // OutcomeOK, or the code of the error that the caller was given
	RequestID string
}

// OutcomeOK is the outcome of a call that did what it was asked for.
const OutcomeOK = "ok"

// AuditFilter chooses entries. Zero fields choose all.
type AuditFilter struct {
	Since, Until time.Time
	Actor        string // a name or the id of a key
	Action       string
	After        uuid.UUID // the last of the page before
	Limit        int       // at most this many; 0 means 100
}
