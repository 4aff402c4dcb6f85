package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// The codes that the API adds to those of the engine.
const (
	CodeNotFound         = "NotFound"         // no such route
	CodeMethodNotAllowed = "MethodNotAllowed" // the route has other methods
	CodePayloadTooLarge  = "PayloadTooLarge"
	CodeInvalidJSON      = "InvalidJSON"
	CodeForbidden        = "Forbidden" // a request from another web site, or under a foreign host name
	CodeInternal         = "InternalError"
	CodeUnauthenticated  = "Unauthenticated" // no key, or one that is not good
	CodeAccessDenied     = "AccessDenied"    // the key lacks a scope, or is for another namespace
	CodeKeyDoesNotExist  = "KeyDoesNotExist"
)

// codeCanceled is what the audit calls the outcome of a call whose caller has gone before it was answered; it may have had its effect.
const codeCanceled = "Canceled"

// statuses maps the codes of the engine to HTTP. TestStatuses holds it complete.
var statuses = map[engine.Code]int{
	engine.CodeValidation:               http.StatusBadRequest,
	engine.CodeInvalidExecutionInput:    http.StatusBadRequest,
	engine.CodeInvalidName:              http.StatusBadRequest,
	engine.CodeInvalidArn:               http.StatusBadRequest,
	engine.CodeInvalidToken:             http.StatusBadRequest,
	engine.CodeInvalidOutput:            http.StatusBadRequest,
	engine.CodeTypeNotSupported:         http.StatusBadRequest,
	engine.CodeExecutionDoesNotExist:    http.StatusNotFound,
	engine.CodeStateMachineDoesNotExist: http.StatusNotFound,
	engine.CodeTaskDoesNotExist:         http.StatusNotFound,
	engine.CodeResourceNotFound:         http.StatusNotFound,
	engine.CodeActivityDoesNotExist:     http.StatusNotFound,
	engine.CodeExecutionAlreadyExists:   http.StatusConflict,
	engine.CodeExecutionNotRedrivable:   http.StatusConflict,
	engine.CodeMachineAlreadyExists:     http.StatusConflict,
	engine.CodeConflict:                 http.StatusConflict,
	engine.CodeQuotaExceeded:            http.StatusConflict,
	engine.CodeTooManyTags:              http.StatusConflict,
	engine.CodeTaskTimedOut:             http.StatusGone,
	engine.CodeTaskSettled:              http.StatusConflict,
	engine.CodeInvalidDefinition:        http.StatusUnprocessableEntity,
	engine.CodeServiceUnavailable:       http.StatusServiceUnavailable,

	engine.CodeApprovalDoesNotExist: http.StatusNotFound,
	engine.CodeApprovalSettled:      http.StatusConflict,
	engine.CodeAlreadyDecided:       http.StatusConflict,
	engine.CodeNotAnApprover:        http.StatusForbidden,
	engine.CodeInvalidForm:          http.StatusBadRequest,
	engine.CodeLinkExpired:          http.StatusGone,

	engine.CodeActivityWorkerLimitExceeded: http.StatusTooManyRequests,
}

// refusal is an error of the API's own: what is wrong with a request.
type refusal struct {
	status int
	wire.Problem
}

// Error gives the message.
func (e *refusal) Error() string { return e.Message }

// refuse makes a refusal.
func refuse(status int, code, format string, args ...any) error {
	return &refusal{status, wire.Problem{Code: code, Message: fmt.Sprintf(format, args...)}}
}

// invalid refuses a request whose fields or parameters make no sense.
func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, string(engine.CodeValidation), format, args...)
}

// problem gives the status and the body for an error.
func problem(err error) (int, wire.Problem) {
	if own, ok := errors.AsType[*refusal](err); ok {
		return own.status, own.Problem
	}
	if def, ok := errors.AsType[*engine.DefinitionError](err); ok {
		return statuses[engine.CodeInvalidDefinition], wire.Problem{
			Code: string(engine.CodeInvalidDefinition), Message: definitionMessage(len(def.Diagnostics)), Diagnostics: def.Diagnostics,
		}
	}
	if coded, ok := errors.AsType[*engine.Error](err); ok {
		if status, ok := statuses[coded.Code]; ok {
			return status, wire.Problem{Code: string(coded.Code), Message: coded.Message}
		}
	}
	if status, code := accessProblem(err); status != 0 {
		return status, wire.Problem{Code: code, Message: err.Error()}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return http.StatusServiceUnavailable, wire.Problem{
			Code:    string(engine.CodeServiceUnavailable),
			Message: "the server did not finish in time; the database may be slow or away. Try again.",
		}
	}
	return http.StatusInternalServerError, internalProblem()
}

func internalProblem() wire.Problem {
	return wire.Problem{
		Code:    CodeInternal,
		Message: "something went wrong in the server that should not; its log has the details. Try again.",
	}
}

func definitionMessage(findings int) string {
	if findings == 1 {
		return "the definition has 1 problem; see diagnostics"
	}
	return fmt.Sprintf("the definition has %d problems; see diagnostics", findings)
}

// fail answers a request with an error.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && context.Cause(r.Context()) != errTooSlow { //nolint:errorlint // our own sentinel
		setOutcome(r.Context(), codeCanceled)
		return // the client has gone
	}
	status, body := problem(err)
	setOutcome(r.Context(), body.Code)
	if status >= http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "a request went wrong", "method", r.Method, "path", ShownPath(r.URL.Path), "error", err)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	a.write(w, r, status, body)
}

// NotFound answers a request that no route fits.
func (a *API) NotFound(w http.ResponseWriter, r *http.Request) {
	a.fail(w, r, refuse(http.StatusNotFound, CodeNotFound,
		"there is nothing at %s; the native API is under /api/v1, and /api/v1/openapi.json lists its routes", r.URL.Path))
}

// MethodNotAllowed answers a request whose route has other methods.
func (a *API) MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	a.fail(w, r, refuse(http.StatusMethodNotAllowed, CodeMethodNotAllowed,
		"%s is not among the methods of %s; /api/v1/openapi.json lists them", strconv.Quote(r.Method), r.URL.Path))
}

// Forbidden answers a request that comes from another web site or under a foreign host name.
func (a *API) Forbidden(w http.ResponseWriter, r *http.Request, message string) {
	a.fail(w, r, refuse(http.StatusForbidden, CodeForbidden, "%s", message))
}

// write answers with a JSON body.
func (a *API) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	text, err := encode(body)
	if err != nil {
		a.log.ErrorContext(r.Context(), "an answer could not be encoded", "method", r.Method, "path", ShownPath(r.URL.Path), "error", err)
		status = http.StatusInternalServerError
		text, _ = encode(internalProblem())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have gone
}

// encode gives the JSON of an answer with payloads as they are, one line.
func encode(body any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return buf.Bytes(), nil
}
