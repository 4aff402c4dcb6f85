package awsapi

import (
	"errors"

	"github.com/tercel-workflows/tercel/engine"
)

// subject is what a request is about. Messages of the service name it as the caller did.
type subject struct {
	machine   string // ARN
	execution string // ARN
	name      string // that the caller chose
}

// fault gives the service's form of an error of the engine about the subject; other errors as they are.
func (s subject) fault(err error) error {
	coded, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return err
	}
	switch {
	case coded.Code == engine.CodeStateMachineDoesNotExist && s.machine != "":
		return noMachine(s.machine)
	case coded.Code == engine.CodeExecutionDoesNotExist && s.execution != "":
		return noExecution(s.execution)
	case coded.Code == engine.CodeExecutionAlreadyExists && s.execution != "":
		return labelled("ExecutionAlreadyExists", "Execution Already Exists", "%s", s.execution)
	case coded.Code == engine.CodeInvalidName && s.name != "":
		return labelled("InvalidName", "Invalid Name", "%s", s.name)
	}
	return err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// optional gives nil for no text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
