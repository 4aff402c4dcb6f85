package awsapi

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
)

type getExecutionHistoryInput struct {
	ExecutionArn         *string `aws:"required;len=1..256" json:"executionArn"`
	MaxResults           *int    `aws:"range=0..1000"       json:"maxResults"`
	ReverseOrder         *bool   `json:"reverseOrder"`
	NextToken            *string `aws:"len=1..1024"         json:"nextToken"`
	IncludeExecutionData *bool   `json:"includeExecutionData"`
}

type getExecutionHistoryOutput struct {
	Events    []json.RawMessage `json:"events"`
	NextToken *string           `json:"nextToken,omitempty"`
}

func (a *API) getExecutionHistory(ctx context.Context, ns string, in *getExecutionHistoryInput) (*getExecutionHistoryOutput, error) {
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution, kindExpress)
	if err != nil {
		return nil, err
	}
	reverse := in.ReverseOrder != nil && *in.ReverseOrder
	page, err := a.page(in.MaxResults, in.NextToken, "GetExecutionHistory", x.ID.String(), strconv.FormatBool(reverse))
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(page.after, 10, 64) // sealed: it is a number, or absent
	found, err := a.eng.HistoryEvents(ctx, x.ID, engine.HistoryQuery{
		Limit: page.size + 1, Reverse: reverse, After: after, Service: true,
	})
	if err != nil {
		return nil, err
	}
	events, next := cut(page, found.Events, func(e engine.HistoryEvent) string { return strconv.FormatInt(e.ID, 10) })
	out := &getExecutionHistoryOutput{Events: make([]json.RawMessage, 0, len(events)), NextToken: next}
	bare := in.IncludeExecutionData != nil && !*in.IncludeExecutionData
	for _, e := range events {
		if bare {
			e.Details.Input, e.Details.Output, e.Details.Assigned = nil, nil, nil
		}
		out.Events = append(out.Events, e.API(a.eng.Region()).JSON())
	}
	return out, nil
}
