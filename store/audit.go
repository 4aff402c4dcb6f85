package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine/access"
)

var (
	sqlInsertAudit = query("insert_audit")
	sqlListAudit   = query("list_audit")
	sqlDeleteAudit = query("delete_audit")
)

// InsertAudit stores entries of the audit, all or none. Those that are stored already are passed over.
func (s *Store) InsertAudit(ctx context.Context, entries []access.Entry) error {
	var ids uuids
	var at times
	var actor, key, action, namespace, resource, address, outcome, request texts
	for _, e := range entries {
		ids, at = append(ids, pgUUID(e.ID)), append(at, pgTime(e.At))
		actor, key = append(actor, pgText(e.Actor)), append(key, pgText(e.KeyID))
		action, namespace = append(action, pgText(e.Action)), append(namespace, pgText(e.Namespace))
		resource, address = append(resource, pgText(e.Resource)), append(address, pgText(e.Address))
		outcome, request = append(outcome, pgText(e.Outcome)), append(request, pgText(e.RequestID))
	}
	_, err := s.pool.Exec(ctx, sqlInsertAudit, ids, at, actor, key, action, namespace, resource, address, outcome, request)
	if err != nil {
		return fmt.Errorf("storing entries of the audit: %w", err)
	}
	return nil
}

// Audit lists entries of the audit, newest first.
func (s *Store) Audit(ctx context.Context, f access.AuditFilter) ([]access.Entry, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	from, to := uuid.Nil, uuid.Max
	if !f.Since.IsZero() {
		from = idAt(f.Since)
	}
	if !f.Until.IsZero() {
		to = idAt(f.Until)
	}
	if f.After != uuid.Nil {
		to = f.After
	}
	rows, err := s.pool.Query(ctx, sqlListAudit, pgUUID(from), pgUUID(to), f.Actor, f.Action, limit)
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (access.Entry, error) {
		var e access.Entry
		err := row.Scan(&e.ID, &e.At, &e.Actor, &e.KeyID, &e.Action, &e.Namespace, &e.Resource, &e.Address, &e.Outcome, &e.RequestID)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the audit: %w", err)
	}
	return entries, nil
}

// DeleteAudit deletes at most limit entries that are older than a time, oldest first, in one short transaction, and tells
// how many it deleted: fewer than limit means that no more are left.
func (s *Store) DeleteAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sqlDeleteAudit, pgUUID(idAt(before)), limit)
	results := s.pool.SendBatch(ctx, b)
	_, err := results.Exec()
	deleted := 0
	if err == nil {
		tag, e := results.Exec()
		deleted, err = int(tag.RowsAffected()), e
	}
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return 0, fmt.Errorf("deleting entries of the audit: %w", err)
	}
	return deleted, nil
}
