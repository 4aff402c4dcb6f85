package event

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The events of an approval: a task that people decide. They speak of the frame's open task, between its TaskScheduled
// and whatever settles it.
type (
	// ApprovalAsked says who may decide, and by which rules. The task waits for people from here.
	ApprovalAsked struct {
		Approvers  []string
		Quorum     int         // how many must approve
		Rejections int         // how many rejections reject
		Reminders  []time.Time // when those who have not decided are reminded, earliest first
		Deadline   time.Time   // zero: that of the task, if it has one
	}
	// ApprovalDecided says that one of them has decided.
	ApprovalDecided struct {
		By       string // the approver
		Approved bool
		Comment  string
		Form     *value.Value // what they filled in; nil for nothing
		Actor    string       // who brought the decision, if that was not the approver
	}
	// ApprovalDelegated says that an approver has handed the decision on to somebody else, who stands in from here.
	ApprovalDelegated struct {
		From, To string
		Comment  string
		Actor    string // who brought it, if that was not the approver
	}
	// ApprovalReminded says that the time of the next reminders has come: of Count at once, if nothing ran when the
	// earlier ones were due.
	ApprovalReminded struct{ Count int }
)

func (ApprovalAsked) kind() kind     { return kindApprovalAsked }
func (ApprovalDecided) kind() kind   { return kindApprovalDecided }
func (ApprovalDelegated) kind() kind { return kindApprovalDelegated }
func (ApprovalReminded) kind() kind  { return kindApprovalReminded }

func (ev ApprovalAsked) encode(e *Encoder) {
	e.Uint(uint64(len(ev.Approvers)))
	for _, who := range ev.Approvers {
		e.Text(who)
	}
	e.Uint(uint64(ev.Quorum))
	e.Uint(uint64(ev.Rejections))
	e.Uint(uint64(len(ev.Reminders)))
	for _, at := range ev.Reminders {
		e.Time(at)
	}
	e.Time(ev.Deadline)
}

func decodeApprovalAsked(d *Decoder) Data {
	ev := ApprovalAsked{}
	for n := d.Uint(); n > 0 && d.More(); n-- {
		ev.Approvers = append(ev.Approvers, d.Text())
	}
	ev.Quorum, ev.Rejections = int(d.Uint()), int(d.Uint())
	for n := d.Uint(); n > 0 && d.More(); n-- {
		ev.Reminders = append(ev.Reminders, d.Time())
	}
	ev.Deadline = d.Time()
	return ev
}

func (ev ApprovalDecided) encode(e *Encoder) {
	e.Text(ev.By)
	e.Bool(ev.Approved)
	e.Text(ev.Comment)
	e.Value(ev.Form)
	e.Text(ev.Actor)
}

func decodeApprovalDecided(d *Decoder) Data {
	return ApprovalDecided{By: d.Text(), Approved: d.Bool(), Comment: d.Text(), Form: d.Value(), Actor: d.Text()}
}

func (ev ApprovalDelegated) encode(e *Encoder) {
	e.Text(ev.From)
	e.Text(ev.To)
	e.Text(ev.Comment)
	e.Text(ev.Actor)
}

func decodeApprovalDelegated(d *Decoder) Data {
	return ApprovalDelegated{From: d.Text(), To: d.Text(), Comment: d.Text(), Actor: d.Text()}
}

func (ev ApprovalReminded) encode(e *Encoder) { e.Uint(uint64(ev.Count)) }
