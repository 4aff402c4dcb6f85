package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The kinds of calls that approvals get.
const (
	CallDecide   CallKind = "decide"
	CallDelegate CallKind = "delegate"
)

// ForwardedDecision is what a call about an approval brings.
type ForwardedDecision struct {
	By       string          `json:"by"`
	Approved bool            `json:"approved,omitempty"`
	To       string          `json:"to,omitempty"`
	Comment  string          `json:"comment,omitempty"`
	Form     json.RawMessage `json:"form,omitempty"`
	Actor    string          `json:"actor,omitempty"`
}

// approvalSignal gives the signal of a call about an approval.
func (c *ForwardedCall) approvalSignal() (statemachine.Signal, error) {
	d := c.Decision
	if d == nil {
		return nil, errorf(CodeValidation, "the call of the kind %q has no decision", c.Kind)
	}
	if c.Kind == CallDelegate {
		return statemachine.DelegateApproval{Task: c.Task, By: d.By, To: d.To, Comment: d.Comment, Actor: d.Actor}, nil
	}
	var form *value.Value
	if len(d.Form) > 0 {
		var err error
		if form, err = value.Parse(d.Form); err != nil {
			return nil, errorf(CodeInvalidForm, "the form is %v", err)
		}
	}
	return statemachine.DecideApproval{
		Task: c.Task, By: d.By, Approved: d.Approved, Comment: d.Comment, Form: form, Actor: d.Actor,
	}, nil
}

// DecisionRequest is a decision that somebody brings.
type DecisionRequest struct {
	Namespace string
	Approval  string // its id
	By        string // the approver
	Approved  bool
	Comment   string
	Form      []byte // JSON; empty: nothing is filled in
	Actor     string // who brings it, if that is not the approver
}

// DelegationRequest hands the decision of an approver on to somebody else.
type DelegationRequest struct {
	Namespace string
	Approval  string // its id
	By, To    string
	Comment   string
	Actor     string // who brings it, if that is not the approver
}

// ListApprovals lists approvals, newest first.
func (e *Engine) ListApprovals(ctx context.Context, filter ApprovalFilter, page Page) ([]Approval, error) {
	filter.Namespace, filter.Approver = namespaceOr(filter.Namespace), statemachine.ApproverName(filter.Approver)
	rows, err := e.cfg.Store.Approvals(ctx, filter, page)
	if errors.Is(err, ErrBadCursor) {
		return nil, errorf(CodeValidation, "%v; use nextCursor of the page before", err)
	}
	if err != nil {
		return nil, asked(err)
	}
	list := make([]Approval, 0, len(rows))
	for _, row := range rows {
		a, err := row.approval()
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// Approval gives one approval by its id.
func (e *Engine) Approval(ctx context.Context, namespace, id string) (Approval, error) {
	execution, task, err := parseApprovalID(id)
	if err != nil {
		return Approval{}, err
	}
	a, err := e.approvalOf(ctx, execution, task)
	if err == nil && a.Namespace != namespaceOr(namespace) {
		return Approval{}, errorf(CodeApprovalDoesNotExist, "there is no approval %s in namespace %s", id, namespaceOr(namespace))
	}
	return a, err
}

func (e *Engine) approvalOf(ctx context.Context, execution uuid.UUID, task statemachine.TaskID) (Approval, error) {
	row, err := e.cfg.Store.Approval(ctx, execution, uint64(task))
	if errors.Is(err, ErrNotFound) {
		return Approval{}, errorf(CodeApprovalDoesNotExist, "there is no approval %s", approvalID(execution, task))
	}
	if err != nil {
		return Approval{}, asked(err)
	}
	return row.approval()
}

// DecideApproval brings the decision of an approver and gives the approval as it stands after it. What is refused
// changes nothing: ApprovalDoesNotExist, NotAnApprover, AlreadyDecided for an approver who has decided,
// ApprovalSettled for an approval that nobody waits for any more, InvalidForm, ValidationException.
func (e *Engine) DecideApproval(ctx context.Context, r DecisionRequest) (Approval, error) {
	if len(r.Form) > e.cfg.Limits.Payload {
		return Approval{}, errorf(CodeInvalidForm, "the form has %d bytes; at most %d are allowed", len(r.Form), e.cfg.Limits.Payload)
	}
	return e.decideOn(ctx, r.Namespace, r.Approval, CallDecide, ForwardedDecision{
		By: r.By, Approved: r.Approved, Comment: r.Comment, Form: r.Form, Actor: r.Actor,
	})
}

// DelegateApproval hands the decision of an approver on to somebody else, who is told of it. It is refused as
// DecideApproval is.
func (e *Engine) DelegateApproval(ctx context.Context, r DelegationRequest) (Approval, error) {
	return e.decideOn(ctx, r.Namespace, r.Approval, CallDelegate, ForwardedDecision{
		By: r.By, To: strings.TrimSpace(r.To), Comment: r.Comment, Actor: r.Actor,
	})
}

func (e *Engine) decideOn(ctx context.Context, namespace, id string, kind CallKind, d ForwardedDecision) (Approval, error) {
	before, err := e.Approval(ctx, namespace, id)
	if err != nil {
		return before, err
	}
	if !before.Open() {
		err := settled(&before)
		return before, err
	}
	c := ForwardedCall{Execution: before.Execution, Kind: kind, Task: before.Task, Decision: &d}
	err = callError(e.deliver(ctx, c, true), &c)
	if errors.Is(err, ErrTaskDoesNotExist) || errors.Is(err, ErrTaskTimedOut) || errors.Is(err, ErrExecutionDoesNotExist) {
		return e.late(ctx, &before, err)
	}
	if err != nil {
		return before, err
	}
	return e.approvalOf(ctx, before.Execution, before.Task)
}

// late tells somebody whose decision came too late what was decided.
func (e *Engine) late(ctx context.Context, before *Approval, err error) (Approval, error) {
	after, again := e.approvalOf(ctx, before.Execution, before.Task)
	switch {
	case again != nil:
		return *before, again
	case after.Open(): // its deadline has passed, and the execution is about to say so
		return after, errorf(CodeApprovalSettled, "approval %s takes no decisions any more: %v", after.ID, err)
	}
	err = settled(&after)
	return after, err
}

func settled(a *Approval) error {
	return errorf(CodeApprovalSettled, "approval %s takes no decisions any more. %s", a.ID, a.Outcome())
}

// approvalError gives the error that a caller understands for one of the core's.
func approvalError(err *statemachine.ApprovalError) error {
	switch err.Reason {
	case statemachine.NotAnApproval:
		return errorf(CodeApprovalDoesNotExist, "%s", err.Message)
	case statemachine.NotAnApprover:
		return errorf(CodeNotAnApprover, "%s", err.Message)
	case statemachine.AlreadyDecided:
		return errorf(CodeAlreadyDecided, "%s", err.Message)
	case statemachine.FormDoesNotFit:
		return errorf(CodeInvalidForm, "%s", err.Message)
	case statemachine.DecisionInvalid:
	}
	return errorf(CodeValidation, "%s", err.Message)
}
