package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/notify"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// People are told of approvals by what is durable: who is to be told is written with the history that calls for it, and
// removed when it was sent. So a crash can make somebody be told twice, and never not at all. Nothing that goes wrong with
// it touches the approval.

const (
	noticeBatch    = 16               // notices that a node sends at a time
	noticeTimeout  = 45 * time.Second // of all the ways of one notice
	noticeHide     = 2 * time.Minute  // for which a node that sends a notice keeps it from others
	noticeIdle     = 5 * time.Second  // between two looks for notices of other nodes
	noticeFirst    = time.Second      // before a notice that failed is tried again; doubled each time
	noticeLongest  = time.Hour
	noticeAttempts = 60 // after which a notice is given up: more than two days
)

// Notice is somebody to be told of an approval.
type Notice struct {
	ID        uuid.UUID
	Execution uuid.UUID
	Task      uint64
	Namespace string
	Kind      statemachine.NoticeKind
	Recipient string
	Sender    string   // who handed the decision on, "" but with NoticeDelegated
	Attempts  int      // so far, this one included
	Sent      []string // the ways by which it was sent already
	CreatedAt time.Time
}

// NotifySecrets are what a node has from its environment and the registry does not keep.
type NotifySecrets struct {
	SMTPPassword  string
	WebhookSecret string // with which the bodies of webhooks are signed; empty: they are not
}

// PutNotifications stores by which ways people are told of the approvals of a namespace.
func (e *Engine) PutNotifications(ctx context.Context, namespace string, c notify.Config) error {
	if err := c.Check(); err != nil {
		return errorf(CodeValidation, "notifications: %v", err)
	}
	namespace = namespaceOr(namespace)
	if err := checkName("namespace", namespace); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return errorf(CodeValidation, "notifications: %v", err)
	}
	return e.persist(ctx, func(ctx context.Context) error { return e.cfg.Store.PutNotifications(ctx, namespace, text) })
}

// Notifications gives by which ways people are told of the approvals of a namespace: by none if nothing was stored.
func (e *Engine) Notifications(ctx context.Context, namespace string) (notify.Config, error) {
	c, err := e.notifications(ctx, namespaceOr(namespace))
	return c, asked(err)
}

func (e *Engine) notifications(ctx context.Context, namespace string) (c notify.Config, err error) {
	text, err := e.cfg.Store.Notifications(ctx, namespace)
	if errors.Is(err, ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("reading the notifications of namespace %s: %w", namespace, err)
	}
	return c, nil
}

// sendNotices sends what is due.
func (e *Engine) sendNotices(ctx context.Context) (time.Duration, error) {
	due, err := e.cfg.Store.ClaimNotices(ctx, noticeBatch, noticeHide)
	if err != nil {
		return 0, err
	}
	var sending sync.WaitGroup
	for _, n := range due {
		sending.Go(func() { e.sendNotice(ctx, n) })
	}
	sending.Wait()
	if len(due) == noticeBatch {
		return 0, nil
	}
	next, some, err := e.cfg.Store.NextNotice(ctx)
	if err != nil {
		return 0, err
	}
	if !some || next > noticeIdle {
		next = noticeIdle
	}
	return max(next, minRetry), nil
}

// sendNotice sends one notice by all ways by which it was not sent yet. It is removed when all are done, or given up.
func (e *Engine) sendNotice(ctx context.Context, n Notice) {
	defer func() {
		if p := recover(); p != nil { // it is due again after a while
			e.log.Error("sending a notice panicked", keyExecution, n.Execution, keyTask, n.Task, keyError, p)
		}
	}()
	sending, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	err := e.tryNotice(sending, &n)
	switch {
	case err == nil:
		err = e.cfg.Store.DeleteNotices(ctx, []uuid.UUID{n.ID})
	case n.Attempts >= noticeAttempts:
		e.log.Error("somebody cannot be told of an approval; it is given up", keyExecution, n.Execution, keyTask, n.Task,
			"kind", n.Kind, "to", n.Recipient, keyCount, n.Attempts, keyError, err)
		err = e.cfg.Store.DeleteNotices(ctx, []uuid.UUID{n.ID})
	case ctx.Err() != nil: // the node is ending; another one goes on
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = e.cfg.Store.PostponeNotice(stopping, n, 0)
		return
	default:
		rest := min(noticeFirst<<min(n.Attempts-1, 20), noticeLongest)
		e.log.Warn("somebody could not be told of an approval; it is tried again", keyExecution, n.Execution, keyTask, n.Task,
			"kind", n.Kind, "to", n.Recipient, keyCount, n.Attempts, "again_in", rest, keyError, err)
		err = e.cfg.Store.PostponeNotice(ctx, n, rest)
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("a notice could not be settled; it may be sent again", keyExecution, n.Execution, keyTask, n.Task, keyError, err)
	}
}

// tryNotice sends a notice by each way that is configured. The ways that succeed are noted in it.
func (e *Engine) tryNotice(ctx context.Context, n *Notice) error {
	config, err := e.notifications(ctx, n.Namespace)
	if err != nil {
		return err
	}
	if config.Empty() {
		return nil
	}
	a, err := e.approvalOf(ctx, n.Execution, statemachine.TaskID(n.Task))
	if errors.Is(err, &Error{Code: CodeApprovalDoesNotExist}) {
		return nil // its execution was deleted
	}
	if err != nil {
		return err
	}
	if !n.pertains(&a) {
		return nil
	}
	message := e.message(n, &a)
	var errs []error
	for _, way := range config.Ways() {
		if slices.Contains(n.Sent, way) {
			continue
		}
		if err := e.sendBy(ctx, way, &config, n, message); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", way, err))
			continue
		}
		n.Sent = append(n.Sent, way)
	}
	return errors.Join(errs...)
}

// pertains tells whether the notice is still worth sending: nobody is asked for what is decided.
func (n *Notice) pertains(a *Approval) bool {
	return n.Kind == statemachine.NoticeClosed || slices.Contains(a.Waiting, n.Recipient) && a.Open()
}

// message gives what somebody is told.
func (e *Engine) message(n *Notice, a *Approval) *notify.Message {
	m := &notify.Message{
		ID: n.ID.String(), Kind: string(n.Kind), To: n.Recipient, From: n.Sender, Link: e.linkFor(a, n.Recipient), Outcome: a.Outcome(),
		Approval: notify.Approval{
			ID: a.ID, Execution: a.Execution.String(), Namespace: a.Namespace, StateMachine: a.StateMachine,
			ExecutionName: a.ExecutionName, State: a.State, Status: string(a.Status), Title: a.Title, Description: a.Description,
			RequestedBy: a.RequestedBy, Data: a.Data, Form: a.Form, AskedAt: a.AskedAt, Approvers: a.Approvers, Waiting: a.Waiting,
		},
	}
	if !a.Deadline.IsZero() {
		m.Approval.Deadline = &a.Deadline
	}
	for _, d := range a.Decisions {
		m.Approval.Decisions = append(m.Approval.Decisions, notify.Decision(d))
	}
	return m
}

func (e *Engine) sendBy(ctx context.Context, way string, c *notify.Config, n *Notice, m *notify.Message) error {
	switch way {
	case notify.WayFunction:
		return e.notifyFunction(ctx, c.Function, n, m)
	case notify.WayWebhook:
		return notify.Webhook(ctx, e.functions.client, *c.Webhook, e.cfg.Secrets.WebhookSecret, m)
	default:
		return notify.Mail(ctx, *c.SMTP, e.cfg.Secrets.SMTPPassword, m)
	}
}

// notifyFunction calls a function of the registry.
func (e *Engine) notifyFunction(ctx context.Context, name string, n *Notice, m *notify.Message) error {
	f, err := e.functions.lookup(ctx, n.Namespace, "function:"+name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	_, err = f.invoker.Invoke(ctx, &invoke.Invocation{
		TaskInfo: invoke.TaskInfo{
			Execution: n.Execution, ExecutionName: m.Approval.ExecutionName, Namespace: n.Namespace, StateMachine: m.Approval.StateMachine,
			State: m.Approval.State, Task: statemachine.TaskID(n.Task), Attempt: n.Attempts - 1, IdempotencyKey: m.ID,
		},
		Arguments: value.Trusted(text),
	})
	return err
}
