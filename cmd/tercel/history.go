package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// detailWidth is how much of an event's detail a table shows.
const detailWidth = 100

// historyFlags are the flags of history.
type historyFlags struct {
	reverse, full bool
	limit         int
}

func (a *app) historyCommand() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history EXECUTION",
		Short: "Show what happened in an execution, event by event",
		Long: `Shows the events of an execution: the time since its start, the type as AWS Step Functions names it, the state, and
what the event says. With --json, prints one event a line, complete. ` + executionHelp,
		Example: `  tercel history order/2026-0001
  tercel history 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11 --reverse --limit 20`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error { return a.history(cmd.Context(), words[0], f) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.reverse, "reverse", "r", false, "newest first")
	flags.BoolVar(&f.full, "full", false, "do not cut long details")
	flags.IntVar(&f.limit, "limit", 0, "at most this many; 0 for all")
	return cmd
}

func (a *app) history(ctx context.Context, id string, f historyFlags) error {
	if f.limit < 0 {
		return usagef("--limit must not be negative; 0 shows all")
	}
	c := a.client()
	x, err := c.Execution(ctx, id)
	if err != nil {
		return err
	}
	t := newTable(a.out)
	if !a.json {
		t = newTable(a.out, "ID", "SINCE", "TYPE", "STATE", "DETAIL")
	}
	shown, more, err := eachPage(f.limit, func(size int, cursor string) (int, string, error) {
		page, err := c.History(ctx, x.ID, f.reverse, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for _, e := range page.Events {
			if a.json {
				if err := a.printJSON(e); err != nil {
					return 0, "", err
				}
				continue
			}
			a.eventRow(t, x.StartedAt, e, f.full)
		}
		return len(page.Events), page.NextCursor, nil
	})
	if err != nil {
		return err
	}
	if !a.json {
		t.flush()
		if shown == 0 && x.Type == "EXPRESS" && x.Ended() {
			a.notef("The history of this execution was not kept: see the log level of its state machine.\n")
		}
		if more {
			a.notef("There are more events: see them with --limit 0.\n")
		}
	}
	return nil
}

func (a *app) eventRow(t *table, start time.Time, e wire.Event, full bool) {
	number := strconv.FormatInt(e.ID, 10)
	if e.Extra {
		number = "·"
	}
	text := detail(e)
	if !full {
		text = shorten(text, detailWidth)
	}
	if e.Details.Error != nil {
		text = a.paint(red, text)
	}
	t.row(number, span(e.Timestamp.Sub(start)), e.Type, e.State, text)
}

// detail tells in one line what an event says.
func detail(e wire.Event) string {
	d := e.Details
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if d.Resource != "" {
		name := d.Resource
		if d.ResourceType != "" {
			name = d.ResourceType + ":" + name
		}
		add("%s", name)
	}
	if d.Error != nil {
		add("%s", failure(d))
	}
	if d.Index != nil {
		add("item %d", *d.Index)
	}
	if d.Length != nil {
		add("%d items", *d.Length)
	}
	if d.Until != nil {
		add("until %s", moment(*d.Until))
	}
	if d.Worker != "" {
		add("worker %s", d.Worker)
	}
	if d.Node != "" {
		add("node %s", d.Node)
	}
	if d.RedriveCount > 0 {
		add("redrive %d", d.RedriveCount)
	}
	if d.Location != "" {
		add("in %s", d.Location)
	}
	if d.Approval != nil {
		add("%s", oneLine(d.Approval))
	}
	if d.Input != nil {
		add("in %s", oneLine(d.Input))
	}
	if d.Output != nil {
		add("out %s", oneLine(d.Output))
	}
	names := make([]string, 0, len(d.Assigned))
	for name := range d.Assigned {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		add("%s = %s", name, oneLine(d.Assigned[name]))
	}
	return strings.Join(parts, ", ")
}

func oneLine(raw json.RawMessage) string { return shorten(string(raw), 10*detailWidth) }

// failure gives error and cause in one line.
func failure(d wire.Details) string {
	text := ""
	if d.Error != nil {
		text = *d.Error
	}
	if d.Cause != nil && *d.Cause != "" {
		text += ": " + *d.Cause
	}
	return text
}
