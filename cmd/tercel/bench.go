package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/cmd/tercel/bench"
	"github.com/tercel-workflows/tercel/store/devpg"
)

func (a *app) benchCommand() *cobra.Command {
	var cfg bench.Config
	cmd := &cobra.Command{
		Use:   "bench [WORKLOAD...]",
		Short: "Measure the engine against what Postgres can write",
		Long: `Measures an engine in this process, on a Postgres with durable settings: a private one, made for the measurement and
removed afterwards, or the one of --database-url, in a schema that is dropped afterwards.

  sequence   five tasks that do nothing, one after the other; 128 executions in flight
  latency    the same, one execution at a time
  fanout     one Map of 10,000 items, each a task that does nothing
  park       20,000 executions that wait for a token, then all are completed
  express    50,000 Express executions of one task that does nothing, 256 in flight: started asynchronously, then as
             many run synchronously
  flood      200,000 executions that are all started at one moment, with the engine's default limits; RSS is the peak
             (only when it is named)

LIMIT is what the same rows come to in the same loop through bare group commit, on the same Postgres in the same run;
COMMITS/S is that of single small rows on one connection. Figures of different runs or machines do not compare well;
the ratio to the limit does. With --runs, all workloads are measured so often in turn, and the medians come last.`,
		Example: `  tercel bench
  tercel bench sequence --executions 50000 --json
  tercel bench --runs 3
  tercel bench --database-url postgres://tercel:secret@db:5432/bench`,
		ValidArgs: bench.Workloads(),
		Args:      args(cobra.OnlyValidArgs),
		PreRunE:   a.fromEnvironment,
		RunE: func(cmd *cobra.Command, workloads []string) error {
			cfg.Workloads = workloads
			return a.bench(cmd.Context(), cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.DatabaseURL, "database-url", "", "measure on this Postgres, not on a private one")
	flags.IntVar(&cfg.Executions, "executions", 0, "executions of each workload, or items of fanout (default: as above)")
	flags.IntVar(&cfg.Runs, "runs", 1, "measure so often, all workloads in turn, and give the medians")
	flags.IntVar(&cfg.InFlight, "in-flight", 0, "executions at a time in sequence, park and express (default: as above)")
	flags.StringVar(&cfg.CPUProfile, "cpu-profile", "", "write a CPU profile of the engine to this file")
	return cmd
}

func (a *app) bench(ctx context.Context, cfg bench.Config) (err error) {
	log, err := newLogger(a.err, "error", "text")
	if err != nil {
		return err
	}
	cfg.Logger = log
	cfg.Progress = func(what string) { a.notef("%s\n", what) }
	if cfg.DatabaseURL == "" {
		cluster, remove, err := benchCluster(ctx)
		if err != nil {
			return err
		}
		defer remove()
		cfg.DatabaseURL = cluster.URL()
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !a.json {
		fmt.Fprintln(table, "RUN\tWORKLOAD\tN\tRATE/S\tP50 MS\tP95 MS\tP99 MS\tLIMIT/S\tRATIO\tCOMMITS/S\tCOMMITS\tWAL BYTES\tENGINE CPU S\tPG CPU S\tRSS MB\t")
	}
	err = bench.Run(ctx, cfg, func(r bench.Result) {
		if a.json {
			line, err := json.Marshal(r)
			if err == nil {
				fmt.Fprintf(a.out, "%s\n", line)
			}
			return
		}
		fmt.Fprintf(table, "%s\t%s %s\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.0f\t%.2f\t%.0f\t%.3f\t%.0f\t%.1f\t%.1f\t%.0f\t\n",
			runOf(r), r.Workload, r.Unit, r.N, r.Rate, r.P50, r.P95, r.P99, r.LimitRate, r.RatioToLimit, r.SingleCommits,
			r.CommitsPerExecution, r.WALBytesPerExecution, r.EngineCPU, r.PostgresCPU, r.RSS)
	})
	if flushing := table.Flush(); err == nil {
		err = flushing
	}
	return err
}

// runOf names the run of a result.
func runOf(r bench.Result) string {
	if r.MedianOf > 0 {
		return "median"
	}
	return strconv.Itoa(max(r.Run, 1))
}

// benchCluster starts a private Postgres with durable settings, in a folder that is removed with it.
func benchCluster(ctx context.Context) (_ *devpg.Cluster, remove func(), err error) {
	dir, err := os.MkdirTemp("", "tercel-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for the measurement's Postgres: %w", err)
	}
	cluster, err := devpg.Start(ctx, devpg.Config{DataDir: dir})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	return cluster, func() {
		_ = cluster.Stop()
		_ = os.RemoveAll(dir)
	}, nil
}
