package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
)

// approvals gives the inbox of an execution, the first approval first, once it has so many.
func (b *bench) approvals(e *engine.Engine, x uuid.UUID, count int) []engine.Approval {
	b.t.Helper()
	var list []engine.Approval
	b.until(fmt.Sprintf("there are %d approvals", count), func() bool {
		var err error
		if list, err = e.ListApprovals(b.ctx(), engine.ApprovalFilter{Execution: x}, engine.Page{}); err != nil {
			b.t.Fatal(err)
		}
		return len(list) >= count
	})
	byTask := make([]engine.Approval, count)
	for _, a := range list {
		byTask[a.Task-1] = a
	}
	return byTask
}

// TestApprovalAskedAnew: a retry and a redrive ask anew, with links of their own. The old links show how the old approval
// ended, and decide nothing.
func TestApprovalAskedAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", `{"QueryLanguage": "CEL", "StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "approval",
		"TimeoutSeconds": 1, "Arguments": {"Title": "Pay", "Approvers": "Ada@Example.com"}, "End": true,
		"Retry": [{"ErrorEquals": ["Approval.DeadlinePassed"], "MaxAttempts": 1, "IntervalSeconds": 1}]}}}`)
	x := b.begin(e, "pay", `{}`)
	b.failed(b.wait(e, x.ID), "States.Timeout")
	list := b.approvals(e, x.ID, 2)
	for _, a := range list {
		if a.Status != statemachine.ApprovalTimedOut || a.ClosedAt.Before(a.Deadline) {
			t.Errorf("after both deadlines: %+v", a)
		}
	}
	if _, err := e.RedriveExecution(b.ctx(), x.ID); err != nil {
		t.Fatal(err)
	}
	anew := b.approvals(e, x.ID, 3)[2]
	if anew.Status != statemachine.ApprovalOpen && anew.Status != statemachine.ApprovalTimedOut {
		t.Errorf("after the redrive: %+v", anew)
	}
	links := map[string]bool{}
	for _, a := range append(list, anew) {
		links[b.token(e, a, "ADA@example.com")] = true
	}
	if len(links) != 3 {
		t.Errorf("the approvals share links: %v", links)
	}
	for _, a := range list {
		token := b.token(e, a, "ada@example.com")
		if l, err := e.OpenApprovalLink(b.ctx(), token); err != nil || l.Status != statemachine.ApprovalTimedOut {
			t.Errorf("an old link shows %+v, %v", l, err)
		}
		if _, err := e.DecideByLink(b.ctx(), token, engine.DecisionRequest{Approved: true}); !isCode(err, engine.CodeApprovalSettled) ||
			!strings.Contains(err.Error(), "Its deadline passed on") {
			t.Errorf("an old link is told %v", err)
		}
	}
}

// TestApprovalRedriven: what was open when its execution failed is closed with it, and asked anew by the redrive, which
// leaves alone what was decided.
func TestApprovalRedriven(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", `{"QueryLanguage": "CEL", "StartAt": "All", "States": {"All": {"Type": "Parallel", "End": true, "Branches": [
		{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "approval", "Arguments": {"Title": "A", "Approvers": "ada"}, "End": true}}},
		{"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "approval", "Arguments": {"Title": "B", "Approvers": "bob"}, "End": true}}},
		{"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "approval", "Arguments": {"Title": "C", "Approvers": "eve",
			"RejectionIsAnError": true}, "End": true}}}]}}}`)
	x := b.begin(e, "pay", `{}`)
	list := b.approvals(e, x.ID, 3)
	decide := func(a engine.Approval, approved bool) {
		t.Helper()
		if _, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: a.ID, By: a.Approvers[0], Approved: approved}); err != nil {
			t.Fatal(err)
		}
	}
	decide(list[0], true)
	decide(list[2], false)
	b.failed(b.wait(e, x.ID), "Approval.Rejected")
	if open := b.approvals(e, x.ID, 3)[1]; open.Status != statemachine.ApprovalCancelled {
		t.Errorf("what was open is %s", open.Status)
	}
	if _, err := e.RedriveExecution(b.ctx(), x.ID); err != nil {
		t.Fatal(err)
	}
	list = b.approvals(e, x.ID, 5)
	for _, a := range list[3:] {
		decide(a, true)
	}
	done := b.wait(e, x.ID)
	if done.Status != engine.Succeeded || strings.Count(done.Output.String(), `"decision":"approved","by"`) != 3 {
		t.Errorf("redriven, it ended as %s with %s", done.Status, done.Output)
	}
}

// TestApprovalOfATimedOutExecution: the TimeoutSeconds of the whole execution closes its approvals too.
func TestApprovalOfATimedOutExecution(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", strings.Replace(asking(`{"Title": "Pay", "Approvers": ["ada"], "RemindAfterSeconds": 86400}`), `{`, `{"TimeoutSeconds": 1, `, 1))
	x := b.begin(e, "pay", `{}`)
	if done := b.wait(e, x.ID); done.Status != engine.TimedOut {
		t.Fatalf("it ended as %s", done.Status)
	}
	a := b.approval(e, x.ID)
	if a.Status != statemachine.ApprovalCancelled || a.ClosedAt.IsZero() {
		t.Errorf("the inbox has %+v", a)
	}
	if _, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: a.ID, By: "ada"}); !isCode(err, engine.CodeApprovalSettled) {
		t.Errorf("who decides then is told %v", err)
	}
}

// TestApproverNames: e-mail addresses are the same in upper and lower case, other names are not; the inbox finds both.
func TestApproverNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["Ada@Example.com", "Bob", "eve"], "Quorum": 3}`))
	a := b.approval(e, b.begin(e, "pay", `{}`).ID)
	for who, count := range map[string]int{"ADA@EXAMPLE.COM": 1, "ada@example.com": 1, "Bob": 1, "bob": 0} {
		list, err := e.ListApprovals(b.ctx(), engine.ApprovalFilter{Approver: who}, engine.Page{})
		if err != nil || len(list) != count {
			t.Errorf("for %s wait %d, %v; want %d", who, len(list), err, count)
		}
	}
	for _, c := range []struct {
		by   string
		want engine.Code
	}{{"aDa@example.com", ""}, {"Ada@Example.com", engine.CodeAlreadyDecided}, {"bob", engine.CodeNotAnApprover}, {"Bob", ""}} {
		_, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: a.ID, By: c.by, Approved: true})
		if c.want == "" && err != nil || c.want != "" && !isCode(err, c.want) {
			t.Errorf("%s is told %v", c.by, err)
		}
	}
	_, err := e.DelegateApproval(b.ctx(), engine.DelegationRequest{Approval: a.ID, By: "eve", To: "ADA@example.com"})
	if !isCode(err, engine.CodeValidation) || !strings.Contains(err.Error(), "asked already") {
		t.Errorf("to somebody who is asked, in other letters: %v", err)
	}
	if after, err := e.Approval(b.ctx(), "", a.ID); err != nil || after.Decisions[0].By != "ada@example.com" || after.AskedAt.After(time.Now()) {
		t.Errorf("the inbox has %+v, %v", after, err)
	}
}

// TestOneApprovalRace: a thousand decisions of one approver, by link and by name, on two nodes: one wins, and everybody else gets
// the settled answer.
func TestOneApprovalRace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	nodes := []*engine.Engine{b.start(parkAtOnce), b.start(parkAtOnce)}
	b.deploy(nodes[0], "pay", asking(`{"Title": "Pay", "Approvers": ["ada"]}`))
	x := b.begin(nodes[0], "pay", `{}`)
	a := b.approval(nodes[0], x.ID)
	token := b.token(nodes[0], a, "ada")
	var racing sync.WaitGroup
	var approved, rejected atomic.Int64
	for n := range 1000 {
		racing.Go(func() {
			r := engine.DecisionRequest{Approval: a.ID, By: "ada", Approved: n%3 == 0}
			decide := nodes[n%2].DecideApproval
			if n%5 < 2 {
				decide = func(ctx context.Context, r engine.DecisionRequest) (engine.Approval, error) {
					return nodes[n%2].DecideByLink(ctx, token, r)
				}
			}
			after, err := decide(b.ctx(), r)
			switch {
			case err == nil && r.Approved:
				approved.Add(1)
			case err == nil:
				rejected.Add(1)
			case !isCode(err, engine.CodeApprovalSettled) || after.Open():
				t.Errorf("who comes late is told %v", err)
			}
		})
	}
	racing.Wait()
	want := map[int64]string{1: "approved", 0: "rejected"}[approved.Load()]
	if done := b.wait(nodes[1], x.ID); approved.Load()+rejected.Load() != 1 || done.Output.Get("decision").Text() != want {
		t.Errorf("%d approvals and %d rejections won, and the output is %s", approved.Load(), rejected.Load(), done.Output)
	}
}
