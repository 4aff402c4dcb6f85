package engine

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
)

// machines keeps compiled state machines, one for each revision, the least recently used ones making room, and which
// revision is the newest of each name until the registry changes.
type machines struct {
	store Store
	size  int

	mu      sync.Mutex
	entries map[uuid.UUID]*list.Element
	order   list.List // of *compiled, the most recently used first
	newest  map[machineKey]StateMachine
	routes  map[machineKey]choice // of versions and aliases, by machine:qualifier
	changes int                   // of the registry, seen so far
}

func (m *machines) init() {
	m.entries, m.newest, m.routes = map[uuid.UUID]*list.Element{}, map[machineKey]StateMachine{}, map[machineKey]choice{}
}

type machineKey struct{ namespace, name string }

// compiled is a revision, compiled once by whoever needs it first.
type compiled struct {
	revision   uuid.UUID
	mu         sync.Mutex
	done       bool
	definition StateMachine
	machine    *statemachine.Machine
	err        error // it does not compile, for good
}

// compiled gives the machine of a revision.
func (m *machines) compiled(ctx context.Context, revision uuid.UUID) (*compiled, error) {
	c := m.entry(revision)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		definition, err := m.store.Revision(ctx, revision)
		if err != nil {
			return nil, fmt.Errorf("getting revision %s: %w", revision, err)
		}
		c.compile(definition)
	}
	return c, c.err
}

// compile compiles the definition. The caller holds the lock.
func (c *compiled) compile(definition StateMachine) {
	c.definition, c.done = definition, true
	machine, diagnostics := compileAs(definition.Type, definition.File, definition.Definition, statemachine.Options{Deployed: true})
	if machine == nil {
		c.err = corruptError{fmt.Errorf("the definition of revision %s of state machine %s does not compile with this release: %w",
			c.revision, definition.Name, diagnostics)}
		return
	}
	c.machine = machine
}

// entry gives the entry of a revision, making room for it if it is new.
func (m *machines) entry(revision uuid.UUID) *compiled {
	m.mu.Lock()
	defer m.mu.Unlock()
	if el, ok := m.entries[revision]; ok {
		m.order.MoveToFront(el)
		c, _ := el.Value.(*compiled)
		return c
	}
	c := &compiled{revision: revision}
	m.entries[revision] = m.order.PushFront(c)
	if m.order.Len() > m.size {
		last := m.order.Back()
		m.order.Remove(last)
		if old, ok := last.Value.(*compiled); ok {
			delete(m.entries, old.revision)
		}
	}
	return c
}

// current gives the newest revision of a machine, compiled.
func (m *machines) current(ctx context.Context, namespace, name string) (*compiled, error) {
	key := machineKey{namespace, name}
	m.mu.Lock()
	definition, ok := m.newest[key]
	changes := m.changes
	m.mu.Unlock()
	if !ok {
		var err error
		definition, err = m.store.StateMachine(ctx, namespace, name)
		if errors.Is(err, ErrNotFound) {
			return nil, errorf(CodeStateMachineDoesNotExist, "there is no state machine %q in namespace %s", name, namespace)
		}
		if err != nil {
			return nil, err
		}
		m.mu.Lock()
		if m.changes == changes { // else what was read may be what was there before
			m.newest[key] = definition
		}
		m.mu.Unlock()
	}
	c := m.entry(definition.Revision)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.compile(definition)
	}
	return c, c.err
}

// forget drops what was known of names, after a change of the registry. Revisions do not change.
func (m *machines) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.newest, m.routes = map[machineKey]StateMachine{}, map[machineKey]choice{}
	m.changes++
}
