package sigv4

import (
	"fmt"
	"net/http"
)

// The types of errors, as AWS names them.
const (
	typeMissingToken        = "MissingAuthenticationTokenException"
	typeIncompleteSignature = "IncompleteSignatureException"
	typeInvalidSignature    = "InvalidSignatureException"
	typeUnrecognizedClient  = "UnrecognizedClientException"
	typeExpiredToken        = "ExpiredTokenException"
)

// Error is why a request is not accepted, for an answer as AWS gives it: `{"__type": Type, "message": Message}`.
type Error struct {
	Type    string // such as InvalidSignatureException
	Message string
	Status  int // of HTTP
}

// Error gives type and message.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

func refuse(kind, format string, args ...any) *Error {
	return &Error{Type: kind, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func incomplete(format string, args ...any) *Error {
	return refuse(typeIncompleteSignature, format+".", args...)
}
