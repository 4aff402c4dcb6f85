package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) redriveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "redrive EXECUTION",
		Short: "Let an execution that did not succeed go on from where it ended",
		Long: "Lets an execution that failed, was aborted or timed out go on from the state in which it ended. What " +
			"succeeded before is not done again. " + executionHelp,
		Example: "  tercel redrive order/2026-0001 && tercel watch order/2026-0001",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.change(cmd.Context(), words[0], func(ctx context.Context, id string) (wire.Execution, error) {
				return a.client().Redrive(ctx, id)
			})
		},
	}
}
