// Package migrations creates and changes the tables of Tercel in Postgres.
//
// The tables are made in the first schema of the connection's search_path, so that Tercel can have a schema of its own
// within a database that serves other purposes too. That schema is created if it is missing. Any number of nodes may
// migrate at once: the first does the work, the others wait for it.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

//go:embed *.sql
var files embed.FS

// Files gives the migrations themselves, for those who run them by other means.
func Files() fs.FS { return files }

// table keeps the version. It is not golang-migrate's default name, which an application may use for its own tables in
// the same schema.
const table = "tercel_migrations"

// lockTimeout is how long one node waits for another that is migrating.
const lockTimeout = 10 * time.Minute

// ErrDirty says that a migration was interrupted and that someone has to look.
var ErrDirty = errors.New("a migration was interrupted half-way")

// Up brings the schema to the newest version that this binary knows. It does nothing if the schema is there already or
// newer: during a rolling deploy, an older binary meets the tables of its successor.
func Up(ctx context.Context, databaseURL string) error {
	return run(ctx, databaseURL, func(m *migrate.Migrate) error {
		newest, err := Newest()
		if err != nil {
			return err
		}
		if at, dirty, err := m.Version(); err == nil && !dirty && at > newest {
			return nil
		}
		return m.Up()
	})
}

// Down removes all tables and everything in them.
func Down(ctx context.Context, databaseURL string) error {
	return run(ctx, databaseURL, (*migrate.Migrate).Down)
}

// To brings the schema up or down to one version. 0 removes everything.
func To(ctx context.Context, databaseURL string, version uint) error {
	if version == 0 {
		return Down(ctx, databaseURL)
	}
	return run(ctx, databaseURL, func(m *migrate.Migrate) error { return m.Migrate(version) })
}

// Version gives the version of the schema, 0 if there is none. It changes nothing in the database.
func Version(ctx context.Context, databaseURL string) (uint, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return 0, fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var version int64
	var dirty bool
	err = conn.QueryRow(ctx, "SELECT version, dirty FROM "+table).Scan(&version, &dirty)
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &pgErr) && pgErr.Code == "42P01": // undefined_table
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("reading the version of the schema: %w", err)
	case dirty:
		return 0, dirtyError(int(version))
	}
	return uint(max(0, version)), nil
}

// Newest gives the version that Up leads to.
func Newest() (uint, error) {
	source, err := iofs.New(files, ".")
	if err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	defer func() { _ = source.Close() }()
	version, err := source.First()
	for err == nil {
		var next uint
		if next, err = source.Next(version); err == nil {
			version = next
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	return version, nil
}

// run opens the database, in the way golang-migrate wants it, for one action.
func run(ctx context.Context, databaseURL string, action func(*migrate.Migrate) error) error {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return fmt.Errorf("reading the database URL: %w", err)
	}
	// Through a pooler that hands out another server connection for each transaction, prepared statements are lost.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	if err := createSchema(ctx, db, config.RuntimeParams["search_path"]); err != nil {
		return err
	}
	source, err := iofs.New(files, ".")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	target, err := migratepgx.WithInstance(db, &migratepgx.Config{MigrationsTable: table})
	if err != nil {
		return fmt.Errorf("preparing to migrate: %w", err)
	}
	m, err := migrate.NewWithInstance("iofs", source, "pgx5", target)
	if err != nil {
		return fmt.Errorf("preparing to migrate: %w", err)
	}
	defer func() { _, _ = m.Close() }()
	m.LockTimeout = lockTimeout
	stop := context.AfterFunc(ctx, func() { m.GracefulStop <- true })
	defer stop()

	err = action(m)
	var dirty migrate.ErrDirty
	var failed database.Error
	switch {
	case err == nil, errors.Is(err, migrate.ErrNoChange):
		return ctx.Err()
	case errors.As(err, &dirty):
		return dirtyError(dirty.Version)
	case errors.As(err, &failed): // its text is the whole migration
		return fmt.Errorf("migrating the database, at line %d of a migration: %w", failed.Line, failed.OrigErr)
	default:
		return fmt.Errorf("migrating the database: %w", err)
	}
}

func dirtyError(version int) error {
	return fmt.Errorf("%w: version %d; look at the tables, finish or undo it by hand, then set dirty to false in %s",
		ErrDirty, version, table)
}

// createSchema makes the first schema of the search_path if it does not exist yet.
func createSchema(ctx context.Context, db *sql.DB, searchPath string) error {
	first, _, _ := strings.Cut(searchPath, ",")
	first = strings.Trim(strings.TrimSpace(first), `"`)
	if first == "" || first == "$user" {
		return nil
	}
	var exists bool
	err := db.QueryRowContext(ctx, "SELECT to_regnamespace($1) IS NOT NULL", pgx.Identifier{first}.Sanitize()).Scan(&exists)
	if err != nil {
		return fmt.Errorf("looking for schema %q: %w", first, err)
	}
	if exists {
		return nil
	}
	_, err = db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{first}.Sanitize())
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "23505" { // unique_violation: another node has just made it
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating schema %q: %w", first, err)
	}
	return nil
}
