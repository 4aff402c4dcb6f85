package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
)

// deployFlags are the flags of deploy.
type deployFlags struct {
	name, kind     string
	logLevel       string
	strict, dryRun bool
}

func (a *app) deployCommand() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy [FILE]",
		Short: "Deploy a definition, or all that a registry file names",
		Long: `Deploys what FILE holds: one definition (JSON or YAML), or a registry file (tercel.yaml) with functions and state
machines. Without FILE, ./tercel.yaml. Nothing is changed if any definition has errors.

A definition is deployed under the name of its file without its endings (order.asl.yaml: order), or --name. What a
registry file does not name stays as it is.`,
		Example: `  tercel deploy order.asl.yaml
  tercel deploy order.json --name order-v2
  tercel deploy --strict`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			path := project.DefaultFile
			if len(words) == 1 {
				path = words[0]
			}
			return a.deploy(cmd.Context(), path, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "name of the state machine, for a single definition")
	flags.StringVar(&f.kind, "type", "", "STANDARD or EXPRESS, for a single definition")
	flags.StringVar(&f.logLevel, "log-level", "", "of EXPRESS: whose history is kept: ALL, ERROR, FATAL or OFF, for a single definition")
	flags.BoolVar(&f.strict, "strict", false, "refuse warnings as well")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only check")
	return cmd
}

func (a *app) deploy(ctx context.Context, path string, f deployFlags) error {
	p, err := a.load(path, f)
	if err != nil {
		return err
	}
	c := a.client()
	if c.Namespace == "" {
		c.Namespace = p.Namespace
	}
	if f.dryRun {
		definitions, found, err := readDefinitions(p)
		if err == nil && f.strict && len(found) > 0 {
			err = found
		}
		if err != nil {
			return err
		}
		a.warn(applied{Warnings: found})
		a.notef("%s and %s are fine; nothing was changed.\n", plural(len(definitions), "definition"),
			plural(len(p.Functions), "function"))
		return nil
	}
	done, err := apply(ctx, c, p, f.strict, a.showProgress())
	if err != nil {
		a.printChangesBefore(done)
		return err
	}
	if a.json {
		return a.printJSON(done)
	}
	a.warn(done)
	a.printChanges(done, true)
	if len(p.Machines) == 1 {
		a.notef("Start an execution with: tercel start %s\n", p.Machines[0].Name)
	}
	return nil
}

// printChangesBefore tells what was changed before something went wrong.
func (a *app) printChangesBefore(done applied) {
	if len(done.Changes) > 0 && !a.json {
		a.notef("Before it went wrong:\n")
		a.printChanges(done, false)
	}
}

// warn prints the warnings of a deploy.
func (a *app) warn(done applied) {
	if len(done.Warnings) > 0 && !a.json {
		a.notef("%s\n\n", done.Warnings.Error())
	}
}

// load reads a registry file, or makes a project of a single definition.
func (a *app) load(path string, f deployFlags) (*project.Project, error) {
	text, err := a.readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == project.DefaultFile:
		return nil, &exitError{exitNotFound, fmt.Errorf("there is no %s in this folder; "+
			"name a file: tercel deploy order.asl.yaml", path)}
	case err != nil:
		return nil, &exitError{exitNotFound, fmt.Errorf("reading what to deploy: %w", err)}
	}
	if isRegistry(path, text) {
		if f.name != "" || f.kind != "" || f.logLevel != "" {
			return nil, usagef("%s is a registry file, which names its state machines; --name, --type and --log-level are for a single definition", path)
		}
		return project.Parse(path, text)
	}
	name := f.name
	if name == "" {
		if path == "-" {
			return nil, usagef("a definition from the standard input needs --name")
		}
		name = machineName(path)
	}
	if path == "-" {
		path = "stdin"
	}
	return &project.Project{File: path, Machines: []project.Machine{{Name: name, Type: f.kind, LogLevel: f.logLevel, File: path, Text: text}}}, nil
}

// readFile reads a file, or the standard input for "-".
func (a *app) readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(path)
}

// isRegistry tells a registry file from a definition.
func isRegistry(path string, text []byte) bool {
	var members map[string]yaml.Node
	if yaml.Unmarshal(text, &members) == nil {
		for _, name := range []string{"States", "StartAt"} {
			if _, ok := members[name]; ok {
				return false
			}
		}
		for _, name := range []string{"state_machines", "functions"} {
			if _, ok := members[name]; ok {
				return true
			}
		}
	}
	base := filepath.Base(path)
	return base == project.DefaultFile || base == "tercel.yml"
}

// machineName takes the endings off the name of a definition's file.
func machineName(path string) string {
	name := filepath.Base(path)
	for _, ending := range []string{".json", ".yaml", ".yml", ".asl"} {
		if rest, ok := strings.CutSuffix(name, ending); ok && rest != "" {
			name = rest
		}
	}
	return name
}
