package awsapi

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
)

type mapRunInput struct {
	MapRunArn *string `aws:"required;len=1..2000" json:"mapRunArn"`
}

type describeMapRunOutput struct {
	MapRunArn        string  `json:"mapRunArn"`
	ExecutionArn     string  `json:"executionArn"`
	Status           string  `json:"status"`
	StartDate        epoch   `json:"startDate"`
	StopDate         *epoch  `json:"stopDate,omitempty"`
	MaxConcurrency   int     `json:"maxConcurrency"`
	ToleratedPercent float64 `json:"toleratedFailurePercentage"`
	ToleratedCount   int     `json:"toleratedFailureCount"`
	ItemCounts       counts  `json:"itemCounts"`
	ExecutionCounts  counts  `json:"executionCounts"`
	RedriveCount     int     `json:"redriveCount"`
	RedriveDate      *epoch  `json:"redriveDate,omitempty"`
}

// counts are those of items and of child executions.
type counts struct {
	Pending        int `json:"pending"`
	Running        int `json:"running"`
	Succeeded      int `json:"succeeded"`
	Failed         int `json:"failed"`
	TimedOut       int `json:"timedOut"`
	Aborted        int `json:"aborted"`
	Total          int `json:"total"`
	ResultsWritten int `json:"resultsWritten"`
}

func counted(c engine.Counts) counts {
	return counts{
		Pending: c.Pending, Running: c.Running, Succeeded: c.Succeeded, Failed: c.Failed, Aborted: c.Aborted, Total: c.Total,
	}
}

// mapRun gives the map run of an ARN.
func (a *API) mapRun(ctx context.Context, ns, arn string) (engine.MapRun, error) {
	if _, err := parseARN(arn, kindMapRun); err != nil {
		return engine.MapRun{}, err
	}
	m, err := a.eng.MapRun(ctx, ns, arn)
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeResourceNotFound {
		f := labelled("ResourceNotFound", "Resource not found", "%s", arn)
		f.Name = arn
		return m, f
	}
	return m, err
}

func (a *API) describeMapRun(ctx context.Context, ns string, in *mapRunInput) (*describeMapRunOutput, error) {
	m, err := a.mapRun(ctx, ns, *in.MapRunArn)
	if err != nil {
		return nil, err
	}
	return &describeMapRunOutput{
		MapRunArn: m.ARN, ExecutionArn: m.Execution.ARN, Status: string(m.Status), StartDate: epoch(m.StartedAt), StopDate: since(m.StoppedAt),
		MaxConcurrency: m.MaxConcurrency, ToleratedPercent: m.ToleratedPercentage, ToleratedCount: m.ToleratedCount,
		ItemCounts: counted(m.Items), ExecutionCounts: counted(m.Children),
		RedriveCount: m.RedriveCount, RedriveDate: since(m.RedrivenAt),
	}, nil
}

type listMapRunsInput struct {
	ExecutionArn *string `aws:"required;len=1..256" json:"executionArn"`
	MaxResults   *int    `aws:"range=0..1000"       json:"maxResults"`
	NextToken    *string `aws:"len=1..1024"         json:"nextToken"`
}

type listMapRunsOutput struct {
	MapRuns   []mapRunItem `json:"mapRuns"`
	NextToken *string      `json:"nextToken,omitempty"`
}

type mapRunItem struct {
	ExecutionArn    string `json:"executionArn"`
	MapRunArn       string `json:"mapRunArn"`
	StateMachineArn string `json:"stateMachineArn"`
	StartDate       epoch  `json:"startDate"`
	StopDate        *epoch `json:"stopDate,omitempty"`
}

func (a *API) listMapRuns(ctx context.Context, ns string, in *listMapRunsInput) (*listMapRunsOutput, error) {
	x, err := a.execution(ctx, ns, *in.ExecutionArn, kindExecution)
	if err != nil {
		return nil, err
	}
	page, err := a.page(in.MaxResults, in.NextToken, "ListMapRuns", x.ID.String())
	if err != nil {
		return nil, err
	}
	runs, err := a.eng.MapRuns(ctx, x)
	if err != nil {
		return nil, err
	}
	passed, _ := strconv.Atoi(page.after) // sealed: it is a number, or absent
	runs, shownBefore := runs[min(passed, len(runs)):], passed
	out := &listMapRunsOutput{MapRuns: []mapRunItem{}}
	if len(runs) > page.size {
		runs = runs[:page.size]
		out.NextToken = page.next(strconv.Itoa(shownBefore + page.size))
	}
	for _, m := range runs {
		out.MapRuns = append(out.MapRuns, mapRunItem{
			ExecutionArn: x.ARN, MapRunArn: m.ARN, StateMachineArn: x.StateMachineARN + "/" + m.Label, StartDate: epoch(m.StartedAt),
			StopDate: since(m.StoppedAt),
		})
	}
	return out, nil
}

type updateMapRunInput struct {
	MapRunArn        *string  `aws:"required;len=1..2000" json:"mapRunArn"`
	MaxConcurrency   *int     `aws:"range=0.."            json:"maxConcurrency"`
	ToleratedPercent *float64 `aws:"range=0..100"         json:"toleratedFailurePercentage"`
	ToleratedCount   *int64   `aws:"range=0.."            json:"toleratedFailureCount"`
}

func (a *API) updateMapRun(ctx context.Context, ns string, in *updateMapRunInput) (empty, error) {
	m, err := a.mapRun(ctx, ns, *in.MapRunArn)
	if err != nil {
		return empty{}, err
	}
	if in.MaxConcurrency == nil && in.ToleratedPercent == nil && in.ToleratedCount == nil {
		return empty{}, invalid("At least one of maxConcurrency, toleratedFailurePercentage and toleratedFailureCount must be specified").
			because("MISSING_REQUIRED_PARAMETER")
	}
	change := engine.MapRunChange{MaxConcurrency: in.MaxConcurrency, ToleratedPercentage: in.ToleratedPercent}
	if in.ToleratedCount != nil {
		change.ToleratedCount = new(int(*in.ToleratedCount))
	}
	err = a.eng.ChangeMapRun(ctx, ns, m.ARN, change)
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeValidation {
		return empty{}, invalid("Map Run has completed and cannot be updated: '%s'", *in.MapRunArn).because("CANNOT_UPDATE_COMPLETED_MAP_RUN")
	}
	return empty{}, err
}

// listMapRunExecutions lists the iterations of a map run as its child executions, the newest first.
func (a *API) listMapRunExecutions(ctx context.Context, ns string, in *listExecutionsInput) (*listExecutionsOutput, error) {
	if _, err := a.mapRun(ctx, ns, *in.MapRunArn); err != nil {
		return nil, err
	}
	page, err := a.page(in.MaxResults, in.NextToken, "ListExecutions", ns, *in.MapRunArn, text(in.StatusFilter), text(in.RedriveFilter))
	if err != nil {
		return nil, err
	}
	_, list, err := a.eng.MapRunChildren(ctx, ns, *in.MapRunArn)
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	if page.after != "" { // its child is there for as long as the execution is
		at := slices.IndexFunc(list, func(c engine.MapRunChild) bool { return c.Name == page.after })
		list = list[at+1:]
	}
	list = slices.DeleteFunc(list, func(c engine.MapRunChild) bool {
		return in.StatusFilter != nil && string(c.Status) != *in.StatusFilter ||
			in.RedriveFilter != nil && (c.RedriveCount > 0) != (*in.RedriveFilter == "REDRIVEN")
	})
	list, next := cut(page, list, func(c engine.MapRunChild) string { return c.Name })
	out := &listExecutionsOutput{Executions: make([]executionItem, 0, len(list)), NextToken: next}
	for _, c := range list {
		out.Executions = append(out.Executions, executionItem{
			ExecutionArn: c.ARN, StateMachineArn: c.MachineARN, Name: c.Name, Status: string(c.Status), StartDate: epoch(c.StartedAt),
			StopDate: since(c.StoppedAt), MapRunArn: &c.MapRunARN, ItemCount: &c.Items,
			RedriveCount: c.RedriveCount, RedriveDate: since(c.RedrivenAt),
		})
	}
	return out, nil
}

// describeMapRunExecution describes an iteration of a map run as an execution.
func (a *API) describeMapRunExecution(ctx context.Context, ns string, in *describeExecutionInput) (*describeExecutionOutput, error) {
	c, err := a.eng.MapRunChild(ctx, ns, *in.ExecutionArn)
	if err != nil {
		return nil, subject{execution: *in.ExecutionArn}.fault(err)
	}
	out := &describeExecutionOutput{
		ExecutionArn: c.ARN, StateMachineArn: c.MachineARN, Name: c.Name, Status: string(c.Status), MapRunArn: &c.MapRunARN,
		StartDate: epoch(c.StartedAt), StopDate: since(c.StoppedAt), RedriveCount: c.RedriveCount, RedriveDate: since(c.RedrivenAt),
		RedriveStatus:       "NOT_REDRIVABLE",
		RedriveStatusReason: optional("It is redriven with the execution that its map run belongs to"),
	}
	if text(in.IncludedData) != metadataOnly {
		out.Input, out.InputDetails = shown(c.Input)
		out.Output, out.OutputDetails = shown(c.Output)
		out.Error, out.Cause = c.Error, c.Cause
	}
	return out, nil
}
