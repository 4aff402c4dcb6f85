package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) stopCommand() *cobra.Command {
	var in wire.Stop
	cmd := &cobra.Command{
		Use:     "stop EXECUTION",
		Short:   "Abort an execution",
		Long:    "Aborts an execution. One that has ended already is left as it is. " + executionHelp,
		Example: `  tercel stop order/2026-0001 --error Cancelled --cause "the customer called"`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.change(cmd.Context(), words[0], func(ctx context.Context, id string) (wire.Execution, error) {
				return a.client().Stop(ctx, id, in)
			})
		},
	}
	cmd.Flags().StringVar(&in.Error, "error", "", "error name that the execution ends with")
	cmd.Flags().StringVar(&in.Cause, "cause", "", "why, for whoever reads the history")
	return cmd
}

// change does something to an execution and prints what it is then.
func (a *app) change(ctx context.Context, id string, do func(context.Context, string) (wire.Execution, error)) error {
	x, err := do(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(x)
	}
	a.printf("%s %s/%s\n", a.paint(statusColor(x.Status), x.Status), x.StateMachine, x.Name)
	return nil
}
