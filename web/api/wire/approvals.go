package wire

import (
	"encoding/json"
	"time"
)

// Approval is something that people decide, or have decided.
type Approval struct {
	ID             string          `json:"id"`
	Status         string          `json:"status"` // OPEN, APPROVED, REJECTED, TIMED_OUT, CANCELLED
	Namespace      string          `json:"namespace"`
	StateMachine   string          `json:"stateMachine"`
	Execution      string          `json:"execution"`     // its id
	ExecutionName  string          `json:"executionName"` //
	State          string          `json:"state"`
	Title          string          `json:"title"`
	Description    string          `json:"description,omitempty"`
	RequestedBy    string          `json:"requestedBy,omitempty"`
	Data           json.RawMessage `json:"data,omitempty"` // to be shown
	Form           json.RawMessage `json:"form,omitempty"` // a JSON Schema of what is to be filled in
	ReasonRequired bool            `json:"reasonRequired,omitempty"`
	Quorum         int             `json:"quorum"`     // how many must approve
	Rejections     int             `json:"rejections"` // how many rejections reject
	Approvers      []string        `json:"approvers"`  // who may decide, or has decided; after delegations
	Waiting        []string        `json:"waiting"`    // those of them who have not
	Decisions      []Decision      `json:"decisions,omitempty"`
	Delegations    []Delegation    `json:"delegations,omitempty"`
	AskedAt        time.Time       `json:"askedAt"`
	Deadline       *time.Time      `json:"deadline,omitempty"`
	ClosedAt       *time.Time      `json:"closedAt,omitempty"`
}

// Decision is what an approver has decided.
type Decision struct {
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
	Decision string          `json:"decision"` // approved or rejected
	Comment  string          `json:"comment,omitempty"`
	Form     json.RawMessage `json:"form,omitempty"`
	Actor    string          `json:"actor,omitempty"` // who brought it, if that was not the approver
}

// Delegation says who handed the decision on to whom.
type Delegation struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
	Actor   string    `json:"actor,omitempty"`
}

// ApprovalList is a page of approvals, newest first.
type ApprovalList struct {
	Approvals  []Approval `json:"approvals"`
	NextCursor string     `json:"nextCursor,omitempty"`
}

// Decide is a decision to bring.
type Decide struct {
	Decision string          `json:"decision"`     // approve or reject
	As       string          `json:"as,omitempty"` // the approver; without it, the name of the key
	Comment  string          `json:"comment,omitempty"`
	Form     json.RawMessage `json:"form,omitempty"`
}

// Delegate hands a decision on.
type Delegate struct {
	To      string `json:"to"`
	As      string `json:"as,omitempty"` // the approver; without it, the name of the key
	Comment string `json:"comment,omitempty"`
}

// LinkRequest asks for the link of an approver.
type LinkRequest struct {
	As string `json:"as"` // the approver
}

// Link is the link by which an approver decides.
type Link struct {
	URL string `json:"url"`
}
