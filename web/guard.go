package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/tercel-workflows/tercel/web/api"
)

// sameSite refuses requests that change something and come, through a browser, from another web site. Without it, any
// page that a developer opens could start executions on the server that runs on their machine.
func sameSite(a *api.API) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Forbidden(w, r, "the request comes from another web site, which may not change anything here")
	}))
	return protection.Handler
}

// localHost refuses requests that name a foreign host, for a server that only this machine reaches.
func localHost(a *api.API) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isLocal(r.Host) {
				a.Forbidden(w, r, "this server answers under localhost and 127.0.0.1 only; "+
					"give it another address with --listen to reach it by name")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// isLocal tells whether the host of a request is an address or a name of localhost.
func isLocal(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	// Clients of AWS put this in front of the host for operations that answer at once.
	host = strings.TrimPrefix(strings.ToLower(host), "sync-")
	if host == "" || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	_, err = netip.ParseAddr(host)
	return err == nil
}
