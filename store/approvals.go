package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlPutApprovals     = query("put_approvals")
	sqlPutNotices       = query("put_notices")
	sqlApproval         = query("approval")
	sqlApprovals        = query("approvals")
	sqlClaimNotices     = query("claim_notices")
	sqlNextNotice       = query("next_notice")
	sqlDeleteNotices    = query("delete_notices")
	sqlPostponeNotice   = query("postpone_notice")
	sqlPutNotifications = query("put_notifications")
	sqlNotifications    = query("notifications")
)

// approvalRows are the rows of put_approvals.
type approvalRows struct {
	of                          changes
	task                        ints
	namespace, status           texts
	askedAt, deadline, closedAt times
	waiting, detail             blobs
}

func (r *approvalRows) add(w *engine.Write) {
	for i := range w.Approvals {
		a := &w.Approvals[i]
		waiting, err := json.Marshal(append([]string{}, a.Waiting...))
		if err != nil {
			waiting = []byte("[]") // strings marshal always
		}
		r.of.add(w)
		r.task = append(r.task, pgtype.Int8{Int64: int64(a.Task), Valid: true})
		r.namespace = append(r.namespace, pgText(a.Namespace))
		r.status = append(r.status, pgText(string(a.Status)))
		r.askedAt = append(r.askedAt, pgTime(a.AskedAt))
		r.deadline = append(r.deadline, pgTime(a.Deadline))
		r.closedAt = append(r.closedAt, pgTime(a.ClosedAt))
		r.waiting = append(r.waiting, waiting)
		r.detail = append(r.detail, a.Detail)
	}
}

func (r *approvalRows) args() []any {
	return []any{r.of.id, r.of.seq, r.task, r.namespace, r.askedAt, r.deadline, r.closedAt, r.status, r.waiting, r.detail}
}

// noticeRows are the rows of put_notices.
type noticeRows struct {
	id                                 uuids
	of                                 changes
	task                               ints
	namespace, kind, recipient, sender texts
}

func (r *noticeRows) add(w *engine.Write) {
	for _, n := range w.Notices {
		r.id = append(r.id, pgUUID(n.ID))
		r.of.add(w)
		r.task = append(r.task, pgtype.Int8{Int64: int64(n.Task), Valid: true})
		r.namespace = append(r.namespace, pgText(n.Namespace))
		r.kind = append(r.kind, pgText(string(n.Kind)))
		r.recipient = append(r.recipient, pgText(n.Recipient))
		r.sender = append(r.sender, pgText(n.Sender))
	}
}

func (r *noticeRows) args() []any {
	return []any{r.id, r.of.id, r.of.seq, r.task, r.namespace, r.kind, r.recipient, r.sender}
}

// Approval gives one approval, or engine.ErrNotFound.
func (s *Store) Approval(ctx context.Context, execution uuid.UUID, task uint64) (engine.ApprovalRow, error) {
	row, err := scanApproval(s.pool.QueryRow(ctx, sqlApproval, pgUUID(execution), int64(task)))
	if err != nil {
		return row, fmt.Errorf("reading approval %s-%d: %w", execution, task, err)
	}
	return row, nil
}

func scanApproval(row pgx.Row) (engine.ApprovalRow, error) {
	var a engine.ApprovalRow
	var task int64
	var deadline, closed *time.Time
	err := row.Scan(&a.Execution, &task, &a.Namespace, &a.AskedAt, &deadline, &closed, &a.Status, &a.Waiting, &a.Detail)
	if err != nil {
		return a, notFound(err)
	}
	a.Task = uint64(task)
	if deadline != nil {
		a.Deadline = *deadline
	}
	if closed != nil {
		a.ClosedAt = *closed
	}
	return a, nil
}

// Approvals lists approvals, newest first.
func (s *Store) Approvals(ctx context.Context, f engine.ApprovalFilter, page engine.Page) ([]engine.ApprovalRow, error) {
	var execution pgtype.UUID
	if f.Execution != uuid.Nil {
		execution = pgUUID(f.Execution)
	}
	var status []string
	for _, one := range f.Status {
		status = append(status, string(one))
	}
	asked, id, task, err := approvalCursor(page.After)
	if err != nil {
		return nil, err
	}
	limit := page.Limit
	if limit <= 0 {
		limit = 100
	}
	rows, err := s.pool.Query(ctx, sqlApprovals, f.Namespace, execution, status, pgTextOrNull(f.Approver), asked, id, task, limit)
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.ApprovalRow, error) { return scanApproval(row) })
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	return list, nil
}

// approvalCursor takes a cursor of engine.ApprovalRow.Cursor apart.
func approvalCursor(text string) (asked pgtype.Timestamptz, id pgtype.UUID, task pgtype.Int8, err error) {
	if text == "" {
		return asked, id, task, nil
	}
	micros, rest, _ := strings.Cut(text, "_")
	first, second, _ := strings.Cut(rest, "_")
	at, err1 := strconv.ParseInt(micros, 10, 64)
	execution, err2 := uuid.Parse(first)
	n, err3 := strconv.ParseInt(second, 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return asked, id, task, fmt.Errorf("the cursor %q: %w", text, engine.ErrBadCursor)
	}
	return pgTime(time.UnixMicro(at)), pgUUID(execution), pgtype.Int8{Int64: n, Valid: true}, nil
}

// ClaimNotices takes up to limit notices that are due out of the sight of others for a while.
func (s *Store) ClaimNotices(ctx context.Context, limit int, hide time.Duration) ([]engine.Notice, error) {
	rows, err := s.pool.Query(ctx, sqlClaimNotices, limit, hide)
	if err != nil {
		return nil, fmt.Errorf("taking notices: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n engine.Notice, err error) {
		var task int64
		err = row.Scan(&n.ID, &n.Execution, &task, &n.Namespace, &n.Kind, &n.Recipient, &n.Sender, &n.Attempts, &n.Sent, &n.CreatedAt)
		n.Task = uint64(task)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("taking notices: %w", err)
	}
	return list, nil
}

// NextNotice tells in how long the next notice is due; false if there is none.
func (s *Store) NextNotice(ctx context.Context) (time.Duration, bool, error) {
	var in *time.Duration
	if err := s.pool.QueryRow(ctx, sqlNextNotice).Scan(&in); err != nil {
		return 0, false, fmt.Errorf("looking for the next notice: %w", err)
	}
	if in == nil {
		return 0, false, nil
	}
	return *in, true, nil
}

// DeleteNotices removes notices that were sent, or given up.
func (s *Store) DeleteNotices(ctx context.Context, notices []uuid.UUID) error {
	var ids uuids
	for _, id := range notices {
		ids = append(ids, pgUUID(id))
	}
	if _, err := s.pool.Exec(ctx, sqlDeleteNotices, ids); err != nil {
		return fmt.Errorf("removing %d notices: %w", len(notices), err)
	}
	return nil
}

// PostponeNotice makes a notice due again after a while, and keeps by which ways it was sent.
func (s *Store) PostponeNotice(ctx context.Context, n engine.Notice, by time.Duration) error {
	if _, err := s.pool.Exec(ctx, sqlPostponeNotice, pgUUID(n.ID), by, append([]string{}, n.Sent...)); err != nil {
		return fmt.Errorf("postponing notice %s: %w", n.ID, err)
	}
	return nil
}

// PutNotifications stores by which ways the people of a namespace are told.
func (s *Store) PutNotifications(ctx context.Context, namespace string, config []byte) error {
	if _, err := s.pool.Exec(ctx, sqlPutNotifications, namespace, config); err != nil {
		return fmt.Errorf("storing the notifications of namespace %s: %w", namespace, err)
	}
	return nil
}

// Notifications gives what PutNotifications stored, or engine.ErrNotFound.
func (s *Store) Notifications(ctx context.Context, namespace string) ([]byte, error) {
	var config []byte
	if err := s.pool.QueryRow(ctx, sqlNotifications, namespace).Scan(&config); err != nil {
		return nil, fmt.Errorf("reading the notifications of namespace %s: %w", namespace, notFound(err))
	}
	return config, nil
}
