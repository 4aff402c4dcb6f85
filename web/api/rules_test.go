package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine/access"
)

// changesNothing are the routes that are no GET and yet change nothing, or nothing until somebody is told of it.
var changesNothing = map[string]bool{"POST /validate": true, "POST /activities/{name}/poll": true}

// TestEveryRouteHasARule walks the routes: none may be added without saying who may call it.
func TestEveryRouteHasARule(t *testing.T) {
	r := chi.NewRouter()
	r.Route("/api/v1", New(Config{}).Register)
	seen := map[string]bool{}
	err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		key := method + " " + strings.TrimPrefix(route, "/api/v1")
		seen[key] = true
		rule, ok := rules[key]
		if !ok {
			t.Errorf("%s has no rule: add one to rules.go", key)
		}
		if rule.action == "" {
			t.Errorf("%s has no action", key)
		}
		if rule.cluster && rule.scope != access.Admin {
			t.Errorf("%s is about the whole cluster and needs %q, not admin", key, rule.scope)
		}
		if changes := method != http.MethodGet; rule.changes != changes && !changesNothing[key] {
			t.Errorf("%s: changes is %v; calls that change something must be recorded", key, rule.changes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range rules {
		if !seen[key] && !strings.HasSuffix(key, " "+CallbackRoute) { // which is mounted beside the API
			t.Errorf("the rule %s is of no route", key)
		}
	}
}
