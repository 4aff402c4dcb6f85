package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
)

// authorize lets a request through to its handler if its caller may make it, and records it if it changes something. It runs
// once the route is known, around each of them.
func (a *API) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule, ok := ruleOf(r)
		if !ok {
			a.fail(w, r, errors.New("the route has no rule that says who may call it"))
			return
		}
		if a.cfg.Access == nil {
			next.ServeHTTP(w, r)
			return
		}
		p, err := access.Nobody(), error(nil)
		if rule.scope != "" {
			p, err = a.cfg.Access.Authenticate(r.Context(), bearer(r))
		}
		ctx := access.With(r.Context(), p)
		r = r.WithContext(ctx)
		ns, badNamespace := namespace(r)
		if rule.cluster {
			ns, badNamespace = "", nil
		}
		if err == nil && rule.scope != "" && badNamespace == nil {
			err = p.Require(rule.scope, ns)
		}
		if err != nil {
			code := a.refused(w, r, err)
			a.cfg.Access.Denied(ctx, rule.action, ns, rule.about(r), code)
			return
		}
		if !rule.changes {
			next.ServeHTTP(w, r)
			return
		}
		a.record(w, r, rule, ns, next)
	})
}

// bearer gives the key that a request carries, or "".
func bearer(r *http.Request) string {
	kind, key, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// refused answers a request that is not let in, and gives the code that it answered with.
func (a *API) refused(w http.ResponseWriter, r *http.Request, err error) string {
	if _, unknown := errors.AsType[*access.UnauthenticatedError](err); unknown {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tercel"`)
	}
	a.fail(w, r, err)
	_, body := problem(err)
	return body.Code
}

// record runs a handler whose call is put into the audit.
func (a *API) record(w http.ResponseWriter, r *http.Request, rule rule, ns string, next http.Handler) {
	call, err := a.cfg.Access.Begin(r.Context(), rule.action, ns, rule.about(r))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	outcome := access.OutcomeOK
	ended := false
	defer func() {
		if !ended { // by a panic
			outcome = CodeInternal
		}
		call.End(outcome)
	}()
	ctx := access.WithCall(r.Context(), call)
	next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, outcomeKey{}, &outcome)))
	ended = true
}

// outcomeKey is the key of the outcome of a recorded call in its context.
type outcomeKey struct{}

// setOutcome notes the code that a recorded call is answered with.
func setOutcome(ctx context.Context, code string) {
	if outcome, ok := ctx.Value(outcomeKey{}).(*string); ok {
		*outcome = code
	}
}

// accessProblem gives the status and the code for an error of package access; 0 if it is none.
func accessProblem(err error) (status int, code string) {
	var unauthenticated *access.UnauthenticatedError
	var denied *access.DeniedError
	var unavailable *access.UnavailableError
	var invalid *access.InvalidError
	switch {
	case errors.As(err, &unauthenticated):
		return http.StatusUnauthorized, CodeUnauthenticated
	case errors.As(err, &denied):
		return http.StatusForbidden, CodeAccessDenied
	case errors.As(err, &unavailable):
		return http.StatusServiceUnavailable, string(engine.CodeServiceUnavailable)
	case errors.As(err, &invalid):
		return http.StatusBadRequest, string(engine.CodeValidation)
	default:
		return 0, ""
	}
}
