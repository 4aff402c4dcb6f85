package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) taskCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "task",
		Short: "Answer a task that waits for its token",
		Long:  "Answers a task that waits for a callback (.waitForTaskToken), with the token that its function was given.",
		Args:  a.knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.taskSuccessCommand(), a.taskFailureCommand(), a.taskHeartbeatCommand())
	return cmd
}

func (a *app) taskSuccessCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "success TOKEN",
		Short:   "Complete a task with its result",
		Example: `  tercel task success "$TOKEN" --output '{"tracking": "1Z999"}'`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			result, err := a.readInput(output)
			if err != nil {
				return err
			}
			return a.answer(a.client().TaskSuccess(cmd.Context(), wire.TaskSuccess{Token: words[0], Output: result}), "completed")
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "result: JSON, @FILE, or - for the standard input; null if there is none")
	return cmd
}

func (a *app) taskFailureCommand() *cobra.Command {
	in := wire.TaskFailure{}
	cmd := &cobra.Command{
		Use:     "failure TOKEN",
		Aliases: []string{"fail"},
		Short:   "Fail a task",
		Example: `  tercel task failure "$TOKEN" --error Carrier.Lost --cause "the parcel never arrived"`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			in.Token = words[0]
			return a.answer(a.client().TaskFailure(cmd.Context(), in), "failed")
		},
	}
	cmd.Flags().StringVar(&in.Error, "error", "", "error name, which Retry and Catch match")
	cmd.Flags().StringVar(&in.Cause, "cause", "", "why, for whoever reads the history")
	return cmd
}

func (a *app) taskHeartbeatCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "heartbeat TOKEN",
		Short: "Tell that a task is being worked on",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.answer(a.heartbeat(cmd.Context(), words[0]), "heard of")
		},
	}
}

func (a *app) heartbeat(ctx context.Context, token string) error {
	return a.client().TaskHeartbeat(ctx, wire.TaskHeartbeat{Token: token})
}

// answer says that the server has taken an answer.
func (a *app) answer(err error, done string) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(map[string]json.RawMessage{"accepted": json.RawMessage("true")})
	default:
		a.printf("The task is %s.\n", done)
		return nil
	}
}
