package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/web/client"
)

// registry is what a registry file tells of the definitions that are checked or rehearsed without a server. Nil knows
// nothing.
type registry struct {
	functions func(resource string) (input, output *schema.Schema)
	express   map[string]bool // the definitions of machines of the type EXPRESS, by absolute path
}

// registryFlag adds the flag that names the registry file.
func registryFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "registry", "f", project.DefaultFile,
		"registry file with the schemas of functions; \"\" for none")
}

// registry reads the registry file that a command names. The usual one is not missed, and if it has errors that is a note,
// since it may have nothing to do with what the command is about.
func (a *app) registry(cmd *cobra.Command, file string) (*registry, error) {
	if file == "" {
		return nil, nil
	}
	given := cmd.Flags().Changed("registry")
	p, err := project.Load(file)
	var r *registry
	if err == nil {
		r, err = registryOf(p)
	}
	switch {
	case err == nil:
		return r, nil
	case given && errors.Is(err, fs.ErrNotExist):
		return nil, &exitError{exitNotFound, fmt.Errorf("there is no file %s", file)}
	case given:
		return nil, err
	case !errors.Is(err, fs.ErrNotExist):
		a.notef("%s has errors, so that the schemas of functions are not known; `tercel validate %s` tells more.\n", file, file)
	}
	return nil, nil
}

func registryOf(p *project.Project) (*registry, error) {
	configs := make(map[string]engine.FunctionConfig, len(p.Functions))
	for _, f := range p.Functions {
		configs[f.Name] = f.Config
	}
	r := &registry{express: map[string]bool{}}
	for _, m := range p.Machines {
		if m.Type == engine.TypeExpress {
			r.express[absolutePath(m.File)] = true
		}
	}
	var err error
	r.functions, err = engine.FunctionSchemas(configs)
	return r, err
}

// options gives what a definition is compiled with.
func (r *registry) options(file string) statemachine.Options {
	if r == nil {
		return statemachine.Options{}
	}
	return statemachine.Options{Function: r.functions, Express: r.express[absolutePath(file)]}
}

func absolutePath(file string) string {
	if full, err := filepath.Abs(file); err == nil {
		return full
	}
	return file
}

// deployedOptions gives what the server compiles a definition with, for a type of machine.
func deployedOptions(ctx context.Context, c *client.Client, kind string) (statemachine.Options, error) {
	options := statemachine.Options{Express: kind == engine.TypeExpress}
	list, err := c.Functions(ctx)
	if err != nil {
		return options, err
	}
	configs := make(map[string]engine.FunctionConfig, len(list.Functions))
	for _, f := range list.Functions {
		var config engine.FunctionConfig
		if err := json.Unmarshal(f.Config, &config); err != nil {
			return options, fmt.Errorf("reading function %s of the server: %w; is it newer than this command?", f.Name, err)
		}
		configs[f.Name] = config
	}
	options.Function, err = engine.FunctionSchemas(configs)
	return options, err
}
