package statemachine

import (
	"slices"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// ApprovalStatus is how an approval stands.
type ApprovalStatus string

// The statuses of an approval.
const (
	ApprovalOpen      ApprovalStatus = "OPEN"
	ApprovalApproved  ApprovalStatus = "APPROVED"
	ApprovalRejected  ApprovalStatus = "REJECTED"
	ApprovalTimedOut  ApprovalStatus = "TIMED_OUT" // its deadline has passed
	ApprovalCancelled ApprovalStatus = "CANCELLED" // its execution, or the branch it is in, has ended without it
)

// Approval is an approval as it stands: open, or as it was when it was closed.
type Approval struct {
	Task   TaskID
	State  string // the name of its state
	Status ApprovalStatus

	Title, Description, RequestedBy string
	Data                            *value.Value // to be shown, nil for none
	Form                            *value.Value // a JSON Schema, nil for none
	ReasonRequired                  bool         // of rejections
	Quorum, Rejections              int          // how many must approve; how many rejections reject

	Approvers []string // who may decide, or has decided; after delegations
	Waiting   []string // those of them who have not decided
	Asked     time.Time
	Deadline  time.Time // zero for none
	Closed    time.Time // zero while it is open

	Decisions   []ApprovalDecision
	Delegations []ApprovalDelegation
}

// NoticeKind says why somebody is told of an approval.
type NoticeKind string

// The reasons.
const (
	NoticeAsked     NoticeKind = "asked"     // they are to decide
	NoticeReminder  NoticeKind = "reminder"  // they have not decided yet
	NoticeDelegated NoticeKind = "delegated" // somebody has handed the decision on to them
	NoticeClosed    NoticeKind = "closed"    // it is decided, or nobody waits for it any more
)

// ApprovalNotice is somebody to be told of an approval.
type ApprovalNotice struct {
	Kind NoticeKind
	To   []string
	From string // with NoticeDelegated: who handed it on
}

// ApprovalChange is an approval that events have changed, as it stands after them, and who is to be told.
type ApprovalChange struct {
	Approval Approval
	Notices  []ApprovalNotice
}

// approvalChanges collects the changes of the decisions since they were taken out last.
type approvalChanges struct {
	noting bool // a decision is being made; what is read back from a history is no news
	list   []*ApprovalChange
}

// TakeApprovalChanges gives the approvals that decisions have changed since it was called last, in the order in which
// they changed first. It is for those who keep a list of approvals beside the history.
func (r *Run) TakeApprovalChanges() []*ApprovalChange {
	list := r.changes.list
	r.changes.list = nil
	return list
}

// Approvals gives the open approvals, in the order of their frames.
func (r *Run) Approvals() []Approval {
	var list []Approval
	r.eachFrame(func(f *Frame) {
		if f.task != nil && f.task.approval != nil {
			list = append(list, f.approval())
		}
	})
	return list
}

// noteApproval notes that the frame's approval has changed.
func (r *Run) noteApproval(f *Frame, notice ApprovalNotice) {
	if !r.changes.noting {
		return
	}
	var change *ApprovalChange
	for _, c := range r.changes.list {
		if c.Approval.Task == f.task.id {
			change = c
		}
	}
	if change == nil {
		change = &ApprovalChange{}
		r.changes.list = append(r.changes.list, change)
	}
	change.Approval = f.approval()
	if notice.Kind != "" && len(notice.To) > 0 {
		change.Notices = append(change.Notices, notice)
	}
}

// noteClosed notes how the frame's approval, which is being closed, has ended.
func (r *Run) noteClosed(f *Frame, how settlement) {
	if !r.changes.noting || f.task.approval == nil {
		return
	}
	a := f.task.approval
	r.noteApproval(f, ApprovalNotice{Kind: NoticeClosed, To: a.everybody()})
	closed := &r.changes.list[len(r.changes.list)-1].Approval
	for _, c := range r.changes.list {
		if c.Approval.Task == f.task.id {
			closed = &c.Approval
		}
	}
	closed.Closed = r.lastAt
	closed.Status = ApprovalCancelled
	switch {
	case how == settledByTimeout:
		closed.Status = ApprovalTimedOut
	case how == settledByAnswer && a.outcome() != ApprovalOpen:
		closed.Status = a.outcome()
	}
}

func (a *openApproval) everybody() []string {
	names := make([]string, len(a.seats))
	for i, s := range a.seats {
		names[i] = s.approver
	}
	return names
}

// approval gives the frame's approval as it stands.
func (f *Frame) approval() Approval {
	a, spec := f.task.approval, f.approvalSpec()
	return Approval{
		Task: f.task.id, State: f.state.name, Status: ApprovalOpen,
		Title: spec.title, Description: spec.description, RequestedBy: spec.requestedBy, Data: spec.data, Form: spec.formSchema,
		ReasonRequired: spec.reason, Quorum: a.quorum, Rejections: a.rejections,
		Approvers: a.everybody(), Waiting: a.waiting(), Asked: a.asked, Deadline: f.task.deadline,
		Decisions: slices.Clip(a.decisions), Delegations: slices.Clip(a.delegations),
	}
}
