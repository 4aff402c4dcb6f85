package awsapi

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
)

type listStateMachinesInput struct {
	MaxResults *int    `aws:"range=0..1000" json:"maxResults"`
	NextToken  *string `aws:"len=1..1024"   json:"nextToken"`
}

type listStateMachinesOutput struct {
	StateMachines []stateMachineItem `json:"stateMachines"`
	NextToken     *string            `json:"nextToken,omitempty"`
}

type stateMachineItem struct {
	StateMachineArn string `json:"stateMachineArn"`
	Name            string `json:"name"`
	Type            string `json:"type"`
	CreationDate    epoch  `json:"creationDate"`
}

func (a *API) listStateMachines(ctx context.Context, ns string, in *listStateMachinesInput) (*listStateMachinesOutput, error) {
	page, err := a.page(in.MaxResults, in.NextToken, "ListStateMachines", ns)
	if err != nil {
		return nil, err
	}
	machines, err := a.eng.StateMachines(ctx, ns, engine.Page{Limit: page.size + 1, After: page.after})
	if err != nil {
		return nil, err
	}
	machines, next := cut(page, machines, func(m engine.StateMachine) string { return m.Name })
	out := &listStateMachinesOutput{StateMachines: make([]stateMachineItem, 0, len(machines)), NextToken: next}
	for _, m := range machines {
		out.StateMachines = append(out.StateMachines, stateMachineItem{
			StateMachineArn: a.eng.StateMachineARN(m.Name), Name: m.Name, Type: m.Type, CreationDate: epoch(m.CreatedAt),
		})
	}
	return out, nil
}

type describeStateMachineInput struct {
	StateMachineArn *string `aws:"required;len=1..256"         json:"stateMachineArn"`
	IncludedData    *string `aws:"enum=ALL_DATA|METADATA_ONLY" json:"includedData"`
}

type describeStateMachineOutput struct {
	StateMachineArn string          `json:"stateMachineArn"`
	Name            string          `json:"name"`
	Status          string          `json:"status,omitempty"`
	Definition      *string         `json:"definition,omitempty"`
	RoleArn         string          `json:"roleArn"`
	Type            string          `json:"type,omitempty"`
	CreationDate    *epoch          `json:"creationDate,omitempty"`
	UpdateDate      *epoch          `json:"updateDate,omitempty"`
	Logging         json.RawMessage `json:"loggingConfiguration"`
	Tracing         json.RawMessage `json:"tracingConfiguration"`
	Encryption      json.RawMessage `json:"encryptionConfiguration,omitempty"`
	RevisionID      *string         `json:"revisionId,omitempty"`
	Description     *string         `json:"description,omitempty"`
}

func (a *API) describeStateMachine(ctx context.Context, ns string, in *describeStateMachineInput) (*describeStateMachineOutput, error) {
	r, err := parseARN(*in.StateMachineArn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err != nil {
		return nil, err
	}
	m, version, err := a.machine(ctx, ns, r)
	if err != nil {
		return nil, err
	}
	out := a.described(m, in.IncludedData)
	out.StateMachineArn, out.Status, out.Type, out.CreationDate = r.arn, "ACTIVE", m.Type, since(&m.CreatedAt)
	if version != nil {
		out.CreationDate, out.Description = since(&version.CreatedAt), optional(version.Description)
	}
	return out, nil
}

// machine gives what an ARN of a state machine names: its newest revision, that of a version, or that of the version to
// which an alias leads with the greater weight.
func (a *API) machine(ctx context.Context, ns string, r resource) (engine.StateMachine, *engine.Version, error) {
	about := subject{machine: r.arn}
	if r.rest == "" {
		m, err := a.eng.StateMachine(ctx, ns, r.name)
		return m, nil, about.fault(err)
	}
	number, err := strconv.Atoi(r.rest)
	if !isVersion(r.rest) || err != nil {
		alias, err := a.eng.Alias(ctx, ns, r.name, r.rest)
		if err != nil {
			return engine.StateMachine{}, nil, noMachine(r.arn)
		}
		number = alias.Targets[0].Version
		if len(alias.Targets) > 1 && alias.Targets[1].Weight > alias.Targets[0].Weight {
			number = alias.Targets[1].Version
		}
	}
	v, m, err := a.eng.Version(ctx, ns, r.name, number)
	return m, &v, about.fault(err)
}

// described gives what all descriptions of a state machine share.
func (a *API) described(m engine.StateMachine, data *string) *describeStateMachineOutput {
	out := &describeStateMachineOutput{
		Name: m.Name, RoleArn: m.RoleARN, Logging: or(m.Settings.Logging, noLogging), Tracing: or(m.Settings.Tracing, noTracing),
		Encryption: m.Settings.Encryption, RevisionID: optional(m.RevisionID()),
	}
	if out.RoleArn == "" {
		out.RoleArn = a.eng.DefaultRoleARN()
	}
	if text(data) != metadataOnly {
		definition := string(m.Definition)
		out.Definition = &definition
	}
	return out
}

type describeForExecutionInput struct {
	ExecutionArn *string `aws:"required;len=1..256"         json:"executionArn"`
	IncludedData *string `aws:"enum=ALL_DATA|METADATA_ONLY" json:"includedData"`
}

func (a *API) describeStateMachineForExecution(ctx context.Context, ns string, in *describeForExecutionInput) (*describeStateMachineOutput, error) {
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution, kindExpress)
	if err != nil {
		return nil, err
	}
	m, err := a.eng.Revision(ctx, x.Revision)
	if err != nil {
		return nil, err
	}
	out := a.described(m, in.IncludedData)
	out.StateMachineArn, out.UpdateDate = x.StateMachineARN, since(&m.RevisedAt)
	return out, nil
}
