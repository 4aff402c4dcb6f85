package main

import (
	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine/asl"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of definitions, for editors",
		Long: `Prints a JSON Schema (draft 2020-12) of state machine definitions, with which an editor completes fields and marks what
does not belong. It is a help while writing; "tercel validate" is what decides.`,
		Example: `  tercel schema > asl.schema.json`,
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			a.printf("%s", asl.Schema())
			return nil
		},
	}
}
