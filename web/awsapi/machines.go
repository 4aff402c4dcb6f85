package awsapi

import (
	"context"

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
	StateMachineArn *string `aws:"required;len=1..256"           json:"stateMachineArn"`
	IncludedData    *string `aws:"enum=ALL_DATA|METADATA_ONLY" json:"includedData"`
}

type describeStateMachineOutput struct {
	StateMachineArn string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Status          string  `json:"status"`
	Definition      *string `json:"definition,omitempty"`
	Type            string  `json:"type"`
	CreationDate    epoch   `json:"creationDate"`
}

func (a *API) describeStateMachine(ctx context.Context, ns string, in *describeStateMachineInput) (*describeStateMachineOutput, error) {
	r, err := parseARN(*in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	m, err := a.eng.StateMachine(ctx, ns, r.name)
	if err != nil {
		return nil, subject{machine: r.arn}.fault(err)
	}
	definition := string(m.Definition)
	return &describeStateMachineOutput{
		StateMachineArn: r.arn, Name: m.Name, Status: "ACTIVE", Definition: &definition, Type: m.Type, CreationDate: epoch(m.CreatedAt),
	}, nil
}
