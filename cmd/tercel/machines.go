package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) machinesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "machines",
		Aliases: []string{"machine"},
		Short:   "List, show and delete state machines",
		Args:    a.knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listMachines(cmd.Context()) },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Aliases: []string{"ls"}, Short: "List the state machines", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listMachines(cmd.Context()) },
		},
		&cobra.Command{
			Use: "show MACHINE", Short: "Print the definition of a state machine", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error { return a.showMachine(cmd.Context(), words[0]) },
		},
		&cobra.Command{
			Use: "delete MACHINE", Short: "Remove a state machine; its executions go on and stay readable",
			Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.deleted(a.client().DeleteStateMachine(cmd.Context(), words[0]), words[0])
			},
		},
	)
	return cmd
}

func (a *app) listMachines(ctx context.Context) error {
	c := a.client()
	t := newTable(a.out)
	if !a.json {
		t = newTable(a.out, "NAME", "TYPE", "REVISION", "DEPLOYED", "FROM")
	}
	shown, _, err := eachPage(0, func(size int, cursor string) (int, string, error) {
		page, err := c.StateMachines(ctx, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for _, m := range page.StateMachines {
			if !a.json {
				t.row(m.Name, m.Type, strconv.Itoa(m.Revision), moment(m.RevisedAt), m.File)
			} else if err := a.printJSON(m); err != nil {
				return 0, "", err
			}
		}
		return len(page.StateMachines), page.NextCursor, nil
	})
	if err != nil {
		return err
	}
	switch {
	case a.json:
	case shown == 0:
		a.notef("No state machines yet. Deploy one with: tercel deploy FILE\n")
	default:
		t.flush()
	}
	return nil
}

func (a *app) showMachine(ctx context.Context, name string) error {
	m, err := a.client().StateMachine(ctx, name)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(m)
	}
	a.printf("%s", m.Definition)
	if n := len(m.Definition); n > 0 && m.Definition[n-1] != '\n' {
		a.printf("\n")
	}
	return nil
}

// deleted says that something was removed.
func (a *app) deleted(err error, name string) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(map[string]string{"deleted": name})
	default:
		a.printf("Removed %s.\n", name)
		return nil
	}
}
