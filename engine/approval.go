package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The truth of an approval is in the run of its execution: what is decided, delegated and reminded of are events of the
// history. Beside it there is a table for those who ask what waits for them, which is written with the history.

// Approvals keeps the inbox of those who decide, and who is to be told. Rows get there by Write.Approvals and
// Write.Notices.
type Approvals interface {
	// Approval gives one approval, or ErrNotFound.
	Approval(ctx context.Context, execution uuid.UUID, task uint64) (ApprovalRow, error)
	// Approvals lists approvals, newest first. A cursor that is none gives ErrBadCursor.
	Approvals(ctx context.Context, filter ApprovalFilter, page Page) ([]ApprovalRow, error)
	// ClaimNotices takes up to limit notices that are due out of the sight of other nodes for a while.
	ClaimNotices(ctx context.Context, limit int, hide time.Duration) ([]Notice, error)
	// NextNotice tells in how long the next notice is due; false if there is none.
	NextNotice(ctx context.Context) (time.Duration, bool, error)
	// DeleteNotices removes notices that were sent, or given up.
	DeleteNotices(ctx context.Context, notices []uuid.UUID) error
	// PostponeNotice makes a notice due again after a while, and keeps by which ways it was sent.
	PostponeNotice(ctx context.Context, n Notice, by time.Duration) error
	// PutNotifications stores by which ways the people of a namespace are told, Notifications gives it, or ErrNotFound.
	PutNotifications(ctx context.Context, namespace string, config []byte) error
	Notifications(ctx context.Context, namespace string) ([]byte, error)
}

// ErrBadCursor is what a Store gives for a Page.After that it did not give.
var ErrBadCursor = errors.New("the cursor is none that this server gave")

// ApprovalRow is an approval as the inbox has it.
type ApprovalRow struct {
	Execution uuid.UUID
	Task      uint64
	Namespace string
	AskedAt   time.Time
	Deadline  time.Time // zero: none
	ClosedAt  time.Time // zero: open
	Status    statemachine.ApprovalStatus
	Waiting   []string // who has not decided
	Detail    []byte   // JSON of approvalDetail
}

// Cursor names the row for Page.After.
func (r ApprovalRow) Cursor() string {
	return fmt.Sprintf("%d_%s_%d", r.AskedAt.UnixMicro(), r.Execution, r.Task)
}

// ApprovalFilter chooses approvals. Zero fields but Namespace choose all.
type ApprovalFilter struct {
	Namespace string
	Execution uuid.UUID
	Approver  string // those that are open and wait for this approver
	Status    []statemachine.ApprovalStatus
}

// Approval is an approval with all that is known of it.
type Approval struct {
	ID        string // EXECUTION-TASK
	Execution uuid.UUID
	Task      statemachine.TaskID
	Namespace string
	Status    statemachine.ApprovalStatus
	AskedAt   time.Time
	Deadline  time.Time // zero: none
	ClosedAt  time.Time // zero: open
	Waiting   []string  // who has not decided
	Cursor    string    // for Page.After

	approvalDetail
}

// approvalDetail is what nobody searches for.
type approvalDetail struct {
	StateMachine   string               `json:"stateMachine"`
	ExecutionName  string               `json:"executionName"`
	State          string               `json:"state"`
	Title          string               `json:"title"`
	Description    string               `json:"description,omitempty"`
	RequestedBy    string               `json:"requestedBy,omitempty"`
	Data           json.RawMessage      `json:"data,omitempty"`
	Form           json.RawMessage      `json:"form,omitempty"` // a JSON Schema
	ReasonRequired bool                 `json:"reasonRequired,omitempty"`
	Quorum         int                  `json:"quorum"`
	Rejections     int                  `json:"rejections"`
	Approvers      []string             `json:"approvers"`
	Decisions      []ApprovalDecision   `json:"decisions,omitempty"`
	Delegations    []ApprovalDelegation `json:"delegations,omitempty"`
}

// ApprovalDecision is what an approver has decided.
type ApprovalDecision struct {
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
	Decision string          `json:"decision"` // approved or rejected
	Comment  string          `json:"comment,omitempty"`
	Form     json.RawMessage `json:"form,omitempty"`
	Actor    string          `json:"actor,omitempty"` // who brought it, if that was not the approver
}

// ApprovalDelegation says who handed the decision on to whom.
type ApprovalDelegation struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
	Actor   string    `json:"actor,omitempty"`
}

// noteApprovals adds to a durable point the approvals that its events have changed, and who is to be told of them.
func (e *Engine) noteApprovals(x *live, w *Write) {
	for _, c := range x.run.TakeApprovalChanges() {
		a := &c.Approval
		w.Approvals = append(w.Approvals, ApprovalRow{
			Execution: x.row.ID, Task: uint64(a.Task), Namespace: x.row.Namespace, AskedAt: a.Asked, Deadline: a.Deadline,
			ClosedAt: a.Closed, Status: a.Status, Waiting: a.Waiting, Detail: approvalJSON(&x.row, a),
		})
		for _, n := range c.Notices {
			for _, who := range n.To {
				w.Notices = append(w.Notices, Notice{
					ID: uuid.Must(uuid.NewV7()), Execution: x.row.ID, Task: uint64(a.Task), Namespace: x.row.Namespace,
					Kind: n.Kind, Recipient: who, Sender: n.From,
				})
			}
		}
	}
}

// approvalJSON gives the JSON of approvalDetail. It is not made by encoding/json, which would change payloads.
func approvalJSON(row *ExecutionRow, a *statemachine.Approval) []byte {
	var o value.Members
	o.Text("stateMachine", row.MachineName)
	o.Text("executionName", row.Name)
	o.Text("state", a.State)
	o.Text("title", a.Title)
	o.Text("description", a.Description)
	o.Text("requestedBy", a.RequestedBy)
	o.Set("data", a.Data)
	o.Set("form", a.Form)
	if a.ReasonRequired {
		o.Set("reasonRequired", value.FromBool(true))
	}
	o.Set("quorum", value.FromInt(int64(a.Quorum)))
	o.Set("rejections", value.FromInt(int64(a.Rejections)))
	approvers := make([]*value.Value, len(a.Approvers))
	for i, name := range a.Approvers {
		approvers[i] = value.FromString(name)
	}
	o.Set("approvers", value.FromArray(approvers))
	decisions := make([]*value.Value, len(a.Decisions))
	for i, d := range a.Decisions {
		decisions[i] = d.JSON()
	}
	o.Set("decisions", value.FromArray(decisions))
	delegations := make([]*value.Value, len(a.Delegations))
	for i, d := range a.Delegations {
		delegations[i] = d.JSON()
	}
	o.Set("delegations", value.FromArray(delegations))
	return o.Object().JSON()
}

// approval reads a row of the inbox.
func (r ApprovalRow) approval() (Approval, error) {
	a := Approval{
		ID: approvalID(r.Execution, statemachine.TaskID(r.Task)), Execution: r.Execution, Task: statemachine.TaskID(r.Task),
		Namespace: r.Namespace, Status: r.Status, AskedAt: r.AskedAt.UTC(), Deadline: r.Deadline.UTC(), ClosedAt: r.ClosedAt.UTC(),
		Waiting: r.Waiting, Cursor: r.Cursor(),
	}
	if err := json.Unmarshal(r.Detail, &a.approvalDetail); err != nil {
		return a, fmt.Errorf("reading approval %s: %w", a.ID, err)
	}
	return a, nil
}

// Open tells whether decisions are waited for.
func (a *Approval) Open() bool { return a.Status == statemachine.ApprovalOpen }

// Outcome says in a sentence how the approval stands.
func (a *Approval) Outcome() string {
	closed := a.ClosedAt.UTC().Format("2006-01-02 15:04 UTC")
	switch a.Status {
	case statemachine.ApprovalApproved:
		return fmt.Sprintf("It was approved on %s by %s.", closed, a.deciders("approved"))
	case statemachine.ApprovalRejected:
		return fmt.Sprintf("It was rejected on %s by %s.", closed, a.deciders("rejected"))
	case statemachine.ApprovalTimedOut:
		return fmt.Sprintf("Its deadline passed on %s before it was decided.", closed)
	case statemachine.ApprovalCancelled:
		return fmt.Sprintf("Since %s nobody waits for it any more: its execution, or the part of it that asked, has ended.", closed)
	default:
		return "It waits for " + strings.Join(a.Waiting, ", ") + "."
	}
}

func (a *Approval) deciders(decision string) string {
	var names []string
	for _, d := range a.Decisions {
		if d.Decision == decision {
			names = append(names, d.By)
		}
	}
	return strings.Join(names, ", ")
}

// approvalID names an approval for people and in URLs.
func approvalID(execution uuid.UUID, task statemachine.TaskID) string {
	return execution.String() + "-" + strconv.FormatUint(uint64(task), 10)
}

// parseApprovalID is the inverse of approvalID.
func parseApprovalID(id string) (uuid.UUID, statemachine.TaskID, error) {
	const length = 36
	if len(id) > length+1 && id[length] == '-' {
		execution, err := uuid.Parse(id[:length])
		task, err2 := strconv.ParseUint(id[length+1:], 10, 63)
		if err == nil && err2 == nil {
			return execution, statemachine.TaskID(task), nil
		}
	}
	return uuid.Nil, 0, errorf(CodeValidation, "%q is no id of an approval; they look like 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11-2, "+
		"and tercel approvals list shows them", id)
}
