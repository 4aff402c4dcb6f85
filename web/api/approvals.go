package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/engine/notify"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// approvalStatuses are what the parameter status may be.
var approvalStatuses = []statemachine.ApprovalStatus{
	statemachine.ApprovalOpen, statemachine.ApprovalApproved, statemachine.ApprovalRejected, statemachine.ApprovalTimedOut,
	statemachine.ApprovalCancelled,
}

func (a *API) listApprovals(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	p := query(r, "approver", "execution", "status", "limit", "cursor")
	filter := engine.ApprovalFilter{Namespace: ns, Approver: p.text("approver"), Status: p.approvalStatuses()}
	limit, cursor := p.limit(), p.text("cursor")
	if p.err != nil {
		return p.err
	}
	if ref := p.text("execution"); ref != "" {
		if filter.Execution, err = a.eng.ResolveExecution(r.Context(), ns, ref); err != nil {
			return err
		}
	}
	found, err := a.eng.ListApprovals(r.Context(), filter, engine.Page{Limit: limit + 1, After: cursor})
	if err != nil {
		return err
	}
	out := wire.ApprovalList{Approvals: make([]wire.Approval, 0, len(found))}
	for i := range found {
		if i == limit {
			out.NextCursor = found[limit-1].Cursor
			break
		}
		out.Approvals = append(out.Approvals, approval(&found[i]))
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// approvalStatuses gives the statuses that are asked for, separated by commas.
func (p *params) approvalStatuses() []statemachine.ApprovalStatus {
	var list []statemachine.ApprovalStatus
	for name := range strings.SplitSeq(p.text("status"), ",") {
		status := statemachine.ApprovalStatus(strings.ToUpper(strings.TrimSpace(name)))
		switch {
		case status == "":
		case !slices.Contains(approvalStatuses, status):
			p.fail("the parameter status is %q, but must be some of OPEN, APPROVED, REJECTED, TIMED_OUT and CANCELLED, separated by commas", name)
		default:
			list = append(list, status)
		}
	}
	return list
}

func (a *API) getApproval(w http.ResponseWriter, r *http.Request) error {
	ns, id, err := approvalRef(r)
	if err != nil {
		return err
	}
	found, err := a.eng.Approval(r.Context(), ns, id)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, approval(&found))
	return nil
}

func approvalRef(r *http.Request) (ns, id string, err error) {
	if ns, err = namespace(r); err != nil {
		return "", "", err
	}
	id, err = pathParam(r, "id")
	return ns, id, err
}

func (a *API) decideApproval(w http.ResponseWriter, r *http.Request) error {
	ns, id, err := approvalRef(r)
	if err != nil {
		return err
	}
	var in wire.Decide
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if in.Decision != "approve" && in.Decision != "reject" {
		return invalid("the field decision is %q, but must be approve or reject", in.Decision)
	}
	by, actor, err := approver(r, in.As)
	if err != nil {
		return err
	}
	after, err := a.eng.DecideApproval(r.Context(), engine.DecisionRequest{
		Namespace: ns, Approval: id, By: by, Actor: actor, Approved: in.Decision == "approve", Comment: in.Comment, Form: in.Form,
	})
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, approval(&after))
	return nil
}

func (a *API) delegateApproval(w http.ResponseWriter, r *http.Request) error {
	ns, id, err := approvalRef(r)
	if err != nil {
		return err
	}
	var in wire.Delegate
	if err := readJSON(r, &in); err != nil {
		return err
	}
	by, actor, err := approver(r, in.As)
	if err != nil {
		return err
	}
	after, err := a.eng.DelegateApproval(r.Context(), engine.DelegationRequest{
		Namespace: ns, Approval: id, By: by, Actor: actor, To: in.To, Comment: in.Comment,
	})
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, approval(&after))
	return nil
}

// approver gives who decides: the key by its name, or somebody else if the key may act for others, which is noted.
func approver(r *http.Request, as string) (by, actor string, err error) {
	p, known := access.From(r.Context())
	switch {
	case !known, p.KeyID == "": // a server that asks for no keys knows nobody by name
		if as == "" {
			return "", "", invalid("the field as is missing: say which of the approvers decides (tercel approvals approve ... --as NAME)")
		}
		return as, "", nil
	case as == "", statemachine.ApproverName(as) == statemachine.ApproverName(p.Name):
		return p.Name, "", nil
	case !p.Can(access.Admin):
		return "", "", &access.DeniedError{Principal: p, Scope: access.Admin, Message: "the key " + p.Name + " decides as " + p.Name +
			"; to decide as somebody else needs the scope admin"}
	default:
		return as, p.Name, nil
	}
}

func (a *API) approvalLink(w http.ResponseWriter, r *http.Request) error {
	ns, id, err := approvalRef(r)
	if err != nil {
		return err
	}
	var in wire.LinkRequest
	if err := readJSON(r, &in); err != nil {
		return err
	}
	link, err := a.eng.ApprovalLink(r.Context(), ns, id, in.As)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	a.write(w, r, http.StatusCreated, wire.Link{URL: link})
	return nil
}

func (a *API) getNotifications(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	config, err := a.eng.Notifications(r.Context(), ns)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, config)
	return nil
}

func (a *API) putNotifications(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	var config notify.Config
	if err := readJSON(r, &config); err != nil {
		return err
	}
	if err := a.eng.PutNotifications(r.Context(), ns, config); err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, config)
	return nil
}

// approval gives an approval as it travels.
func approval(a *engine.Approval) wire.Approval {
	out := wire.Approval{
		ID: a.ID, Status: string(a.Status), Namespace: a.Namespace, StateMachine: a.StateMachine, Execution: a.Execution.String(),
		ExecutionName: a.ExecutionName, State: a.State, Title: a.Title, Description: a.Description, RequestedBy: a.RequestedBy,
		Data: a.Data, Form: a.Form, ReasonRequired: a.ReasonRequired, Quorum: a.Quorum, Rejections: a.Rejections,
		Approvers: a.Approvers, Waiting: append([]string{}, a.Waiting...), AskedAt: a.AskedAt,
		Deadline: someTime(a.Deadline), ClosedAt: someTime(a.ClosedAt),
	}
	for _, d := range a.Decisions {
		out.Decisions = append(out.Decisions, wire.Decision(d))
	}
	for _, d := range a.Delegations {
		out.Delegations = append(out.Delegations, wire.Delegation(d))
	}
	return out
}
