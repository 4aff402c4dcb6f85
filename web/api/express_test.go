package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// TestExpress drives Express machines through the API: deployed, started, run synchronously, looked at, and refused.
func TestExpress(t *testing.T) {
	s := newServer(t)
	var deployed wire.DeployResult
	s.must(http.StatusCreated, &deployed, http.MethodPut, "/state-machines/echo?type=EXPRESS&logLevel=ALL", echoMachine)
	if m := deployed.StateMachine; m.Type != "EXPRESS" || m.LogLevel != "ALL" {
		t.Errorf("deployed is %+v", m)
	}
	var x wire.Execution
	s.must(http.StatusOK, &x, http.MethodPost, "/state-machines/echo/executions:sync", `{"name": "n", "input": {"a": 1.50}}`)
	if x.Status != "SUCCEEDED" || string(x.Output) != `{"a":1.50}` && string(x.Output) != `{"a": 1.50}` || x.EndedAt == nil || x.Type != "EXPRESS" {
		t.Errorf("it ended as %+v", x)
	}
	var started wire.Started
	s.must(http.StatusCreated, &started, http.MethodPost, "/state-machines/echo/executions", `{"name": "n", "input": 7}`)
	if y := s.end(started.ARN); y.ID != started.ID || string(y.Output) != "7" || !strings.Contains(y.ARN, ":express:echo:n:") {
		t.Errorf("by its ARN it is %+v", y)
	}
	var history wire.History
	s.must(http.StatusOK, &history, http.MethodGet, "/executions/"+started.ID+"/history", "")
	if n := len(history.Events); n == 0 || history.Events[n-1].Type != "ExecutionSucceeded" {
		t.Errorf("its history is %+v", history.Events)
	}

	if _, err := s.client.Deploy(t.Context(), "fails", []byte(failMachine), client.DeployOptions{Type: "EXPRESS", LogLevel: "OFF"}); err != nil {
		t.Fatal(err)
	}
	failed, err := s.client.StartSync(t.Context(), "fails", wire.Start{Input: json.RawMessage("{}")})
	if err != nil || failed.Status != "FAILED" || *failed.Error != "Broken" || *failed.Cause != "on purpose" {
		t.Errorf("it ended as %+v, %v", failed, err)
	}
	s.must(http.StatusNotFound, nil, http.MethodGet, "/executions/"+failed.ID, "")

	s.deploy("standard", echoMachine)
	for _, test := range []struct {
		method, path, body string
		status             int
		code               engine.Code
	}{
		{http.MethodPost, "/state-machines/standard/executions:sync", "{}", http.StatusBadRequest, engine.CodeTypeNotSupported},
		{http.MethodPost, "/state-machines/none/executions:sync", "{}", http.StatusNotFound, engine.CodeStateMachineDoesNotExist},
		{http.MethodPost, "/state-machines/echo/executions:sync", `{"input": `, http.StatusBadRequest, "InvalidJSON"},
		{http.MethodPut, "/state-machines/standard?type=EXPRESS", echoMachine, http.StatusBadRequest, engine.CodeValidation},
		{http.MethodPut, "/state-machines/x?type=EXPRESS&logLevel=LOUD", echoMachine, http.StatusBadRequest, engine.CodeValidation},
		{http.MethodPut, "/state-machines/x?type=EXPRESS", tokenMachine, http.StatusUnprocessableEntity, engine.CodeInvalidDefinition},
	} {
		a := s.do(test.method, test.path, test.body)
		if p := a.problem(t); a.status != test.status || p.Code != string(test.code) {
			t.Errorf("%s: got %d %s: %s", test.path, a.status, p.Code, p.Message)
		}
	}
	var v wire.Validation
	s.must(http.StatusOK, &v, http.MethodPost, "/validate?type=EXPRESS", tokenMachine)
	if v.Valid || v.Diagnostics[0].Code != "NOT_SUPPORTED_BY_EXPRESS" {
		t.Errorf("it is found valid: %+v", v)
	}
}
