package engine

import (
	"context"

	"github.com/tercel-workflows/tercel/statemachine"
)

// CallChangeMap changes a map run.
const CallChangeMap CallKind = "change_map"

// MapRunChange is what a map run that is under way is to keep to from now on. What is nil stays as it is.
type MapRunChange struct {
	Event               int64    `json:"event"` // with which the map run began; ChangeMapRun sets it
	MaxConcurrency      *int     `json:"max_concurrency,omitempty"`
	ToleratedCount      *int     `json:"tolerated_count,omitempty"`
	ToleratedPercentage *float64 `json:"tolerated_percentage,omitempty"`
}

// ChangeMapRun changes a map run, and answers once that is durable. With more room, more iterations start at once; with less, those
// that are under way stay. The Map fails if more of its iterations have failed than it tolerates now. The errors are those of
// [Engine.MapRun], and Validation if the map run has ended.
func (e *Engine) ChangeMapRun(ctx context.Context, namespace, arn string, change MapRunChange) error {
	m, err := e.MapRun(ctx, namespace, arn)
	if err != nil {
		return err
	}
	if m.Status != Running {
		return mapRunEnded(m.ARN)
	}
	change.Event = m.event
	c := ForwardedCall{Execution: m.Execution.ID, Kind: CallChangeMap, Change: &change}
	err = callError(e.deliver(ctx, c, true), &c)
	if isCode(err, CodeValidation) { // which tells of the execution, and not of the map run
		return mapRunEnded(m.ARN)
	}
	return err
}

func mapRunEnded(arn string) error {
	return errorf(CodeValidation, "map run %s has ended and cannot be changed", arn)
}

// mapSignal gives the signal of a call that changes a map run.
func (c *ForwardedCall) mapSignal() (statemachine.Signal, error) {
	if c.Change == nil {
		return nil, errorf(CodeValidation, "the call of the kind %q has no change", c.Kind)
	}
	return statemachine.ChangeMap{
		Map: c.Change.Event, MaxConcurrency: c.Change.MaxConcurrency,
		ToleratedCount: c.Change.ToleratedCount, ToleratedPercentage: c.Change.ToleratedPercentage,
	}, nil
}
