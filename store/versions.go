package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlLockPresentMachine = query("lock_present_machine")
	sqlVersionOfRevision  = query("version_of_revision")
	sqlCountVersions      = query("count_versions")
	sqlNextVersion        = query("next_version")
	sqlInsertVersion      = query("insert_version")
	sqlVersion            = query("version")
	sqlListVersions       = query("list_versions")
	sqlDeleteVersion      = query("delete_version")
	sqlAliasesOfVersion   = query("aliases_of_version")
	sqlRoutes             = query("routes")
	sqlListRouted         = query("list_routed")
)

// CreateMachine implements engine.Versions.
func (s *Store) CreateMachine(ctx context.Context, m engine.StateMachine, tags map[string]string, publish *engine.Publication,
) (engine.StateMachine, *engine.Version, error) {
	if err := fillIDs(&m); err != nil {
		return m, nil, err
	}
	m.LogLevel = cmp.Or(m.LogLevel, engine.LogError)
	var version *engine.Version
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var created bool
		err := tx.QueryRow(ctx, sqlLockMachine, pgUUID(m.ID), m.Namespace, m.Name).Scan(&m.ID, &m.CreatedAt, &created)
		if err != nil {
			return err
		}
		newest, err := scanMachine(tx.QueryRow(ctx, sqlNewest, m.Namespace, m.Name))
		if !errors.Is(err, engine.ErrNotFound) {
			m = newest
			return existing(err)
		}
		m.Number = 1
		if err := insertRevision(ctx, tx, &m); err != nil {
			return err
		}
		if err := putTags(ctx, tx, m.ID, tags); err != nil {
			return err
		}
		version, err = publishIf(ctx, tx, m, publish)
		return err
	})
	if err != nil {
		return m, nil, fmt.Errorf("creating state machine %q: %w", m.Name, err)
	}
	return m, version, nil
}

// existing gives the error of making what was found, unless looking for it failed.
func existing(err error) error {
	if err == nil {
		err = engine.ErrExists
	}
	return err
}

// UpdateMachine implements engine.Versions.
func (s *Store) UpdateMachine(ctx context.Context, namespace, name string, change engine.MachineChange, publish *engine.Publication,
) (m engine.StateMachine, version *engine.Version, err error) {
	revision, err := uuid.NewV7()
	if err != nil {
		return m, nil, fmt.Errorf("making an id: %w", err)
	}
	err = s.withMachine(ctx, namespace, name, func(tx pgx.Tx, newest engine.StateMachine) error {
		m = newest
		if change.Apply(&m) {
			m.Revision = revision
			m.Number++
			if err := insertRevision(ctx, tx, &m); err != nil {
				return err
			}
		}
		version, err = publishIf(ctx, tx, m, publish)
		return err
	})
	if err != nil {
		return m, nil, fmt.Errorf("updating state machine %q: %w", name, err)
	}
	return m, version, nil
}

// withMachine calls f in a transaction in which nobody else changes the machine, its versions or its aliases.
func (s *Store) withMachine(ctx context.Context, namespace, name string, f func(pgx.Tx, engine.StateMachine) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var id uuid.UUID
		var last int
		if err := tx.QueryRow(ctx, sqlLockPresentMachine, namespace, name).Scan(&id, &last); err != nil {
			return notFound(err)
		}
		newest, err := scanMachine(tx.QueryRow(ctx, sqlNewest, namespace, name))
		if err != nil {
			return err
		}
		return f(tx, newest)
	})
}

// PublishVersion implements engine.Versions.
func (s *Store) PublishVersion(ctx context.Context, namespace, name string, p engine.Publication) (engine.Version, error) {
	var version engine.Version
	err := s.withMachine(ctx, namespace, name, func(tx pgx.Tx, newest engine.StateMachine) error {
		if !p.Fits(newest) {
			return engine.ErrConflict
		}
		published, err := publishIf(ctx, tx, newest, &p)
		if err == nil {
			version = *published
		}
		return err
	})
	if err != nil {
		return version, fmt.Errorf("publishing a version of state machine %q: %w", name, err)
	}
	return version, nil
}

// publishIf gives a revision a number if p says so, and the number that it has if it has one.
func publishIf(ctx context.Context, tx pgx.Tx, m engine.StateMachine, p *engine.Publication) (*engine.Version, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no version is what was asked for
	}
	v, err := scanVersion(tx.QueryRow(ctx, sqlVersionOfRevision, pgUUID(m.Revision)))
	if !errors.Is(err, engine.ErrNotFound) {
		return &v, err
	}
	var count int
	if err := tx.QueryRow(ctx, sqlCountVersions, pgUUID(m.ID)).Scan(&count); err != nil {
		return nil, err
	}
	if count >= engine.MaxVersions {
		return nil, engine.ErrTooMany
	}
	v = engine.Version{Revision: m.Revision, Description: p.Description}
	if err := tx.QueryRow(ctx, sqlNextVersion, pgUUID(m.ID)).Scan(&v.Number); err != nil {
		return nil, err
	}
	err = tx.QueryRow(ctx, sqlInsertVersion, pgUUID(m.ID), v.Number, pgUUID(m.Revision), p.Description).Scan(&v.CreatedAt)
	return &v, err
}

func scanVersion(row pgx.Row) (engine.Version, error) {
	var v engine.Version
	err := row.Scan(&v.Number, &v.Revision, &v.Description, &v.CreatedAt)
	return v, notFound(err)
}

// Version implements engine.Versions.
func (s *Store) Version(ctx context.Context, namespace, name string, number int) (engine.Version, error) {
	v, err := scanVersion(s.pool.QueryRow(ctx, sqlVersion, namespace, name, number))
	if err != nil {
		return v, fmt.Errorf("reading version %d of state machine %q: %w", number, name, err)
	}
	return v, nil
}

// VersionsOf implements engine.Versions.
func (s *Store) VersionsOf(ctx context.Context, namespace, name string, before, limit int) ([]engine.Version, error) {
	if _, err := s.StateMachine(ctx, namespace, name); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, sqlListVersions, namespace, name, before, limit)
	if err != nil {
		return nil, fmt.Errorf("listing the versions of state machine %q: %w", name, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Version, error) { return scanVersion(row) })
	if err != nil {
		return nil, fmt.Errorf("listing the versions of state machine %q: %w", name, err)
	}
	return list, nil
}

// DeleteVersion implements engine.Versions.
func (s *Store) DeleteVersion(ctx context.Context, namespace, name string, number int) (aliases []string, err error) {
	err = s.withMachine(ctx, namespace, name, func(tx pgx.Tx, m engine.StateMachine) error {
		rows, err := tx.Query(ctx, sqlAliasesOfVersion, pgUUID(m.ID), number)
		if err != nil {
			return err
		}
		if aliases, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		if len(aliases) > 0 {
			return engine.ErrConflict
		}
		tag, err := tx.Exec(ctx, sqlDeleteVersion, pgUUID(m.ID), number)
		if err == nil && tag.RowsAffected() == 0 {
			err = engine.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlBumpRegistryVersion)
		return err
	})
	if err != nil {
		return aliases, fmt.Errorf("deleting version %d of state machine %q: %w", number, name, err)
	}
	return nil, nil
}

// routeRows are the rows of insert_routes.
type routeRows struct {
	id, machine uuids
	version     ints
	alias       texts
}

func (r *routeRows) add(w *engine.Write) {
	r.id = append(r.id, pgUUID(w.Execution))
	r.machine = append(r.machine, pgUUID(w.Start.Machine))
	r.version = append(r.version, pgtype.Int8{Int64: int64(w.Start.Route.Version), Valid: true})
	r.alias = append(r.alias, pgTextOrNull(w.Start.Route.Alias))
}

func (r *routeRows) args() []any { return []any{r.id, r.machine, r.version, r.alias} }

// Routes implements engine.Versions.
func (s *Store) Routes(ctx context.Context, executions []uuid.UUID) (map[uuid.UUID]engine.Route, error) {
	var ids uuids
	for _, id := range executions {
		ids = append(ids, pgUUID(id))
	}
	rows, err := s.pool.Query(ctx, sqlRoutes, ids)
	if err != nil {
		return nil, fmt.Errorf("reading by which versions %d executions were started: %w", len(executions), err)
	}
	found := map[uuid.UUID]engine.Route{}
	var id uuid.UUID
	var route engine.Route
	_, err = pgx.ForEachRow(rows, []any{&id, &route.Version, &route.Alias}, func() error {
		found[id] = route
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading by which versions %d executions were started: %w", len(executions), err)
	}
	return found, nil
}
