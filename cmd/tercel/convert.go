package main

import (
	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine/convert"
)

func (a *app) convertCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "convert --to cel|json|yaml FILE",
		Short: "Write a definition in another notation, or its JSONPath states in CEL; needs no server",
		Long: `Prints a definition in JSON or YAML, or with its JSONPath states rewritten in CEL. - reads the standard input.

With --to cel, states whose meaning cannot be kept stay as they are, and the machine stays JSONPath then; notes on the standard
error say which and why, and where the meaning is nearly the same only. Comments of YAML become Comment fields in JSON where there are
none; those that are lost are noted.`,
		Example: `  tercel convert --to yaml order.asl.json > order.asl.yaml
  tercel convert --to cel order.asl.json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, words []string) error { return a.convert(to, words[0]) },
	}
	cmd.Flags().StringVar(&to, "to", "", "cel, json or yaml")
	return cmd
}

func (a *app) convert(to, file string) error {
	text, err := a.definitionText(file)
	if err != nil {
		return err
	}
	var out []byte
	var notes []convert.Note
	switch to {
	case "cel":
		out, notes, err = convert.ToCEL(shownName(file), text)
	case "json", "yaml":
		out, notes, err = convert.To(convert.Notation(to), shownName(file), text)
	case "":
		return usagef("say what to convert to: --to cel, --to json or --to yaml")
	default:
		return usagef("--to takes cel, json or yaml, not %q", to)
	}
	if err != nil {
		return a.notConverted(file, err)
	}
	for _, n := range notes {
		a.notef("%s\n", n)
	}
	a.printf("%s", out)
	return nil
}
