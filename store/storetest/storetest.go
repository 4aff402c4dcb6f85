// Package storetest gives tests a Postgres: a schema of their own in a database that all test processes share.
//
// The database is the one that TERCEL_TEST_DATABASE_URL names, or a private cluster that the first process to need it
// starts. Its data is in the folder for temporary files and not durable. It ends by itself a few seconds after the last
// process that used it.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
)

// EnvURL names the variable with the database that tests use, in the place of a private cluster.
const EnvURL = "TERCEL_TEST_DATABASE_URL"

// Postgres gives the URL of a database whose tables are new and the test's own. They are dropped when the test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	databaseURL := Empty(tb)
	if err := migrations.Up(context.Background(), databaseURL); err != nil {
		tb.Fatalf("storetest: %v", err)
	}
	return databaseURL
}

// Open gives a store on such a database.
func Open(tb testing.TB) *store.Store {
	tb.Helper()
	return store.New(Pool(tb, Postgres(tb)))
}

// Pool gives connections to a database, closed when the test ends.
func Pool(tb testing.TB, databaseURL string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(context.Background(), databaseURL)
	if err != nil {
		tb.Fatalf("storetest: opening connections: %v", err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Empty gives the URL of a database with a schema that is the test's own and has no tables.
func Empty(tb testing.TB) string {
	tb.Helper()
	server, err := serverURL()
	if err != nil {
		tb.Fatalf("storetest: %v", err)
	}
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		tb.Fatalf("storetest: naming a schema: %v", err)
	}
	schema := "test_" + hex.EncodeToString(random)
	execute(tb, server, "CREATE SCHEMA "+schema)
	tb.Cleanup(func() { execute(tb, server, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	withSchema, err := inSchema(server, schema)
	if err != nil {
		tb.Fatalf("storetest: %v", err)
	}
	return withSchema
}

// inSchema adds the search_path to a database URL.
func inSchema(databaseURL, schema string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

func execute(tb testing.TB, databaseURL, sql string) {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		tb.Errorf("storetest: connecting: %v", err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		tb.Errorf("storetest: %s: %v", sql, err)
	}
}

// serverURL leads to the database that the processes share, started at first use.
var serverURL = sync.OnceValues(func() (string, error) {
	if databaseURL := os.Getenv(EnvURL); databaseURL != "" {
		return databaseURL, nil
	}
	return shared()
})
