package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlLockMachine         = query("lock_machine")
	sqlNewest              = query("newest")
	sqlInsertRevision      = query("insert_revision")
	sqlRenameFile          = query("rename_file")
	sqlRevision            = query("revision")
	sqlListMachines        = query("list_machines")
	sqlDeleteMachine       = query("delete_machine")
	sqlPutFunction         = query("put_function")
	sqlFunction            = query("function")
	sqlFunctions           = query("functions")
	sqlDeleteFunction      = query("delete_function")
	sqlMakeClusterKey      = query("make_cluster_key")
	sqlClusterKey          = query("cluster_key")
	sqlRegistryVersion     = query("registry_version")
	sqlBumpRegistryVersion = query("bump_registry_version")
)

// PutStateMachine stores a definition as the machine's newest revision, creating the machine if need be. The same text,
// type and log level as the newest revision's make no new revision. ID and Revision are made up if they are zero; the ID of a
// machine that exists already is kept.
func (s *Store) PutStateMachine(ctx context.Context, m engine.StateMachine) (engine.PutResult, error) {
	var result engine.PutResult
	if m.Type == "" {
		m.Type = engine.TypeStandard
	}
	if m.LogLevel == "" {
		m.LogLevel = engine.LogError
	}
	if err := fillIDs(&m); err != nil {
		return result, err
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var err error
		result, err = putStateMachine(ctx, tx, m)
		return err
	})
	if err != nil {
		return engine.PutResult{}, fmt.Errorf("storing state machine %q: %w", m.Name, err)
	}
	return result, nil
}

func fillIDs(m *engine.StateMachine) error {
	for _, id := range []*uuid.UUID{&m.ID, &m.Revision} {
		if *id != uuid.Nil {
			continue
		}
		made, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("making an id: %w", err)
		}
		*id = made
	}
	return nil
}

func putStateMachine(ctx context.Context, tx pgx.Tx, m engine.StateMachine) (engine.PutResult, error) {
	result := engine.PutResult{StateMachine: m}
	err := tx.QueryRow(ctx, sqlLockMachine, pgUUID(m.ID), m.Namespace, m.Name).
		Scan(&result.ID, &result.CreatedAt, &result.Created)
	if err != nil {
		return result, err
	}
	newest, err := scanMachine(tx.QueryRow(ctx, sqlNewest, m.Namespace, m.Name))
	switch {
	case errors.Is(err, engine.ErrNotFound):
		newest = engine.StateMachine{}
		result.Created = true
	case err != nil:
		return result, err
	default:
		result.Created = false
		m.RoleARN, m.Settings = newest.RoleARN, newest.Settings // they are another face's, and stay
		result.RoleARN, result.Settings = m.RoleARN, m.Settings
	}
	if !result.Created && bytes.Equal(newest.Definition, m.Definition) && newest.Type == m.Type && newest.LogLevel == m.LogLevel {
		result.StateMachine = newest
		if newest.File == m.File || m.File == "" {
			return result, nil
		}
		result.File = m.File
		_, err := tx.Exec(ctx, sqlRenameFile, pgUUID(newest.Revision), m.File)
		return result, err
	}
	result.Changed = true
	result.Number = newest.Number + 1
	return result, insertRevision(ctx, tx, &result.StateMachine)
}

// insertRevision stores a machine's newest revision, and sets its time.
func insertRevision(ctx context.Context, tx pgx.Tx, m *engine.StateMachine) error {
	var settings []byte
	if !m.Settings.Empty() {
		text, err := json.Marshal(m.Settings)
		if err != nil {
			return fmt.Errorf("encoding the settings of state machine %q: %w", m.Name, err)
		}
		settings = text
	}
	err := tx.QueryRow(ctx, sqlInsertRevision, pgUUID(m.Revision), pgUUID(m.ID), m.Number, m.Type,
		string(m.LogLevel), string(m.Definition), m.File, m.RoleARN, settings).Scan(&m.RevisedAt)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlBumpRegistryVersion)
	return err
}

// StateMachine gives a machine by name with its newest revision, or engine.ErrNotFound.
func (s *Store) StateMachine(ctx context.Context, namespace, name string) (engine.StateMachine, error) {
	m, err := scanMachine(s.pool.QueryRow(ctx, sqlNewest, namespace, name))
	if err != nil {
		return m, fmt.Errorf("reading state machine %q: %w", name, err)
	}
	return m, nil
}

// Revision gives the definition of one revision, or engine.ErrNotFound. Revisions of deleted machines stay.
func (s *Store) Revision(ctx context.Context, revision uuid.UUID) (engine.StateMachine, error) {
	m, err := scanMachine(s.pool.QueryRow(ctx, sqlRevision, pgUUID(revision)))
	if err != nil {
		return m, fmt.Errorf("reading revision %s: %w", revision, err)
	}
	return m, nil
}

// StateMachines lists the machines of a namespace by name. Page.After is the last name of the page before.
func (s *Store) StateMachines(ctx context.Context, namespace string, page engine.Page) ([]engine.StateMachine, error) {
	limit := page.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	rows, err := s.pool.Query(ctx, sqlListMachines, namespace, page.After, limit)
	if err != nil {
		return nil, fmt.Errorf("listing state machines: %w", err)
	}
	machines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.StateMachine, error) {
		return scanMachine(row)
	})
	if err != nil {
		return nil, fmt.Errorf("listing state machines: %w", err)
	}
	return machines, nil
}

// DeleteStateMachine removes a machine from the registry, or gives engine.ErrNotFound. Its executions go on and stay
// readable, under its name.
func (s *Store) DeleteStateMachine(ctx context.Context, namespace, name string) error {
	if err := s.change(ctx, sqlDeleteMachine, namespace, name); err != nil {
		return fmt.Errorf("deleting state machine %q: %w", name, err)
	}
	return nil
}

func scanMachine(row pgx.Row) (engine.StateMachine, error) {
	var m engine.StateMachine
	var definition string
	var settings []byte
	err := row.Scan(&m.ID, &m.Namespace, &m.Name, &m.Revision, &m.Number, &m.Type, &m.LogLevel, &definition, &m.File, &m.CreatedAt,
		&m.RevisedAt, &m.RoleARN, &settings)
	m.Definition = []byte(definition)
	if err == nil && settings != nil {
		err = json.Unmarshal(settings, &m.Settings)
	}
	return m, notFound(err)
}

// change runs a statement that changes one row of the registry, and moves the registry's version if it did. Without a
// row it gives engine.ErrNotFound.
func (s *Store) change(ctx context.Context, sql string, args ...any) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return engine.ErrNotFound
		}
		_, err = tx.Exec(ctx, sqlBumpRegistryVersion)
		return err
	})
}

// PutFunction stores a function, in the place of one with the same name.
func (s *Store) PutFunction(ctx context.Context, f engine.Function) error {
	err := s.change(ctx, sqlPutFunction, f.Namespace, f.Name, f.Config)
	if err != nil && !errors.Is(err, engine.ErrNotFound) { // no row: it was stored like this already
		return fmt.Errorf("storing function %q: %w", f.Name, err)
	}
	return nil
}

// Function gives a function, or engine.ErrNotFound.
func (s *Store) Function(ctx context.Context, namespace, name string) (engine.Function, error) {
	f, err := scanFunction(s.pool.QueryRow(ctx, sqlFunction, namespace, name))
	if err != nil {
		return f, fmt.Errorf("reading function %q: %w", name, err)
	}
	return f, nil
}

// Functions lists the functions of a namespace by name.
func (s *Store) Functions(ctx context.Context, namespace string) ([]engine.Function, error) {
	rows, err := s.pool.Query(ctx, sqlFunctions, namespace)
	if err != nil {
		return nil, fmt.Errorf("listing functions: %w", err)
	}
	functions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Function, error) {
		return scanFunction(row)
	})
	if err != nil {
		return nil, fmt.Errorf("listing functions: %w", err)
	}
	return functions, nil
}

func scanFunction(row pgx.Row) (engine.Function, error) {
	var f engine.Function
	err := row.Scan(&f.Namespace, &f.Name, &f.Config, &f.UpdatedAt)
	return f, notFound(err)
}

// DeleteFunction removes a function, or gives engine.ErrNotFound.
func (s *Store) DeleteFunction(ctx context.Context, namespace, name string) error {
	if err := s.change(ctx, sqlDeleteFunction, namespace, name); err != nil {
		return fmt.Errorf("deleting function %q: %w", name, err)
	}
	return nil
}

// clusterKeyBytes is the length of the key that all nodes share.
const clusterKeyBytes = 32

// ClusterKey gives the random bytes that all nodes share. The first to ask makes them; whoever asks at the same time
// gets the same.
func (s *Store) ClusterKey(ctx context.Context) ([]byte, error) {
	var key []byte
	if err := s.pool.QueryRow(ctx, sqlClusterKey).Scan(&key); err != nil {
		return nil, fmt.Errorf("reading the cluster key: %w", err)
	}
	if key != nil {
		return key, nil
	}
	proposal := make([]byte, clusterKeyBytes)
	if _, err := rand.Read(proposal); err != nil {
		return nil, fmt.Errorf("making the cluster key: %w", err)
	}
	if _, err := s.pool.Exec(ctx, sqlMakeClusterKey, proposal); err != nil {
		return nil, fmt.Errorf("storing the cluster key: %w", err)
	}
	if err := s.pool.QueryRow(ctx, sqlClusterKey).Scan(&key); err != nil {
		return nil, fmt.Errorf("reading the cluster key: %w", err)
	}
	return key, nil
}

// RegistryVersion grows with every change of a function or a state machine.
func (s *Store) RegistryVersion(ctx context.Context) (int64, error) {
	var version int64
	if err := s.pool.QueryRow(ctx, sqlRegistryVersion).Scan(&version); err != nil {
		return 0, fmt.Errorf("reading the version of the registry: %w", err)
	}
	return version, nil
}
