package engine

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

const (
	historyRows  = 200 // rows that are read at a time
	historyLimit = 100 // events of a page, if the caller does not say
)

// HistoryQuery chooses a page of an execution's history.
type HistoryQuery struct {
	Limit   int  // at most so many events; 0 means 100
	Reverse bool // newest first
	// After is HistoryEvents.Next of the page before; 0 for the first page.
	After int64
	// Service leaves out what the Step Functions API has no word for (history.Event.Extra).
	Service bool
}

// HistoryEvents is a page of an execution's history.
type HistoryEvents struct {
	Execution Execution
	Events    []HistoryEvent
	Next      int64 // for the next page; 0 if there is none
}

// HistoryEvents gives a page of the history of an execution as the Step Functions API tells it, oldest event first or
// newest first. A page costs what its own events cost, and up to a thousand before them, however long the history is; only
// the first time that a history is read on a node, all that lies before the page is gone through.
func (e *Engine) HistoryEvents(ctx context.Context, id uuid.UUID, q HistoryQuery) (page HistoryEvents, err error) {
	if q.Limit <= 0 {
		q.Limit = historyLimit
	}
	if page.Execution, err = e.byID(ctx, id); err != nil {
		return page, err
	}
	p := pager{Engine: e, x: page.Execution, q: q}
	if q.Reverse {
		page.Events, err = p.backward(ctx)
	} else {
		page.Events, err = p.forward(ctx)
	}
	if len(page.Events) > q.Limit {
		page.Events = page.Events[:q.Limit]
		page.Next = p.place(page.Events[q.Limit-1])
	}
	return page, err
}

// pager finds the events of a page, and one more, if there are more.
type pager struct {
	*Engine
	x Execution
	q HistoryQuery
}

// place gives an event's place, which is what After means.
func (p *pager) place(ev HistoryEvent) int64 {
	if p.q.Service {
		return ev.ID
	}
	return ev.Seq
}

// end gives the place of the last event before a mark.
func (p *pager) end(m mark) int64 {
	if p.q.Service {
		return m.id
	}
	return m.seq
}

func (p *pager) forward(ctx context.Context) (page []HistoryEvent, err error) {
	from := p.views.before(p.x.ID, func(m mark) bool { return p.end(m) <= p.q.After })
	err = p.walk(ctx, from, func(ev HistoryEvent) bool {
		if p.place(ev) > p.q.After {
			page = append(page, ev)
		}
		return len(page) <= p.q.Limit
	})
	return page, err
}

// backward goes forward too, from a mark to the page's end, and then, if that was not enough, from the mark before that.
func (p *pager) backward(ctx context.Context) (page []HistoryEvent, err error) {
	wanted := p.q.Limit + 1
	before := p.q.After // the place of the first event that is not wanted; 0 for none
	for {
		from := p.views.before(p.x.ID, func(m mark) bool { return before == 0 || p.end(m) < before-1 })
		var part []HistoryEvent
		err = p.walk(ctx, from, func(ev HistoryEvent) bool {
			if before > 0 && p.place(ev) >= before {
				return false
			}
			if len(part) >= 2*wanted { // the older half is not needed
				part = append(part[:0], part[wanted:]...)
			}
			part = append(part, ev)
			return true
		})
		if err != nil {
			return nil, err
		}
		slices.Reverse(part)
		page = append(page, part...)
		if len(page) >= wanted || from.row == 0 {
			return page, nil
		}
		before = p.end(from) + 1
	}
}

// walk unfolds the history from a mark on, and calls each for the events that are asked for, until it gives false.
func (p *pager) walk(ctx context.Context, from mark, each func(HistoryEvent) bool) error {
	viewer, err := p.viewerAt(ctx, p.x, from)
	if err != nil {
		return err
	}
	for {
		rows, err := p.cfg.Store.History(ctx, p.x.ID, viewer.next, historyRows)
		if err != nil {
			return asked(err)
		}
		for _, row := range rows {
			events, err := viewer.Add(row)
			if err != nil {
				return err
			}
			for _, ev := range events {
				if (!p.q.Service || !ev.Extra) && !each(ev) {
					return nil
				}
			}
		}
		if len(rows) < historyRows {
			return nil
		}
	}
}
