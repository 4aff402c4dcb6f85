package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/sigv4"
)

// TargetPrefix is what X-Amz-Target begins with; the name of the operation follows.
const TargetPrefix = "AWSStepFunctions."

// contentType is that of requests and answers.
const contentType = "application/x-amz-json-1.0"

// Config is what the API is made of. Only Engine is required.
type Config struct {
	Engine *engine.Engine
	// Access verifies signatures and keeps the audit; nil: every request may do everything, and nothing is recorded.
	Access  *access.Control
	Logger  *slog.Logger
	MaxBody int64         // bytes of a request's body; default 4 MiB
	Timeout time.Duration // of an operation that does not wait; default 30 s
	// Draining is closed when the server begins to shut down: operations that wait then end.
	Draining <-chan struct{}
}

// API answers the requests of the AWS Step Functions API. It is an http.Handler for POST /.
type API struct {
	cfg Config
	eng *engine.Engine
	log *slog.Logger
	// signatures verifies who makes a request; nil without Config.Access.
	signatures *sigv4.Verifier
	redriven   redrives
	tests      chan struct{} // one for each real call of a state under test
}

// New makes the API. The engine must have been started.
func New(cfg Config) *API {
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 4<<20)
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	a := &API{cfg: cfg, eng: cfg.Engine, log: cfg.Logger, tests: make(chan struct{}, maxTests)}
	if cfg.Access != nil {
		a.signatures = sigv4.New(sigv4.Config{Access: cfg.Access})
	}
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", requestID(w))
	defer a.recovered(w, r)
	out, err := a.serve(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.write(w, r, http.StatusOK, out)
}

// requestID gives the id that a handler before this one has given the request, or a new one.
func requestID(w http.ResponseWriter) string {
	if id := w.Header().Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return uuid.NewString()
}

// serve carries out a request.
func (a *API) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := readBody(http.MaxBytesReader(w, r.Body, a.cfg.MaxBody))
	if err != nil {
		return nil, err
	}
	principal, err := a.authenticate(r, body)
	if err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	op := operations[name]
	if !ok || op == nil {
		return nil, unknownOperation(r.Header.Get("X-Amz-Target"))
	}
	ns := namespaceOf(r, principal)
	if !utf8.ValidString(ns) || utf8.RuneCountInString(ns) > maxNamespace {
		return nil, invalid("The header %s must have at most %d characters, in UTF-8", namespaceHeader, maxNamespace)
	}
	if err := principal.Require(op.scope, ns); err != nil {
		return nil, err
	}
	if op.waits {
		// The request has been read; its time limit must not end the wait.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	return a.perform(a.originated(access.With(r.Context(), principal), r, w), name, op, ns, body)
}

// perform carries out an operation for the principal of ctx, which may do so.
func (a *API) perform(ctx context.Context, name string, op *operation, ns string, body []byte) (any, error) {
	do, about, err := op.read(body)
	if err != nil {
		return nil, err
	}
	if !op.waits {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.cfg.Timeout)
		defer cancel()
	}
	if !op.audited || a.cfg.Access == nil {
		return do(a, ctx, ns)
	}
	call, err := a.cfg.Access.Begin(ctx, "states:"+name, ns, about)
	if err != nil {
		return nil, err
	}
	outcome := "InternalFailure" // should it panic
	defer func() { call.End(outcome) }()
	out, err := do(a, ctx, ns)
	outcome = access.OutcomeOK
	if err != nil {
		outcome = faultOf(err).Type
	}
	return out, err
}

// readBody reads the whole body of a request.
func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(r)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &fault{
			status: http.StatusRequestEntityTooLarge, Type: "RequestEntityTooLargeException",
			Message: fmt.Sprintf("The request body is larger than %d bytes.", tooLarge.Limit),
		}
	}
	if err != nil {
		return nil, fault400("SerializationException", "The request body broke off: %v", err)
	}
	return body, nil
}

// recovered answers a panic of an operation with a logged 500.
func (a *API) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so as well
		panic(p)
	}
	a.log.ErrorContext(r.Context(), "an operation panicked", "target", r.Header.Get("X-Amz-Target"),
		"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	f := internalFault()
	a.write(w, r, f.status, f)
}

// fail answers a request with an error.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	f := faultOf(err)
	if f.status >= http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "a request went wrong", "target", r.Header.Get("X-Amz-Target"), "error", err)
	}
	w.Header().Set("X-Amzn-Errortype", f.Type)
	a.write(w, r, f.status, f)
}

// write answers with a JSON body.
func (a *API) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		a.log.ErrorContext(r.Context(), "an answer could not be encoded", "target", r.Header.Get("X-Amz-Target"), "error", err)
		f := internalFault()
		text.Reset()
		_ = enc.Encode(f) //nolint:errchkjson // it holds texts only
		status = f.status
		w.Header().Set("X-Amzn-Errortype", f.Type)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the client may have gone
}
