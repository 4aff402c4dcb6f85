package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// DeployOptions go with a definition.
type DeployOptions struct {
	Type     string // STANDARD or EXPRESS; "" keeps what the machine has, STANDARD for a new one
	LogLevel string // of EXPRESS: ALL, ERROR, FATAL or OFF; "" keeps what the machine has, ERROR for a new one
	File     string // the name that diagnostics show
	DryRun   bool   // checks and tells what would change, and changes nothing
}

// Deploy makes the definition, JSON or YAML, the machine's newest revision. The server refuses a faulty one with the
// code InvalidDefinition and its diagnostics.
func (c *Client) Deploy(ctx context.Context, name string, definition []byte, o DeployOptions) (wire.DeployResult, error) {
	query := url.Values{}
	setIf(query, "type", o.Type)
	setIf(query, "logLevel", o.LogLevel)
	setIf(query, "file", o.File)
	if o.DryRun {
		query.Set("dryRun", "true")
	}
	var out wire.DeployResult
	err := c.call(ctx, http.MethodPut, "/api/v1/state-machines/"+url.PathEscape(name), query,
		rawBody{definition, "application/octet-stream"}, &out)
	return out, err
}

// StateMachine gives a machine with its definition.
func (c *Client) StateMachine(ctx context.Context, name string) (wire.StateMachine, error) {
	var out wire.StateMachine
	err := c.call(ctx, http.MethodGet, "/api/v1/state-machines/"+url.PathEscape(name), nil, nil, &out)
	return out, err
}

// StateMachines gives one page of machines.
func (c *Client) StateMachines(ctx context.Context, limit int, cursor string) (wire.StateMachineList, error) {
	query := url.Values{}
	setIf(query, "cursor", cursor)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.StateMachineList
	err := c.call(ctx, http.MethodGet, "/api/v1/state-machines", query, nil, &out)
	return out, err
}

// DeleteStateMachine removes a machine; its executions go on.
func (c *Client) DeleteStateMachine(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/api/v1/state-machines/"+url.PathEscape(name), nil, nil, nil)
}

// Functions gives all functions of the namespace.
func (c *Client) Functions(ctx context.Context) (wire.FunctionList, error) {
	var out wire.FunctionList
	err := c.call(ctx, http.MethodGet, "/api/v1/functions", nil, nil, &out)
	return out, err
}

// PutFunction registers a function. The configuration is an object with one of http, command and go.
func (c *Client) PutFunction(ctx context.Context, name string, config []byte) (wire.Function, error) {
	var out wire.Function
	err := c.call(ctx, http.MethodPut, "/api/v1/functions/"+url.PathEscape(name), nil,
		rawBody{config, "application/json"}, &out)
	return out, err
}

// DeleteFunction removes a function.
func (c *Client) DeleteFunction(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/api/v1/functions/"+url.PathEscape(name), nil, nil, nil)
}

// Connections gives all connections of the namespace.
func (c *Client) Connections(ctx context.Context) (wire.ConnectionList, error) {
	var out wire.ConnectionList
	err := c.call(ctx, http.MethodGet, "/api/v1/connections", nil, nil, &out)
	return out, err
}

// PutConnection makes a connection, or changes it. The configuration is an object with one of basic, api_key and oauth.
func (c *Client) PutConnection(ctx context.Context, name string, config []byte) (wire.Connection, error) {
	var out wire.Connection
	err := c.call(ctx, http.MethodPut, "/api/v1/connections/"+url.PathEscape(name), nil,
		rawBody{config, "application/json"}, &out)
	return out, err
}

// DeleteConnection removes a connection.
func (c *Client) DeleteConnection(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "/api/v1/connections/"+url.PathEscape(name), nil, nil, nil)
}

// Version tells what the server is.
func (c *Client) Version(ctx context.Context) (wire.Version, error) {
	var out wire.Version
	err := c.call(ctx, http.MethodGet, "/api/v1/version", nil, nil, &out)
	return out, err
}

func setIf(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
