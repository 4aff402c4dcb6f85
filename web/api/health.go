package api

import (
	"net/http"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// Healthz tells that the process answers.
func (a *API) Healthz(w http.ResponseWriter, r *http.Request) error {
	a.write(w, r, http.StatusOK, wire.Health{Status: "ok"})
	return nil
}

// Readyz tells whether requests should be sent here: the engine has its lease, Postgres answers, and the server is not
// shutting down.
func (a *API) Readyz(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-a.cfg.Draining:
		a.write(w, r, http.StatusServiceUnavailable, wire.Health{Status: "unavailable", Message: "the server is shutting down"})
		return nil
	default:
	}
	if err := a.eng.Ready(r.Context()); err != nil {
		a.log.WarnContext(r.Context(), "not ready", "error", err)
		a.write(w, r, http.StatusServiceUnavailable, wire.Health{Status: "unavailable", Message: err.Error()})
		return nil
	}
	a.write(w, r, http.StatusOK, wire.Health{Status: "ok"})
	return nil
}

func (a *API) version(w http.ResponseWriter, r *http.Request) error {
	v := a.cfg.Version
	v.Node = a.eng.Node().ID.String()
	a.write(w, r, http.StatusOK, v)
	return nil
}
