// Package bench measures the engine against the limit that Postgres sets: every workload is run, and beside it, in the
// same run and on the same Postgres, the same rows are written by bare group commit, with no interpreter, no tasks and
// no fence.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/store"
)

// Config says what to measure.
type Config struct {
	DatabaseURL string   // of a database in which schemas may be created
	Workloads   []string // of Workloads; none means all
	Executions  int      // of a workload; 0 means its default
	Runs        int      // how often all workloads are measured, one after the other; 0 means once
	InFlight    int      // of sequence, park and express; 0 means their defaults
	Logger      *slog.Logger
	CPUProfile  string // a file for a CPU profile of the engine's part of the workloads; "" means none
	// Progress is told what is being done.
	Progress func(what string)
}

// Result is what a workload came to. Times are in milliseconds, sizes in bytes but for RSS.
type Result struct {
	Workload string `json:"workload"`
	N        int    `json:"n"`                   // executions, or items of fanout
	Unit     string `json:"unit"`                // what n and rate count
	Run      int    `json:"run,omitempty"`       // of several, from 1
	MedianOf int    `json:"median_of,omitempty"` // so many runs

	Rate float64 `json:"rate"` // a second
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
	P99  float64 `json:"p99_ms"`

	LimitRate     float64 `json:"limit_rate"`     // of the bare write path
	RatioToLimit  float64 `json:"ratio_to_limit"` //
	SingleCommits float64 `json:"single_commits_per_s"`

	CommitsPerExecution  float64 `json:"commits_per_execution"` // transactions that wrote something
	WALBytesPerExecution float64 `json:"wal_bytes_per_execution"`
	EngineCPU            float64 `json:"engine_cpu_s"`
	PostgresCPU          float64 `json:"postgres_cpu_s"`     // 0 if Postgres runs elsewhere
	LimitEngineCPU       float64 `json:"limit_engine_cpu_s"` // of the bare write path, for as much
	LimitPostgresCPU     float64 `json:"limit_postgres_cpu_s"`
	RSS                  float64 `json:"rss_mb"` // of this process at the end of the workload; parked: with all parked
}

// workload is one thing to measure.
type workload struct {
	name  string
	n     int
	run   func(ctx context.Context, b *bench, n int) ([]Result, error)
	asked bool // it is run only when asked for by its name, and with the engine's default limits
}

var workloads = []workload{
	{"sequence", 20_000, sequence, false},
	{"latency", 500, latency, false},
	{"fanout", 10_000, fanout, false},
	{"park", 20_000, park, false},
	{"express", 50_000, express, false},
	{"flood", 200_000, flood, true},
}

// Workloads gives the names of all workloads.
func Workloads() []string {
	names := make([]string, len(workloads))
	for i, w := range workloads {
		names[i] = w.name
	}
	return names
}

// bench is a workload being measured: an engine on a schema of its own.
type bench struct {
	Config
	pool   *pgxpool.Pool
	engine *engine.Engine
	meter  *meter
	tokens chan string
}

// Run measures, and gives each result as soon as it is there, and at last, if there are several runs, the medians. The
// workloads of one run follow each other before the next begins, so that what disturbs the machine for a while does not
// disturb all runs of one workload.
func Run(ctx context.Context, cfg Config, each func(Result)) error {
	if cfg.CPUProfile != "" {
		file, err := os.Create(cfg.CPUProfile)
		if err != nil {
			return fmt.Errorf("creating the profile: %w", err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("starting the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	var all []Result
	for run := range max(cfg.Runs, 1) {
		for _, w := range workloads {
			if len(cfg.Workloads) == 0 && w.asked || len(cfg.Workloads) > 0 && !slices.Contains(cfg.Workloads, w.name) {
				continue
			}
			n := w.n
			if cfg.Executions > 0 {
				n = cfg.Executions
			}
			results, err := measure(ctx, cfg, w, n)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", w.name, err)
			}
			for _, r := range results {
				if cfg.Runs > 1 {
					r.Run = run + 1
				}
				all = append(all, r)
				each(r)
			}
		}
	}
	if cfg.Runs > 1 {
		for _, r := range medians(all) {
			each(r)
		}
	}
	return nil
}

// measure runs a workload on an engine in a schema of its own, which is dropped afterwards.
func measure(ctx context.Context, cfg Config, w workload, n int) (results []Result, err error) {
	schema := "tercel_bench_" + uuid.NewString()[:8]
	url, err := inSchema(cfg.DatabaseURL, schema)
	if err != nil {
		return nil, err
	}
	admin, err := pgxpool.New(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	defer admin.Close()
	if _, err := admin.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, fmt.Errorf("creating a schema: %w", err)
	}
	defer func() {
		if _, dropping := admin.Exec(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE"); err == nil && dropping != nil {
			err = fmt.Errorf("dropping the schema: %w", dropping)
		}
	}()
	if err := migrations.Up(ctx, url); err != nil {
		return nil, err
	}
	b := &bench{Config: cfg, tokens: make(chan string, n)}
	if b.pool, err = pgxpool.New(ctx, url); err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	defer b.pool.Close()
	if b.meter, err = newMeter(ctx, b.pool); err != nil {
		return nil, err
	}
	return b.withEngine(ctx, w.asked, func() ([]Result, error) {
		cfg.Progress(fmt.Sprintf("%s: %d", w.name, n))
		return w.run(ctx, b, n)
	})
}

func (b *bench) withEngine(ctx context.Context, defaults bool, run func() ([]Result, error)) ([]Result, error) {
	c := engine.Config{Store: store.New(b.pool), Version: "bench", Logger: b.Logger}
	if !defaults {
		c.MaxLive, c.MaxInvocations, c.Limits = 50_000, 2_000, statemachine.Limits{Payload: 16 << 20}
	}
	e, err := engine.New(c)
	if err != nil {
		return nil, fmt.Errorf("making an engine: %w", err)
	}
	b.engine = e
	e.RegisterFunc("noop", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return nil, nil })
	e.RegisterFunc("ask", func(_ context.Context, task engine.TaskInfo, _ json.RawMessage) (any, error) {
		b.tokens <- task.Token
		return nil, nil
	})
	if err := e.Start(ctx); err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	results, err := run()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if stopping := e.Shutdown(stop); err == nil && stopping != nil {
		err = fmt.Errorf("stopping the engine: %w", stopping)
	}
	return results, err
}
