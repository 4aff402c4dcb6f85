package engine

import (
	"context"
	"errors"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// CreateRequest is a state machine to create, as the Step Functions API creates it.
type CreateRequest struct {
	StateMachine // Namespace, Name, Type, LogLevel, Definition, RoleARN and Settings

	Tags    map[string]string
	Publish *Publication // publish the first revision, too
}

// Created is what a create or an update has led to.
type Created struct {
	StateMachine StateMachine
	Version      *Version  // that was asked for with Publish
	Warnings     diag.List // about the definition
}

// CreateStateMachine creates a state machine. One that is there already with the same definition, type, log level and
// settings is given as it is, as if it had been created now, whatever its tags and role are; else there is
// StateMachineAlreadyExists.
func (e *Engine) CreateStateMachine(ctx context.Context, r CreateRequest) (Created, error) {
	m := r.StateMachine
	m.Namespace = namespaceOr(m.Namespace)
	if err := errors.Join(checkName("state machine", m.Name), checkName("namespace", m.Namespace)); err != nil {
		return Created{}, err
	}
	if m.Type == "" {
		m.Type = TypeStandard
	}
	warnings, err := e.checkDefinition(ctx, m)
	if err != nil {
		return Created{}, err
	}
	var made StateMachine
	var version *Version
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		made, version, err = e.cfg.Store.CreateMachine(ctx, m, r.Tags, r.Publish)
		return err
	})
	e.machines.forget()
	if errors.Is(err, ErrExists) {
		return e.alreadyThere(ctx, m, made, r.Publish)
	}
	return Created{StateMachine: made, Version: version, Warnings: warnings}, versionError(err, m.Name)
}

// alreadyThere answers the creation of a machine whose name is taken.
func (e *Engine) alreadyThere(ctx context.Context, wanted, present StateMachine, publish *Publication) (Created, error) {
	change := MachineChange{Definition: wanted.Definition, LogLevel: &wanted.LogLevel}
	if wanted.LogLevel == "" {
		change.LogLevel = nil
	}
	probe := present
	if change.Apply(&probe) || present.Type != wanted.Type || !present.Settings.Equal(wanted.Settings) {
		return Created{StateMachine: present}, errorf(CodeMachineAlreadyExists,
			"there is a state machine %s already, with another definition, type or configuration", wanted.Name)
	}
	out := Created{StateMachine: present}
	if publish == nil {
		return out, nil
	}
	v, err := e.PublishVersion(ctx, present.Namespace, present.Name, *publish)
	out.Version = &v
	return out, err
}

// checkDefinition compiles a machine's definition. One with errors gives a *DefinitionError.
func (e *Engine) checkDefinition(ctx context.Context, m StateMachine) (diag.List, error) {
	schemas := &schemaFinder{ctx: ctx, functions: e.functions, namespace: m.Namespace}
	machine, diagnostics := compile(m.Type, m.File, m.Definition, statemachine.Options{Function: schemas.find})
	if schemas.err != nil {
		return nil, asked(schemas.err)
	}
	if machine == nil {
		return nil, &DefinitionError{Diagnostics: diagnostics}
	}
	return diagnostics, nil
}

// UpdateStateMachine changes a state machine, by name or ARN: its newest revision is then another one, unless nothing
// has changed. With publish the newest revision is published, too.
func (e *Engine) UpdateStateMachine(ctx context.Context, namespace, ref string, change MachineChange, publish *Publication) (Created, error) {
	present, err := e.StateMachine(ctx, namespace, ref)
	if err != nil {
		return Created{}, err
	}
	var out Created
	if change.Definition != nil {
		wanted := present
		wanted.Definition, wanted.File = change.Definition, ""
		if out.Warnings, err = e.checkDefinition(ctx, wanted); err != nil {
			return Created{}, err
		}
	}
	if present.Type != TypeExpress {
		change.LogLevel = nil
	}
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		out.StateMachine, out.Version, err = e.cfg.Store.UpdateMachine(ctx, present.Namespace, present.Name, change, publish)
		return err
	})
	e.machines.forget()
	return out, versionError(err, present.Name)
}

// versionError gives the error that callers of what is about versions of a machine understand.
func versionError(err error, machine string) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return errorf(CodeStateMachineDoesNotExist, "there is no state machine %q", machine)
	case errors.Is(err, ErrTooMany):
		return errorf(CodeQuotaExceeded, "state machine %s has as many versions or aliases as it may, or its tags are more than %d",
			machine, MaxTags)
	}
	return asked(err)
}
