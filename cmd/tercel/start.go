package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// startFlags are the flags of start.
type startFlags struct {
	input, inputFile, name string
	wait, watch, sync      bool
	timeout                time.Duration
}

func (a *app) startCommand() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start MACHINE",
		Short: "Start an execution of a state machine",
		Long: `Starts an execution and prints its id, once it is stored.

With --wait, waits for its end and prints its output. With --watch, prints what happens until then. Both exit with 5 if
it ended without success. --sync runs an execution of a machine of the type EXPRESS within the request: at most once,
and without a wait for the database; it prints and exits as --wait does. --name makes the start repeatable: the same
name with the same input gives the execution that is there already.`,
		Example: `  tercel start order --input '{"id": 1}'
  tercel start order --input @order.json --wait
  jq .order mail.json | tercel start order --input - --watch`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error { return a.start(cmd.Context(), words[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.input, "input", "i", "", "input: JSON, @FILE, or - for the standard input; {} if there is none")
	flags.StringVar(&f.inputFile, "input-file", "", "file that holds the input")
	flags.StringVar(&f.name, "name", "", "name of the execution, unique within the machine")
	flags.BoolVarP(&f.wait, "wait", "w", false, "wait for the end and print the output")
	flags.BoolVar(&f.sync, "sync", false, "run an EXPRESS execution synchronously and print the output")
	flags.BoolVar(&f.watch, "watch", false, "print what happens until the end")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long to wait or watch, such as 30s; 0 for as long as it takes")
	return cmd
}

func (a *app) start(ctx context.Context, machine string, f startFlags) error {
	input, err := a.startInput(f)
	if err != nil {
		return err
	}
	c := a.client()
	if f.sync {
		ctx, cancel := withTimeout(ctx, f.timeout)
		defer cancel()
		x, err := c.StartSync(ctx, machine, wire.Start{Name: f.name, Input: input})
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &exitError{exitTimeout, errors.New("the time given with --timeout ran out; the execution goes on")}
		}
		if err != nil {
			return err
		}
		return a.printEnd(x)
	}
	started, err := c.Start(ctx, machine, wire.Start{Name: f.name, Input: input})
	if err != nil {
		return err
	}
	if started.Existing {
		a.notef("An execution of that name and input is there already: this is it.\n")
	}
	switch {
	case f.watch:
		ctx, cancel := withTimeout(ctx, f.timeout)
		defer cancel()
		return a.watch(ctx, started.ID)
	case f.wait:
		ctx, cancel := withTimeout(ctx, f.timeout)
		defer cancel()
		x, err := c.Wait(ctx, started.ID)
		if err != nil {
			return goesOn(ctx, err, started.ID)
		}
		return a.printEnd(x)
	case a.json:
		return a.printJSON(started)
	}
	a.printf("%s\n", started.ID)
	a.notef("Started %s/%s. Follow it with: tercel watch %s\n", started.StateMachine, started.Name, started.ID)
	return nil
}

func (a *app) startInput(f startFlags) (json.RawMessage, error) {
	switch {
	case f.wait && f.watch:
		return nil, usagef("--wait and --watch exclude each other: --watch waits as well")
	case f.sync && (f.wait || f.watch):
		return nil, usagef("--sync excludes --wait and --watch: it waits as well")
	case f.timeout != 0 && !f.wait && !f.watch && !f.sync:
		return nil, usagef("--timeout needs --wait or --watch, or --sync")
	case f.timeout < 0:
		return nil, usagef("--timeout must not be negative")
	case f.input != "" && f.inputFile != "":
		return nil, usagef("--input and --input-file exclude each other")
	case f.inputFile != "":
		if _, err := os.Stat(f.inputFile); err != nil {
			return nil, &exitError{exitNotFound, fmt.Errorf("reading the input: %w", err)}
		}
		return a.readInput("@" + f.inputFile)
	default:
		return a.readInput(f.input)
	}
}

// withTimeout bounds a context, unless the time is 0.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// goesOn says of a wait that was given up that the execution was not.
func goesOn(ctx context.Context, err error, id string) error {
	switch {
	case ctx.Err() == nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{exitTimeout, fmt.Errorf("the time given with --timeout ran out; the execution goes on. "+
			"Look at it with: tercel watch %s", id)}
	default:
		return &exitError{exitInterrupted, fmt.Errorf("interrupted; the execution goes on. Look at it with: tercel watch %s", id)}
	}
}

// printEnd prints what an execution ended with: its output on the standard output, anything else beside it.
func (a *app) printEnd(x wire.Execution) error {
	if a.json {
		if err := a.printJSON(x); err != nil {
			return err
		}
	} else {
		if x.Output != nil {
			a.printf("%s\n", pretty(x.Output, ""))
		}
		a.notef("%s\n", a.endLine(x))
	}
	if x.Status != "SUCCEEDED" {
		return silent(exitUnsuccessful)
	}
	return nil
}

// endLine sums up how an execution ended.
func (a *app) endLine(x wire.Execution) string {
	line := a.paint(statusColor(x.Status), x.Status) + " " + x.StateMachine + "/" + x.Name
	if x.EndedAt != nil {
		line += " after " + span(x.EndedAt.Sub(x.StartedAt))
	}
	if x.Error != nil && *x.Error != "" {
		line += "\n  error: " + *x.Error
	}
	if x.Cause != nil && *x.Cause != "" {
		line += "\n  cause: " + *x.Cause
	}
	if x.Status != "SUCCEEDED" {
		line += "\n  see:   tercel history " + x.ID
	}
	return line
}
