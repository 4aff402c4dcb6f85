package awsapi

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
)

// namespaceHeader names the namespace that a request is about, as it does for the native API. Clients of AWS send none;
// theirs is the namespace of their key.
const (
	namespaceHeader = "Tercel-Namespace"
	maxNamespace    = 80 // characters
)

// authenticate tells who signed a request.
func (a *API) authenticate(r *http.Request, body []byte) (access.Principal, error) {
	if a.signatures == nil {
		return access.Local(), nil
	}
	principal, failed := a.signatures.Verify(r, body)
	if failed != nil {
		return principal, &fault{status: failed.Status, Type: failed.Type, Message: failed.Message}
	}
	return principal, nil
}

// namespaceOf gives the namespace that a request is about: the one it names, else the default one, or the first of its
// key's if that may not be used there.
func namespaceOf(r *http.Request, p access.Principal) string {
	if ns := r.Header.Get(namespaceHeader); ns != "" {
		return ns
	}
	if p.Everywhere() || slices.Contains(p.Namespaces, engine.DefaultNamespace) {
		return engine.DefaultNamespace
	}
	return p.Namespaces[0]
}

// originated notes for the audit where a request comes from, unless a handler before has.
func (a *API) originated(ctx context.Context, r *http.Request, w http.ResponseWriter) context.Context {
	if access.OriginOf(ctx) != (access.Origin{}) {
		return ctx
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return access.WithOrigin(ctx, access.Origin{Address: host, RequestID: w.Header().Get("X-Amzn-Requestid")})
}
