package api

import (
	"net/http"

	"github.com/tercel-workflows/tercel/engine/access"
)

// Readers lets requests through to a handler outside of this API whose callers may read what is in all namespaces: the
// scraper of the metrics, with the scope read, once there are access keys.
func (a *API) Readers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.cfg.Access != nil {
			p, err := a.cfg.Access.Authenticate(r.Context(), bearer(r))
			if err == nil {
				err = p.Require(access.Read, "")
			}
			if err != nil {
				a.refused(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
