package awsapi

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

type startExecutionInput struct {
	StateMachineArn *string `aws:"required;len=1..256"           json:"stateMachineArn"`
	Name            *string `aws:"len=1..80"                     json:"name"`
	Input           *string `aws:"len=..262144;sensitive;any"    json:"input"`
	TraceHeader     *string `aws:"len=0..256;pattern=ascii"      json:"traceHeader"`
}

type startExecutionOutput struct {
	ExecutionArn string `json:"executionArn"`
	StartDate    epoch  `json:"startDate"`
}

func (a *API) startExecution(ctx context.Context, ns string, in *startExecutionInput) (*startExecutionOutput, error) {
	request, about, err := a.startRequest(ns, in)
	if err != nil {
		return nil, err
	}
	x, created, err := a.eng.StartExecution(ctx, request)
	if err != nil {
		return nil, about.fault(err)
	}
	if !created && x.Status != engine.Running { // only one that runs is given again
		return nil, about.fault(engine.ErrExecutionAlreadyExists)
	}
	return &startExecutionOutput{ExecutionArn: x.ARN, StartDate: epoch(x.StartedAt)}, nil
}

// startRequest checks what starts have in common, in the order of the service.
func (a *API) startRequest(ns string, in *startExecutionInput) (engine.StartRequest, subject, error) {
	r, err := parseARN(*in.StateMachineArn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err != nil {
		return engine.StartRequest{}, subject{}, err
	}
	about := subject{machine: r.arn, name: text(in.Name)}
	if about.name != "" {
		about.execution = a.eng.ExecutionARN(r.name, about.name)
	}
	input := "{}"
	if in.Input != nil {
		input = *in.Input
		if err := checkExecutionInput(input); err != nil {
			return engine.StartRequest{}, about, err
		}
	}
	return engine.StartRequest{
		Namespace: ns, StateMachine: r.arn, Name: about.name, Input: []byte(input), TraceContext: traceParent(text(in.TraceHeader)),
	}, about, nil
}

// checkExecutionInput refuses an input that is no JSON, in the words of the service.
func checkExecutionInput(input string) error {
	if strings.TrimSpace(input) == "" {
		return labelled("InvalidExecutionInput", "Invalid State Machine Execution Input", "Invalid execution input.")
	}
	if problem := jsonProblem(input); problem != "" {
		return labelled("InvalidExecutionInput", "Invalid State Machine Execution Input", "%s", problem)
	}
	return nil
}

type describeExecutionInput struct {
	ExecutionArn *string `aws:"required;len=1..256"         json:"executionArn"`
	IncludedData *string `aws:"enum=ALL_DATA|METADATA_ONLY" json:"includedData"`
}

// included says that a payload is there.
type included struct {
	Included bool `json:"included"`
}

type describeExecutionOutput struct {
	ExecutionArn           string    `json:"executionArn"`
	StateMachineArn        string    `json:"stateMachineArn"`
	Name                   string    `json:"name"`
	Status                 string    `json:"status"`
	StartDate              epoch     `json:"startDate"`
	StopDate               *epoch    `json:"stopDate,omitempty"`
	Input                  *string   `json:"input,omitempty"`
	InputDetails           *included `json:"inputDetails,omitempty"`
	Output                 *string   `json:"output,omitempty"`
	OutputDetails          *included `json:"outputDetails,omitempty"`
	Error                  *string   `json:"error,omitempty"`
	Cause                  *string   `json:"cause,omitempty"`
	TraceHeader            *string   `json:"traceHeader,omitempty"`
	MapRunArn              *string   `json:"mapRunArn,omitempty"`
	StateMachineVersionArn *string   `json:"stateMachineVersionArn,omitempty"`
	StateMachineAliasArn   *string   `json:"stateMachineAliasArn,omitempty"`
	RedriveCount           int       `json:"redriveCount"`
	RedriveDate            *epoch    `json:"redriveDate,omitempty"`
	RedriveStatus          string    `json:"redriveStatus"`
	RedriveStatusReason    *string   `json:"redriveStatusReason,omitempty"`
}

func (a *API) describeExecution(ctx context.Context, ns string, in *describeExecutionInput) (*describeExecutionOutput, error) {
	if r, err := parseARN(*in.ExecutionArn, kindExecution); err == nil && r.label != "" {
		return a.describeMapRunExecution(ctx, ns, in)
	}
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution, kindExpress)
	if err != nil {
		return nil, err
	}
	out := &describeExecutionOutput{
		ExecutionArn: x.ARN, StateMachineArn: x.StateMachineARN, Name: x.Name, Status: string(x.Status),
		StartDate: epoch(x.StartedAt), StopDate: since(x.EndedAt), TraceHeader: optional(traceHeader(x.TraceContext)),
		RedriveCount: x.RedriveCount, RedriveDate: since(x.RedrivenAt), RedriveStatus: "REDRIVABLE",
	}
	if text(in.IncludedData) != metadataOnly {
		out.Input, out.InputDetails = shown(x.Input)
		out.Output, out.OutputDetails = shown(x.Output)
		out.Error, out.Cause = x.Error, x.Cause
	}
	routes, err := a.eng.Routes(ctx, x.ID)
	if err != nil {
		return nil, err
	}
	out.StateMachineVersionArn, out.StateMachineAliasArn = a.routed(x, routes)
	if x.Type == engine.TypeExpress {
		out.RedriveStatus, out.RedriveStatusReason = "NOT_REDRIVABLE", optional("Executions of the type EXPRESS cannot be redriven")
		return out, nil
	}
	if x.Status == engine.Running || x.Status == engine.Succeeded {
		out.RedriveStatus = "NOT_REDRIVABLE"
		out.RedriveStatusReason = optional("Execution is " + string(x.Status) + " and cannot be redriven")
	}
	return out, nil
}

// metadataOnly is the includedData that leaves payloads out.
const metadataOnly = "METADATA_ONLY"

// shown gives a payload as answers have it.
func shown(v *value.Value) (*string, *included) {
	if v == nil {
		return nil, nil
	}
	s := v.String()
	return &s, &included{Included: true}
}

// execution gives the execution of an ARN, which must be of one of some kinds.
func (a *API) execution(ctx context.Context, ns, arn string, kinds ...string) (engine.Execution, error) {
	r, err := parseARN(arn, kinds...)
	if err != nil {
		return engine.Execution{}, err
	}
	if r.label != "" { // a child of a map run, which exists for ListExecutions and DescribeExecution only
		if _, err := a.eng.MapRunChild(ctx, ns, arn); err != nil {
			return engine.Execution{}, subject{execution: arn}.fault(err)
		}
		return engine.Execution{}, fault400("UnsupportedOperationException",
			"The children of a distributed Map are iterations of its execution here, without a history of their own; they stop and are redriven with it.")
	}
	x, err := a.eng.DescribeExecution(ctx, ns, arn)
	return x, subject{execution: arn}.fault(err)
}

// routed gives the ARNs of the version and the alias by which an execution was started.
func (a *API) routed(x engine.Execution, routes map[uuid.UUID]engine.Route) (version, alias *string) {
	route, ok := routes[x.ID]
	if !ok {
		return nil, nil
	}
	v := a.qualifiedARN(x.MachineName, strconv.Itoa(route.Version))
	if route.Alias == "" {
		return &v, nil
	}
	name := a.qualifiedARN(x.MachineName, route.Alias)
	return &v, &name
}
