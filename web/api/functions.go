package api

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *API) listFunctions(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	if p := query(r); p.err != nil {
		return p.err
	}
	functions, err := a.eng.Functions(r.Context(), ns)
	if err != nil {
		return err
	}
	out := wire.FunctionList{Functions: make([]wire.Function, 0, len(functions))}
	for _, f := range functions {
		item, err := function(f)
		if err != nil {
			return err
		}
		out.Functions = append(out.Functions, item)
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) getFunction(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	return a.answerFunction(w, r, ns, name)
}

func (a *API) answerFunction(w http.ResponseWriter, r *http.Request, ns, name string) error {
	f, err := a.eng.Function(r.Context(), ns, name)
	if err != nil {
		return err
	}
	out, err := function(f)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) putFunction(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	text, err := readBody(r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return invalid(`the body is empty; send the function's configuration, such as {"http": {"url": "http://localhost:9000/"}}`)
	}
	var config engine.FunctionConfig
	if err := decodeJSON(text, &config); err != nil {
		return err
	}
	if err := a.eng.PutFunction(r.Context(), ns, name, config); err != nil {
		return err
	}
	return a.answerFunction(w, r, ns, name)
}

func (a *API) deleteFunction(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := a.eng.DeleteFunction(r.Context(), ns, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
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
