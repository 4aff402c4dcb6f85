package history

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// approval tells of the events of an approval. The Step Functions API has no word for them: there, an approval is a task
// that is scheduled, started, and settled.
func (u *unfolding) approval(data event.Data) {
	var d object
	typ := ""
	switch data := data.(type) {
	case event.ApprovalAsked:
		typ = "ApprovalAsked"
		d.Set("approvers", texts(data.Approvers))
		d.Set("quorum", value.FromInt(int64(data.Quorum)))
		d.Set("rejections", value.FromInt(int64(data.Rejections)))
		if len(data.Reminders) > 0 {
			times := make([]string, len(data.Reminders))
			for i, at := range data.Reminders {
				times[i] = at.UTC().Format(statemachine.TimeFormat)
			}
			d.Set("reminders", texts(times))
		}
		d.time("deadline", data.Deadline)
	case event.ApprovalDecided:
		decision := statemachine.ApprovalDecision{
			By: data.By, At: u.ev.Time, Approved: data.Approved, Comment: data.Comment, Form: data.Form, Actor: data.Actor,
		}
		u.extra("ApprovalDecided", Details{Approval: decision.JSON()})
		return
	case event.ApprovalDelegated:
		delegation := statemachine.ApprovalDelegation{
			From: data.From, To: data.To, At: u.ev.Time, Comment: data.Comment, Actor: data.Actor,
		}
		u.extra("ApprovalDelegated", Details{Approval: delegation.JSON()})
		return
	case event.ApprovalReminded:
		typ = "ApprovalReminded"
		d.Set("reminders", value.FromInt(int64(data.Count)))
	}
	u.extra(typ, Details{Approval: d.Object()})
}

func texts(list []string) *value.Value {
	elems := make([]*value.Value, len(list))
	for i, text := range list {
		elems[i] = value.FromString(text)
	}
	return value.FromArray(elems)
}

func (o *object) time(key string, at time.Time) {
	if !at.IsZero() {
		o.Text(key, at.UTC().Format(statemachine.TimeFormat))
	}
}
