// Package access says who may do what, and keeps the audit: keys and their scopes, the principal of a request, and a record of
// each call that changes something. It knows neither HTTP nor SQL.
//
// A node has one [Control]. The faces of the engine (the native API, the AWS API) ask it who a request is from, put the [Principal]
// into the context, check it with [Principal.Require], and enclose what changes something in [Control.Begin] and [Call.End].
package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Config is what a Control is made of. Only Store is required.
type Config struct {
	Store Store
	// Open says that no keys are asked for, whatever there are: `tercel dev` on loopback. OpenAs is what callers are called
	// then; default Loopback.
	Open   bool
	OpenAs string
	// Exposed says that the port is reached from other machines: keys are asked for even if there are none.
	Exposed bool
	Logger  *slog.Logger
	Now     func() time.Time // default time.Now

	// Refresh is how often a node looks whether keys have changed, and so how long a key that was revoked at another node
	// goes on working; default 1 s.
	Refresh time.Duration
	// Stale is for how long keys that are known go on being accepted while the database is away; default 15 s.
	Stale time.Duration
	// AuditEvery is how often entries of the audit are written at most; default 100 ms. AuditQueue is how many may wait; default 10,000.
	AuditEvery time.Duration
	AuditQueue int
	// AuditRetention is for how long entries of the audit are kept; 0 means for ever.
	AuditRetention time.Duration
}

// Control says who may do what on one node, and keeps the audit. It is safe for concurrent use.
type Control struct {
	cfg        Config
	clusterKey []byte
	ring       *ring
	audit      *auditor
	stop       chan struct{}
	loops      sync.WaitGroup
}

// New makes a Control. Start starts it.
func New(cfg Config) *Control {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Refresh = cmp.Or(cfg.Refresh, time.Second)
	cfg.Stale = cmp.Or(cfg.Stale, 15*time.Second)
	cfg.AuditEvery = cmp.Or(cfg.AuditEvery, 100*time.Millisecond)
	cfg.AuditQueue = cmp.Or(cfg.AuditQueue, 10_000)
	cfg.OpenAs = cmp.Or(cfg.OpenAs, Loopback)
	return &Control{
		cfg: cfg, ring: newRing(cfg), audit: newAuditor(cfg), stop: make(chan struct{}),
	}
}

// Start reads the keys and starts the loops, which run until Close, whatever becomes of ctx.
func (c *Control) Start(ctx context.Context) error {
	key, err := c.cfg.Store.ClusterKey(ctx)
	if err != nil {
		return fmt.Errorf("getting the cluster's key: %w", err)
	}
	c.clusterKey = key
	if err := c.ring.refresh(ctx, true); err != nil {
		return err
	}
	c.loops.Go(func() { c.ring.run(c.stop) })
	c.loops.Go(func() { c.audit.run(c.stop) })
	if c.cfg.AuditRetention > 0 {
		c.loops.Go(func() { c.audit.forget(c.stop) })
	}
	return nil
}

// Close ends the loops and writes what is left of the audit. No Begin may follow, and each Call must have ended. ctx bounds how long it
// tries; an error tells how many entries are lost.
func (c *Control) Close(ctx context.Context) error {
	select {
	case <-c.stop:
		return nil
	default:
		close(c.stop)
	}
	c.loops.Wait()
	return errors.Join(c.audit.drain(ctx), c.ring.touch(ctx))
}

// Required tells whether requests must carry a key: if the port is reached from other machines, or a key was ever made.
func (c *Control) Required() bool {
	return !c.cfg.Open && (c.cfg.Exposed || c.ring.any())
}

// HasKeys tells whether a key was ever made in the cluster.
func (c *Control) HasKeys() bool { return c.ring.any() }

// Open tells whether no keys are asked for whatever there are, as by `tercel dev`.
func (c *Control) Open() bool { return c.cfg.Open }

// Authenticate tells who sends a secret. Where no keys are required, that is Local, whatever the secret is.
// The errors are *UnauthenticatedError and *UnavailableError. The principal may do nothing then: it is Nobody, or one with the name of
// a key that expired or was revoked, for the audit.
func (c *Control) Authenticate(ctx context.Context, secret string) (Principal, error) {
	if !c.Required() {
		p := Local()
		p.Name = c.cfg.OpenAs
		return p, nil
	}
	if secret == "" {
		return Nobody(), errMissing()
	}
	id, err := ParseSecret(secret)
	if err != nil {
		return Nobody(), err
	}
	key, err := c.ring.find(ctx, id)
	if err != nil {
		return Nobody(), err
	}
	if !key.Matches(secret) {
		return Nobody(), unknown(id)
	}
	return c.admit(key)
}

// Credentials gives the secret access key of a key and who uses it, for the verification of a Signature V4. The principal may be
// trusted only once the signature was found right. Errors are as of Authenticate; an expired or revoked key is told apart from an
// unknown one only in the message.
func (c *Control) Credentials(ctx context.Context, keyID string) (secret string, p Principal, err error) {
	key, err := c.ring.find(ctx, keyID)
	if err != nil {
		return "", Nobody(), err
	}
	if p, err = c.admit(key); err != nil {
		return "", Nobody(), err
	}
	return AWSSecret(c.clusterKey, key.ID), p, nil
}

// admit lets a key in whose secret was right.
func (c *Control) admit(key StoredKey) (Principal, error) {
	now := c.cfg.Now()
	if err := key.usable(now); err != nil {
		return Principal{Name: key.Name, KeyID: key.ID}, err
	}
	c.ring.used(key.ID, now)
	return key.Principal(), nil
}

func errMissing() error {
	return &UnauthenticatedError{ReasonMissing, "", "this server wants an access key, and the request carries none: send " +
		"`Authorization: Bearer tercel_...`; with the tercel command, set TERCEL_KEY or give --key. An administrator makes keys with " +
		"`tercel keys create`"}
}

func unknown(id string) error {
	return &UnauthenticatedError{ReasonUnknown, id, "there is no such key in this cluster, or its secret is another; " +
		"`tercel keys list` shows those there are"}
}

// NewKey asks for a key.
type NewKey struct {
	Name       string
	Scopes     []Scope
	Namespaces []string      // none: everywhere
	Expires    time.Duration // 0: never
	CreatedBy  string
}

// Created is a new key with its secrets. They are shown once; Tercel does not keep them.
type Created struct {
	Key

	Secret    string // for `Authorization: Bearer`
	AWSSecret string // the secret access key that goes with the ID
}

// Create makes a key. The errors are *InvalidError and those of the store.
func (c *Control) Create(ctx context.Context, n NewKey) (Created, error) {
	made, err := CreateKey(ctx, c.cfg.Store, n, c.cfg.Now())
	if err != nil {
		return Created{}, err
	}
	return made, c.ring.refresh(ctx, true)
}

// CreateKey makes a key in a store, without a Control: the first one of a cluster, for example.
func CreateKey(ctx context.Context, store Store, n NewKey, now time.Time) (Created, error) {
	key, err := n.check(now)
	if err != nil {
		return Created{}, err
	}
	clusterKey, err := store.ClusterKey(ctx)
	if err != nil {
		return Created{}, fmt.Errorf("getting the cluster's key: %w", err)
	}
	var secret string
	key.ID, secret = Generate()
	if err := store.InsertKey(ctx, StoredKey{Key: key, Hash: HashSecret(secret)}); err != nil {
		return Created{}, err
	}
	return Created{Key: key, Secret: secret, AWSSecret: AWSSecret(clusterKey, key.ID)}, nil
}

// Keys lists the keys, newest first.
func (c *Control) Keys(ctx context.Context) ([]Key, error) {
	stored, _, err := c.cfg.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(stored))
	for i, k := range stored {
		keys[i] = k.Key
	}
	return keys, nil
}

// Revoke ends a key. This node refuses it from now on, the others within Config.Refresh. Without such a key it gives ErrNotFound.
func (c *Control) Revoke(ctx context.Context, id string) (Key, error) {
	key, err := c.cfg.Store.RevokeKey(ctx, id)
	if err != nil {
		return Key{}, err
	}
	return key, c.ring.refresh(ctx, true)
}

// Audit lists entries of the audit, newest first. Those of the last 100 ms may be missing.
func (c *Control) Audit(ctx context.Context, filter AuditFilter) ([]Entry, error) {
	return c.cfg.Store.Audit(ctx, filter)
}

// newEntryID makes the id of an entry.
func newEntryID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil { // the system has no random numbers; nothing works then
		panic(err)
	}
	return id
}
