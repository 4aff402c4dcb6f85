// Package web is the HTTP face of an engine: one router with everything that a node serves on its port, and the server
// that listens there.
//
// What is served: GET / (what this is), POST / (the AWS API, package awsapi), /healthz and /readyz (probes), /metrics, /api/v1
// (package api), /internal/v1 (package peers).
package web

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/approve"
	"github.com/tercel-workflows/tercel/web/awsapi"
	"github.com/tercel-workflows/tercel/web/peers"
)

// Config is what the router is made of. Only Engine is required.
type Config struct {
	Engine  *engine.Engine
	Access  *access.Control // who may call what; nil: everybody everything, and nothing is recorded
	Peers   *peers.Peers    // nil: this node takes no calls of other nodes
	Version wire.Version
	Logger  *slog.Logger
	MaxBody int64 // bytes of a request's body; default 4 MiB
	// LoopbackOnly says that the server listens on loopback only. Requests under a host name that is not this machine's
	// are refused then, so that no web site can reach the server through a browser by way of its own DNS.
	LoopbackOnly bool
	// Proxies are those whose word is taken for where a request comes from, see ParseProxies.
	Proxies []netip.Prefix
	// Draining is closed when the server begins to shut down.
	Draining <-chan struct{}
	// Metrics answers GET /metrics, for callers who may read everything; nil: there is none.
	Metrics http.Handler
	// TracerProvider and MeterProvider take the spans and the metrics of requests; default: the ones of package otel.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
}

// NewRouter makes the handler of everything that a node serves.
func NewRouter(cfg Config) *chi.Mux {
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	a := api.New(api.Config{
		Engine: cfg.Engine, Access: cfg.Access, Version: cfg.Version, Logger: cfg.Logger, MaxBody: cfg.MaxBody, Draining: cfg.Draining,
	})
	r := chi.NewRouter()
	r.Use(origin(cfg.Proxies), observed(cfg.TracerProvider, cfg.MeterProvider, cfg.Logger), logged(cfg.Logger), a.Recover,
		exceptCallbacks(sameSite(a)), middleware.GetHead)
	if cfg.LoopbackOnly {
		r.Use(exceptCallbacks(localHost(a)))
	}
	r.NotFound(a.NotFound)
	r.MethodNotAllowed(a.MethodNotAllowed)

	r.Get("/", index(cfg.Version))
	sfn := awsapi.New(awsapi.Config{
		Engine: cfg.Engine, Access: cfg.Access, Logger: cfg.Logger, MaxBody: cfg.MaxBody, Draining: cfg.Draining,
	})
	cfg.Engine.ServeTasks(sfn)
	r.Method(http.MethodPost, "/", sfn)
	r.Method(http.MethodGet, "/healthz", a.Handle(a.Healthz))
	r.Method(http.MethodGet, "/readyz", a.Handle(a.Readyz))
	if cfg.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", a.Readers(cfg.Metrics))
	}
	r.Route("/api/v1", a.Register)
	(&approve.Page{Engine: cfg.Engine, Access: cfg.Access, Logger: cfg.Logger}).Register(r)
	r.Handle(api.CallbackRoute, a.Callbacks())
	if cfg.Peers != nil {
		r.Method(http.MethodPost, peers.Path, cfg.Peers.Handler(cfg.Engine.HandleForwarded))
	}
	return r
}

// logged writes a line for each request, at the level debug.
func logged(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !log.Enabled(r.Context(), slog.LevelDebug) {
				next.ServeHTTP(w, r)
				return
			}
			began := time.Now()
			seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
			next.ServeHTTP(seen, r)
			log.DebugContext(r.Context(), "request", "method", r.Method, "path", api.ShownPath(r.URL.Path), "status", seen.status,
				"took", time.Since(began), "from", access.OriginOf(r.Context()).Address, "request", access.OriginOf(r.Context()).RequestID)
		})
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
