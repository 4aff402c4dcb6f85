package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	errorpages "github.com/tercel-workflows/tercel/docs/errors"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) validateCommand() *cobra.Command {
	var strict bool
	var explain, file string
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check definitions and registry files; needs no server",
		Long: `Checks definitions (JSON or YAML) and registry files, and what these name. Every finding has its place, the line with
a caret, and how to mend it. Exits with 4 if there are errors. - reads the standard input. With --json, prints one
object with all findings.

With --explain it prints what a finding means, by the code in its brackets.`,
		Example: `  tercel validate *.asl.yaml
  tercel validate --strict tercel.yaml
  tercel validate --explain UNREACHABLE_STATE`,
		Args: func(cmd *cobra.Command, words []string) error {
			if explain != "" {
				return args(cobra.NoArgs)(cmd, words)
			}
			return args(cobra.MinimumNArgs(1))(cmd, words)
		},
		RunE: func(cmd *cobra.Command, words []string) error {
			if explain != "" {
				return a.explain(explain)
			}
			known, err := a.registry(cmd, file)
			if err != nil {
				return err
			}
			return a.validate(words, strict, known)
		},
	}
	registryFlag(cmd, &file)
	cmd.Flags().StringVar(&explain, "explain", "", "print the page of a finding's `code`, and check nothing")
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for errors")
	return cmd
}

// explain prints the page of a code.
func (a *app) explain(code string) error {
	code = strings.ToUpper(strings.Trim(code, "[]"))
	page, ok := errorpages.Page(code)
	if ok {
		a.printf("%s", page)
		return nil
	}
	message := "there is no finding with the code " + code
	if near := diag.Closest(code, errorpages.Codes()); near != "" {
		message += "; did you mean " + near + "?"
	}
	return &exitError{exitNotFound, errors.New(message)}
}

func (a *app) validate(paths []string, strict bool, known *registry) error {
	var found diag.List
	checked := 0
	for _, path := range paths {
		n, list, err := a.check(path, known)
		if err != nil {
			return err
		}
		checked += n
		found = append(found, list...)
	}
	bad := found.HasErrors() || strict && len(found) > 0
	if a.json {
		if found == nil {
			found = diag.List{}
		}
		if err := a.printJSON(wire.Validation{Valid: !bad, Diagnostics: found}); err != nil {
			return err
		}
	} else {
		a.printFindings(found, checked, bad)
	}
	if bad {
		return silent(exitInvalid)
	}
	return nil
}

func (a *app) printFindings(found diag.List, checked int, bad bool) {
	for _, d := range found {
		a.printf("%s\n\n", d.Detail())
	}
	files := plural(checked, "definition")
	switch {
	case bad:
		a.notef("%s in %s\n", countFindings(found), files)
	case len(found) > 0:
		a.notef("%s: fine, with %s\n", files, countFindings(found))
	default:
		a.notef("%s: fine\n", files)
	}
}

// check checks one file and what it names, and tells how many definitions that was.
func (a *app) check(path string, known *registry) (int, diag.List, error) {
	text, err := a.readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, &exitError{exitNotFound, fmt.Errorf("there is no file %s", path)}
	}
	if err != nil {
		return 0, nil, &exitError{exitNotFound, fmt.Errorf("reading %s: %w", path, err)}
	}
	name := path
	if path == "-" {
		name = "stdin"
	}
	if !isRegistry(path, text) {
		_, found := statemachine.CompileWith(name, text, known.options(path))
		return 1, found, nil
	}
	p, err := project.Parse(name, text)
	var found diag.List
	if errors.As(err, &found) {
		return 1, found, nil
	}
	if err != nil {
		return 0, nil, err
	}
	definitions, warnings, err := readDefinitions(p)
	if errors.As(err, &found) {
		return len(p.Machines), found, nil
	}
	return len(definitions), warnings, err
}
