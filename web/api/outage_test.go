package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web/api"
)

// TestOutage checks that a database that is away is a 503 that says so, and no 500.
func TestOutage(t *testing.T) {
	pool := storetest.Pool(t, storetest.Empty(t))
	eng, err := engine.New(engine.Config{Store: store.New(pool)})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	a := api.New(api.Config{Engine: eng, Timeout: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	r := chi.NewRouter()
	r.Route("/api/v1", a.Register)
	for _, request := range []string{
		"GET /state-machines", "GET /state-machines/m", "DELETE /state-machines/m", "GET /functions", "GET /executions",
		"GET /executions/m%2Fn", "GET /executions/01990000-0000-7000-8000-000000000000/history", "PUT /state-machines/m",
		"GET /executions/01990000-0000-7000-8000-000000000000/wait", "GET /readyz", "POST /state-machines/m/executions",
		"PUT /functions/f", "POST /executions/01990000-0000-7000-8000-000000000000/stop",
	} {
		method, path, _ := strings.Cut(request, " ")
		body := ""
		switch {
		case strings.HasPrefix(request, "PUT /functions"):
			body = `{"go": true}`
		case method == http.MethodPut:
			body = passMachine
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, "/api/v1"+path, strings.NewReader(body)))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: got %d %s", request, w.Code, w.Body)
		}
	}
}
