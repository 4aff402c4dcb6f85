package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

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
	page, err := a.eng.HistoryEvents(r.Context(), id, engine.HistoryQuery{Limit: limit, Reverse: reverse, After: after})
	if err != nil {
		return err
	}
	out := wire.History{Events: make([]wire.Event, 0, len(page.Events))}
	for _, e := range page.Events {
		out.Events = append(out.Events, event(e))
	}
	if page.Next > 0 {
		out.NextCursor = strconv.FormatInt(page.Next, 10)
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

// event gives an event as it travels.
func event(e engine.HistoryEvent) wire.Event {
	d := e.Details
	out := wire.Event{
		Seq: e.Seq, ID: e.ID, PreviousID: e.PreviousID, Type: e.Type, Timestamp: e.Time.UTC(), State: e.State,
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
