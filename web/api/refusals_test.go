package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// TestRefusals checks status, code and message of what a client can do wrong.
func TestRefusals(t *testing.T) {
	s := newServer(t)
	s.deploy("m", passMachine)
	s.end(s.start("m", "{}"))
	if _, err := s.client.Start(t.Context(), "m", wire.Start{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	const none = "/executions/01990000-0000-7000-8000-000000000000"
	for _, test := range []struct {
		method, path, body string
		status             int
		code, message      string
	}{
		{"GET", "/nothing", "", 404, "NotFound", "/api/v1/openapi.json lists"},
		{"PATCH", "/executions", "", 405, "MethodNotAllowed", `"PATCH" is not among the methods of /api/v1/executions`},
		{"BREW", "/executions", "", 405, "MethodNotAllowed", `"BREW"`},
		{"GET", "/state-machines/x", "", 404, "StateMachineDoesNotExist", "x"},
		{"GET", "/state-machines?limit=0", "", 400, "ValidationException", "limit is \"0\", but must be a number from 1 to 1000"},
		{"GET", "/state-machines?limt=5", "", 400, "ValidationException", `there is no parameter "limt" here; did you mean "limit"?`},
		{"GET", "/state-machines?namespace=a/b", "", 400, "InvalidName", "is no name of a namespace"},
		{"GET", "/state-machines/%00", "", 400, "ValidationException", "characters that no name has"},
		{"GET", "/state-machines/%ff", "", 400, "ValidationException", "characters that no name has"},
		{"PUT", "/state-machines/x", "", 400, "ValidationException", "the body is empty"},
		{"PUT", "/state-machines/x?dryRun=perhaps", passMachine, 400, "ValidationException", "true or false"},
		{"PUT", "/state-machines/x?type=FAST", passMachine, 400, "ValidationException", ""},
		{"PUT", "/state-machines/a%20b", passMachine, 400, "InvalidName", ""},
		{"PUT", "/state-machines/x", `{"definition": {}, "fil": "x"}`, 400, "ValidationException", `did you mean "file"?`},
		{"PUT", "/state-machines/x", "[", 422, "InvalidDefinition", "the definition has 1 problem"},
		{"PUT", "/functions/f", "", 400, "ValidationException", "the body is empty"},
		{"PUT", "/functions/f", `{"htp": {}}`, 400, "ValidationException", `there is no field "htp" here; did you mean "http"?`},
		{"PUT", "/functions/f", `{}`, 400, "ValidationException", ""},
		{"PUT", "/functions/f", `{"http": {"url": 7}}`, 400, "ValidationException", "http.url is a JSON number, but must be a string"},
		{"GET", "/functions/f", "", 404, "ResourceNotFound", "f"},
		{"POST", "/state-machines/x/executions", "{}", 404, "StateMachineDoesNotExist", "x"},
		{"POST", "/state-machines/m/executions", "{\n  \"input\": {a}\n}", 400, "InvalidJSON", "line 2, column 13"},
		{"POST", "/state-machines/m/executions", `{"input": 1`, 400, "InvalidJSON", "ends too early"},
		{"POST", "/state-machines/m/executions", `{"input": 1} x`, 400, "InvalidJSON", "line 1, column 14: something follows"},
		{"POST", "/state-machines/m/executions", "{\"input\": \"\xff\"}", 400, "InvalidJSON", "line 1, column 12: a byte that is not UTF-8"},
		{"POST", "/state-machines/m/executions", `{"inptu": 1}`, 400, "ValidationException", `did you mean "input"?`},
		{"POST", "/state-machines/m/executions", `[]`, 400, "ValidationException", "the body is a JSON array, but must be an object"},
		{"POST", "/state-machines/m/executions", `{"name": "a b"}`, 400, "InvalidName", ""},
		{"POST", "/state-machines/m/executions", `{"name": "n", "input": 1}`, 409, "ExecutionAlreadyExists", "n"},
		{"POST", "/state-machines/m/executions", `{"input": "` + strings.Repeat("x", 300_000) + `"}`, 400, "InvalidExecutionInput", ""},
		{"POST", "/state-machines/m/executions", strings.Repeat(" ", 1<<20+1), 413, "PayloadTooLarge", "larger than 1 MiB"},
		{"GET", none, "", 404, "ExecutionDoesNotExist", ""},
		{"GET", none + "/history", "", 404, "ExecutionDoesNotExist", ""},
		{"GET", none + "/events", "", 404, "ExecutionDoesNotExist", ""},
		{"GET", none + "/wait", "", 404, "ExecutionDoesNotExist", ""},
		{"POST", none + "/stop", "", 404, "ExecutionDoesNotExist", ""},
		{"POST", none + "/redrive", "", 404, "ExecutionDoesNotExist", ""},
		{"GET", "/executions/m%2Fnowhere", "", 404, "ExecutionDoesNotExist", ""},
		{"GET", "/executions/arn:aws:states", "", 400, "InvalidArn", ""},
		{"GET", "/executions?status=done", "", 400, "ValidationException", "the statuses are RUNNING"},
		{"GET", "/executions?startedAfter=yesterday", "", 400, "ValidationException", "RFC 3339"},
		{"GET", "/executions?cursor=x", "", 400, "ValidationException", "use nextCursor"},
		{"GET", "/executions/m%2Fn/history?cursor=-1", "", 400, "ValidationException", "use nextCursor"},
		{"GET", "/executions/m%2Fn/wait?timeout=2h", "", 400, "ValidationException", "from 0s to 1m0s"},
		{"GET", "/executions/m%2Fn/events?after=x", "", 400, "ValidationException", "must be the id of an event"},
		{"POST", "/executions/m%2Fn/redrive", "", 409, "ExecutionNotRedrivable", ""},
		{"POST", "/tasks/success", "{}", 400, "ValidationException", `the field "token" is missing`},
		{"POST", "/tasks/success", `{"token": "x"}`, 400, "InvalidToken", ""},
		{"POST", "/tasks/failure", `{"token": "x"}`, 400, "InvalidToken", ""},
		{"POST", "/tasks/heartbeat", `{"token": "x"}`, 400, "InvalidToken", ""},
	} {
		name := test.method + " " + test.path + " " + test.body[:min(len(test.body), 60)]
		a := s.do(test.method, test.path, test.body)
		p := a.problem(t)
		if a.status != test.status || p.Code != test.code || !strings.Contains(p.Message, test.message) {
			t.Errorf("%s: got %d %s: %s", name, a.status, p.Code, p.Message)
		}
	}
}

// FuzzAPI sends requests of all kinds: each must be answered with less than 500, and every refusal with a code and a
// message.
func FuzzAPI(f *testing.F) {
	s := newServer(f)
	s.deploy("m", passMachine)
	id := s.start("m", "{}")
	s.end(id)
	for _, seed := range [][4]string{
		{"GET", "/state-machines?limit=3&cursor=%zz", "", ""},
		{"PUT", "/state-machines/n", passMachine, "default"},
		{"PUT", "/state-machines/n?type=EXPRESS", `{"definition": "x"}`, ""},
		{"POST", "/state-machines/m/executions", `{"name": "\u0000", "input": {}}`, ""},
		{"GET", "/executions?status=FAILED&startedAfter=0000-01-01T00:00:00Z&namePrefix=%25_", "", "x"},
		{"GET", "/executions/" + id + "/history?reverse=1&limit=2&cursor=3", "", ""},
		{"GET", "/executions/" + id + "/events?after=99999999999999999999", "", ""},
		{"GET", "/executions/m%2Fx", "", ""},
		{"GET", "/executions/arn:aws:states:us-east-1:0:execution:m:x", "", ""},
		{"POST", "/executions/" + id + "/stop", `{"error": 1}`, ""},
		{"POST", "/tasks/success", `{"token": "AAAA", "output": {}}`, ""},
		{"PUT", "/functions/f", `{"http": {"url": "http://x", "headers": {"a": "b"}}}`, "default"},
		{"PUT", "/functions/f", `{"command": {"argv": ["\u0000"]}}`, ""},
		{"POST", "/validate", "a: &a [*a]", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, method, path, body, namespace string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://tercel/api/v1"+path, strings.NewReader(body))
		if err != nil || strings.Contains(path, "/wait") {
			return // not a request that a server would see; or one that takes its time
		}
		r.Header.Set("Tercel-Namespace", namespace)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %q %q in %q: %d %s", method, path, body, namespace, w.Code, w.Body)
		}
		var p wire.Problem
		if w.Code >= http.StatusBadRequest && (json.Unmarshal(w.Body.Bytes(), &p) != nil || p.Code == "" || p.Message == "") {
			t.Errorf("%s %q: %d without a problem: %s", method, path, w.Code, w.Body)
		}
	})
}
