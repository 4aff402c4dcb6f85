package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The names of principals without a key.
const (
	Loopback  = "loopback"  // a request to a server that asks for no keys
	Anonymous = "anonymous" // a request without a valid key to a server that asks for one
	Database  = "database"  // somebody who works on the database directly
)

// Principal is who makes a request.
type Principal struct {
	Name       string   // of the key, or Loopback, Anonymous or Database
	KeyID      string   // "" without a key
	Scopes     []Scope  // what it may do
	Namespaces []string // where it may; none: everywhere
}

// Local gives the principal of requests to a server that asks for no keys. It may do everything.
func Local() Principal { return Principal{Name: Loopback, Scopes: []Scope{Admin}} }

// Nobody gives the principal of requests without a valid key. It may do nothing.
func Nobody() Principal { return Principal{Name: Anonymous} }

// Can tells whether the principal has a scope.
func (p Principal) Can(scope Scope) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, Admin)
}

// In tells whether the principal may work in a namespace.
func (p Principal) In(namespace string) bool {
	return len(p.Namespaces) == 0 || slices.Contains(p.Namespaces, namespace)
}

// Everywhere tells whether the principal is bound to no namespace.
func (p Principal) Everywhere() bool { return len(p.Namespaces) == 0 }

// Require gives a *DeniedError unless the principal may do what scope allows in the namespace. An empty namespace means
// something that is the whole cluster's (keys, the audit), which a principal bound to namespaces may not touch.
func (p Principal) Require(scope Scope, namespace string) error {
	switch {
	case !p.Can(scope):
		return &DeniedError{Principal: p, Scope: scope, Message: fmt.Sprintf("this needs the scope %s; the key %s has %s. "+
			"Make a key that has it: tercel keys create NAME --scope %s", scope, p.describe(), joinOrNone(p.Scopes), scope)}
	case namespace == "" && !p.Everywhere():
		return &DeniedError{Principal: p, Scope: scope, Message: fmt.Sprintf("this is about the whole cluster, but the key %s is for "+
			"the namespace %s only; it needs a key without --namespace", p.describe(), strings.Join(p.Namespaces, ", "))}
	case namespace != "" && !p.In(namespace):
		return &DeniedError{Principal: p, Scope: scope, Message: fmt.Sprintf("the key %s is for the namespace %s, not for %s; "+
			"name the namespace with --namespace, TERCEL_NAMESPACE or the header Tercel-Namespace, or use another key",
			p.describe(), strings.Join(p.Namespaces, ", "), namespace)}
	default:
		return nil
	}
}

func (p Principal) describe() string {
	if p.KeyID == "" {
		return p.Name
	}
	return fmt.Sprintf("%q (%s)", p.Name, p.KeyID)
}

func joinOrNone(scopes []Scope) string {
	if len(scopes) == 0 {
		return "none"
	}
	return JoinScopes(scopes)
}

type contextKey int

const (
	principalKey contextKey = iota
	originKey
	callKey
)

// With puts a principal into a context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// From gives the principal of a context; false if there is none, as in a program that embeds the engine.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey).(Principal)
	return p, ok
}

// Origin is where a request comes from.
type Origin struct {
	Address   string // of the caller, without the port; behind a trusted proxy, what that proxy says
	RequestID string // names the request in the audit, in the answer and in the log
}

// WithOrigin puts the origin of a request into a context.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey, o)
}

// OriginOf gives the origin of a request; zero if the context has none.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey).(Origin)
	return o
}

// Home gives the namespace that the principal works in when it names none: the only one it is bound to, or "" if it is bound to none
// or to several.
func (p Principal) Home() string {
	if len(p.Namespaces) == 1 {
		return p.Namespaces[0]
	}
	return ""
}
