package api

import (
	"bytes"
	"fmt"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// connections are the connections of the registry.
func (a *API) connections() registered[engine.ConnectionInfo, invoke.ConnectionConfig, wire.Connection] {
	return registered[engine.ConnectionInfo, invoke.ConnectionConfig, wire.Connection]{
		what: "connection", example: `{"api_key": {"header": "X-Api-Key", "value_secret": "crm"}}`,
		all: a.eng.Connections, one: a.eng.Connection, store: a.eng.PutConnection, remove: a.eng.DeleteConnection, item: connection,
		listed: func(list []wire.Connection) any { return wire.ConnectionList{Connections: list} },
	}
}

// connection gives a connection as it travels: it has the names of its secrets, and never a secret.
func connection(c engine.ConnectionInfo) (wire.Connection, error) {
	config, err := encode(c.Config)
	if err != nil {
		return wire.Connection{}, fmt.Errorf("encoding the configuration of connection %s: %w", c.Name, err)
	}
	return wire.Connection{
		Name: c.Name, Namespace: c.Namespace, Config: bytes.TrimSpace(config), UpdatedAt: c.UpdatedAt.UTC(),
	}, nil
}
