package statemachine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

var (
	errNoTask     = errors.New("the frame has no open task")
	errNoApproval = errors.New("the frame's task asks nobody")
	errNoSeat     = errors.New("whoever it names is not asked, or has decided")
	errAskedTwice = errors.New("the approval was asked before")
)

// ApprovalReason is why a decision or a delegation is refused.
type ApprovalReason uint8

// The reasons.
const (
	NotAnApproval   ApprovalReason = iota + 1 // the task is no approval
	NotAnApprover                             // the approval does not ask them
	AlreadyDecided                            // they have decided before
	FormDoesNotFit                            // what was filled in does not fit the form
	DecisionInvalid                           // something else about it is not as it must be
)

// ApprovalError refuses a decision or a delegation. The run is as it was.
type ApprovalError struct {
	Reason   ApprovalReason
	Message  string
	Problems schema.Problems // with FormDoesNotFit
}

// Error gives the message.
func (e *ApprovalError) Error() string { return e.Message }

func refuse(reason ApprovalReason, format string, args ...any) *ApprovalError {
	return &ApprovalError{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// ask opens an approval: the frame's task, which is being scheduled, is for people.
func (s *taskState) ask(d *decider, f *Frame, ev event.TaskScheduled) {
	d.emit(f, ev)
	spec, problems := readApproval(f.taskArguments(), ev.Timeout > 0)
	if len(problems) > 0 {
		cause := describeProblems(problems)
		d.emit(f, event.TaskFailed{Error: new(ErrorApprovalInvalid), Cause: &cause})
		d.fail(f, newFailure(ErrorApprovalInvalid, cause))
		return
	}
	deadline := f.task.deadline
	if !spec.deadline.IsZero() && (deadline.IsZero() || spec.deadline.Before(deadline)) {
		deadline = spec.deadline
	}
	d.emit(f, event.ApprovalAsked{
		Approvers: spec.approvers, Quorum: spec.quorum, Rejections: spec.rejections,
		Reminders: spec.reminders(d.now, deadline), Deadline: spec.deadline,
	})
	d.invoke(f)
}

func describeProblems(problems []approvalProblem) string {
	const most = 20
	texts := make([]string, 0, len(problems))
	for i, p := range problems {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		texts = append(texts, p.message)
	}
	return "The approval cannot be asked: " + strings.Join(texts, "; ")
}

// scopeOfArguments is what the arguments of the task see. Those of an approval are shown to people, so they have no task
// token, with which anybody could settle it.
func (s *taskState) scopeOfArguments(d *decider, f *Frame, id TaskID) *query.Scope {
	if s.isApproval() {
		return d.scope(f)
	}
	return d.scopeWithToken(f, id)
}

// takeApproval takes a decision, or a delegation.
func (d *decider) takeApproval(f *Frame, sig Signal) error {
	a := f.task.approval
	if a == nil {
		return refuse(NotAnApproval, "task %d is no approval: it waits for something else than a decision of people", f.task.id)
	}
	if !f.task.deadline.IsZero() && !d.now.Before(f.task.deadline) {
		return ErrTaskTimedOut // the tick that says so is on its way
	}
	switch sig := sig.(type) {
	case DecideApproval:
		sig.By = ApproverName(sig.By)
		return d.decideApproval(f, a, sig)
	case DelegateApproval:
		sig.By, sig.To = ApproverName(sig.By), ApproverName(sig.To)
		return d.delegateApproval(f, a, sig)
	default:
		return refuse(NotAnApproval, "task %d is an approval, which takes no %T", f.task.id, sig)
	}
}

func (d *decider) decideApproval(f *Frame, a *openApproval, sig DecideApproval) error {
	if err := a.mayDecide(sig.By); err != nil {
		return err
	}
	spec := f.approvalSpec()
	comment := strings.TrimSpace(sig.Comment)
	switch {
	case len(comment) > MaxCommentBytes:
		return refuse(DecisionInvalid, "the comment has %d bytes; at most %d are allowed", len(comment), MaxCommentBytes)
	case !sig.Approved && spec.reason && comment == "":
		return refuse(DecisionInvalid, "a rejection needs a reason here: write it as the comment")
	}
	form := sig.Form
	if form != nil && form.IsNull() {
		form = nil
	}
	if err := spec.fits(form, sig.Approved); err != nil {
		return err
	}
	if form != nil && form.Len() == 0 && (spec.form == nil || !sig.Approved) {
		form = nil // nothing was filled in
	}
	decision := ApprovalDecision{sig.By, d.now, sig.Approved, comment, form, sig.Actor}
	if size := a.size() + decision.size(); size > d.env.Limits.Payload {
		return refuse(DecisionInvalid, "all decisions together would have %d bytes, which is more than the %d that are allowed",
			size, d.env.Limits.Payload)
	}
	d.emit(f, event.ApprovalDecided{By: sig.By, Approved: sig.Approved, Comment: comment, Form: form, Actor: sig.Actor})
	switch a.outcome() {
	case ApprovalApproved:
		d.settleApproval(f, a, true)
	case ApprovalRejected:
		d.settleApproval(f, a, false)
	case ApprovalOpen, ApprovalTimedOut, ApprovalCancelled: // more decisions are waited for
	}
	return nil
}

// mayDecide refuses those who are not asked, and those who have decided.
func (a *openApproval) mayDecide(who string) error {
	s := a.seatOf(who)
	if s != nil && !s.decided {
		return nil
	}
	for _, decision := range a.decisions {
		if decision.By == who {
			return refuse(AlreadyDecided, "%s has decided before: %s on %s", who, decision.word(), formatTime(decision.At))
		}
	}
	for _, x := range slices.Backward(a.delegations) {
		if x.From == who {
			return refuse(NotAnApprover, "%s has handed the decision on to %s on %s", who, x.To, formatTime(x.At))
		}
	}
	return refuse(NotAnApprover, "%q is not among those whom the approval asks", who)
}

// fits checks what was filled in. What a rejection has filled in is kept as it is: nobody has to finish a form to say no.
func (s *approvalSpec) fits(form *value.Value, approved bool) error {
	switch {
	case s.form == nil && form != nil && (form.Kind() != value.Object || form.Len() > 0):
		return refuse(FormDoesNotFit, "the approval has no form to fill in")
	case s.form == nil, form == nil && !approved:
		return nil
	case !approved && form.Kind() != value.Object:
		return refuse(FormDoesNotFit, "what was filled in must be an object, but is %s", article(form.Kind()))
	case !approved:
		return nil
	case form == nil:
		form = emptyObject
	}
	if problems := s.form.Validate(form); len(problems) > 0 {
		err := refuse(FormDoesNotFit, "what was filled in does not fit the form: %s", problems.Error())
		err.Problems = problems
		return err
	}
	return nil
}

func (d *decider) delegateApproval(f *Frame, a *openApproval, sig DelegateApproval) error {
	if err := a.mayDecide(sig.By); err != nil {
		return err
	}
	comment := strings.TrimSpace(sig.Comment)
	why := badApprover(sig.To)
	switch {
	case why != "":
		return refuse(DecisionInvalid, "whom to hand it on to %s", why)
	case len(comment) > MaxCommentBytes:
		return refuse(DecisionInvalid, "the comment has %d bytes; at most %d are allowed", len(comment), MaxCommentBytes)
	case sig.To == sig.By:
		return refuse(DecisionInvalid, "%s cannot hand the decision on to themselves", sig.By)
	case a.seatOf(sig.To) != nil:
		return refuse(DecisionInvalid, "%s is asked already", sig.To)
	case len(a.delegations) >= MaxApprovers:
		return refuse(DecisionInvalid, "the decision was handed on %d times, which is as often as is allowed", len(a.delegations))
	}
	d.emit(f, event.ApprovalDelegated{From: sig.By, To: sig.To, Comment: comment, Actor: sig.Actor})
	return nil
}

// settleApproval ends an approval by what was decided.
func (d *decider) settleApproval(f *Frame, a *openApproval, approved bool) {
	if !approved && f.approvalSpec().rejectionFails {
		cause := a.rejectionCause()
		d.emit(f, event.TaskFailed{Error: new(ErrorApprovalRejected), Cause: &cause})
		d.fail(f, newFailure(ErrorApprovalRejected, cause))
		return
	}
	d.emit(f, event.TaskSucceeded{Result: a.output(approved)})
	d.complete(f)
}

// wakeApproval goes on with an approval whose deadline has passed, or of which people are to be reminded.
func (d *decider) wakeApproval(f *Frame) {
	if t := f.task; !t.deadline.IsZero() && !d.now.Before(t.deadline) {
		why := t.approval.timedOut()
		d.commands = append(d.commands, Cancel{Task: t.id})
		d.emit(f, event.TaskTimedOut{})
		d.fail(f, why)
		return
	}
	count := 0
	for _, at := range f.task.approval.reminders {
		if !d.now.Before(at) {
			count++
		}
	}
	d.emit(f, event.ApprovalReminded{Count: count})
}

// timedOut is what an approval fails with whose deadline has passed. The cause tells who has decided by then.
func (a *openApproval) timedOut() failure {
	texts := make([]string, 0, len(a.decisions))
	for _, decision := range a.decisions {
		texts = append(texts, decision.By+" "+decision.word())
	}
	cause := "The deadline of the approval has passed. "
	if len(texts) == 0 {
		cause += "Nobody has decided"
	} else {
		cause += "So far " + strings.Join(texts, ", ")
	}
	cause += "; it waited for " + strings.Join(a.waiting(), ", ")
	why := newFailure(ErrorTimeout, clip(cause))
	why.alias = ErrorApprovalDeadline
	return why
}

// maxApprovalCause bounds a cause that lists people, in bytes.
const maxApprovalCause = 4096

func clip(text string) string {
	if len(text) <= maxApprovalCause {
		return text
	}
	return strings.ToValidUTF8(text[:maxApprovalCause], "") + "..."
}

func (a *openApproval) rejectionCause() string {
	var texts []string
	for _, decision := range a.decisions {
		if decision.Approved {
			continue
		}
		text := "rejected by " + decision.By
		if decision.Comment != "" {
			text += ": " + decision.Comment
		}
		texts = append(texts, text)
	}
	return clip(strings.Join(texts, "; "))
}

// approvalSpec reads what the arguments of the frame's approval say. They were read when it was asked, so they can be.
func (f *Frame) approvalSpec() *approvalSpec {
	a := f.task.approval
	if a.spec == nil {
		spec, problems := readApproval(f.taskArguments(), f.task.timeout > 0)
		if len(problems) > 0 { // by another release, which saw nothing wrong with them
			spec = &approvalSpec{}
		}
		a.spec = spec
	}
	return a.spec
}

func (d ApprovalDecision) word() string {
	if d.Approved {
		return "approved"
	}
	return "rejected"
}

// JSON gives the decision as the output of an approval has it.
func (d ApprovalDecision) JSON() *value.Value {
	var o value.Members
	o.Text("by", d.By)
	o.Text("at", formatTime(d.At))
	o.Text("decision", d.word())
	o.Text("comment", d.Comment)
	o.Set("form", d.Form)
	o.Text("actor", d.Actor)
	return o.Object()
}

func (d ApprovalDecision) size() int { return len(d.JSON().JSON()) }

// JSON gives the delegation as the output of an approval has it.
func (d ApprovalDelegation) JSON() *value.Value {
	var o value.Members
	o.Text("from", d.From)
	o.Text("to", d.To)
	o.Text("at", formatTime(d.At))
	o.Text("comment", d.Comment)
	o.Text("actor", d.Actor)
	return o.Object()
}

// size estimates the output, from above: a decision is in it twice if it is the last one.
func (a *openApproval) size() int {
	size, largest := 256, 0
	for _, decision := range a.decisions {
		n := decision.size() + 1
		size, largest = size+n, max(largest, n)
	}
	for _, x := range a.delegations {
		size += len(x.JSON().JSON()) + 1
	}
	return size + largest
}

// output is the result of an approval: what was decided, by whom last, and everything that led to it.
func (a *openApproval) output(approved bool) *value.Value {
	var o value.Members
	last := a.decisions[len(a.decisions)-1]
	for _, decision := range a.decisions { // the last one of those that agree with what was decided
		if decision.Approved == approved {
			last = decision
		}
	}
	last.Approved = approved
	o.Text("decision", last.word())
	o.Text("by", last.By)
	o.Text("comment", last.Comment)
	o.Set("form", last.Form)
	decisions := make([]*value.Value, len(a.decisions))
	for i, decision := range a.decisions {
		decisions[i] = decision.JSON()
	}
	o.Set("decisions", value.FromArray(decisions))
	if len(a.delegations) > 0 {
		delegations := make([]*value.Value, len(a.delegations))
		for i, x := range a.delegations {
			delegations[i] = x.JSON()
		}
		o.Set("delegations", value.FromArray(delegations))
	}
	return o.Object().Settled()
}
