package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// historyRows is how many rows of a history are read at a time.
const historyRows = 500

// history answers with one page of an execution's history, oldest event first or, reversed, newest first. The cursor is
// the seq of the last event of the page before.
func (a *API) history(w http.ResponseWriter, r *http.Request) error {
	p := query(r, "limit", "cursor", "reverse")
	limit, reverse, after := p.limit(), p.flag("reverse"), p.cursor()
	if p.err != nil {
		return p.err
	}
	_, id, err := a.find(r)
	if err != nil {
		return err
	}
	read := a.forward
	if reverse {
		read = a.backward
	}
	events, more, err := read(r.Context(), id, after, limit)
	if err != nil {
		return err
	}
	out := wire.History{Events: make([]wire.Event, 0, len(events))}
	for _, e := range events {
		out.Events = append(out.Events, e.wire())
	}
	if more {
		out.NextCursor = strconv.FormatInt(events[len(events)-1].seq, 10)
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// cursor gives the seq of an event, 0 if absent.
func (p *params) cursor() int64 {
	text := p.text("cursor")
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		p.fail("the parameter cursor is %q, which is none that this server gave; use nextCursor of the page before", text)
	}
	return n
}

// placed is an event with its place in the history.
type placed struct {
	history.Event
	seq int64
}

// view unfolds the rows of one execution, from its first on.
type view struct {
	viewer *engine.Viewer
	seq    int64
}

// add gives the events of the next rows.
func (v *view) add(rows []engine.HistoryRow) ([]placed, error) {
	var out []placed
	for _, row := range rows {
		events, err := v.viewer.Add(row)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			v.seq++
			out = append(out, placed{e, v.seq})
		}
	}
	return out, nil
}

// forward gives the events behind a seq. An event's id depends on all that came before, so the rows are read from the
// first one on.
func (a *API) forward(ctx context.Context, id uuid.UUID, after int64, limit int) (page []placed, more bool, err error) {
	err = a.eachEvent(ctx, id, func(e placed) bool {
		if e.seq <= after {
			return true
		}
		if len(page) == limit {
			more = true
			return false
		}
		page = append(page, e)
		return true
	})
	return page, more, err
}

// backward gives the events before a seq, or the last ones, newest first.
func (a *API) backward(ctx context.Context, id uuid.UUID, before int64, limit int) (page []placed, more bool, err error) {
	err = a.eachEvent(ctx, id, func(e placed) bool {
		if before > 0 && e.seq >= before {
			return false
		}
		if len(page) == 2*limit { // the older half is not needed any more
			page = append(page[:0], page[limit:]...)
			more = true
		}
		page = append(page, e)
		return true
	})
	if over := len(page) - limit; over > 0 {
		page, more = page[over:], true
	}
	slices.Reverse(page)
	return page, more, err
}

// eachEvent calls each for the events of an execution from the first on, until it gives false.
func (a *API) eachEvent(ctx context.Context, id uuid.UUID, each func(placed) bool) error {
	var v *view
	for from := int64(0); ; {
		part, err := a.eng.History(ctx, id, from, historyRows)
		if err != nil {
			return err
		}
		if v == nil {
			viewer, err := a.eng.Viewer(ctx, part.Execution)
			if err != nil {
				return err
			}
			v = &view{viewer: viewer}
		}
		events, err := v.add(part.Rows)
		if err != nil {
			return err
		}
		for _, e := range events {
			if !each(e) {
				return nil
			}
		}
		if len(part.Rows) < historyRows {
			return nil
		}
		from = part.Rows[len(part.Rows)-1].Seq + 1
	}
}

// wire gives an event as it travels.
func (e placed) wire() wire.Event {
	d := e.Details
	out := wire.Event{
		Seq: e.seq, ID: e.ID, PreviousID: e.PreviousID, Type: e.Type, Timestamp: e.Time.UTC(), State: e.State,
		Frame: uint64(e.Frame), Extra: e.Extra,
		Details: wire.Details{
			Input: payload(d.Input), Output: payload(d.Output), Error: d.Error, Cause: d.Cause, Resource: d.Resource,
			ResourceType: d.Service, TimeoutSeconds: d.Timeout.Seconds(), HeartbeatSeconds: d.Heartbeat.Seconds(),
			Worker: d.Worker, Location: d.Location, Index: d.Index, Length: d.Length, Until: someTime(d.Until),
			Node: d.Node, RedriveCount: d.Redrives, Approval: payload(d.Approval),
		},
	}
	for _, frame := range d.Frames {
		out.Details.Frames = append(out.Details.Frames, uint64(frame))
	}
	for _, v := range d.Assigned {
		if out.Details.Assigned == nil {
			out.Details.Assigned = map[string]json.RawMessage{}
		}
		out.Details.Assigned[v.Name] = payload(v.Value)
	}
	return out
}

func someTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return utc(&t)
}
