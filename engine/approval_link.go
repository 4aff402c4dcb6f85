package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// The token of a link names an approval and the approver whom it lets decide, and proves that the cluster made it:
// base64url of
//
//	version (1 byte) | execution (16) | task id (8) | expiry, Unix seconds (8) | approver | HMAC-SHA256, cut to 20 bytes
//
// Numbers are big endian. The key is derived from the cluster's for this purpose alone.
const (
	linkVersion = 1
	linkHead    = 1 + 16 + 8 + 8
	linkMAC     = 20
	// linkGrace is how long a link goes on showing an approval after its deadline, so that who comes late learns why.
	linkGrace = 7 * 24 * time.Hour
	// ApprovalPath is where links lead to, below Config.PublicURL.
	ApprovalPath = "/approve/"
)

// linkClaim is what a link says.
type linkClaim struct {
	execution uuid.UUID
	task      statemachine.TaskID
	approver  string
	expires   time.Time // in seconds
}

func signLink(key []byte, c linkClaim) string {
	b := make([]byte, 0, linkHead+len(c.approver)+sha256.Size)
	b = append(b, linkVersion)
	b = append(b, c.execution[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.task))
	b = binary.BigEndian.AppendUint64(b, uint64(max(c.expires.Unix(), 0)))
	b = append(b, c.approver...)
	mac := hmac.New(sha256.New, key)
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b)[:len(b)+linkMAC])
}

// verifyLink gives what the token of a link says, or InvalidToken if the cluster did not make it. Whether it has expired
// is for the caller to see.
func verifyLink(key []byte, token string) (linkClaim, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= linkHead+linkMAC || b[0] != linkVersion || len(b) > linkHead+statemachine.MaxApproverBytes+linkMAC {
		return linkClaim{}, errorf(CodeInvalidToken, "this is not the link of an approval; open the whole link, as the message had it")
	}
	body, got := b[:len(b)-linkMAC], b[len(b)-linkMAC:]
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil)[:linkMAC], got) {
		return linkClaim{}, errorf(CodeInvalidToken, "the link was not made by this server, or it was altered; open it as the message had it")
	}
	c := linkClaim{
		task:     statemachine.TaskID(binary.BigEndian.Uint64(body[17:25])),
		expires:  time.Unix(int64(binary.BigEndian.Uint64(body[25:linkHead])), 0).UTC(),
		approver: string(body[linkHead:]),
	}
	copy(c.execution[:], body[1:17])
	return c, nil
}

// ApprovalLink makes the link by which an approver decides. Whoever has it decides in their name, until it expires: some
// days after the deadline, or Config.LinkTTL from now if there is none. It gives NotAnApprover for those who are not
// asked.
func (e *Engine) ApprovalLink(ctx context.Context, namespace, id, approver string) (string, error) {
	a, err := e.Approval(ctx, namespace, id)
	if err != nil {
		return "", err
	}
	approver = statemachine.ApproverName(approver)
	if slices.Contains(a.Approvers, approver) {
		return e.linkFor(&a, approver), nil
	}
	return "", errorf(CodeNotAnApprover, "%q is not among those whom approval %s asks: %s", approver, a.ID, strings.Join(a.Approvers, ", "))
}

func (e *Engine) linkFor(a *Approval, approver string) string {
	expires := e.now().Add(e.cfg.LinkTTL)
	if !a.Deadline.IsZero() {
		expires = a.Deadline.Add(linkGrace)
	}
	token := signLink(e.linkKey, linkClaim{execution: a.Execution, task: a.Task, approver: approver, expires: expires})
	return strings.TrimSuffix(e.cfg.PublicURL, "/") + ApprovalPath + token
}

// LinkedApproval is what a link leads to.
type LinkedApproval struct {
	Approval
	Approver string    // whom the link lets decide
	Expires  time.Time // of the link
	Expired  bool
}

// OpenApprovalLink gives what a link's token leads to and changes nothing: those who scan mail open links. An expired one
// is shown too, but decides nothing.
func (e *Engine) OpenApprovalLink(ctx context.Context, token string) (LinkedApproval, error) {
	c, err := verifyLink(e.linkKey, token)
	if err != nil {
		return LinkedApproval{}, err
	}
	a, err := e.approvalOf(ctx, c.execution, c.task)
	return LinkedApproval{Approval: a, Approver: c.approver, Expires: c.expires, Expired: !e.now().Before(c.expires)}, err
}

// DecideByLink brings the decision of the approver whose link it is. It is refused as DecideApproval is, and with
// LinkExpired.
func (e *Engine) DecideByLink(ctx context.Context, token string, r DecisionRequest) (Approval, error) {
	l, err := e.usableLink(ctx, token)
	if err != nil {
		return l.Approval, err
	}
	r.Namespace, r.Approval, r.By, r.Actor = l.Namespace, l.ID, l.Approver, ""
	return e.DecideApproval(ctx, r)
}

// DelegateByLink hands the decision of the approver whose link it is on to somebody else.
func (e *Engine) DelegateByLink(ctx context.Context, token, to, comment string) (Approval, error) {
	l, err := e.usableLink(ctx, token)
	if err != nil {
		return l.Approval, err
	}
	return e.DelegateApproval(ctx, DelegationRequest{Namespace: l.Namespace, Approval: l.ID, By: l.Approver, To: to, Comment: comment})
}

func (e *Engine) usableLink(ctx context.Context, token string) (LinkedApproval, error) {
	l, err := e.OpenApprovalLink(ctx, token)
	if err == nil && l.Expired {
		err = errorf(CodeLinkExpired, "the link expired on %s; ask for a new one (tercel approvals link %s --as %s)",
			l.Expires.Format("2006-01-02 15:04 UTC"), l.ID, l.Approver)
	}
	return l, err
}
