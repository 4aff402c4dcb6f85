package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// places are what a newcomer who opens the port is told of.
var places = []struct{ Path, What string }{
	{"/api/v1/state-machines", "the state machines that are deployed"},
	{"/api/v1/executions", "their executions, newest first"},
	{"/api/v1/functions", "the functions that they call"},
	{"/api/v1/openapi.json", "the whole API, as an OpenAPI document"},
	{"/healthz", "whether the process answers"},
	{"/readyz", "whether it can work: its database answers"},
}

// index says what this is and where things are, in plain text or, to a program that asks for it, in JSON.
func index(v wire.Version) http.HandlerFunc {
	var text strings.Builder
	fmt.Fprintf(&text, "Tercel %s: a workflow orchestrator. It is running.\n\n", v.Version)
	links := map[string]string{}
	for _, p := range places {
		fmt.Fprintf(&text, "  %-24s %s\n", p.Path, p.What)
		links[p.Path] = p.What
	}
	text.WriteString("\nFrom a terminal: tercel --help\n")
	plain := []byte(text.String())
	object, _ := json.Marshal(struct { //nolint:errchkjson // strings only
		Name    string            `json:"name"`
		Paths   map[string]string `json:"paths"`
		Version string            `json:"version"`
	}{"tercel", links, v.Version})

	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write(append(object, '\n'))
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(plain)
	}
}
