package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The error names of approvals.
const (
	// ErrorApprovalRejected is what an approval fails with that was rejected, if its arguments ask for that.
	ErrorApprovalRejected = "Approval.Rejected"
	// ErrorApprovalDeadline is the second name of the States.Timeout of an approval.
	ErrorApprovalDeadline = "Approval.DeadlinePassed"
	// ErrorApprovalInvalid is what an approval fails with whose arguments ask for nothing that can be asked.
	ErrorApprovalInvalid = "Approval.InvalidArguments"
)

// DecideApproval is the decision of one of the approvers that an approval asks.
type DecideApproval struct {
	Task     TaskID
	By       string // the approver
	Approved bool
	Comment  string
	Form     *value.Value // nil: nothing was filled in
	Actor    string       // who brings the decision, if that is not the approver
}

// DelegateApproval hands the decision of an approver on to somebody else.
type DelegateApproval struct {
	Task    TaskID
	By, To  string
	Comment string
	Actor   string // who brings it, if that is not the approver
}

func (DecideApproval) signal()   {}
func (DelegateApproval) signal() {}

// openApproval is what has happened to an approval that is open.
type openApproval struct {
	asked              time.Time
	seats              []seat
	quorum, rejections int
	reminders          []time.Time // that are still to come, earliest first
	decisions          []ApprovalDecision
	delegations        []ApprovalDelegation

	spec *approvalSpec // read from the arguments when it is needed; not part of what is folded
}

// seat is the right to one decision, and who has it.
type seat struct {
	approver string
	decided  bool
}

// ApprovalDecision is what an approver has decided.
type ApprovalDecision struct {
	By       string
	At       time.Time
	Approved bool
	Comment  string
	Form     *value.Value // nil for nothing
	Actor    string       // who brought it, if that was not the approver
}

// ApprovalDelegation says who handed the decision on to whom.
type ApprovalDelegation struct {
	From, To string
	At       time.Time
	Comment  string
	Actor    string // who brought it, if that was not the approver
}

// seatOf gives the seat of an approver, nil if they have none.
func (a *openApproval) seatOf(approver string) *seat {
	for i := range a.seats {
		if a.seats[i].approver == approver {
			return &a.seats[i]
		}
	}
	return nil
}

// outcome tells how the decisions so far end the approval, if they do.
func (a *openApproval) outcome() ApprovalStatus {
	approved, rejected, undecided := 0, 0, 0
	for _, d := range a.decisions {
		if d.Approved {
			approved++
		} else {
			rejected++
		}
	}
	for _, s := range a.seats {
		if !s.decided {
			undecided++
		}
	}
	switch {
	case approved >= a.quorum:
		return ApprovalApproved
	case rejected >= a.rejections, approved+undecided < a.quorum:
		return ApprovalRejected
	default:
		return ApprovalOpen
	}
}

// waiting gives those who have not decided.
func (a *openApproval) waiting() []string {
	var names []string
	for _, s := range a.seats {
		if !s.decided {
			names = append(names, s.approver)
		}
	}
	return names
}

// nextReminder gives the time of the next reminder, zero for none.
func (a *openApproval) nextReminder() time.Time {
	if len(a.reminders) == 0 {
		return time.Time{}
	}
	return a.reminders[0]
}

// applyApproval folds the events of an approval.
func (r *Run) applyApproval(f *Frame, ev Event) error {
	if f.task == nil {
		return errNoTask
	}
	a := f.task.approval
	if asked, ok := ev.Data.(event.ApprovalAsked); ok {
		return r.applyApprovalAsked(f, ev, asked)
	}
	if a == nil {
		return errNoApproval
	}
	switch data := ev.Data.(type) {
	case event.ApprovalDecided:
		s := a.seatOf(data.By)
		if s == nil || s.decided {
			return errNoSeat
		}
		s.decided = true
		a.decisions = append(a.decisions, ApprovalDecision{data.By, ev.Time, data.Approved, data.Comment, data.Form, data.Actor})
		r.noteApproval(f, ApprovalNotice{})
	case event.ApprovalDelegated:
		s := a.seatOf(data.From)
		if s == nil || s.decided {
			return errNoSeat
		}
		s.approver = data.To
		a.delegations = append(a.delegations, ApprovalDelegation{data.From, data.To, ev.Time, data.Comment, data.Actor})
		r.noteApproval(f, ApprovalNotice{Kind: NoticeDelegated, To: []string{data.To}, From: data.From})
	case event.ApprovalReminded:
		a.reminders = a.reminders[min(data.Count, len(a.reminders)):]
		r.timers.add(f)
		r.noteApproval(f, ApprovalNotice{Kind: NoticeReminder, To: a.waiting()})
	}
	return nil
}

func (r *Run) applyApprovalAsked(f *Frame, ev Event, data event.ApprovalAsked) error {
	if f.task.approval != nil {
		return errAskedTwice
	}
	wasOutside := f.waitsOutside()
	a := &openApproval{asked: ev.Time, quorum: data.Quorum, rejections: data.Rejections, reminders: data.Reminders}
	for _, name := range data.Approvers {
		a.seats = append(a.seats, seat{approver: name})
	}
	f.task.approval, f.task.handedOverAt = a, ev.Time
	if d := data.Deadline; !d.IsZero() && (f.task.deadline.IsZero() || d.Before(f.task.deadline)) {
		f.task.deadline = d
	}
	if !wasOutside {
		r.busy--
	}
	r.timers.add(f)
	r.noteApproval(f, ApprovalNotice{Kind: NoticeAsked, To: a.waiting()})
	return nil
}

// encodeApprovals appends the open approvals to a snapshot.
func (r *Run) encodeApprovals(e *event.Encoder) {
	count := 0
	r.eachFrame(func(f *Frame) {
		if f.task != nil && f.task.approval != nil {
			count++
		}
	})
	e.Uint(uint64(count))
	if count == 0 {
		return
	}
	r.eachFrame(func(f *Frame) {
		if f.task != nil && f.task.approval != nil {
			e.Uint(uint64(f.task.id))
			f.task.approval.encode(e)
		}
	})
}

func (a *openApproval) encode(e *event.Encoder) {
	e.Time(a.asked)
	e.Uint(uint64(a.quorum))
	e.Uint(uint64(a.rejections))
	e.Uint(uint64(len(a.seats)))
	for _, s := range a.seats {
		e.Text(s.approver)
		e.Bool(s.decided)
	}
	e.Uint(uint64(len(a.reminders)))
	for _, at := range a.reminders {
		e.Time(at)
	}
	e.Uint(uint64(len(a.decisions)))
	for _, d := range a.decisions {
		e.Text(d.By)
		e.Time(d.At)
		e.Bool(d.Approved)
		e.Text(d.Comment)
		e.Value(d.Form)
		e.Text(d.Actor)
	}
	e.Uint(uint64(len(a.delegations)))
	for _, d := range a.delegations {
		e.Text(d.From)
		e.Text(d.To)
		e.Time(d.At)
		e.Text(d.Comment)
		e.Text(d.Actor)
	}
}

// approvals reads the open approvals of a snapshot.
func (rs *restorer) approvals() error {
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		f := rs.run.tasks[TaskID(rs.Uint())]
		a := rs.approval()
		if f == nil || f.task.approval != nil {
			return event.ErrCorrupt
		}
		if !f.waitsOutside() {
			rs.run.busy--
		}
		f.task.approval = a
		rs.run.timers.add(f)
	}
	return nil
}

func (rs *restorer) approval() *openApproval {
	a := &openApproval{asked: rs.Time(), quorum: int(rs.Uint()), rejections: int(rs.Uint())}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		a.seats = append(a.seats, seat{rs.Text(), rs.Bool()})
	}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		a.reminders = append(a.reminders, rs.Time())
	}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		a.decisions = append(a.decisions, ApprovalDecision{rs.Text(), rs.Time(), rs.Bool(), rs.Text(), rs.Value(), rs.Text()})
	}
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		a.delegations = append(a.delegations, ApprovalDelegation{rs.Text(), rs.Text(), rs.Time(), rs.Text(), rs.Text()})
	}
	return a
}
