package access_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// faulty is a store that can be told to fail, and counts what it is asked.
type faulty struct {
	*store.Store

	away  atomic.Bool
	asked atomic.Int64
}

var errAway = errors.New("the database is away")

func (f *faulty) KeysVersion(ctx context.Context) (int64, error) {
	f.asked.Add(1)
	if f.away.Load() {
		return 0, errAway
	}
	return f.Store.KeysVersion(ctx)
}

func (f *faulty) InsertAudit(ctx context.Context, entries []access.Entry) error {
	if f.away.Load() {
		return errAway
	}
	return f.Store.InsertAudit(ctx, entries)
}

// start gives a control on a store of the test's own. It is closed by the test, or at its end.
func start(t *testing.T, st access.Store, config access.Config) *access.Control {
	t.Helper()
	config.Store = st
	c := access.New(config)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func makeKey(t *testing.T, c *access.Control, n access.NewKey) access.Created {
	t.Helper()
	if n.Name == "" {
		n.Name = "test"
	}
	if n.Scopes == nil {
		n.Scopes = []access.Scope{access.Read}
	}
	made, err := c.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func reason(err error) access.Reason {
	if refused, ok := errors.AsType[*access.UnauthenticatedError](err); ok {
		return refused.Reason
	}
	return ""
}

// TestWhenKeysAreRequired holds the rule of when a server asks for keys.
func TestWhenKeysAreRequired(t *testing.T) {
	st := storetest.Open(t)
	loopback := start(t, st, access.Config{Refresh: time.Millisecond})
	exposed := start(t, st, access.Config{Exposed: true})
	dev := start(t, st, access.Config{Open: true, OpenAs: "somebody"})
	if loopback.Required() || loopback.HasKeys() || !exposed.Required() || dev.Required() {
		t.Error("without keys, only the exposed one must ask")
	}
	p, err := loopback.Authenticate(t.Context(), "")
	if err != nil || p.Name != access.Loopback || p.Require(access.Admin, "") != nil {
		t.Errorf("on loopback without keys: %+v, %v", p, err)
	}
	if p, err := exposed.Authenticate(t.Context(), ""); reason(err) != access.ReasonMissing || len(p.Scopes) > 0 {
		t.Errorf("exposed: %+v, %v", p, err)
	}
	made := makeKey(t, exposed, access.NewKey{}) // elsewhere
	for deadline := time.Now().Add(patience); !loopback.Required(); {
		if time.Now().After(deadline) {
			t.Fatal("a key that was made at another node is not seen")
		}
	}
	if _, err := exposed.Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	// A server does not open when its last key is revoked.
	for deadline := time.Now().Add(patience); ; {
		_, err := loopback.Authenticate(t.Context(), made.Secret)
		if reason(err) == access.ReasonRevoked {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a key that was revoked at another node: %v", err)
		}
	}
	if !loopback.Required() || dev.Required() {
		t.Error("what is required has changed with a revocation")
	}
	if p, err := dev.Authenticate(t.Context(), "nonsense"); err != nil || p.Name != "somebody" {
		t.Errorf("open: %+v, %v", p, err)
	}
}

// TestForgedKeys tries 1,000 keys of the right form, and alters each character of a good one. None is accepted, and they do not
// become as many questions to the database.
func TestForgedKeys(t *testing.T) {
	st := &faulty{Store: storetest.Open(t)}
	c := start(t, st, access.Config{Refresh: time.Hour})
	good := makeKey(t, c, access.NewKey{})
	began, before := time.Now(), st.asked.Load()
	for range 1000 {
		_, secret := access.Generate()
		if p, err := c.Authenticate(t.Context(), secret); reason(err) != access.ReasonUnknown || len(p.Scopes) > 0 || p.KeyID != "" {
			t.Fatalf("%s: %+v, %v", secret, p, err)
		}
	}
	if asked, most := st.asked.Load()-before, 2+time.Since(began).Milliseconds()/100; asked > most {
		t.Errorf("1,000 forged keys asked the database %d times in %s", asked, time.Since(began))
	}
	for i := range good.Secret {
		for _, c2 := range []byte("aA2z7_ ") {
			forged := []byte(good.Secret)
			if forged[i] == c2 {
				continue
			}
			forged[i] = c2
			if _, err := c.Authenticate(t.Context(), string(forged)); reason(err) != access.ReasonMalformed {
				t.Fatalf("%s: %v", forged, err)
			}
		}
	}
	// The right id with another secret: forged with a proper checksum.
	if _, err := c.Authenticate(t.Context(), graft(t, good.Secret)); reason(err) != access.ReasonUnknown {
		t.Errorf("the id of a key with another secret: %v", err)
	}
	if p, err := c.Authenticate(t.Context(), good.Secret); err != nil || p.KeyID != good.ID {
		t.Errorf("the key itself: %+v, %v", p, err)
	}
}

// graft gives a secret with the id of another and a checksum that fits.
func graft(t *testing.T, secret string) string {
	t.Helper()
	const idEnds, bodyEnds = len(access.SecretPrefix) + 16, len(access.SecretPrefix) + 48
	_, other := access.Generate()
	return access.WithChecksum(secret[:idEnds] + other[idEnds:bodyEnds])
}

// TestDatabaseAway checks for how long keys work without the database.
func TestDatabaseAway(t *testing.T) {
	st := &faulty{Store: storetest.Open(t)}
	now := atomic.Int64{}
	now.Store(time.Now().UnixNano())
	c := start(t, st, access.Config{Refresh: time.Hour, Now: func() time.Time { return time.Unix(0, now.Load()) }})
	made := makeKey(t, c, access.NewKey{})
	st.away.Store(true)
	now.Add(int64(14 * time.Second))
	if _, err := c.Authenticate(t.Context(), made.Secret); err != nil {
		t.Errorf("after 14 s: %v", err)
	}
	now.Add(int64(2 * time.Second))
	var unavailable *access.UnavailableError
	if _, err := c.Authenticate(t.Context(), made.Secret); !errors.As(err, &unavailable) {
		t.Errorf("after 16 s: %v", err)
	}
	st.away.Store(false)
	if _, err := c.Authenticate(t.Context(), made.Secret); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// TestLastUse checks that the use of a key is noted, at the latest at the end.
func TestLastUse(t *testing.T) {
	st := storetest.Open(t)
	c := start(t, st, access.Config{})
	made := makeKey(t, c, access.NewKey{Namespaces: []string{"shop"}, Expires: time.Hour, CreatedBy: "me"})
	if _, err := c.Authenticate(t.Context(), made.Secret); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := c.Keys(t.Context())
	if err != nil || len(keys) != 1 {
		t.Fatalf("%+v, %v", keys, err)
	}
	k := keys[0]
	if k.LastUsedAt.IsZero() || k.ID != made.ID || k.CreatedBy != "me" || !k.ExpiresAt.Equal(made.ExpiresAt) || k.Namespaces[0] != "shop" {
		t.Errorf("stored as %+v", k)
	}
}

// TestSecrets checks the form of what is made, and that clusters give other secret access keys.
func TestSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id, secret := access.Generate()
		if got, err := access.ParseSecret(secret); err != nil || got != id || len(id) != 20 || seen[id] || !strings.HasPrefix(id, "TKIA") {
			t.Fatalf("%s %s: %s, %v", id, secret, got, err)
		}
		seen[id] = true
	}
	a, b := access.AWSSecret(make([]byte, 32), "TKIAX"), access.AWSSecret([]byte("another"), "TKIAX")
	if a == b || len(a) != 40 || a == access.AWSSecret(make([]byte, 32), "TKIAY") || a != access.AWSSecret(make([]byte, 32), "TKIAX") {
		t.Errorf("%s and %s", a, b)
	}
	for _, bad := range []string{"", "tercel_", "tercel", strings.Repeat("x", 62), "tercel_" + strings.Repeat("\xff", 55)} {
		if _, err := access.ParseSecret(bad); reason(err) != access.ReasonMalformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRequire checks scopes and namespaces against each other.
func TestRequire(t *testing.T) {
	for _, scope := range access.AllScopes() {
		for _, has := range access.AllScopes() {
			err := access.Principal{Name: "k", KeyID: "TKIA", Scopes: []access.Scope{has}}.Require(scope, "shop")
			if allowed := has == scope || has == access.Admin; (err == nil) != allowed {
				t.Errorf("%s with %s: %v", scope, has, err)
			}
		}
	}
	bound := access.Principal{Name: "k", Scopes: []access.Scope{access.Read}, Namespaces: []string{"shop"}}
	if bound.Require(access.Read, "shop") != nil || bound.Require(access.Read, "bank") == nil || bound.Require(access.Read, "") == nil ||
		bound.Home() != "shop" || access.Local().Home() != "" || access.Nobody().Require(access.Read, "shop") == nil {
		t.Error("a key for one namespace")
	}
}
