package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// named gives the namespace and the name that a path is about.
func named(r *http.Request) (ns, name string, err error) {
	if ns, err = namespace(r); err != nil {
		return "", "", err
	}
	name, err = pathParam(r, "name")
	return ns, name, err
}

func (a *API) listMachines(w http.ResponseWriter, r *http.Request) error {
	ns, err := namespace(r)
	if err != nil {
		return err
	}
	p := query(r, "limit", "cursor")
	limit, cursor := p.limit(), p.text("cursor")
	if p.err != nil {
		return p.err
	}
	// One more than asked for tells whether there is a next page.
	machines, err := a.eng.StateMachines(r.Context(), ns, engine.Page{Limit: limit + 1, After: cursor})
	if err != nil {
		return err
	}
	out := wire.StateMachineList{StateMachines: make([]wire.StateMachine, 0, len(machines))}
	for i, m := range machines {
		if i == limit {
			out.NextCursor = machines[limit-1].Name
			break
		}
		item := a.machine(m)
		item.Definition = ""
		out.StateMachines = append(out.StateMachines, item)
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) getMachine(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	m, err := a.eng.StateMachine(r.Context(), ns, name)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, a.machine(m))
	return nil
}

func (a *API) deleteMachine(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	if err := a.eng.DeleteStateMachine(r.Context(), ns, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deploy takes a bare definition, JSON or YAML, with its options in the query, or an envelope that has all.
func (a *API) deploy(w http.ResponseWriter, r *http.Request) error {
	ns, name, err := named(r)
	if err != nil {
		return err
	}
	d, definition, err := readDeploy(r)
	if err != nil {
		return err
	}
	result, err := a.eng.Deploy(r.Context(), engine.DeployRequest{
		Namespace: ns, Name: name, Type: d.Type, LogLevel: engine.LogLevel(d.LogLevel), File: d.File, Definition: definition, DryRun: d.DryRun,
	})
	if err != nil {
		return err
	}
	out := wire.DeployResult{
		StateMachine: a.machine(result.StateMachine), Created: result.Created, Changed: result.Changed,
		DryRun: d.DryRun, Diagnostics: result.Warnings,
	}
	if d.DryRun {
		out.StateMachine = wire.StateMachine{Name: name, Namespace: ns, Type: d.Type, File: d.File}
	}
	out.StateMachine.Definition = "" // the caller has it
	status := http.StatusOK
	if result.Created {
		status = http.StatusCreated
	}
	a.write(w, r, status, out)
	return nil
}

// readDeploy reads the body and the query of a deploy.
func readDeploy(r *http.Request) (wire.Deploy, []byte, error) {
	p := query(r, "type", "logLevel", "file", "dryRun")
	d := wire.Deploy{Type: p.text("type"), LogLevel: p.text("logLevel"), File: p.text("file"), DryRun: p.flag("dryRun")}
	if p.err != nil {
		return d, nil, p.err
	}
	text, err := readBody(r)
	if err != nil {
		return d, nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return d, nil, invalid("the body is empty; send the definition, as JSON or YAML")
	}
	if !isEnvelope(text) {
		return d, text, nil
	}
	if err := decodeJSON(text, &d); err != nil {
		return d, nil, err
	}
	if err := checkParam("file", d.File); err != nil {
		return d, nil, err
	}
	var inner string
	if json.Unmarshal(d.Definition, &inner) == nil {
		return d, []byte(inner), nil
	}
	return d, d.Definition, nil
}

// isEnvelope tells an envelope from a definition: it has a member "definition", which no state machine has.
func isEnvelope(text []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	_, envelope := members["definition"]
	_, states := members["States"]
	return envelope && !states
}

// machine gives a state machine as it travels.
func (a *API) machine(m engine.StateMachine) wire.StateMachine {
	level := ""
	if m.Type == engine.TypeExpress {
		level = string(m.LogLevel)
	}
	return wire.StateMachine{
		LogLevel: level,
		Name:     m.Name, Namespace: m.Namespace, ARN: a.eng.StateMachineARN(m.Name), Type: m.Type, Revision: m.Number,
		RevisionID: m.Revision.String(), File: m.File, CreatedAt: m.CreatedAt.UTC(), RevisedAt: m.RevisedAt.UTC(),
		Definition: string(m.Definition),
	}
}
