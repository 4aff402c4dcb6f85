package awsapi

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/history"
)

// historyRows is how many rows of a history are read at a time.
const historyRows = 500

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
	x, err := a.execution(ctx, ns, *in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	reverse := in.ReverseOrder != nil && *in.ReverseOrder
	page, err := a.page(in.MaxResults, in.NextToken, "GetExecutionHistory", x.ID.String(), strconv.FormatBool(reverse))
	if err != nil {
		return nil, err
	}
	events, err := a.historyPage(ctx, x, page, reverse)
	if err != nil {
		return nil, err
	}
	events, next := cut(page, events, func(e history.Event) string { return strconv.FormatInt(e.ID, 10) })
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

// historyPage gives the events of a page and one more if there are more. What an event is depends on all that came
// before, so the rows are read from the first one on.
func (a *API) historyPage(ctx context.Context, x engine.Execution, page paging, reverse bool) ([]history.Event, error) {
	place, _ := strconv.ParseInt(page.after, 10, 64) // sealed: it is a number, or absent
	var events []history.Event
	err := a.eachEvent(ctx, x, func(e history.Event) bool {
		switch {
		case e.Extra:
		case !reverse && e.ID > place:
			events = append(events, e)
			return len(events) <= page.size
		case reverse && place > 0 && e.ID >= place:
			return false
		case reverse:
			if len(events) > 2*page.size { // the older ones are not needed
				events = append(events[:0], events[page.size:]...)
			}
			events = append(events, e)
		}
		return true
	})
	if reverse {
		events = events[max(0, len(events)-page.size-1):]
		slices.Reverse(events)
	}
	return events, err
}

// eachEvent calls each for the events of an execution from the first on, until it gives false.
func (a *API) eachEvent(ctx context.Context, x engine.Execution, each func(history.Event) bool) error {
	viewer, err := a.eng.Viewer(ctx, x)
	if err != nil {
		return err
	}
	for from := int64(0); ; {
		part, err := a.eng.History(ctx, x.ID, from, historyRows)
		if err != nil {
			return err
		}
		for _, row := range part.Rows {
			events, err := viewer.Add(row)
			if err != nil {
				return err
			}
			for _, e := range events {
				if !each(e) {
					return nil
				}
			}
		}
		if len(part.Rows) < historyRows {
			return nil
		}
		from = part.Rows[len(part.Rows)-1].Seq + 1
	}
}
