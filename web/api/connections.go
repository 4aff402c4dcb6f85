package api

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *API) listConnections(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	if p := query(r); p.err != nil {
		return p.err
	}
	connections, err := a.eng.Connections(r.Context(), ns)
	if err != nil {
		return err
	}
	out := wire.ConnectionList{Connections: make([]wire.Connection, 0, len(connections))}
	for _, c := range connections {
		item, err := connection(c)
		if err != nil {
			return err
		}
		out.Connections = append(out.Connections, item)
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) getConnection(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	c, err := a.eng.Connection(r.Context(), ns, name)
	if err != nil {
		return err
	}
	out, err := connection(c)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) putConnection(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	text, err := readBody(r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return invalid(`the body is empty; send the connection's configuration, such as {"api_key": {"header": "X-Api-Key", "value_secret": "crm"}}`)
	}
	var config invoke.ConnectionConfig
	if err := decodeJSON(text, &config); err != nil {
		return err
	}
	if err := a.eng.PutConnection(r.Context(), ns, name, config); err != nil {
		return err
	}
	return a.getConnection(w, r)
}

func (a *API) deleteConnection(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := a.eng.DeleteConnection(r.Context(), ns, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
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
