package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func TestDeploy(t *testing.T) {
	s := newServer(t)
	var d wire.DeployResult

	s.must(http.StatusOK, &d, http.MethodPut, "/state-machines/m?dryRun=true", echoMachine)
	if d.Created || d.Changed && d.StateMachine.Revision != 0 || !d.DryRun {
		t.Errorf("the dry run gave %+v", d)
	}
	s.must(http.StatusNotFound, nil, http.MethodGet, "/state-machines/m", "")

	d = wire.DeployResult{}
	s.must(http.StatusCreated, &d, http.MethodPut, "/state-machines/m?file=m.asl.yaml", echoMachine)
	if !d.Created || !d.Changed || d.StateMachine.Revision != 1 || d.StateMachine.File != "m.asl.yaml" || d.StateMachine.Type != "STANDARD" {
		t.Errorf("the first deploy gave %+v", d)
	}
	d = wire.DeployResult{}
	s.must(http.StatusOK, &d, http.MethodPut, "/state-machines/m?file=m.asl.yaml", echoMachine)
	if d.Created || d.Changed || d.StateMachine.Revision != 1 {
		t.Errorf("the same again gave %+v", d)
	}
	d = wire.DeployResult{}
	s.must(http.StatusOK, &d, http.MethodPut, "/state-machines/m", `{"definition": `+passMachine+`, "file": "x.json"}`)
	if d.Created || !d.Changed || d.StateMachine.Revision != 2 {
		t.Errorf("an envelope with an object gave %+v", d)
	}
	text, err := json.Marshal(wire.Deploy{Definition: quoted(failMachine)})
	if err != nil {
		t.Fatal(err)
	}
	s.must(http.StatusOK, &d, http.MethodPut, "/state-machines/m", string(text))
	var m wire.StateMachine
	s.must(http.StatusOK, &m, http.MethodGet, "/state-machines/m", "")
	if m.Definition != failMachine || m.Revision != 3 {
		t.Errorf("an envelope with a string gave %+v", m)
	}

	s.must(http.StatusNoContent, nil, http.MethodDelete, "/state-machines/m", "")
	s.must(http.StatusNotFound, nil, http.MethodDelete, "/state-machines/m", "")
}

func quoted(text string) json.RawMessage {
	raw, _ := json.Marshal(text) // a string is always valid
	return raw
}

func TestDeployRefused(t *testing.T) {
	s := newServer(t)
	a := s.do(http.MethodPut, "/state-machines/m?file=bad.yaml", "QueryLanguage: CEL\nStartAt: B\nStates:\n  A: {Type: Pass, End: true}\n")
	p := a.problem(t)
	if a.status != http.StatusUnprocessableEntity || p.Code != "InvalidDefinition" || len(p.Diagnostics) == 0 {
		t.Fatalf("got %d %+v", a.status, p)
	}
	if d := p.Diagnostics[0]; d.File != "bad.yaml" || d.Line != 2 || d.Source != "StartAt: B" {
		t.Errorf("the diagnostic is %+v", d)
	}
	s.must(http.StatusNotFound, nil, http.MethodGet, "/state-machines/m", "")
}

func TestValidate(t *testing.T) {
	s := newServer(t)
	var v wire.Validation
	s.must(http.StatusOK, &v, http.MethodPost, "/validate", echoMachine)
	if !v.Valid || v.Diagnostics == nil {
		t.Errorf("got %+v", v)
	}
	v = wire.Validation{}
	s.must(http.StatusOK, &v, http.MethodPost, "/validate?file=f", "QueryLanguage: CEL\nStartAt: A\nStates: {A: {Type: Pas, End: true}}")
	if v.Valid || len(v.Diagnostics) != 1 || v.Diagnostics[0].Line != 3 {
		t.Errorf("got %+v", v)
	}
}

func TestListMachines(t *testing.T) {
	s := newServer(t)
	var names, want []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.deploy(name, passMachine)
		want = append(want, name)
	}
	s.must(http.StatusCreated, nil, http.MethodPut, "/state-machines/other", passMachine, "Tercel-Namespace", "elsewhere")
	cursor := ""
	for pages := 1; ; pages++ {
		var list wire.StateMachineList
		s.must(http.StatusOK, &list, http.MethodGet, "/state-machines?limit=2&cursor="+cursor, "")
		for _, m := range list.StateMachines {
			names = append(names, m.Name)
			if m.Definition != "" {
				t.Error("a list has a definition")
			}
		}
		if cursor = list.NextCursor; cursor == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %v", names)
	}
	var list wire.StateMachineList
	s.must(http.StatusOK, &list, http.MethodGet, "/state-machines?namespace=elsewhere", "")
	if len(list.StateMachines) != 1 || list.StateMachines[0].Namespace != "elsewhere" {
		t.Errorf("elsewhere has %+v", list)
	}
}

func TestFunctions(t *testing.T) {
	s := newServer(t)
	var f wire.Function
	s.must(http.StatusOK, &f, http.MethodPut, "/functions/charge", `{"http": {"url": "http://localhost:1/?a=1&b=<2>"}, "max_concurrency": 3}`)
	if f.Name != "charge" || !strings.Contains(string(f.Config), `a=1&b=<2>`) {
		t.Errorf("got %+v with %s", f, f.Config)
	}
	s.must(http.StatusOK, &f, http.MethodGet, "/functions/charge", "")
	var list wire.FunctionList
	s.must(http.StatusOK, &list, http.MethodGet, "/functions", "")
	if len(list.Functions) != 1 {
		t.Errorf("got %+v", list)
	}
	s.must(http.StatusNoContent, nil, http.MethodDelete, "/functions/charge", "")
	s.must(http.StatusNotFound, nil, http.MethodGet, "/functions/charge", "")
}

func TestConnections(t *testing.T) {
	s := newServer(t)
	var c wire.Connection
	s.must(http.StatusOK, &c, http.MethodPut, "/connections/crm", `{"api_key": {"header": "X-Api-Key", "value_secret": "crm"}, "hosts": ["api.example.com"]}`)
	if c.Name != "crm" || c.Namespace != "default" || c.UpdatedAt.IsZero() || !strings.Contains(string(c.Config), `"value_secret":"crm"`) {
		t.Errorf("got %+v with %s", c, c.Config)
	}
	s.must(http.StatusOK, &c, http.MethodPut, "/connections/crm", `{"basic": {"username": "u", "password_secret": "p"}}`)
	s.must(http.StatusOK, &c, http.MethodGet, "/connections/crm", "")
	if !strings.Contains(string(c.Config), `"username":"u"`) || strings.Contains(string(c.Config), "api_key") {
		t.Errorf("after the second time it is %s", c.Config)
	}
	var list wire.ConnectionList
	s.must(http.StatusOK, &list, http.MethodGet, "/connections", "")
	if len(list.Connections) != 1 {
		t.Errorf("got %+v", list)
	}
	s.must(http.StatusNotFound, nil, http.MethodGet, "/connections/crm", "", "Tercel-Namespace", "elsewhere")
	s.must(http.StatusNoContent, nil, http.MethodDelete, "/connections/crm", "")
	s.must(http.StatusNotFound, nil, http.MethodGet, "/connections/crm", "")
	s.must(http.StatusNotFound, nil, http.MethodDelete, "/connections/crm", "")
	s.must(http.StatusOK, &list, http.MethodGet, "/connections", "")
	if list.Connections == nil || len(list.Connections) != 0 {
		t.Errorf("got %+v", list)
	}
	for body, message := range map[string]string{
		"": "the body is empty", `{"basik": {}}`: `did you mean "basic"?`, `{}`: "",
		`{"basic": {"username": "u", "password_secret": "p"}, "api_key": {"header": "X", "value_secret": "x"}}`: "",
		`{"api_key": {"header": "X", "value_secret": "no/path"}}`:                                               "value_secret",
	} {
		a := s.do(http.MethodPut, "/connections/crm", body)
		if p := a.problem(t); a.status != http.StatusBadRequest || p.Code != "ValidationException" || !strings.Contains(p.Message, message) {
			t.Errorf("%s: status %d, %+v", body, a.status, p)
		}
	}
}
