package engine_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// asking gives a definition with one approval.
func asking(arguments string) string {
	return `{"QueryLanguage": "CEL", "StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "approval", "Arguments": ` +
		arguments + `, "End": true}}}`
}

// parkAtOnce lets executions that wait leave memory whatever they wait for.
func parkAtOnce(c *engine.Config) { c.ParkAfter = -1 }

// approval gives the one approval of an execution, once it is there.
func (b *bench) approval(e *engine.Engine, x uuid.UUID) engine.Approval {
	b.t.Helper()
	var list []engine.Approval
	b.until("an approval", func() bool {
		var err error
		if list, err = e.ListApprovals(b.ctx(), engine.ApprovalFilter{Execution: x}, engine.Page{}); err != nil {
			b.t.Fatal(err)
		}
		return len(list) > 0
	})
	return list[0]
}

func (b *bench) token(e *engine.Engine, a engine.Approval, approver string) string {
	b.t.Helper()
	link, err := e.ApprovalLink(b.ctx(), "", a.ID, approver)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, engine.ApprovalPath)
}

// TestApproval: two of three approve, with a form; one of them had it handed on. All of it is in the output, in the history and in the inbox.
func TestApproval(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["ada", "bob", "eve"], "Quorum": 2, "Data": {"amount": 1e400},
		"Form": {"type": "object", "required": ["account"], "properties": {"account": {"enum": ["a", "b"]}}}}`))
	x := b.begin(e, "pay", `{}`)
	a := b.approval(e, x.ID)
	b.parked(e, x.ID)
	if a.Status != statemachine.ApprovalOpen || len(a.Waiting) != 3 || string(a.Data) != `{"amount": 1e400}` && string(a.Data) != `{"amount":1e400}` {
		t.Errorf("the inbox has %+v", a)
	}
	ctx := b.ctx()
	for name, c := range map[string]struct {
		r    engine.DecisionRequest
		want engine.Code
	}{
		"nobody who is asked": {engine.DecisionRequest{By: "mallory", Approved: true}, engine.CodeNotAnApprover},
		"no form":             {engine.DecisionRequest{By: "ada", Approved: true}, engine.CodeInvalidForm},
		"a wrong form":        {engine.DecisionRequest{By: "ada", Approved: true, Form: []byte(`{"account": "c"}`)}, engine.CodeInvalidForm},
		"no JSON":             {engine.DecisionRequest{By: "ada", Approved: true, Form: []byte(`{`)}, engine.CodeInvalidForm},
		"a long comment":      {engine.DecisionRequest{By: "ada", Comment: strings.Repeat("x", 10_000)}, engine.CodeValidation},
		"another approval":    {engine.DecisionRequest{By: "ada", Approval: x.ID.String() + "-7"}, engine.CodeApprovalDoesNotExist},
		"no approval":         {engine.DecisionRequest{By: "ada", Approval: "7"}, engine.CodeValidation},
		"another namespace":   {engine.DecisionRequest{By: "ada", Namespace: "other"}, engine.CodeApprovalDoesNotExist},
	} {
		if c.r.Approval == "" {
			c.r.Approval = a.ID
		}
		if _, err := e.DecideApproval(ctx, c.r); !isCode(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := e.DelegateApproval(ctx, engine.DelegationRequest{Approval: a.ID, By: "eve", To: " zoe ", Comment: "away", Actor: "boss"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DecideApproval(ctx, engine.DecisionRequest{Approval: a.ID, By: "eve"}); !isCode(err, engine.CodeNotAnApprover) ||
		!strings.Contains(err.Error(), "zoe") {
		t.Errorf("who handed it on is told %v", err)
	}
	decide := func(who string) engine.Approval {
		after, err := e.DecideApproval(ctx, engine.DecisionRequest{Approval: a.ID, By: who, Approved: true, Form: []byte(`{"account": "b"}`)})
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	if after := decide("zoe"); !after.Open() || len(after.Decisions) != 1 {
		t.Errorf("after the first decision: %+v", after)
	}
	if _, err := e.DecideApproval(ctx, engine.DecisionRequest{Approval: a.ID, By: "zoe"}); !isCode(err, engine.CodeAlreadyDecided) {
		t.Errorf("a second decision: %v", err)
	}
	if after := decide("ada"); after.Status != statemachine.ApprovalApproved || after.ClosedAt.IsZero() {
		t.Errorf("after the last decision: %+v", after)
	}
	if _, err := e.DecideApproval(ctx, engine.DecisionRequest{Approval: a.ID, By: "bob"}); !isCode(err, engine.CodeApprovalSettled) ||
		!strings.Contains(err.Error(), "approved") || !strings.Contains(err.Error(), "zoe, ada") {
		t.Errorf("who comes late is told %v", err)
	}
	done := b.wait(e, x.ID)
	for _, part := range []string{`"decision":"approved","by":"ada"`, `"from":"eve","to":"zoe"`, `"actor":"boss"`, `"form":{"account":"b"}`} {
		if !strings.Contains(done.Output.String(), part) {
			t.Errorf("the output lacks %s: %s", part, done.Output)
		}
	}
	kinds := map[string]int{}
	for _, ev := range b.events(e, x.ID) {
		kinds[fmt.Sprintf("%T", ev.Data)]++
	}
	if kinds["event.ApprovalAsked"] != 1 || kinds["event.ApprovalDecided"] != 2 || kinds["event.ApprovalDelegated"] != 1 {
		t.Errorf("the history has %v", kinds)
	}
}

// TestApprovalsRace: a thousand decisions race over two nodes. Of each approval exactly the decisions that it takes win,
// one an approver; everybody else gets the settled answer; inbox, output and history agree.
func TestApprovalsRace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	nodes := []*engine.Engine{b.start(parkAtOnce), b.start(parkAtOnce)}
	b.deploy(nodes[0], "pay", asking(`{"Title": "Pay", "Approvers": ["a", "b", "c", "d"], "Quorum": 2, "Rejections": 2}`))
	const approvals, each = 10, 100
	var racing sync.WaitGroup
	won := make([]atomic.Int64, approvals)
	list := make([]engine.Approval, approvals)
	for i := range list {
		list[i] = b.approval(nodes[0], b.begin(nodes[i%2], "pay", `{}`).ID)
	}
	for n := range approvals * each {
		racing.Go(func() {
			i := n % approvals
			_, err := nodes[rand.IntN(2)].DecideApproval(b.ctx(), engine.DecisionRequest{
				Approval: list[i].ID, By: string(rune('a' + rand.IntN(4))), Approved: rand.IntN(2) == 0,
			})
			switch {
			case err == nil:
				won[i].Add(1)
			case isCode(err, engine.CodeAlreadyDecided), isCode(err, engine.CodeApprovalSettled):
			default:
				t.Errorf("a decision that came late is told %v", err)
			}
		})
	}
	racing.Wait()
	for i, a := range list {
		done := b.wait(nodes[i%2], a.Execution)
		after, err := nodes[0].Approval(b.ctx(), "", a.ID)
		if err != nil {
			t.Fatal(err)
		}
		decided := 0
		for _, ev := range b.events(nodes[1], a.Execution) {
			if _, ok := ev.Data.(event.ApprovalDecided); ok {
				decided++
			}
		}
		if int(won[i].Load()) != decided || len(after.Decisions) != decided || decided < 2 || decided > 3 {
			t.Errorf("%d decisions were accepted, the history has %d, the inbox %d", won[i].Load(), decided, len(after.Decisions))
		}
		if got := done.Output.Get("decision").Text(); !strings.EqualFold(got, string(after.Status)) {
			t.Errorf("the output says %s, the inbox %s", got, after.Status)
		}
	}
}

// TestForgedLinks: of a hundred thousand links that were made up or altered none is taken.
func TestForgedLinks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["ada@example.com", "bob@example.com"]}`))
	a := b.approval(e, b.begin(e, "pay", `{}`).ID)
	good := b.token(e, a, "ada@example.com")
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	forge := func(n int) string {
		forged := []byte(string(raw))
		switch n % 5 {
		case 0: // a bit
			forged[random.IntN(len(forged))] ^= 1 << random.IntN(8)
		case 1: // an end
			forged = forged[:random.IntN(len(forged))]
		case 2: // all of it
			for i := range forged {
				forged[i] = byte(random.Uint32())
			}
		case 3: // another approver
			return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), "ada", "bob", 1)))
		default: // something behind it
			forged = append(forged, byte(random.Uint32()))
		}
		return base64.RawURLEncoding.EncodeToString(forged)
	}
	for n := range 100_000 {
		token := forge(n)
		if n%7 == 0 { // a letter of the text, also those that stand for bits that do not count
			text := []byte(good)
			text[len(text)-1-random.IntN(3)] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_+/="[random.IntN(31)]
			token = string(text)
		}
		if token == good {
			continue
		}
		if _, err := e.DecideByLink(b.ctx(), token, engine.DecisionRequest{Approved: true}); !isCode(err, engine.CodeInvalidToken) {
			t.Fatalf("the forged link %s is told %v", token, err)
		}
	}
	// The token of a task is none of a link, whatever it names.
	if after, err := e.Approval(b.ctx(), "", a.ID); err != nil || len(after.Decisions) != 0 {
		t.Fatalf("after the forgeries: %+v, %v", after, err)
	}
	if _, err := e.DecideByLink(b.ctx(), good, engine.DecisionRequest{Approved: true}); err != nil {
		t.Errorf("the good link is told %v", err)
	}
	if _, err := e.DecideByLink(b.ctx(), good, engine.DecisionRequest{}); !isCode(err, engine.CodeApprovalSettled) {
		t.Errorf("the used link is told %v", err)
	}
}

// week is a clock that the test moves.
type week struct{ at atomic.Int64 }

func (w *week) now() time.Time { return time.UnixMilli(w.at.Load()).UTC() }

// TestApprovalOverAWeek: asked on Monday, the node restarted on Tuesday, decided on Thursday, with every reminder and
// escalation at its time, once. The database's clock decides when an execution is woken; it is not to be moved, so what
// is due by the virtual clock is made due there.
func TestApprovalOverAWeek(t *testing.T) {
	t.Parallel()
	pool := storetest.Pool(t, storetest.Postgres(t))
	b := newBenchOn(t, store.New(pool))
	var clock week
	monday := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC() // any day will do
	clock.at.Store(monday.UnixMilli())
	virtual := func(c *engine.Config) { c.SetClock(clock.now); parkAtOnce(c) }
	const day = 24 * time.Hour
	e := b.start(virtual)
	b.deploy(e, "pay", `{"QueryLanguage": "CEL", "StartAt": "Ask", "States": {
		"Ask": {"Type": "Task", "Resource": "approval", "TimeoutSeconds": 172800, "Arguments": {"Title": "Pay", "Approvers": ["ada"],
			"RemindAfterSeconds": 43200, "RemindBeforeSeconds": [3600]},
			"Catch": [{"ErrorEquals": ["Approval.DeadlinePassed"], "Next": "Boss"}], "End": true},
		"Boss": {"Type": "Task", "Resource": "approval", "Arguments": {"Title": "Pay, please", "Approvers": ["boss"],
			"RemindAfterSeconds": 43200}, "End": true}}}`)
	x := b.begin(e, "pay", `{}`)
	b.parked(e, x.ID)
	seen := func() []string {
		var list []string
		for _, ev := range b.events(e, x.ID) {
			switch ev.Data.(type) {
			case event.ApprovalAsked, event.ApprovalReminded, event.TaskTimedOut, event.ApprovalDecided, event.ExecutionSucceeded:
				list = append(list, fmt.Sprintf("%s %s", ev.Time.Sub(monday), strings.TrimPrefix(fmt.Sprintf("%T", ev.Data), "event.")))
			}
		}
		return list
	}
	// until moves the clock to a time and waits until so much has happened.
	until := func(at time.Duration, events int) {
		t.Helper()
		clock.at.Store(monday.Add(at).UnixMilli())
		if _, err := pool.Exec(b.ctx(), "UPDATE executions SET wake_at = now() WHERE wake_at <= $1", clock.now()); err != nil {
			t.Fatal(err)
		}
		e.Kick()
		b.until(fmt.Sprintf("%d events by %s", events, at), func() bool { return len(seen()) >= events })
		b.parked(e, x.ID)
	}
	until(11*time.Hour, 1)
	until(12*time.Hour, 2)
	e.Kill() // Tuesday
	e = b.start(virtual)
	until(day+12*time.Hour, 2)
	until(2*day-time.Hour, 3)
	until(2*day, 5)
	until(2*day+12*time.Hour, 6)
	clock.at.Store(monday.Add(3 * day).UnixMilli()) // Thursday
	list, err := e.ListApprovals(b.ctx(), engine.ApprovalFilter{Approver: "boss"}, engine.Page{})
	if err != nil || len(list) != 1 {
		t.Fatalf("the inbox of the boss: %v, %v", list, err)
	}
	if _, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: list[0].ID, By: "boss", Approved: true}); err != nil {
		t.Fatal(err)
	}
	b.wait(e, x.ID)
	want := []string{
		"0s ApprovalAsked", "12h0m0s ApprovalReminded", "47h0m0s ApprovalReminded", "48h0m0s TaskTimedOut", "48h0m0s ApprovalAsked",
		"60h0m0s ApprovalReminded", "72h0m0s ApprovalDecided", "72h0m0s ExecutionSucceeded",
	}
	if got := strings.Join(seen(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("what happened:\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	first, err := e.ListApprovals(b.ctx(), engine.ApprovalFilter{Execution: x.ID, Status: []statemachine.ApprovalStatus{statemachine.ApprovalTimedOut}}, engine.Page{})
	if err != nil || len(first) != 1 {
		t.Fatalf("the approval whose deadline passed: %v, %v", first, err)
	}
	if _, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: first[0].ID, By: "ada"}); !isCode(err, engine.CodeApprovalSettled) ||
		!strings.Contains(err.Error(), "deadline") {
		t.Errorf("who comes after the deadline is told %v", err)
	}
}

// TestApprovalLinkExpires: an expired link shows, and decides nothing.
func TestApprovalLinkExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var clock week
	clock.at.Store(time.Now().UnixMilli())
	e := b.start(parkAtOnce, func(c *engine.Config) { c.SetClock(clock.now); c.LinkTTL = time.Hour })
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["ada"]}`))
	a := b.approval(e, b.begin(e, "pay", `{}`).ID)
	token := b.token(e, a, "ada")
	clock.at.Add(time.Hour.Milliseconds())
	l, err := e.OpenApprovalLink(b.ctx(), token)
	if err != nil || !l.Expired || l.Title != "Pay" {
		t.Errorf("an expired link shows %+v, %v", l, err)
	}
	if _, err := e.DecideByLink(b.ctx(), token, engine.DecisionRequest{Approved: true}); !isCode(err, engine.CodeLinkExpired) {
		t.Errorf("an expired link is told %v", err)
	}
	if _, err := e.DelegateByLink(b.ctx(), token, "bob", ""); !isCode(err, engine.CodeLinkExpired) {
		t.Errorf("an expired link is told %v", err)
	}
	if _, err := e.ApprovalLink(b.ctx(), "", a.ID, "mallory"); !isCode(err, engine.CodeNotAnApprover) {
		t.Errorf("a link for nobody: %v", err)
	}
	if _, err := e.DecideByLink(b.ctx(), b.token(e, a, "ada"), engine.DecisionRequest{Approved: true}); err != nil {
		t.Errorf("a new link is told %v", err)
	}
}

// TestApprovalEndsWithItsExecution: stopping an execution, and the failure of a branch beside it, close an approval.
func TestApprovalEndsWithItsExecution(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := b.start(parkAtOnce)
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["ada"]}`))
	x := b.begin(e, "pay", `{}`)
	a := b.approval(e, x.ID)
	if _, err := e.StopExecution(b.ctx(), x.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	b.wait(e, x.ID)
	after, err := e.Approval(b.ctx(), "", a.ID)
	if err != nil || after.Status != statemachine.ApprovalCancelled {
		t.Errorf("the inbox has %s, %v", after.Status, err)
	}
	if _, err := e.DecideApproval(b.ctx(), engine.DecisionRequest{Approval: a.ID, By: "ada"}); !isCode(err, engine.CodeApprovalSettled) {
		t.Errorf("who decides then is told %v", err)
	}
	open, err := e.ListApprovals(b.ctx(), engine.ApprovalFilter{Approver: "ada"}, engine.Page{})
	if err != nil || len(open) != 0 {
		t.Errorf("what waits: %v, %v", open, err)
	}
	if _, err := e.ListApprovals(b.ctx(), engine.ApprovalFilter{}, engine.Page{After: "x"}); !isCode(err, engine.CodeValidation) || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a bad cursor is told %v", err)
	}
}
