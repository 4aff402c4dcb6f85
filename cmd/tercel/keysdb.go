package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/web/api"
	"github.com/tercel-workflows/tercel/web/client"
)

// keyClient gives the way to keys and the audit: through the server, or, with a database URL, on the database itself. With missing, tables
// that are not there are made. done ends it.
func (a *app) keyClient(ctx context.Context, databaseURL string, missing bool) (_ *client.Client, done func(), err error) {
	if databaseURL == "" && a.key == "" {
		databaseURL = a.getenv("TERCEL_DATABASE_URL")
	}
	if databaseURL == "" {
		return a.client(), func() {}, nil
	}
	if err := a.checkTables(ctx, databaseURL, missing); err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool, err := connect(ctx, nodeConfig{databaseURL: databaseURL, log: log})
	if err != nil {
		return nil, nil, err
	}
	control := access.New(access.Config{Store: store.New(pool), Open: true, OpenAs: access.Database, Logger: log})
	if err := control.Start(ctx); err != nil {
		pool.Close()
		return nil, nil, err
	}
	// The routes of the API for keys and the audit, in this process: what is checked, recorded and printed is the same.
	router := chi.NewRouter()
	router.Route("/api/v1", api.New(api.Config{Access: control, Logger: log}).Register)
	done = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if err := control.Close(ctx); err != nil {
			a.notef("Warning: %v\n", err)
		}
		pool.Close()
	}
	return &client.Client{Server: "http://database.localhost", HTTP: &http.Client{Transport: inProcess{router}}}, done, nil
}

// checkTables makes sure that the tables are those of this release.
func (a *app) checkTables(ctx context.Context, databaseURL string, missing bool) error {
	at, err := schemaVersion(ctx, databaseURL)
	if err != nil {
		return err
	}
	newest, err := migrations.Newest()
	switch {
	case err != nil:
		return err
	case at == 0 && missing:
		return migrations.Up(ctx, databaseURL)
	case at < newest:
		return usagef("the tables are at version %d, and this command needs version %d: tercel migrate up", at, newest)
	default:
		return nil
	}
}

// inProcess carries requests to a handler of this process.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, r)
	return w.Result(), nil
}
