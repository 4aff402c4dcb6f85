package api

import (
	"bytes"
	"fmt"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// functions are the functions of the registry.
func (a *API) functions() registered[engine.FunctionInfo, engine.FunctionConfig, wire.Function] {
	return registered[engine.FunctionInfo, engine.FunctionConfig, wire.Function]{
		what: "function", example: `{"http": {"url": "http://localhost:9000/"}}`,
		all: a.eng.Functions, one: a.eng.Function, store: a.eng.PutFunction, remove: a.eng.DeleteFunction, item: function,
		listed: func(list []wire.Function) any { return wire.FunctionList{Functions: list} },
	}
}

// function gives a function as it travels.
func function(f engine.FunctionInfo) (wire.Function, error) {
	config, err := encode(f.Config)
	if err != nil {
		return wire.Function{}, fmt.Errorf("encoding the configuration of function %s: %w", f.Name, err)
	}
	return wire.Function{
		Name: f.Name, Namespace: f.Namespace, Config: bytes.TrimSpace(config), UpdatedAt: f.UpdatedAt.UTC(),
	}, nil
}
