package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// TestStatuses checks that every code of the engine has a status.
func TestStatuses(t *testing.T) {
	source, err := os.ReadFile("../../engine/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`Code\w+\s+Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 10 {
		t.Fatalf("only %d codes were found in the source of the engine", len(codes))
	}
	for _, c := range codes {
		if status := statuses[engine.Code(c[1])]; status < 400 || status == http.StatusInternalServerError {
			t.Errorf("%s has the status %d", c[1], status)
		}
	}
	if len(statuses) != len(codes) {
		t.Errorf("%d codes have a status, but there are %d", len(statuses), len(codes))
	}
}

func TestProblem(t *testing.T) {
	findings := diag.List{{Severity: diag.Error, Code: "X", Message: "m"}}
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"coded":           {&engine.Error{Code: engine.CodeTaskTimedOut, Message: "late"}, http.StatusGone, "TaskTimedOut"},
		"wrapped":         {fmt.Errorf("doing: %w", &engine.Error{Code: engine.CodeInvalidName}), http.StatusBadRequest, "InvalidName"},
		"definition":      {&engine.DefinitionError{Diagnostics: findings}, http.StatusUnprocessableEntity, "InvalidDefinition"},
		"of a newer code": {&engine.Error{Code: "Unheard"}, http.StatusInternalServerError, CodeInternal},
		"anything else":   {errors.New("secret"), http.StatusInternalServerError, CodeInternal},
		"too slow":        {context.DeadlineExceeded, http.StatusServiceUnavailable, "ServiceUnavailable"},
		"our own":         {invalid("no"), http.StatusBadRequest, "ValidationException"},
	} {
		status, p := problem(test.err)
		if status != test.status || p.Code != test.code {
			t.Errorf("%s: got %d %+v", name, status, p)
		}
		if p.Message == "secret" {
			t.Errorf("%s: the answer tells what is for the log", name)
		}
	}
	if _, p := problem(&engine.DefinitionError{Diagnostics: findings}); len(p.Diagnostics) != 1 {
		t.Errorf("the findings are lost: %+v", p)
	}
}

// TestRecover checks that a panic is a logged 500 and not the end of the connection.
func TestRecover(t *testing.T) {
	a := New(Config{Logger: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	a.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })).
		ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	var p wire.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusInternalServerError || p.Code != CodeInternal {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestTimeout checks that a request that takes too long is answered, and one whose client has gone is not.
func TestTimeout(t *testing.T) {
	a := New(Config{Logger: slog.New(slog.DiscardHandler), Timeout: 1})
	late := a.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("asking: %w", r.Context().Err())
	})
	w := httptest.NewRecorder()
	late.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w = httptest.NewRecorder()
	late.ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodGet, "/", nil))
	if w.Body.Len() > 0 {
		t.Errorf("a client that has gone is told %s", w.Body)
	}
}
