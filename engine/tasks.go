package engine

import (
	"bytes"
	"context"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The bounds that the Step Functions API sets for errors and causes, in characters; they count as bytes here.
const (
	maxErrorBytes = 256
	maxCauseBytes = 32_768
)

// SendTaskSuccess completes the task of a token. Output must be JSON.
func (e *Engine) SendTaskSuccess(ctx context.Context, token string, output []byte) error {
	if len(output) > e.cfg.Limits.Payload {
		return errorf(CodeInvalidOutput, "the output has %d bytes; at most %d are allowed", len(output), e.cfg.Limits.Payload)
	}
	v, err := value.Parse(output)
	if err != nil {
		return errorf(CodeInvalidOutput, "the output is %v", err)
	}
	return e.answerTask(ctx, token, ForwardedCall{Kind: CallSuccess, Output: bytes.Clone(v.JSON())})
}

// SendTaskFailure fails the task of a token.
func (e *Engine) SendTaskFailure(ctx context.Context, token, errName, cause string) error {
	if err := checkFailure(errName, cause); err != nil {
		return err
	}
	return e.answerTask(ctx, token, ForwardedCall{Kind: CallFailure, Error: errName, Cause: cause})
}

// SendTaskHeartbeat says that the task of a token is worked on.
func (e *Engine) SendTaskHeartbeat(ctx context.Context, token string) error {
	return e.answerTask(ctx, token, ForwardedCall{Kind: CallHeartbeat})
}

func (e *Engine) answerTask(ctx context.Context, token string, c ForwardedCall) error {
	var err error
	if c.Execution, c.Task, err = e.tokens.verify(token); err != nil {
		return err
	}
	err = callError(e.deliver(ctx, c, true), &c)
	if coded, ok := err.(*Error); ok && coded.Code == CodeExecutionDoesNotExist { //nolint:errorlint // made just above, never wrapped
		return errorf(CodeTaskDoesNotExist, "the execution of this task token, %s, is not there any more", c.Execution)
	}
	return err
}

func checkFailure(errName, cause string) error {
	switch {
	case len(errName) > maxErrorBytes:
		return errorf(CodeValidation, "the error has %d bytes; at most %d are allowed", len(errName), maxErrorBytes)
	case len(cause) > maxCauseBytes:
		return errorf(CodeValidation, "the cause has %d bytes; at most %d are allowed", len(cause), maxCauseBytes)
	}
	return nil
}
