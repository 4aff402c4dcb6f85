package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// Connections keeps connections, from which http:invoke has its credentials. Their secrets are not kept here.
type Connections interface {
	PutConnection(ctx context.Context, c Connection) error
	Connection(ctx context.Context, namespace, name string) (Connection, error) // or ErrNotFound
	Connections(ctx context.Context, namespace string) ([]Connection, error)
	DeleteConnection(ctx context.Context, namespace, name string) error // or ErrNotFound
}

// Connection is a connection of the registry. Config is its configuration as JSON.
type Connection struct {
	Namespace, Name string
	Config          []byte
	UpdatedAt       time.Time
}

// ConnectionInfo is a connection with its configuration decoded.
type ConnectionInfo struct {
	Namespace string
	Name      string
	Config    invoke.ConnectionConfig
	UpdatedAt time.Time
}

// PutConnection creates or changes a connection of the registry.
func (e *Engine) PutConnection(ctx context.Context, namespace, name string, c invoke.ConnectionConfig) error {
	namespace = namespaceOr(namespace)
	if err := errors.Join(checkName("connection", name), checkName("namespace", namespace)); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return errorf(CodeValidation, "connection %s: %v", name, err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return errorf(CodeValidation, "connection %s: %v", name, err)
	}
	return e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.PutConnection(ctx, Connection{Namespace: namespace, Name: name, Config: text})
	})
}

// Connection gives a connection of the registry.
func (e *Engine) Connection(ctx context.Context, namespace, name string) (ConnectionInfo, error) {
	c, err := e.cfg.Store.Connection(ctx, namespaceOr(namespace), name)
	if errors.Is(err, ErrNotFound) {
		return ConnectionInfo{}, errorf(CodeResourceNotFound, "there is no connection %q in namespace %s", name, namespaceOr(namespace))
	}
	if err != nil {
		return ConnectionInfo{}, asked(err)
	}
	return decodeConnection(c)
}

// Connections lists the connections of a namespace by name.
func (e *Engine) Connections(ctx context.Context, namespace string) ([]ConnectionInfo, error) {
	stored, err := e.cfg.Store.Connections(ctx, namespaceOr(namespace))
	if err != nil {
		return nil, asked(err)
	}
	list := make([]ConnectionInfo, 0, len(stored))
	for _, c := range stored {
		info, err := decodeConnection(c)
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

func decodeConnection(c Connection) (ConnectionInfo, error) {
	info := ConnectionInfo{Namespace: c.Namespace, Name: c.Name, UpdatedAt: c.UpdatedAt}
	if err := json.Unmarshal(c.Config, &info.Config); err != nil {
		return info, fmt.Errorf("reading the configuration of connection %s: %w", c.Name, err)
	}
	return info, nil
}

// DeleteConnection removes a connection from the registry.
func (e *Engine) DeleteConnection(ctx context.Context, namespace, name string) error {
	err := e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.DeleteConnection(ctx, namespaceOr(namespace), name)
	})
	if errors.Is(err, ErrNotFound) {
		return errorf(CodeResourceNotFound, "there is no connection %q in namespace %s", name, namespaceOr(namespace))
	}
	return err
}
