package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/notify"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/client"
)

// change is one thing that applying a project did, or found done.
type change struct {
	Kind     string `json:"kind"` // function or state machine
	Name     string `json:"name"`
	Outcome  string `json:"outcome"` // created, changed or unchanged
	Revision int    `json:"revision,omitempty"`
}

// applied is what applying a project did.
type applied struct {
	Namespace string    `json:"namespace,omitempty"`
	Changes   []change  `json:"changes"`
	Warnings  diag.List `json:"warnings,omitempty"`
}

// definition is the text of a state machine that is to be deployed.
type definition struct {
	project.Machine
	text []byte // of Text or File
}

// progress is told what is about to be done: the i-th of n steps, from 1.
type progress func(i, n int, what string)

// apply brings a server to what a project says. All definitions are checked before anything is changed, so that a
// broken file leaves the server as it is. Functions and machines that the project does not name stay.
func apply(ctx context.Context, c *client.Client, p *project.Project, strict bool, tell progress) (applied, error) {
	done := applied{Namespace: c.Namespace}
	definitions, warnings, err := readDefinitions(p)
	if err != nil {
		return done, err
	}
	done.Warnings = warnings
	if strict && len(warnings) > 0 {
		return done, warnings
	}
	n, i := len(p.Functions)+len(definitions), 0
	before, err := functionsBefore(ctx, c, p)
	if err != nil {
		return done, err
	}
	for _, f := range p.Functions {
		i++
		tell(i, n, "function "+f.Name)
		made, err := putFunction(ctx, c, f, before)
		if err != nil {
			return done, fmt.Errorf("function %s: %w", f.Name, err)
		}
		done.Changes = append(done.Changes, made)
	}
	made, err := putConnections(ctx, c, p.Connections)
	done.Changes = append(done.Changes, made...)
	if err != nil {
		return done, err
	}
	if p.Notifications != nil {
		made, err := putNotifications(ctx, c, p.Notifications)
		if err != nil {
			return done, fmt.Errorf("notifications: %w", err)
		}
		done.Changes = append(done.Changes, made)
	}
	if strict {
		if err := refuseWarnings(ctx, c, definitions); err != nil {
			return done, err
		}
	}
	for _, d := range definitions {
		i++
		tell(i, n, "state machine "+d.Name)
		result, err := c.Deploy(ctx, d.Name, d.text, client.DeployOptions{Type: d.Type, LogLevel: d.LogLevel, File: d.File})
		if err != nil {
			return done, fmt.Errorf("state machine %s: %w", d.Name, err)
		}
		done.Changes = append(done.Changes, change{
			"state machine", d.Name, outcome(result.Created, result.Changed), result.StateMachine.Revision,
		})
		done.Warnings = merge(done.Warnings, result.Diagnostics)
	}
	return done, nil
}

// putNotifications sets how people are told of approvals.
func putNotifications(ctx context.Context, c *client.Client, config *notify.Config) (change, error) {
	wanted, err := json.Marshal(config)
	if err != nil {
		return change{}, fmt.Errorf("writing them: %w", err)
	}
	before, err := c.Notifications(ctx)
	if err != nil {
		return change{}, err
	}
	var there notify.Config
	changed := json.Unmarshal(before, &there) != nil || !reflect.DeepEqual(&there, config)
	if changed {
		err = c.PutNotifications(ctx, wanted)
	}
	return change{Kind: "notifications", Name: strings.Join(config.Ways(), ", "), Outcome: outcome(false, changed)}, err
}

func outcome(created, changed bool) string {
	switch {
	case created:
		return "created"
	case changed:
		return "changed"
	default:
		return "unchanged"
	}
}

// readDefinitions reads and checks the definitions of a project's machines, with the schemas of its functions. Errors of
// all of them come back together.
func readDefinitions(p *project.Project) ([]definition, diag.List, error) {
	known, err := registryOf(p)
	if err != nil {
		return nil, nil, err
	}
	var all []definition
	var found diag.List
	for _, m := range p.Machines {
		text := m.Text
		if text == nil {
			var err error
			if text, err = os.ReadFile(m.File); err != nil {
				return nil, nil, fmt.Errorf("state machine %s: reading its definition: %w", m.Name, err)
			}
		}
		_, list := statemachine.CompileWith(m.File, text, statemachine.Options{Express: m.Type == engine.TypeExpress, Function: known.functions})
		found = append(found, list...)
		all = append(all, definition{m, text})
	}
	if found.HasErrors() {
		return nil, nil, found
	}
	return all, found, nil
}

// functionsBefore gives the configurations that the server has, by name.
func functionsBefore(ctx context.Context, c *client.Client, p *project.Project) (map[string][]byte, error) {
	before := map[string][]byte{}
	if len(p.Functions) == 0 {
		return before, nil
	}
	list, err := c.Functions(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range list.Functions {
		before[f.Name] = f.Config
	}
	return before, nil
}

func putFunction(ctx context.Context, c *client.Client, f project.Function, before map[string][]byte) (change, error) {
	config, err := json.Marshal(f.Config)
	if err != nil {
		return change{}, fmt.Errorf("encoding its configuration: %w", err)
	}
	made, err := c.PutFunction(ctx, f.Name, config)
	if err != nil {
		return change{}, err
	}
	old, was := before[f.Name]
	return change{"function", f.Name, outcome(!was, !bytes.Equal(old, made.Config)), 0}, nil
}

// putConnections registers connections.
func putConnections(ctx context.Context, c *client.Client, connections []project.Connection) ([]change, error) {
	if len(connections) == 0 {
		return nil, nil
	}
	list, err := c.Connections(ctx)
	if err != nil {
		return nil, err
	}
	before := map[string][]byte{}
	for _, known := range list.Connections {
		before[known.Name] = known.Config
	}
	var done []change
	for _, connection := range connections {
		config, err := json.Marshal(connection.Config)
		if err != nil {
			return done, fmt.Errorf("connection %s: encoding its configuration: %w", connection.Name, err)
		}
		made, err := c.PutConnection(ctx, connection.Name, config)
		if err != nil {
			return done, fmt.Errorf("connection %s: %w", connection.Name, err)
		}
		old, was := before[connection.Name]
		done = append(done, change{"connection", connection.Name, outcome(!was, !bytes.Equal(old, made.Config)), 0})
	}
	return done, nil
}

// refuseWarnings asks the server for warnings, which know the functions that it has, before anything is deployed.
func refuseWarnings(ctx context.Context, c *client.Client, definitions []definition) error {
	var found diag.List
	for _, d := range definitions {
		result, err := c.Deploy(ctx, d.Name, d.text, client.DeployOptions{Type: d.Type, LogLevel: d.LogLevel, File: d.File, DryRun: true})
		if err != nil {
			return fmt.Errorf("state machine %s: %w", d.Name, err)
		}
		found = append(found, result.Diagnostics...)
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// merge adds the findings that are not in the list yet.
func merge(list, more diag.List) diag.List {
	seen := map[diag.Diagnostic]bool{}
	for _, d := range list {
		seen[d] = true
	}
	for _, d := range more {
		if !seen[d] {
			list = append(list, d)
		}
	}
	return list
}

// showProgress tells of work that takes longer than a moment.
func (a *app) showProgress() progress {
	began, last := time.Now(), time.Now()
	return func(i, n int, what string) {
		if now := time.Now(); n > 1 && now.Sub(began) > time.Second && now.Sub(last) > 500*time.Millisecond {
			last = now
			a.notef("%d of %d: %s\n", i, n, what)
		}
	}
}

// printChanges prints what was applied; what was found done, only if asked for.
func (a *app) printChanges(done applied, all bool) {
	for _, ch := range done.Changes {
		if ch.Outcome == "unchanged" && !all {
			continue
		}
		color := map[string]string{"created": green, "changed": yellow, "unchanged": dim}[ch.Outcome]
		revision := ""
		if ch.Revision > 0 {
			revision = fmt.Sprintf(" (revision %d)", ch.Revision)
		}
		a.printf("%s %s %s%s\n", a.paint(color, fmt.Sprintf("%-9s", ch.Outcome)), ch.Kind, ch.Name, revision)
	}
}
