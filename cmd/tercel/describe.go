package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// executionHelp tells how executions are named.
const executionHelp = "EXECUTION is an id, MACHINE/NAME, or an ARN."

func (a *app) describeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "describe EXECUTION",
		Short:   "Show one execution",
		Long:    "Shows one execution with its input and output. " + executionHelp,
		Example: "  tercel describe order/2026-0001",
		Args:    args(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, words []string) error { return a.describe(cmd.Context(), words[0]) },
	}
}

func (a *app) describe(ctx context.Context, id string) error {
	x, err := a.client().Execution(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(x)
	}
	a.describeExecution(x, time.Now())
	return nil
}

func (a *app) describeExecution(x wire.Execution, now time.Time) {
	line := func(name, text string) { a.printf("%-14s %s\n", name+":", text) }
	line("execution", x.StateMachine+"/"+x.Name)
	line("id", x.ID)
	line("arn", x.ARN)
	line("status", a.paint(statusColor(x.Status), x.Status))
	line("started", moment(x.StartedAt))
	switch {
	case x.EndedAt != nil:
		line("ended", moment(*x.EndedAt)+", after "+span(x.EndedAt.Sub(x.StartedAt)))
	case x.Node != "":
		line("running on", "node "+x.Node+", since "+span(now.Sub(x.StartedAt)))
	case x.WakeAt != nil:
		line("waits until", moment(*x.WakeAt)+", in "+span(x.WakeAt.Sub(now)))
	default:
		line("waits", "for a callback")
	}
	if x.RedriveCount > 0 && x.RedrivenAt != nil {
		line("redriven", strconv.Itoa(x.RedriveCount)+" times, last "+moment(*x.RedrivenAt))
	}
	if x.Error != nil {
		line("error", *x.Error)
	}
	if x.Cause != nil {
		line("cause", strings.ReplaceAll(*x.Cause, "\n", "\n"+strings.Repeat(" ", 15)))
	}
	if x.Input != nil {
		line("input", pretty(x.Input, strings.Repeat(" ", 15)))
	}
	if x.Output != nil {
		line("output", pretty(x.Output, strings.Repeat(" ", 15)))
	}
}
