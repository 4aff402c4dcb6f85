package api

import (
	"bytes"
	"context"
	"net/http"
)

// registered is a kind of thing that a namespace has by name, with a configuration: functions and connections. Info is what the engine
// has of one, Config its configuration, Item how it travels.
type registered[Info, Config, Item any] struct {
	what, example string // for people: "function", and a configuration of one

	all    func(ctx context.Context, ns string) ([]Info, error)
	one    func(ctx context.Context, ns, name string) (Info, error)
	store  func(ctx context.Context, ns, name string, config Config) error
	remove func(ctx context.Context, ns, name string) error
	item   func(Info) (Item, error)
	listed func([]Item) any
}

// register serves the things of a kind under a path.
func (g registered[Info, Config, Item]) register(a *API, get, put, remove func(string, http.HandlerFunc), path string) {
	get(path, a.handle(func(w http.ResponseWriter, r *http.Request) error { return g.list(a, w, r) }))
	put(path+"/{name}", a.handle(func(w http.ResponseWriter, r *http.Request) error { return g.put(a, w, r) }))
	get(path+"/{name}", a.handle(func(w http.ResponseWriter, r *http.Request) error { return g.get(a, w, r) }))
	remove(path+"/{name}", a.handle(g.delete))
}

func (g registered[Info, Config, Item]) list(a *API, w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	if p := query(r); p.err != nil {
		return p.err
	}
	list, err := g.all(r.Context(), ns)
	if err != nil {
		return err
	}
	items := make([]Item, len(list))
	for i, info := range list {
		if items[i], err = g.item(info); err != nil {
			return err
		}
	}
	a.write(w, r, http.StatusOK, g.listed(items))
	return nil
}

func (g registered[Info, Config, Item]) get(a *API, w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	info, err := g.one(r.Context(), ns, name)
	if err != nil {
		return err
	}
	item, err := g.item(info)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, item)
	return nil
}

func (g registered[Info, Config, Item]) put(a *API, w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	text, err := readBody(r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return invalid("the body is empty; send the %s's configuration, such as %s", g.what, g.example)
	}
	var config Config
	if err := decodeJSON(text, &config); err != nil {
		return err
	}
	if err := g.store(r.Context(), ns, name, config); err != nil {
		return err
	}
	return g.get(a, w, r)
}

func (g registered[Info, Config, Item]) delete(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := g.remove(r.Context(), ns, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
