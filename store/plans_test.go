package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/store"
)

// crowd fills the tables: 100,000 executions, or as many more as TERCEL_PLAN_ROWS says, nearly all of them finished or parked, and a row of history each. It gives
// some of their ids. However many there are, nodes own two hundred of them.
func (f *fixture) crowd(rareMachine uuid.UUID) (ids []uuid.UUID) {
	f.t.Helper()
	// The ids are ordered by time, as those that nodes make.
	n := 100_000
	if many, err := strconv.Atoi(os.Getenv("TERCEL_PLAN_ROWS")); err == nil {
		n = max(n, many)
	}
	f.exec(`INSERT INTO executions (id, machine, revision, owner, started_at, ended_at, wake_at, named, namespace, name,
	                                input, status, output, snapshot, snapshot_seq, queued)
		SELECT (lpad(to_hex(1700000000000 + i), 12, '0') || '7000' || '8000' || lpad(to_hex(i), 12, '0'))::uuid,
		       CASE WHEN i BETWEEN 70000 AND 70009 THEN $2::uuid ELSE $1::uuid END, $3,
		       CASE WHEN i > 100000 THEN NULL WHEN i % 1000 = 1 THEN $4::uuid WHEN i % 1000 = 2 THEN $5::uuid END,
		       now() - make_interval(secs => $6::bigint - i), CASE WHEN i % 1000 > 499 THEN now() END,
		       CASE WHEN i % 1000 = 3 THEN now() - interval '1 s' WHEN i % 1000 BETWEEN 100 AND 300
		            THEN now() + make_interval(secs => 1000 + i) END,
		       true, 'default', 'name-' || i, '{"order": 1}',
		       CASE WHEN i % 1000 < 500 THEN 'RUNNING' WHEN i % 1000 = 999 THEN 'FAILED' ELSE 'SUCCEEDED' END,
		       NULL, CASE WHEN i % 1000 BETWEEN 3 AND 499 THEN '\x00'::bytea END,
		       CASE WHEN i % 1000 BETWEEN 3 AND 499 THEN 0 END, CASE WHEN i % 1000 = 4 THEN true END
		  FROM generate_series(1, $6::bigint) AS i`,
		f.machine.ID, rareMachine, f.machine.Revision, f.node, deadNode, n)
	f.exec("INSERT INTO history SELECT id, 0, started_at, '\\x00' FROM executions")
	f.exec("VACUUM ANALYZE executions, history")
	rows, err := f.pool.Query(context.Background(), "SELECT id FROM executions WHERE status = 'RUNNING' ORDER BY id LIMIT 50")
	if err != nil {
		f.t.Fatal(err)
	}
	if ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		f.t.Fatal(err)
	}
	return ids
}

// deadNode owns executions and is not among the nodes.
var deadNode = uuid.MustParse("00000000-0000-7000-8000-00000000dead")

// planNode is what EXPLAIN says of a node of a plan.
type planNode struct {
	Type  string     `json:"Node Type"`
	Table string     `json:"Relation Name"`
	Index string     `json:"Index Name"`
	Hit   int        `json:"Shared Hit Blocks"`
	Read  int        `json:"Shared Read Blocks"`
	Parts []planNode `json:"Plans"`
}

func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, part := range n.Parts {
		part.walk(visit)
	}
}

// explain runs a statement as the store does, looks at its plan, and undoes it.
func (f *fixture) explain(byKey bool, sql string, args ...any) planNode {
	f.t.Helper()
	if byKey {
		return f.explainAs("plan_by_key", sql, args...)
	}
	return f.explainAs("", sql, args...)
}

// explainAs has the plan made under the settings of a statement, if one is named.
func (f *fixture) explainAs(settings, sql string, args ...any) planNode {
	f.t.Helper()
	ctx := context.Background()
	tx, err := f.pool.Begin(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if settings != "" {
		if _, err := tx.Exec(ctx, store.Query(settings)); err != nil {
			f.t.Fatal(err)
		}
	}
	var text []byte
	args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		f.t.Fatalf("%v\n%s", err, sql)
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal(text, &plans); err != nil {
		f.t.Fatal(err)
	}
	if os.Getenv("TERCEL_SHOW_PLANS") != "" {
		f.t.Logf("%s\n%s", sql, text)
	}
	return plans[0].Plan
}

// TestPlans shows that what is done all the time is found through the index that is there for it, and reads a few pages,
// among 100,000 executions that have finished or are parked.
func TestPlans(t *testing.T) {
	f := newFixture(t)
	rare := newID()
	ids := f.crowd(rare)
	live := ids[:10]
	seqs, blobs, times, texts := make([]int64, 10), make([][]byte, 10), make([]time.Time, 10), make([]string, 10)
	for i := range 10 {
		seqs[i], blobs[i], times[i], texts[i] = 0, []byte("{}"), time.Now(), "SUCCEEDED"
	}
	anyUUID := newID()
	none := any(nil)
	page := func(filters ...any) []any { return append(filters, 100) }
	for _, c := range []struct {
		query  string
		args   []any
		index  string
		blocks int // how many pages it may touch
	}{
		{"claim_due", []any{f.node, anyUUID, 50}, "executions_wake", 3000},
		{"claim_queued", []any{f.node, anyUUID, 50, uuid.Nil}, "executions_queued", 3000},
		{"claim_of_owner", []any{f.node, anyUUID, 50, deadNode}, "executions_owner", 3000},
		{"orphaned_owners", nil, "executions_owner", 60},
		{"claim_one", []any{f.node, anyUUID, 1, live[0]}, "executions_pkey", 60},
		{"parked", []any{live}, "executions_parked", 200},
		{"status_and_owner", []any{live[0]}, "executions_pkey", 20},
		{"next_due", nil, "executions_wake", 20},
		{"release", []any{f.node, live}, "executions_pkey", 500},
		{"release_owner", []any{f.node}, "executions_owner", 4000},
		{"release_claims", []any{f.node, []uuid.UUID{anyUUID}}, "executions_owner", 400},
		{"tails", []any{live, seqs}, "history_pkey", 200},
		{"read", []any{live[0], 0, 100}, "history_pkey", 20},
		{"compare", []any{live, seqs}, "history_pkey", 200},
		{"stored", []any{live}, "executions_pkey", 200},
		{"holders_of_names", []any{[]uuid.UUID{f.machine.ID}, []string{"name-7"}}, "executions_name", 20},
		{"execution", []any{live[0]}, "executions_pkey", 20},
		{"execution_by_name", []any{"default", "orders", "name-7"}, "executions_name", 20},
		{"end", []any{live, seqs, texts, times, blobs, texts, texts, blobs, blobs}, "executions_pkey", 800},
		{"park", []any{live, seqs, times, blobs}, "executions_pkey", 800},
		{"snapshot", []any{live, seqs, blobs}, "executions_pkey", 800},
		{"adopt", []any{live, seqs, live}, "executions_pkey", 800},
		{"reopen", []any{live, seqs, live, times}, "executions_pkey", 800},
		{"append_if_started", []any{live, seqs, times, blobs}, "executions_pkey", 800},
		{"delete_finished", []any{time.Now().Add(time.Hour), uuid.UUID{}, uuid.Max, 50}, "executions_pkey", 3000},
		{"list", page(none, none, none, none, none, none, none), "executions_pkey", 400},
		{"list", page(none, none, none, none, none, none, ids[40]), "executions_pkey", 400},
		{"list", page(none, none, []string{"FAILED"}, none, none, none, none), "executions_unsuccessful", 800},
		{"list", page(none, []uuid.UUID{rare}, none, none, none, none, none), "executions_machine", 1500},
		{"list_running", page(none, none, none, none, none, none), "executions_parked", 1500},
	} {
		t.Run(c.query, func(t *testing.T) {
			f.t = t
			plan := f.explain(!strings.HasPrefix(c.query, "list"), store.Query(c.query), c.args...)
			used := false
			plan.walk(func(n planNode) {
				used = used || n.Index == c.index
				if n.Type == "Seq Scan" && (n.Table == "executions" || n.Table == "history") {
					t.Errorf("it reads the whole of %s", n.Table)
				}
			})
			if !used {
				t.Errorf("it does not use %s", c.index)
			}
			t.Logf("%d pages", plan.Hit+plan.Read)
			if blocks := plan.Hit + plan.Read; blocks > c.blocks {
				t.Errorf("it touches %d pages, want at most %d", blocks, c.blocks)
			}
		})
	}
	f.t = t
}

// TestPlansWithoutStatistics looks at the kept plans of statements that were first used on empty tables: a plan that
// reads the whole table is good for an empty one, and would be kept when it grows.
func TestPlansWithoutStatistics(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	for _, c := range []struct {
		query  string
		params int
	}{
		{"end", 9},
		{"park", 4},
		{"snapshot", 3},
		{"reopen", 4},
		{"adopt", 3},
		{"parked", 1},
		{"append_if_started", 4},
		{"claim_due", 3},
		{"claim_queued", 4},
		{"claim_of_owner", 4},
		{"claim_one", 4},
		{"release", 2},
		{"orphaned_owners", 0},
	} {
		t.Run(c.query, func(t *testing.T) {
			tx, err := f.pool.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(ctx) }()
			exec := func(sql string) {
				t.Helper()
				if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatal(err)
				}
			}
			exec(store.Query("plan_by_key"))
			exec("SET LOCAL plan_cache_mode = force_generic_plan")
			exec("DEALLOCATE ALL")
			exec("PREPARE p AS " + store.Query(c.query))
			nulls := strings.TrimSuffix(strings.Repeat("NULL,", c.params), ",")
			if nulls != "" {
				nulls = "(" + nulls + ")"
			}
			rows, err := tx.Query(ctx, "EXPLAIN EXECUTE p"+nulls, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(lines, "\n")
			for _, bad := range []string{"Seq Scan on executions", "Seq Scan on history", "Hash Join", "Merge Join"} {
				if strings.Contains(plan, bad) {
					t.Errorf("the plan has a %s:\n%s", bad, plan)
				}
			}
			if !strings.Contains(plan, "Index") {
				t.Errorf("the plan uses no index:\n%s", plan)
			}
		})
	}
}

// TestQueryNames guards against statements that nothing uses: each name is looked up somewhere in the package.
func TestQueryNames(t *testing.T) {
	sources, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range sources {
		if strings.HasSuffix(file.Name(), ".go") && !strings.HasSuffix(file.Name(), "_test.go") {
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	for _, name := range store.QueryNames() {
		if !strings.Contains(all.String(), fmt.Sprintf("%q", name)) {
			t.Errorf("nothing uses the statement %s", name)
		}
	}
}
