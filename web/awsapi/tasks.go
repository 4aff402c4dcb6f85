package awsapi

import (
	"context"
	"errors"

	"github.com/tercel-workflows/tercel/engine"
)

// taskFault gives the service's form of an error about a task token.
func taskFault(err error) error {
	coded, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return err
	}
	switch coded.Code { //nolint:exhaustive // the others are not about tokens
	case engine.CodeInvalidToken:
		return labelled("InvalidToken", "Invalid Token", "Invalid token")
	case engine.CodeTaskTimedOut, engine.CodeTaskSettled, engine.CodeTaskDoesNotExist:
		// A token is proof that there was such a task; to the service, one that was closed has timed out.
		return labelled("TaskTimedOut", "Task Timed Out", "Provided task does not exist anymore")
	}
	return err
}

type sendTaskSuccessInput struct {
	TaskToken *string `aws:"required;len=1..2048"                 json:"taskToken"`
	Output    *string `aws:"required;len=..262144;sensitive;any" json:"output"`
}

func (a *API) sendTaskSuccess(ctx context.Context, _ string, in *sendTaskSuccessInput) (empty, error) {
	if problem := jsonProblem(*in.Output); problem != "" {
		return empty{}, labelled("InvalidOutput", "Invalid Output", "%s", problem)
	}
	return empty{}, taskFault(a.eng.SendTaskSuccess(ctx, *in.TaskToken, []byte(*in.Output)))
}

type sendTaskFailureInput struct {
	TaskToken *string `aws:"required;len=1..2048"        json:"taskToken"`
	Error     *string `aws:"len=0..256;sensitive;any"   json:"error"`
	Cause     *string `aws:"len=0..32768;sensitive;any" json:"cause"`
}

func (a *API) sendTaskFailure(ctx context.Context, _ string, in *sendTaskFailureInput) (empty, error) {
	return empty{}, taskFault(a.eng.SendTaskFailure(ctx, *in.TaskToken, text(in.Error), text(in.Cause)))
}

type sendTaskHeartbeatInput struct {
	TaskToken *string `aws:"required;len=1..2048" json:"taskToken"`
}

func (a *API) sendTaskHeartbeat(ctx context.Context, _ string, in *sendTaskHeartbeatInput) (empty, error) {
	return empty{}, taskFault(a.eng.SendTaskHeartbeat(ctx, *in.TaskToken))
}
