package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// listFlags are the flags of list.
type listFlags struct {
	status               []string
	machine, prefix      string
	since, until         string
	limit                int
	startedSince, before time.Time
}

func (a *app) listCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List executions, newest first",
		Long:    `Lists executions, newest first. With --json, prints one JSON object a line.`,
		Example: `  tercel list --status running
  tercel list --machine order --status failed,timed_out --since 24h`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.list(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.status, "status", nil, "running, succeeded, failed, timed_out, aborted; several with commas")
	flags.StringVarP(&f.machine, "machine", "m", "", "of this state machine only")
	flags.StringVar(&f.prefix, "name-prefix", "", "whose names begin so")
	flags.StringVar(&f.since, "since", "", "started since: a time ago such as 90m or 7d, or a time such as 2026-01-31T12:00:00Z")
	flags.StringVar(&f.until, "until", "", "started before, written as --since")
	flags.IntVar(&f.limit, "limit", 50, "at most this many; 0 for all")
	return cmd
}

func (a *app) list(ctx context.Context, f listFlags) error {
	var err error
	if f.startedSince, err = when("--since", f.since, time.Now()); err != nil {
		return err
	}
	if f.before, err = when("--until", f.until, time.Now()); err != nil {
		return err
	}
	if f.limit < 0 {
		return usagef("--limit must not be negative; 0 lists all")
	}
	filter := client.Filter{
		StateMachine: f.machine, Status: f.status, NamePrefix: f.prefix, StartedAfter: f.startedSince, StartedBefore: f.before,
	}
	c := a.client()
	t := newTable(a.out)
	if !a.json {
		t = newTable(a.out, "ID", "MACHINE/NAME", "STARTED", "TOOK", "STATUS")
	}
	shown, more, err := eachPage(f.limit, func(size int, cursor string) (int, string, error) {
		page, err := c.Executions(ctx, filter, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for _, x := range page.Executions {
			if err := a.listed(t, x); err != nil {
				return 0, "", err
			}
		}
		return len(page.Executions), page.NextCursor, nil
	})
	if err != nil {
		return err
	}
	if a.json {
		return nil
	}
	if shown == 0 {
		a.notef("No executions%s.\n", map[bool]string{true: " yet"}[f.machine == "" && len(f.status) == 0 && f.since == ""])
		return nil
	}
	t.flush()
	if more {
		a.notef("There are more: see them with --limit 0, or narrow the list with --status, --machine and --since.\n")
	}
	return nil
}

func (a *app) listed(t *table, x wire.Execution) error {
	if a.json {
		return a.printJSON(x)
	}
	took := "-"
	if x.EndedAt != nil {
		took = span(x.EndedAt.Sub(x.StartedAt))
	}
	t.row(x.ID, x.StateMachine+"/"+x.Name, moment(x.StartedAt), took, a.paint(statusColor(x.Status), x.Status))
	return nil
}

// when reads a time, given as such or as a duration before now. Days are understood besides Go's units.
func when(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 1e5 {
			return now.Add(-time.Duration(n * 24 * float64(time.Hour))), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError(fmt.Errorf("%s is %q, but must be a time ago such as 90m, 24h or 7d, "+
		"or a time such as 2026-01-31 or 2026-01-31T12:00:00Z", flag, text))
}
