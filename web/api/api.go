// Package api is the native JSON API, /api/v1: state machines, functions, executions and their histories, callbacks,
// and server-sent events for live views. Its bodies are those of package wire; openapi.yaml describes it.
//
// Handlers return errors; one place turns them into answers (problem.go). Whatever a client sends is answered with a
// code and a message that says how to mend it.
package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// Config is what the API is made of. Only Engine is required.
type Config struct {
	Engine   *engine.Engine
	Access   *access.Control // who may call what; nil: everybody everything, and nothing is recorded
	Version  wire.Version
	Logger   *slog.Logger
	MaxBody  int64         // bytes of a request's body; default 4 MiB
	Timeout  time.Duration // of a request that neither waits nor streams; default 30 s
	KeepLive time.Duration // how often a silent stream of events sends a comment; default 15 s
	// Draining is closed when the server begins to shut down: requests that wait and stream then end.
	Draining <-chan struct{}
}

// API answers the requests of /api/v1.
type API struct {
	cfg Config
	eng *engine.Engine
	log *slog.Logger
}

// New makes the API.
func New(cfg Config) *API {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 4<<20)
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	cfg.KeepLive = cmp.Or(cfg.KeepLive, 15*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	return &API{cfg: cfg, eng: cfg.Engine, log: cfg.Logger}
}

// Register adds the routes of the API to a router, which is mounted at /api/v1. Each needs a row in rules.go.
func (a *API) Register(r chi.Router) {
	r = r.With(a.authorize)
	quick := r.With(a.deadline)
	quick.Get("/openapi.json", a.handle(a.openAPI))
	quick.Get("/version", a.handle(a.version))
	quick.Get("/healthz", a.handle(a.Healthz))
	quick.Get("/readyz", a.handle(a.Readyz))
	quick.Post("/validate", a.handle(a.validate))

	quick.Get("/state-machines", a.handle(a.listMachines))
	quick.Put("/state-machines/{name}", a.handle(a.deploy))
	quick.Get("/state-machines/{name}", a.handle(a.getMachine))
	quick.Delete("/state-machines/{name}", a.handle(a.deleteMachine))
	quick.Post("/state-machines/{name}/executions", a.handle(a.start))

	r.Post("/state-machines/{name}/executions:sync", a.handle(a.startSync))

	a.functions().register(a, quick.Get, quick.Put, quick.Delete, "/functions")
	a.connections().register(a, quick.Get, quick.Put, quick.Delete, "/connections")

	quick.Get("/executions", a.handle(a.listExecutions))
	quick.Get("/executions/{id}", a.handle(a.getExecution))
	quick.Get("/executions/{id}/history", a.handle(a.history))
	quick.Post("/executions/{id}/stop", a.handle(a.stop))
	quick.Post("/executions/{id}/redrive", a.handle(a.redrive))
	r.Get("/executions/{id}/wait", a.handle(a.wait))
	r.Get("/executions/{id}/events", a.handle(a.events))

	quick.Get("/activities", a.handle(a.listActivities))
	quick.Put("/activities/{name}", a.handle(a.putActivity))
	quick.Get("/activities/{name}", a.handle(a.getActivity))
	quick.Delete("/activities/{name}", a.handle(a.deleteActivity))
	r.Post("/activities/{name}/poll", a.handle(a.pollActivity))

	quick.Post("/tasks/success", a.handle(a.taskSuccess))
	quick.Post("/tasks/failure", a.handle(a.taskFailure))
	quick.Post("/tasks/heartbeat", a.handle(a.taskHeartbeat))

	quick.Get("/approvals", a.handle(a.listApprovals))
	quick.Get("/approvals/{id}", a.handle(a.getApproval))
	quick.Post("/approvals/{id}/decide", a.handle(a.decideApproval))
	quick.Post("/approvals/{id}/delegate", a.handle(a.delegateApproval))
	quick.Post("/approvals/{id}/links", a.handle(a.approvalLink))
	quick.Get("/notifications", a.handle(a.getNotifications))
	quick.Put("/notifications", a.handle(a.putNotifications))

	quick.Get("/keys", a.handle(a.listKeys))
	quick.Post("/keys", a.handle(a.createKey))
	quick.Delete("/keys/{id}", a.handle(a.revokeKey))
	quick.Get("/audit", a.handle(a.listAudit))
}

// Handle gives a handler outside of /api/v1 the errors and the bounds of the API.
func (a *API) Handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return a.deadline(a.handle(h))
}

// handle runs a handler and answers with the error that it returns.
func (a *API) handle(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, a.cfg.MaxBody)
		if err := h(w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

// deadline bounds how long a request may take.
func (a *API) deadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeoutCause(r.Context(), a.cfg.Timeout, errTooSlow)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

var errTooSlow = errors.New("the request took too long")

// Recover answers a panic of a handler with a logged 500. It is the outermost handler.
func (a *API) Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so as well
				panic(p)
			}
			a.log.ErrorContext(r.Context(), "a handler panicked", "method", r.Method, "path", ShownPath(r.URL.Path),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			a.write(w, r, http.StatusInternalServerError, internalProblem())
		}()
		next.ServeHTTP(w, r)
	})
}

// drained gives a context that ends when the server drains as well.
func (a *API) drained(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if a.cfg.Draining == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-a.cfg.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
