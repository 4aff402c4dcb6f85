package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/backtest"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// endedStatuses are those of executions that are over.
var endedStatuses = []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}

// backtestFlags are the flags of backtest.
type backtestFlags struct {
	against      string
	last, show   int
	status       []string
	since, until string
	tolerance    time.Duration
	mocks        mockFlags
	strict       bool
}

func (a *app) backtestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest FILE --against MACHINE",
		Short: "Tell what a new definition would have done in recorded executions",
		Long: `Runs a definition over the last executions of a deployed state machine that have ended, and shows where path, output,
errors, calls or timing would differ. Nothing is invoked: each execution is rehearsed here with its recorded input, from
its recorded start on in virtual time, and its tasks get their recorded results and errors, attempt by attempt and
iteration by iteration. Where the record has no answer, as for a new task, --mock can give one.

Values that come of the clock or of chance are not compared. Exits with 1 if an execution differs, with --strict also if
one could not be replayed.`,
		Example: `  tercel backtest order.asl.yaml --against order
  tercel backtest order.asl.yaml --against order --last 1000 --status failed,timed_out
  tercel backtest order.asl.yaml --against order --mock 'CheckFraud={"risk": 0.1}' --show 0`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error { return a.backtest(cmd.Context(), words[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.against, "against", "", "the deployed state machine")
	flags.IntVar(&f.last, "last", 100, "how many executions, newest first; 0 for all")
	flags.StringSliceVar(&f.status, "status", nil, "only those that ended so: succeeded, failed, timed_out, aborted; several with commas")
	flags.StringVar(&f.since, "since", "", "started since: a time ago such as 90m or 7d, or a time such as 2026-01-31T12:00:00Z")
	flags.StringVar(&f.until, "until", "", "started before, written as --since")
	flags.DurationVar(&f.tolerance, "tolerance", backtest.DefaultTolerance, "by how much times may differ, besides 5 % of the recorded time")
	flags.Var(mockFlag{&f.mocks, false}, "mock", "STATE=JSON: the result of a task, in place of the recorded ones; as in run")
	flags.Var(mockFlag{&f.mocks, true}, "mock-error", "STATE=NAME or STATE=NAME: CAUSE: an error of a task, in place of what is recorded")
	flags.IntVar(&f.show, "show", 10, "how many executions to show of each kind; 0 for all")
	flags.BoolVar(&f.strict, "strict", false, "exit with 1 also if an execution could not be replayed")
	return cmd
}

// filter gives what the flags choose.
func (f backtestFlags) filter() (client.Filter, error) {
	filter := client.Filter{StateMachine: f.against, Status: endedStatuses}
	if len(f.status) > 0 {
		filter.Status = nil
	}
	for _, s := range f.status {
		s = strings.ToUpper(s)
		if !slices.Contains(endedStatuses, s) {
			return filter, usagef("--status is %s, but must be one of succeeded, failed, timed_out and aborted: "+
				"what has not ended cannot be compared", s)
		}
		filter.Status = append(filter.Status, s)
	}
	var err error
	if filter.StartedAfter, err = when("--since", f.since, time.Now()); err != nil {
		return filter, err
	}
	filter.StartedBefore, err = when("--until", f.until, time.Now())
	return filter, err
}

func (f backtestFlags) check() error {
	switch {
	case f.against == "":
		return usagef("against which state machine? Name it with --against")
	case f.last < 0 || f.show < 0:
		return usagef("--last and --show must not be negative; 0 is for all")
	case f.tolerance < 0:
		return usagef("--tolerance must not be negative")
	}
	return nil
}

func (a *app) backtest(ctx context.Context, file string, f backtestFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	filter, err := f.filter()
	if err != nil {
		return err
	}
	c := a.client()
	deployed, err := c.StateMachine(ctx, f.against)
	if err != nil {
		return err
	}
	options, err := deployedOptions(ctx, c, deployed.Type)
	if err != nil {
		return err
	}
	machine, err := a.compile(file, options)
	if err != nil {
		return err
	}
	if err := f.mocks.check(machine); err != nil {
		return err
	}
	var ids []string
	_, _, err = eachPage(f.last, func(size int, cursor string) (int, string, error) {
		page, err := c.Executions(ctx, filter, size, cursor)
		for _, x := range page.Executions {
			ids = append(ids, x.ID)
		}
		return len(page.Executions), page.NextCursor, err
	})
	if err != nil {
		return err
	}
	test := &backtest.Test{Machine: machine, Tolerance: f.tolerance}
	if len(f.mocks) > 0 {
		test.Over = func(recorded backtest.Mock) backtest.Mock { return f.mocks.over(recorded) }
	}
	b := &backtestRun{client: c, test: test, executions: make([]backtested, len(ids))}
	if err := b.run(ctx, ids, a.showProgress()); err != nil {
		return err
	}
	r := b.report(file, f.against)
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printBacktest(r, f.show)
	}
	if r.Differ > 0 || f.strict && r.NotReplayed > 0 {
		return silent(exitFailure)
	}
	return nil
}

// backtestsAtOnce is how many executions are read and replayed at a time.
const backtestsAtOnce = 4

// backtestRun is a backtest in the making.
type backtestRun struct {
	client     *client.Client
	test       *backtest.Test
	executions []backtested // in the order in which they were listed
}

// run replays executions, several at once. The first error ends it.
func (b *backtestRun) run(ctx context.Context, ids []string, tell progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	turns := make(chan int)
	for range min(backtestsAtOnce, len(ids)) {
		all.Go(func() {
			for i := range turns {
				if err := b.one(ctx, i, ids[i]); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range ids {
		tell(i+1, len(ids), "executions")
		select {
		case turns <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(turns)
	all.Wait()
	return context.Cause(ctx)
}

func (b *backtestRun) one(ctx context.Context, i int, id string) error {
	x, err := b.client.Execution(ctx, id)
	var record *backtest.Record
	if err == nil {
		record, err = readRecord(ctx, b.client, x)
	}
	var unreadable *unreadableError
	switch {
	case client.IsCode(err, string(engine.CodeExecutionDoesNotExist)):
		b.executions[i] = backtested{ID: id, Name: id, Verdict: backtest.NotReplayed, Reason: "it was deleted meanwhile"}
	case errors.As(err, &unreadable):
		b.executions[i] = backtested{
			ID: id, Name: x.StateMachine + "/" + x.Name, Verdict: backtest.NotReplayed, Reason: "its history cannot be read: " + err.Error(),
			Recorded: ran{Status: x.Status},
		}
	case err != nil:
		return fmt.Errorf("reading execution %s: %w", id, err)
	default:
		b.executions[i] = backtestedOf(x, b.test.Run(record))
	}
	return nil
}

// backtested is what became of an execution, as it is printed with --json.
type backtested struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"` // with that of its machine
	Verdict     backtest.Verdict      `json:"verdict"`
	Reason      string                `json:"reason,omitempty"` // why it was not replayed
	Differences []backtest.Difference `json:"differences,omitempty"`
	First       *backtest.Divergence  `json:"first,omitempty"` // where the two part
	Recorded    ran                   `json:"recorded"`
	Replayed    *ran                  `json:"replayed,omitempty"` // as far as it got; absent if it did not start
}

// ran tells how an execution went.
type ran struct {
	Status  string  `json:"status"`
	Path    string  `json:"path,omitempty"`
	Seconds float64 `json:"seconds"`
	Output  any     `json:"output,omitempty"`
	Error   *string `json:"error,omitempty"`
	Cause   *string `json:"cause,omitempty"`
}

func backtestedOf(x wire.Execution, o *backtest.Outcome) backtested {
	b := backtested{
		ID: x.ID, Name: x.StateMachine + "/" + x.Name, Verdict: o.Verdict, Reason: o.Reason, Differences: o.Differences,
		First: o.First, Recorded: ranOf(o.Record, o.Verdict),
	}
	if o.Replayed != nil {
		replayed := ranOf(o.Replayed, o.Verdict)
		b.Replayed = &replayed
	}
	return b
}

// ranOf tells how an execution went; the outputs of those that came out the same are left out, since there may be many.
func ranOf(r *backtest.Record, v backtest.Verdict) ran {
	out := ran{Status: string(r.Status), Path: r.Path.String(), Seconds: r.Duration().Seconds(), Error: r.Error, Cause: r.Cause}
	if r.Output != nil && v != backtest.Same {
		out.Output = rawJSON(r.Output.JSON())
	}
	return out
}
