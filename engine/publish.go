package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// PublishVersion gives the newest revision of a machine, by name or ARN, the next number, unless it has one already:
// then that version is given.
func (e *Engine) PublishVersion(ctx context.Context, namespace, ref string, p Publication) (Version, error) {
	name, err := machineRef(ref)
	if err != nil {
		return Version{}, err
	}
	var v Version
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		v, err = e.cfg.Store.PublishVersion(ctx, namespaceOr(namespace), name, p)
		return err
	})
	if errors.Is(err, ErrConflict) {
		current := InitialRevision
		if m, err := e.StateMachine(ctx, namespace, name); err == nil && m.RevisionID() != "" {
			current = m.RevisionID()
		}
		return v, errorf(CodeConflict, "Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.",
			p.Expect, current)
	}
	return v, versionError(err, name)
}

// Version gives one version of a machine with its revision.
func (e *Engine) Version(ctx context.Context, namespace, name string, number int) (Version, StateMachine, error) {
	var v Version
	err := ErrNotFound // of a number that the database has no room for
	if number <= math.MaxInt32 {
		v, err = e.cfg.Store.Version(ctx, namespaceOr(namespace), name, number)
	}
	if errors.Is(err, ErrNotFound) {
		return v, StateMachine{}, errorf(CodeStateMachineDoesNotExist, "there is no version %d of state machine %q", number, name)
	}
	if err != nil {
		return v, StateMachine{}, asked(err)
	}
	m, err := e.Revision(ctx, v.Revision)
	return v, m, err
}

// Versions lists the versions of a machine, newest first, those with numbers below before if that is not 0.
func (e *Engine) Versions(ctx context.Context, namespace, name string, before, limit int) ([]Version, error) {
	list, err := e.cfg.Store.VersionsOf(ctx, namespaceOr(namespace), name, before, limit)
	return list, versionError(err, name)
}

// DeleteVersion deletes a version. One that does not exist is no error; one that an alias leads to is a conflict.
func (e *Engine) DeleteVersion(ctx context.Context, namespace, name string, number int) error {
	var aliases []string
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		aliases, err = e.cfg.Store.DeleteVersion(ctx, namespaceOr(namespace), name, number)
		return err
	})
	e.machines.forget()
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case errors.Is(err, ErrConflict):
		return errorf(CodeConflict, "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]",
			strings.Join(aliases, ", "))
	}
	return asked(err)
}

// Routes tells by which versions and aliases executions were started. Those that were not have no entry.
func (e *Engine) Routes(ctx context.Context, executions ...uuid.UUID) (map[uuid.UUID]Route, error) {
	if len(executions) == 0 {
		return nil, nil
	}
	routes, err := e.cfg.Store.Routes(ctx, executions)
	return routes, asked(err)
}

// machineTarget gives the name of a machine, and the version or alias, from a name or an ARN.
func machineTarget(ref string) (name, qualifier string, err error) {
	if !strings.HasPrefix(ref, "arn:") {
		return ref, "", checkName("state machine", ref)
	}
	kind, rest, err := statesARN(ref)
	if err != nil {
		return "", "", err
	}
	if kind != "stateMachine" {
		return "", "", errorf(CodeInvalidArn, "%q is the ARN of a %s, not of a state machine", ref, kind)
	}
	name, qualifier, _ = strings.Cut(rest, ":")
	return name, qualifier, nil
}

// versionNumber gives the number of a version that a qualifier names; false for an alias.
func versionNumber(qualifier string) (int, bool) {
	number, err := strconv.ParseInt(qualifier, 10, 32)
	return int(number), err == nil
}

// choice is what a version or an alias of a machine leads to.
type choice struct {
	weights []Target
	of      map[int]StateMachine // by the number of the version
}

// choose gives what a start runs that names a version or an alias of a machine.
func (m *machines) choose(ctx context.Context, namespace, name, qualifier string) (*compiled, Route, error) {
	found, err := m.choices(ctx, namespace, name, qualifier)
	if errors.Is(err, ErrNotFound) {
		return nil, Route{}, errorf(CodeStateMachineDoesNotExist, "there is no version or alias %q of a state machine %q in namespace %s",
			qualifier, name, namespace)
	}
	if err != nil {
		return nil, Route{}, err
	}
	route := Route{Version: found.weights[0].Version}
	if len(found.weights) > 1 && rand.IntN(100) >= found.weights[0].Weight {
		route.Version = found.weights[1].Version
	}
	if _, ok := versionNumber(qualifier); !ok {
		route.Alias = qualifier
	}
	definition := found.of[route.Version]
	c := m.entry(definition.Revision)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.compile(definition)
	}
	return c, route, c.err
}

// choices gives what a version or an alias leads to, as it is until the registry changes.
func (m *machines) choices(ctx context.Context, namespace, name, qualifier string) (choice, error) {
	key := machineKey{namespace, name + ":" + qualifier}
	m.mu.Lock()
	found, ok := m.routes[key]
	changes := m.changes
	m.mu.Unlock()
	if ok {
		return found, nil
	}
	found = choice{of: map[int]StateMachine{}}
	if number, ok := versionNumber(qualifier); ok {
		found.weights = []Target{{Version: number, Weight: 100}}
	} else {
		alias, err := m.store.Alias(ctx, namespace, name, qualifier)
		if err != nil {
			return found, err
		}
		found.weights = slices.DeleteFunc(alias.Targets, func(t Target) bool { return t.Weight == 0 })
	}
	for _, t := range found.weights {
		v, err := m.store.Version(ctx, namespace, name, t.Version)
		if err != nil {
			return found, err
		}
		if found.of[t.Version], err = m.store.Revision(ctx, v.Revision); err != nil {
			return found, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes == changes { // else what was read may be what was there before
		m.routes[key] = found
	}
	return found, nil
}
