package web

import (
	"net/http"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
)

// exceptCallbacks keeps a guard of browsers and of the machine's own names away from callback URLs. Those come from other
// systems, through whatever proxy or tunnel, and what they may do is in the URL, which no browser has by itself.
func exceptCallbacks(guard func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := guard(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, engine.CallbackPath) {
				next.ServeHTTP(w, r)
				return
			}
			guarded.ServeHTTP(w, r)
		})
	}
}
