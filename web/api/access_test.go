package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// open are the routes that need no key, as probes and readers of the document use them. Those that prove a right otherwise, by a
// signed link for example, are added with the test that forges it.
var open = map[string]bool{"GET /healthz": true, "GET /readyz": true, "GET /openapi.json": true}

// exposed gives a server that other machines reach.
func exposed(t testing.TB) *server {
	return newServerWith(t, access.Config{Exposed: true, Refresh: 10 * time.Millisecond})
}

// key makes a key and gives the header that carries it.
func (s *server) key(n access.NewKey) []string {
	s.t.Helper()
	if n.Name == "" {
		n.Name = access.JoinScopes(n.Scopes)
	}
	made, err := s.access.Create(s.t.Context(), n)
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + made.Secret}
}

// eachRoute calls f with the method and the pattern of each route, and with a path that fits it.
func (s *server) eachRoute(f func(method, route, path string)) {
	s.t.Helper()
	err := chi.Walk(s.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route = strings.TrimPrefix(route, "/api/v1")
		path := strings.NewReplacer("{name}", "nothing", "{id}", "nothing%2Fnowhere").Replace(route)
		if at := strings.IndexByte(path, '{'); at >= 0 { // another parameter
			path = path[:at] + "x" + path[at+strings.IndexByte(path[at:], '}')+1:]
		}
		if strings.HasSuffix(route, "/poll") { // there may be something to wait for: chi walks the methods of a route in any order
			path += "?timeout=0s"
		}
		f(method, route, path)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestEveryRouteAsksForAKey calls every route without a key, with keys of each scope, and with the right scope elsewhere.
func TestEveryRouteAsksForAKey(t *testing.T) {
	s := exposed(t)
	keys := map[access.Scope][]string{}
	for _, scope := range access.AllScopes() {
		keys[scope] = s.key(access.NewKey{Scopes: []access.Scope{scope}})
	}
	elsewhere := s.key(access.NewKey{
		Name: "elsewhere", Scopes: []access.Scope{access.Read, access.Run, access.Decide, access.Deploy}, Namespaces: []string{"shop"},
	})
	scopes := s.scopes()
	s.eachRoute(func(method, route, path string) {
		if open[method+" "+route] {
			if a := s.do(method, path, ""); a.status != http.StatusOK {
				t.Errorf("%s %s: status %d without a key", method, path, a.status)
			}
			return
		}
		needs, documented := scopes[method+" "+route]
		if !documented {
			t.Errorf("the document does not say which scope %s %s needs", method, route)
		}
		a := s.do(method, path, "")
		if a.status != http.StatusUnauthorized || a.problem(t).Code != "Unauthenticated" || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s without a key: %d %s", method, path, a.status, a.body)
		}
		for scope, header := range keys {
			a := s.do(method, path, "", header...)
			refused := a.status == http.StatusForbidden || a.status == http.StatusUnauthorized
			if allowed := scope == needs || scope == access.Admin; refused == allowed || a.status >= 500 {
				t.Errorf("%s %s with a key for %s: %d %s", method, path, scope, a.status, a.body)
			}
			if refused && !strings.Contains(a.problem(t).Message, "the scope "+string(needs)) {
				t.Errorf("%s %s: %s does not name the scope %s", method, path, a.body, needs)
			}
		}
		if a := s.do(method, path, "", append(elsewhere, "Tercel-Namespace", "other")...); a.status != http.StatusForbidden {
			t.Errorf("%s %s in another namespace: %d %s", method, path, a.status, a.body)
		}
	})
}

// scopes reads from the OpenAPI document which scope each operation needs.
func (s *server) scopes() map[string]access.Scope {
	s.t.Helper()
	var doc struct{ Paths map[string]map[string]any }
	s.must(http.StatusOK, &doc, "GET", "/openapi.json", "")
	found := map[string]access.Scope{}
	for path, item := range doc.Paths {
		for method, operation := range item {
			if members, ok := operation.(map[string]any); ok {
				if scope, ok := members["x-scope"].(string); ok {
					found[strings.ToUpper(method)+" "+path] = access.Scope(scope)
				}
			}
		}
	}
	return found
}

// TestBadKeys tries what is no good key.
func TestBadKeys(t *testing.T) {
	s := exposed(t)
	good := s.key(access.NewKey{Scopes: []access.Scope{access.Read}})[1]
	expiring, err := s.access.Create(t.Context(), access.NewKey{Name: "brief", Scopes: []access.Scope{access.Read}, Expires: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := s.access.Create(t.Context(), access.NewKey{Name: "gone", Scopes: []access.Scope{access.Read}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.access.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	for time.Now().Before(expiring.ExpiresAt) {
	}
	_, unknown := access.Generate()
	for header, says := range map[string]string{
		"Bearer " + expiring.Secret:      "expired",
		"Bearer " + revoked.Secret:       "was revoked",
		"Bearer " + unknown:              "there is no such key",
		good[:len(good)-1]:               "characters",
		good[:20] + "7" + good[21:]:      "typo",
		"Bearer ghp_0123456789abcdef":    "begin with tercel_",
		"Basic " + good[len("Bearer "):]: "carries none",
		"Bearer":                         "carries none",
	} {
		a := s.do("GET", "/executions", "", "Authorization", header)
		if a.status != http.StatusUnauthorized || !strings.Contains(a.problem(t).Message, says) {
			t.Errorf("%s: %d %s; want %q", header, a.status, a.body, says)
		}
	}
	s.must(http.StatusOK, nil, "GET", "/executions", "", "Authorization", good)
	s.must(http.StatusOK, nil, "GET", "/executions", "", "Authorization", strings.Replace(good, "Bearer", "bearer", 1))
}

// TestNamespacesOfKeys checks that a key for one namespace works there by itself and nowhere else.
func TestNamespacesOfKeys(t *testing.T) {
	s := exposed(t)
	all := []access.Scope{access.Read, access.Run, access.Deploy}
	shop := s.key(access.NewKey{Name: "shop", Scopes: all, Namespaces: []string{"shop"}})
	bank := s.key(access.NewKey{Name: "bank", Scopes: all, Namespaces: []string{"bank", "vault"}})
	var m wire.DeployResult
	s.must(http.StatusCreated, &m, "PUT", "/state-machines/wait", waitMachine, shop...)
	if m.StateMachine.Namespace != "shop" {
		t.Errorf("deployed into %q", m.StateMachine.Namespace)
	}
	var started wire.Started
	s.must(http.StatusCreated, &started, "POST", "/state-machines/wait/executions", "", shop...)
	for _, path := range []string{"", "/history", "/wait?timeout=0s", "/events"} {
		if a := s.do("GET", "/executions/"+started.ID+path, "", append(bank, "Tercel-Namespace", "bank")...); a.status != http.StatusNotFound {
			t.Errorf("%s of another namespace's execution: %d %s", path, a.status, a.body)
		}
	}
	s.must(http.StatusNotFound, nil, "POST", "/executions/"+started.ID+"/stop", "", append(bank, "Tercel-Namespace", "bank")...)
	s.must(http.StatusForbidden, nil, "POST", "/executions/"+started.ID+"/stop", "", append(bank, "Tercel-Namespace", "shop")...)
	s.must(http.StatusForbidden, nil, "GET", "/executions?namespace=shop", "", bank...)
	s.must(http.StatusForbidden, nil, "GET", "/executions", "", bank...) // of two namespaces, none goes without saying
	s.must(http.StatusOK, nil, "POST", "/executions/"+started.ID+"/stop", "", shop...)
}

// TestKeysOverTheAPI makes, uses, lists and revokes a key through the client.
func TestKeysOverTheAPI(t *testing.T) {
	s := newServerWith(t, access.Config{Refresh: 10 * time.Millisecond}) // loopback
	ctx := t.Context()
	if _, err := s.client.Keys(ctx); err != nil {
		t.Fatalf("on loopback without keys: %v", err)
	}
	admin, err := s.client.CreateKey(ctx, wire.NewKey{Name: "admin", Scopes: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Keys(ctx); !client.IsCode(err, "Unauthenticated") {
		t.Errorf("once there is a key: %v", err)
	}
	s.client = &client.Client{Server: s.url, Key: admin.Secret}
	made, err := s.client.CreateKey(ctx, wire.NewKey{Name: "ci", Scopes: []string{"run", "read", "run"}, Namespaces: []string{"b", "a"}, Expires: "720h"})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%v %v %s", made.Scopes, made.Namespaces, made.CreatedBy) != "[read run] [a b] admin" || made.ExpiresAt.Sub(made.CreatedAt) != 720*time.Hour {
		t.Errorf("made %+v", made)
	}
	other := &client.Client{Server: s.url, Key: made.Secret, Namespace: "a"}
	if _, err := other.StateMachines(ctx, 0, ""); err != nil {
		t.Error(err)
	}
	if _, err := other.Keys(ctx); !client.IsCode(err, "AccessDenied") {
		t.Errorf("keys without admin: %v", err)
	}
	if k, err := s.client.RevokeKey(ctx, made.ID); err != nil || k.State != "revoked" {
		t.Errorf("revoked: %+v, %v", k, err)
	}
	if _, err := other.StateMachines(ctx, 0, ""); !client.IsCode(err, "Unauthenticated") {
		t.Errorf("with a revoked key: %v", err)
	}
	if _, err := s.client.RevokeKey(ctx, "TKIANOTHING"); !client.IsCode(err, "KeyDoesNotExist") {
		t.Errorf("revoking nothing: %v", err)
	}
	list, err := s.client.Keys(ctx)
	if err != nil || len(list.Keys) != 2 || list.Keys[0].ID != made.ID || list.Keys[0].State != "revoked" || list.Keys[1].State != "active" {
		t.Errorf("listed %+v, %v", list, err)
	}
	for body, says := range map[string]string{
		`{"scopes": ["read"]}`:               "needs a name",
		`{"name": "x"}`:                      "at least one scope",
		`{"name": "x", "scopes": ["write"]}`: `no scope \"write\"`,

		`{"name": "x", "scopes": ["read"], "namespaces": ["a b"]}`:        "no name of a namespace",
		`{"name": "x", "scopes": ["admin"], "namespaces": ["a"]}`:         "cannot be bound",
		`{"name": "x", "scopes": ["read"], "expires": "soon"}`:            "must be a duration",
		`{"name": "x", "scopes": ["read"], "expires": "-1h"}`:             "must be a duration",
		`{"name": "x", "scopes": ["read"], "expires": "2000000h"}`:        "100 years",
		`{"name": "anonymous", "scopes": ["read"]}`:                       "without a key",
		`{"name": "a\u0000b", "scopes": ["read"]}`:                        "printable",
		`{"name": "` + strings.Repeat("x", 65) + `", "scopes": ["read"]}`: "at most 64",
	} {
		a := s.do("POST", "/keys", body, "Authorization", "Bearer "+admin.Secret)
		if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

// TestRevokeRace revokes a key while many use it: nothing that begins after the answer of the revocation succeeds.
func TestRevokeRace(t *testing.T) {
	s := exposed(t)
	made, err := s.access.Create(t.Context(), access.NewKey{Name: "racer", Scopes: []access.Scope{access.Read}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	gone := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for after := false; ; {
				select {
				case <-gone:
					after = true
				default:
				}
				_, err := s.access.Authenticate(t.Context(), made.Secret)
				if after {
					if err == nil {
						t.Error("a revoked key was accepted")
					}
					return
				}
			}
		})
	}
	if _, err := s.access.Revoke(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	close(gone)
	wg.Wait()
}
