package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
)

// fault is an error as it travels.
type fault struct {
	status int

	Type    string `json:"__type"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"`       // of a ValidationException
	Name    string `json:"resourceName,omitempty"` // of ResourceNotFound and TooManyTags
}

// Error gives type and message.
func (f *fault) Error() string { return f.Type + ": " + f.Message }

// fault400 makes a fault of the kind that most are.
func fault400(kind, format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, Type: kind, Message: fmt.Sprintf(format, args...)}
}

// invalid makes a ValidationException.
func invalid(format string, args ...any) *fault {
	return fault400("ValidationException", format, args...)
}

// because adds the reason of a ValidationException.
func (f *fault) because(reason string) *fault {
	f.Reason = reason
	return f
}

func unknownOperation(target string) *fault {
	if target == "" {
		return fault400("UnknownOperationException", "The header X-Amz-Target is missing. It names the operation, such as %sListStateMachines.",
			TargetPrefix)
	}
	return fault400("UnknownOperationException", "The operation %.100q is not known; X-Amz-Target must be %s and the name of an operation.",
		target, TargetPrefix)
}

func internalFault() *fault {
	return &fault{
		status: http.StatusInternalServerError, Type: "InternalFailure",
		Message: "Something went wrong in the server that should not; its log has the details. Try again.",
	}
}

// labels are what the service puts before the message of an error, for the codes of the engine that have one.
var labels = map[engine.Code]string{
	engine.CodeInvalidName:           "Invalid Name",
	engine.CodeInvalidArn:            "Invalid Arn",
	engine.CodeInvalidExecutionInput: "Invalid State Machine Execution Input",
	engine.CodeInvalidOutput:         "Invalid Output",
	engine.CodeInvalidToken:          "Invalid Token",
	engine.CodeTaskDoesNotExist:      "Task Does Not Exist",
	engine.CodeTaskTimedOut:          "Task Timed Out",
}

// labelled makes a fault in the form that the service gives most messages: what kind it is, and the particulars in
// quotes.
func labelled(kind, label, format string, args ...any) *fault {
	return fault400(kind, "%s: '%s'", label, fmt.Sprintf(format, args...))
}

func noMachine(arn string) *fault {
	return labelled("StateMachineDoesNotExist", "State Machine Does Not Exist", "%s", arn)
}

func noExecution(arn string) *fault {
	return labelled("ExecutionDoesNotExist", "Execution Does Not Exist", "%s", arn)
}

func notForType() *fault {
	return fault400("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
}

// faultOf gives the fault for any error.
func faultOf(err error) *fault {
	if own, ok := errors.AsType[*fault](err); ok {
		return own
	}
	if def, ok := errors.AsType[*engine.DefinitionError](err); ok {
		return invalidDefinition(def.Diagnostics)
	}
	if coded, ok := errors.AsType[*engine.Error](err); ok {
		label, ok := labels[coded.Code]
		switch {
		case coded.Code == engine.CodeServiceUnavailable:
			return unavailable(coded.Message)
		case coded.Code == engine.CodeTypeNotSupported:
			return notForType()
		case ok:
			return labelled(string(coded.Code), label, "%s", coded.Message)
		}
		return fault400(string(coded.Code), "%s", coded.Message)
	}
	if denied, ok := errors.AsType[*access.DeniedError](err); ok {
		return fault400("AccessDeniedException", "%s", capital(denied.Message))
	}
	if away, ok := errors.AsType[*access.UnavailableError](err); ok {
		return unavailable(away.Message)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unavailable("The server did not finish in time; the database may be slow or away. Try again.")
	}
	return internalFault()
}

func unavailable(message string) *fault {
	return &fault{status: http.StatusServiceUnavailable, Type: "ServiceUnavailable", Message: capital(message)}
}

func capital(message string) string {
	if message == "" {
		return ""
	}
	return strings.ToUpper(message[:1]) + message[1:]
}
