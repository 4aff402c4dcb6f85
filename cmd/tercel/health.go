package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/client"
)

// healthWait is how long an answer may take.
const healthWait = 5 * time.Second

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it can work",
		Long: `Asks a server whether it can work: it has its lease, and its database answers. It needs no key, and ends with the exit code 0 or 6, as
the health checks of containers want it.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.health(cmd.Context()) },
	}
}

func (a *app) health(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, healthWait, errNoAnswer)
	defer cancel()
	state, err := a.client().Ready(ctx)
	var refused *client.Error
	switch {
	case errors.As(err, &refused), ctx.Err() != nil && errors.Is(context.Cause(ctx), errNoAnswer):
		return &exitError{exitUnreachable, errors.Join(errNotReady, err)}
	case err != nil:
		return err
	case a.json:
		return a.printJSON(state)
	}
	a.printf("%s\n", state.Status)
	return nil
}

var (
	errNoAnswer = errors.New("no answer in time")
	errNotReady = errors.New("the server cannot work at present")
)
