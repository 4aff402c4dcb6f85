package engine

import (
	"errors"
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// ErrNotFound is what a Store gives for a thing it does not have.
var ErrNotFound = errors.New("not found")

// Code is a kind of error that a caller of the engine can act on, spelt as the Step Functions API spells it.
type Code string

// The codes.
const (
	CodeExecutionDoesNotExist    Code = "ExecutionDoesNotExist"
	CodeExecutionAlreadyExists   Code = "ExecutionAlreadyExists"
	CodeExecutionNotRedrivable   Code = "ExecutionNotRedrivable"
	CodeStateMachineDoesNotExist Code = "StateMachineDoesNotExist"
	CodeInvalidExecutionInput    Code = "InvalidExecutionInput"
	CodeInvalidDefinition        Code = "InvalidDefinition"
	CodeInvalidName              Code = "InvalidName"
	CodeInvalidArn               Code = "InvalidArn"
	CodeInvalidToken             Code = "InvalidToken"
	CodeInvalidOutput            Code = "InvalidOutput"
	CodeTaskDoesNotExist         Code = "TaskDoesNotExist"
	CodeTaskTimedOut             Code = "TaskTimedOut"
	CodeTaskSettled              Code = "TaskAlreadySettled" // a callback comes after another answer
	CodeResourceNotFound         Code = "ResourceNotFound"   // a function, a revision
	CodeActivityDoesNotExist     Code = "ActivityDoesNotExist"
	CodeTypeNotSupported         Code = "StateMachineTypeNotSupported"
	CodeMachineAlreadyExists     Code = "StateMachineAlreadyExists"
	CodeConflict                 Code = "ConflictException" // a version or an alias is not as the caller thinks
	CodeQuotaExceeded            Code = "ServiceQuotaExceededException"
	CodeTooManyTags              Code = "TooManyTags"
	CodeValidation               Code = "ValidationException"
	CodeServiceUnavailable       Code = "ServiceUnavailable"

	CodeApprovalDoesNotExist Code = "ApprovalDoesNotExist"
	CodeApprovalSettled      Code = "ApprovalSettled" // nobody waits for decisions any more
	CodeNotAnApprover        Code = "NotAnApprover"
	CodeAlreadyDecided       Code = "AlreadyDecided" // by this approver
	CodeInvalidForm          Code = "InvalidForm"
	CodeLinkExpired          Code = "LinkExpired"
	// CodeActivityWorkerLimitExceeded refuses a worker where too many wait for the same activity.
	CodeActivityWorkerLimitExceeded Code = "ActivityWorkerLimitExceeded"
)

// Error is an error that the caller of the engine can act on. Two errors are the same to errors.Is if their codes are.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"` // what is wrong and how to mend it
}

// Error gives code and message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Is compares codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errors to compare with errors.Is.
var (
	ErrExecutionDoesNotExist    = &Error{Code: CodeExecutionDoesNotExist}
	ErrExecutionAlreadyExists   = &Error{Code: CodeExecutionAlreadyExists}
	ErrExecutionNotRedrivable   = &Error{Code: CodeExecutionNotRedrivable}
	ErrStateMachineDoesNotExist = &Error{Code: CodeStateMachineDoesNotExist}
	ErrInvalidToken             = &Error{Code: CodeInvalidToken}
	ErrTaskDoesNotExist         = &Error{Code: CodeTaskDoesNotExist}
	ErrTaskTimedOut             = &Error{Code: CodeTaskTimedOut}
	ErrActivityDoesNotExist     = &Error{Code: CodeActivityDoesNotExist}
	ErrServiceUnavailable       = &Error{Code: CodeServiceUnavailable}
)

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// DefinitionError says why a definition cannot be deployed. It compares as an Error with CodeInvalidDefinition.
type DefinitionError struct{ Diagnostics diag.List }

// Error gives every finding in detail.
func (e *DefinitionError) Error() string { return e.Diagnostics.Error() }

// Unwrap gives the coded error.
func (e *DefinitionError) Unwrap() error {
	return &Error{Code: CodeInvalidDefinition, Message: e.Diagnostics.Error()}
}

// isCode tells whether an error has a code.
func isCode(err error, code Code) bool {
	coded, ok := errors.AsType[*Error](err)
	return ok && coded.Code == code
}
