package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) functionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "functions",
		Aliases: []string{"function"},
		Short:   "List and delete the functions that state machines call",
		Long:    "Lists and deletes functions. They are registered by `tercel deploy` from a registry file (tercel.yaml).",
		Args:    a.knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listFunctions(cmd.Context()) },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Aliases: []string{"ls"}, Short: "List the functions", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listFunctions(cmd.Context()) },
		},
		&cobra.Command{
			Use: "delete FUNCTION", Short: "Remove a function; tasks that call it fail from then on", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.deleted(a.client().DeleteFunction(cmd.Context(), words[0]), words[0])
			},
		},
	)
	return cmd
}

func (a *app) listFunctions(ctx context.Context) error {
	list, err := a.client().Functions(ctx)
	if err != nil {
		return err
	}
	if a.json {
		for _, f := range list.Functions {
			if err := a.printJSON(f); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list.Functions) == 0 {
		a.notef("No functions yet. Name them in %s and run: tercel deploy\n", "tercel.yaml")
		return nil
	}
	t := newTable(a.out, "NAME", "KIND", "CHANGED", "CALLS")
	for _, f := range list.Functions {
		kind, calls := summary(f)
		t.row(f.Name, kind, moment(f.UpdatedAt), calls)
	}
	t.flush()
	return nil
}

// summary tells in a few words what a function is.
func summary(f wire.Function) (kind, calls string) {
	var c engine.FunctionConfig
	if json.Unmarshal(f.Config, &c) != nil {
		return "?", shorten(string(f.Config), 60) // of a newer server
	}
	switch {
	case c.HTTP != nil:
		return "http", c.HTTP.URL
	case c.Command != nil:
		return "command", shorten(strings.Join(c.Command.Argv, " "), 60)
	case c.Go:
		return "go", "in the server's process"
	default:
		return "?", shorten(string(f.Config), 60)
	}
}
