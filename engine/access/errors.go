package access

import "errors"

// ErrNotFound is what a Store gives for a key that does not exist.
var ErrNotFound = errors.New("there is no such key")

// Reason tells in a word why a key was not accepted.
type Reason string

// The reasons.
const (
	ReasonMissing   Reason = "missing"   // no key was given
	ReasonMalformed Reason = "malformed" // what was given cannot be a key
	ReasonUnknown   Reason = "unknown"   // there is no such key, or its secret is another
	ReasonExpired   Reason = "expired"
	ReasonRevoked   Reason = "revoked"
)

// UnauthenticatedError says that it is not known who makes a request. HTTP's status for it is 401.
type UnauthenticatedError struct {
	Reason  Reason
	KeyID   string // that was named, "" if none was; it is not proved to be the caller's, unless it expired or was revoked
	Message string
}

// Error gives the message.
func (e *UnauthenticatedError) Error() string { return e.Message }

// DeniedError says that a principal may not do something. HTTP's status for it is 403.
type DeniedError struct {
	Principal Principal
	Scope     Scope // that is needed
	Message   string
}

// Error gives the message.
func (e *DeniedError) Error() string { return e.Message }

// UnavailableError says that keys cannot be checked, or calls not be recorded, at present. HTTP's status for it is 503.
type UnavailableError struct{ Message string }

// Error gives the message.
func (e *UnavailableError) Error() string { return e.Message }

// InvalidError says what is wrong with what was asked for. HTTP's status for it is 400.
type InvalidError struct{ Message string }

// Error gives the message.
func (e *InvalidError) Error() string { return e.Message }
