package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// relations lists what there is in the schema of a database URL.
func relations(t *testing.T, databaseURL string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), `SELECT relkind::text || ' ' || relname FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'i')
		  AND relname NOT LIKE 'tercel_migrations%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func version(t *testing.T, databaseURL string) uint {
	t.Helper()
	v, err := migrations.Version(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestUpDownUp(t *testing.T) {
	databaseURL := storetest.Empty(t)
	newest, err := migrations.Newest()
	if err != nil || newest == 0 {
		t.Fatalf("the newest version is %d, %v", newest, err)
	}
	if v := version(t, databaseURL); v != 0 {
		t.Errorf("an empty schema has version %d", v)
	}
	if err := migrations.Up(t.Context(), databaseURL); err != nil {
		t.Fatal(err)
	}
	made := relations(t, databaseURL)
	if v := version(t, databaseURL); v != newest || len(made) < 10 {
		t.Errorf("version %d, want %d; %d relations", v, newest, len(made))
	}
	if err := migrations.Up(t.Context(), databaseURL); err != nil {
		t.Errorf("up again: %v", err)
	}
	if err := migrations.Down(t.Context(), databaseURL); err != nil {
		t.Fatal(err)
	}
	if left := relations(t, databaseURL); len(left) != 0 || version(t, databaseURL) != 0 {
		t.Errorf("down leaves %v, version %d", left, version(t, databaseURL))
	}
	if err := migrations.Down(t.Context(), databaseURL); err != nil {
		t.Errorf("down again: %v", err)
	}
	// Step by step, there and back.
	for _, v := range []uint{1, newest, 1, newest, 0, newest} {
		if err := migrations.To(t.Context(), databaseURL, v); err != nil {
			t.Fatalf("to version %d: %v", v, err)
		}
		if got := version(t, databaseURL); got != v {
			t.Errorf("version %d, want %d", got, v)
		}
	}
	if diff := cmp.Diff(made, relations(t, databaseURL)); diff != "" {
		t.Errorf("the second time it makes something else:\n%s", diff)
	}
}

// TestUpAtOnce migrates from five places at once.
func TestUpAtOnce(t *testing.T) {
	databaseURL := storetest.Empty(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := migrations.Up(t.Context(), databaseURL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	newest, _ := migrations.Newest()
	if v := version(t, databaseURL); v != newest {
		t.Errorf("version %d, want %d", v, newest)
	}
}

// TestUpMakesTheSchema migrates into a schema that does not exist yet, with a name that needs quotes.
func TestUpMakesTheSchema(t *testing.T) {
	databaseURL := storetest.Empty(t)
	match := regexp.MustCompile(`search_path=(\w+)`).FindStringSubmatch(databaseURL)
	name := match[1] + "-made"
	databaseURL = strings.Replace(databaseURL, match[0], "search_path=%22"+name+"%22", 1)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := migrations.Up(t.Context(), databaseURL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made := relations(t, databaseURL); len(made) == 0 {
		t.Error("nothing was made")
	}
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA "+pgx.Identifier{name}.Sanitize()+" CASCADE"); err != nil {
		t.Error(err)
	}
}

// TestNewerSchema starts an older binary on the tables of its successor, as happens while nodes are replaced one by one.
func TestNewerSchema(t *testing.T) {
	databaseURL := storetest.Postgres(t)
	set := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	set("UPDATE tercel_migrations SET version = 9999")
	if err := migrations.Up(t.Context(), databaseURL); err != nil {
		t.Errorf("up: %v", err)
	}
	if v := version(t, databaseURL); v != 9999 {
		t.Errorf("version %d", v)
	}
	set("UPDATE tercel_migrations SET version = 1, dirty = true")
	if err := migrations.Up(t.Context(), databaseURL); !errors.Is(err, migrations.ErrDirty) {
		t.Errorf("a migration that was interrupted gives %v", err)
	}
	if _, err := migrations.Version(t.Context(), databaseURL); !errors.Is(err, migrations.ErrDirty) {
		t.Errorf("a migration that was interrupted gives %v", err)
	}
}

func TestBadURL(t *testing.T) {
	for _, databaseURL := range []string{"postgres://%zz", "postgres://nobody@127.0.0.1:1/none"} {
		if err := migrations.Up(t.Context(), databaseURL); err == nil {
			t.Errorf("%s: no error", databaseURL)
		}
		if _, err := migrations.Version(t.Context(), databaseURL); err == nil {
			t.Errorf("%s: no error", databaseURL)
		}
	}
}

// TestFiles holds the migrations to their form: numbers without a gap, a way down for each way up, named constraints.
func TestFiles(t *testing.T) {
	ups, err := fs.Glob(migrations.Files(), "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	unnamed := regexp.MustCompile(`^\s+(PRIMARY KEY|UNIQUE|CHECK|FOREIGN KEY)|^\s+\w+ .*\b(PRIMARY KEY|UNIQUE|CHECK|REFERENCES)\b`)
	for i, up := range ups {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(up, want) {
			t.Errorf("%s: want %s", up, want)
		}
		if _, err := fs.Stat(migrations.Files(), strings.Replace(up, ".up.", ".down.", 1)); err != nil {
			t.Error(err)
		}
		text, err := fs.ReadFile(migrations.Files(), up)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if unnamed.MatchString(line) && !strings.Contains(line, "CONSTRAINT") {
				t.Errorf("%s: a constraint without a name: %s", up, line)
			}
		}
	}
}
