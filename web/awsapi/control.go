package awsapi

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

type stopExecutionInput struct {
	ExecutionArn *string `aws:"required;len=1..256"         json:"executionArn"`
	Error        *string `aws:"len=0..256;sensitive;any"   json:"error"`
	Cause        *string `aws:"len=0..32768;sensitive;any" json:"cause"`
}

type stopExecutionOutput struct {
	StopDate *epoch `json:"stopDate"`
}

func (a *API) stopExecution(ctx context.Context, ns string, in *stopExecutionInput) (*stopExecutionOutput, error) {
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution)
	if err != nil {
		return nil, err
	}
	x, err = a.eng.StopExecution(ctx, x.ID, text(in.Error), text(in.Cause))
	if err != nil {
		return nil, subject{execution: *in.ExecutionArn}.fault(err)
	}
	return &stopExecutionOutput{StopDate: since(x.EndedAt)}, nil
}

type redriveExecutionInput struct {
	ExecutionArn *string `aws:"required;len=1..256"       json:"executionArn"`
	ClientToken  *string `aws:"len=1..64;pattern=token"   json:"clientToken"`
}

type redriveExecutionOutput struct {
	RedriveDate epoch `json:"redriveDate"`
}

func (a *API) redriveExecution(ctx context.Context, ns string, in *redriveExecutionInput) (*redriveExecutionOutput, error) {
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution)
	if err != nil {
		return nil, err
	}
	if at, done := a.redriven.get(x.ID, in.ClientToken); done {
		return &redriveExecutionOutput{RedriveDate: epoch(at)}, nil
	}
	if reason := notRedrivable(x); reason != "" {
		return nil, fault400("ExecutionNotRedrivable", "%s", reason)
	}
	redriven, err := a.eng.RedriveExecution(ctx, x.ID)
	if errors.Is(err, engine.ErrExecutionNotRedrivable) && redriven.Status != x.Status {
		return nil, fault400("ExecutionNotRedrivable", "%s", notRedrivable(redriven))
	}
	if err != nil {
		return nil, subject{execution: *in.ExecutionArn}.fault(err)
	}
	at := time.Now()
	if redriven.RedrivenAt != nil {
		at = *redriven.RedrivenAt
	}
	a.redriven.put(x.ID, in.ClientToken, at)
	return &redriveExecutionOutput{RedriveDate: epoch(at)}, nil
}

// notRedrivable says why an execution cannot be redriven, "" if it can.
func notRedrivable(x engine.Execution) string {
	switch x.Status {
	case engine.Failed, engine.Aborted, engine.TimedOut:
		return ""
	default:
		return "Execution is " + string(x.Status) + " and cannot be redriven"
	}
}

// The bounds of what is remembered of redrives.
const (
	redriveMemory = 15 * time.Minute // as long as the service knows a client token
	mostRedrives  = 10_000
)

// redrives remembers the redrives of this node, so that a client that has missed the answer and asks again, with the
// same token, gets it. Another node knows nothing of them: there the client is told that the execution is running.
type redrives struct {
	mu   sync.Mutex
	done map[redriveKey]time.Time
}

type redriveKey struct {
	execution uuid.UUID
	token     string
}

func (r *redrives) get(execution uuid.UUID, token *string) (time.Time, bool) {
	if token == nil {
		return time.Time{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.done[redriveKey{execution, *token}]
	return at, ok && time.Since(at) < redriveMemory
}

func (r *redrives) put(execution uuid.UUID, token *string, at time.Time) {
	if token == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil || len(r.done) >= mostRedrives {
		r.done = map[redriveKey]time.Time{}
	}
	r.done[redriveKey{execution, *token}] = at
}

type startSyncExecutionInput struct {
	StateMachineArn *string `aws:"required;len=1..256"         json:"stateMachineArn"`
	Name            *string `aws:"len=1..80"                   json:"name"`
	Input           *string `aws:"len=..262144;sensitive;any"  json:"input"`
	TraceHeader     *string `aws:"len=0..256;pattern=ascii"    json:"traceHeader"`
	IncludedData    *string `aws:"enum=ALL_DATA|METADATA_ONLY" json:"includedData"`
}

type startSyncExecutionOutput struct {
	ExecutionArn    string    `json:"executionArn"`
	StateMachineArn string    `json:"stateMachineArn"`
	Name            string    `json:"name"`
	StartDate       epoch     `json:"startDate"`
	StopDate        *epoch    `json:"stopDate"`
	Status          string    `json:"status"`
	Error           *string   `json:"error,omitempty"`
	Cause           *string   `json:"cause,omitempty"`
	Input           *string   `json:"input,omitempty"`
	InputDetails    *included `json:"inputDetails,omitempty"`
	Output          *string   `json:"output,omitempty"`
	OutputDetails   *included `json:"outputDetails,omitempty"`
	TraceHeader     *string   `json:"traceHeader,omitempty"`
	Billing         billing   `json:"billingDetails"`
}

// billing is what the service would charge for: time in steps of 100 ms, and memory in steps of 64 MB.
type billing struct {
	Milliseconds int64 `json:"billedDurationInMilliseconds"`
	MemoryMB     int64 `json:"billedMemoryUsedInMB"`
}

const (
	billedStep   = 100 // milliseconds
	billedMemory = 64  // MB; what an execution uses is not measured
)

func (a *API) startSyncExecution(ctx context.Context, ns string, in *startSyncExecutionInput) (*startSyncExecutionOutput, error) {
	request, about, err := a.startRequest(ns, &startExecutionInput{
		StateMachineArn: in.StateMachineArn, Name: in.Name, Input: in.Input, TraceHeader: in.TraceHeader,
	})
	if err != nil {
		return nil, err
	}
	x, err := a.eng.StartSyncExecution(ctx, request)
	if err != nil {
		return nil, about.fault(err)
	}
	out := &startSyncExecutionOutput{
		ExecutionArn: x.ARN, StateMachineArn: x.StateMachineARN, Name: x.Name, StartDate: epoch(x.StartedAt), StopDate: since(x.EndedAt),
		Status: string(x.Status), TraceHeader: in.TraceHeader, Billing: billing{billedStep, billedMemory},
	}
	if x.EndedAt != nil {
		took := x.EndedAt.Sub(x.StartedAt).Milliseconds()
		out.Billing.Milliseconds = max(1, (took+billedStep-1)/billedStep) * billedStep
	}
	if text(in.IncludedData) != metadataOnly {
		out.Input, out.InputDetails = shown(x.Input)
		out.Output, out.OutputDetails = shown(x.Output)
		out.Error, out.Cause = x.Error, x.Cause
	}
	return out, nil
}
