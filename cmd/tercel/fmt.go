package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine/convert"
)

func (a *app) fmtCommand() *cobra.Command {
	var write, check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE...]",
		Short: "Write definitions in one form; needs no server",
		Long: `Writes definitions (JSON or YAML) in one form: indented by two, the fields of states in the order of the
specification, states and data in the order that they are written in. YAML keeps its comments, quotes and empty lines.
Without a file, or for -, it reads the standard input. Prints the result, unless -w or --check say otherwise.`,
		Example: `  tercel fmt -w *.asl.yaml
  tercel fmt --check *.asl.yaml`,
		RunE: func(_ *cobra.Command, files []string) error {
			if write && check {
				return usagef("-w and --check exclude each other")
			}
			if len(files) == 0 {
				files = []string{"-"}
			}
			return a.format(files, write, check)
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write into the files, and print the names of those that changed")
	cmd.Flags().BoolVar(&check, "check", false, "print the names of the files that would change, and exit with 1 if there are any")
	return cmd
}

func (a *app) format(files []string, write, check bool) error {
	changed := 0
	for _, file := range files {
		text, err := a.definitionText(file)
		if err != nil {
			return err
		}
		out, err := convert.Format(shownName(file), text)
		if err != nil {
			return a.notConverted(file, err)
		}
		same := bytes.Equal(text, out)
		switch {
		case !write && !check, write && file == "-":
			a.printf("%s", out)
			continue
		case same:
			continue
		case write:
			if err := rewrite(file, out); err != nil {
				return err
			}
		}
		changed++
		a.printf("%s\n", shownName(file))
	}
	if check && changed > 0 {
		a.notef("%s would change; run `tercel fmt -w`\n", plural(changed, "file"))
		return silent(exitFailure)
	}
	return nil
}

// rewrite replaces the text of a file and leaves its permissions.
func rewrite(file string, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.WriteFile(file, text, info.Mode().Perm()); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

func shownName(file string) string {
	if file == "-" {
		return "stdin"
	}
	return file
}

// definitionText reads a file, or the standard input.
func (a *app) definitionText(file string) ([]byte, error) {
	text, err := a.readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{exitNotFound, fmt.Errorf("there is no file %s", file)}
	}
	if err != nil {
		return nil, &exitError{exitNotFound, fmt.Errorf("reading %s: %w", file, err)}
	}
	return text, nil
}

// notConverted tells of a definition that could not be written anew.
func (a *app) notConverted(file string, err error) error {
	if found := convert.Findings(err); found != nil {
		return &exitError{exitInvalid, found}
	}
	return fmt.Errorf("%s: %w", shownName(file), err)
}
