package awsapi

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

type listExecutionsInput struct {
	StateMachineArn *string `aws:"len=1..256"                                                               json:"stateMachineArn"`
	StatusFilter    *string `aws:"enum=RUNNING|SUCCEEDED|FAILED|TIMED_OUT|ABORTED|PENDING_REDRIVE" json:"statusFilter"`
	MaxResults      *int    `aws:"range=0..1000"                                                            json:"maxResults"`
	NextToken       *string `aws:"len=1..3096"                                                              json:"nextToken"`
	MapRunArn       *string `aws:"len=1..2000"                                                              json:"mapRunArn"`
	RedriveFilter   *string `aws:"enum=REDRIVEN|NOT_REDRIVEN"                                               json:"redriveFilter"`
}

type listExecutionsOutput struct {
	Executions []executionItem `json:"executions"`
	NextToken  *string         `json:"nextToken,omitempty"`
}

type executionItem struct {
	ExecutionArn           string  `json:"executionArn"`
	StateMachineArn        string  `json:"stateMachineArn"`
	Name                   string  `json:"name"`
	Status                 string  `json:"status"`
	StartDate              epoch   `json:"startDate"`
	StopDate               *epoch  `json:"stopDate,omitempty"`
	MapRunArn              *string `json:"mapRunArn,omitempty"`
	ItemCount              *int    `json:"itemCount,omitempty"`
	StateMachineVersionArn *string `json:"stateMachineVersionArn,omitempty"`
	StateMachineAliasArn   *string `json:"stateMachineAliasArn,omitempty"`
	RedriveCount           int     `json:"redriveCount"`
	RedriveDate            *epoch  `json:"redriveDate,omitempty"`
}

func (a *API) listExecutions(ctx context.Context, ns string, in *listExecutionsInput) (*listExecutionsOutput, error) {
	if (in.StateMachineArn == nil) == (in.MapRunArn == nil) {
		return nil, invalid("Must specify exactly one of stateMachineArn and mapRunArn")
	}
	if in.MapRunArn != nil {
		return a.listMapRunExecutions(ctx, ns, in)
	}
	filter, err := a.executionFilter(ctx, ns, in)
	if err != nil {
		return nil, err
	}
	page, err := a.page(in.MaxResults, in.NextToken, "ListExecutions", ns, *in.StateMachineArn, text(in.StatusFilter), text(in.RedriveFilter))
	if err != nil {
		return nil, err
	}
	list, err := a.eng.ListExecutions(ctx, filter, engine.Page{Limit: page.size + 1, After: page.after})
	if err != nil {
		return nil, err
	}
	list, next := cut(page, list, func(x engine.Execution) string { return x.ID.String() })
	ids := make([]uuid.UUID, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	routes, err := a.eng.Routes(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := &listExecutionsOutput{Executions: make([]executionItem, 0, len(list)), NextToken: next}
	for _, x := range list {
		item := executionItem{
			ExecutionArn: x.ARN, StateMachineArn: x.StateMachineARN, Name: x.Name, Status: string(x.Status), StartDate: epoch(x.StartedAt),
			StopDate: since(x.EndedAt), RedriveCount: x.RedriveCount, RedriveDate: since(x.RedrivenAt),
		}
		item.StateMachineVersionArn, item.StateMachineAliasArn = a.routed(x, routes)
		out.Executions = append(out.Executions, item)
	}
	return out, nil
}

// executionFilter reads what a list of executions is of. The state machine must exist and be of the type STANDARD.
func (a *API) executionFilter(ctx context.Context, ns string, in *listExecutionsInput) (engine.Filter, error) {
	r, err := parseARN(*in.StateMachineArn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err != nil {
		return engine.Filter{}, err
	}
	m, _, err := a.machine(ctx, ns, r)
	if err != nil {
		return engine.Filter{}, err
	}
	if m.Type == engine.TypeExpress {
		return engine.Filter{}, notForType()
	}
	filter := engine.Filter{Namespace: ns, Machine: r.name}
	if isVersion(r.rest) {
		filter.Version, _ = strconv.Atoi(r.rest)
	} else {
		filter.Alias = r.rest
	}
	if in.StatusFilter != nil {
		filter.Status = []engine.Status{engine.Status(*in.StatusFilter)}
	}
	if in.RedriveFilter != nil {
		redriven := *in.RedriveFilter == "REDRIVEN"
		filter.Redriven = &redriven
	}
	return filter, nil
}
