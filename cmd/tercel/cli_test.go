package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// The definitions of the tests.
const (
	echoYAML = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Task, Resource: 'function:echo', End: true}\n"
	failYAML = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Fail, Error: Broken, Cause: on purpose}\n"
	waitYAML = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Wait, Seconds: 3600, End: true}\n"
	badYAML  = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A:\n    Type: Pass\n    Nxt: B\n    End: true\n"
)

// TestExitCodes checks each exit code with the ways that lead to it.
func TestExitCodes(t *testing.T) {
	s := newShell(t)
	s.serve()
	bad, good := s.write("bad.yaml", badYAML), s.write("echo.asl.yaml", echoYAML)
	registry := s.write("tercel.yaml", "functons: {}\n")
	wrongFunction := s.write("tercel.yaml", "functions:\n  f: {http: {url: 'no url'}}\n")
	s.must(exitOK, "deploy", good)
	s.must(exitOK, "deploy", s.write("fails.yaml", failYAML))
	s.must(exitOK, "deploy", s.write("waits.yaml", waitYAML))
	s.must(exitOK, "start", "waits", "--name", "w")
	for _, test := range []struct {
		code    int
		words   string
		message string
	}{
		{exitOK, "version", ""},
		{exitOK, "start echo --name e --wait", ""},
		{exitOK, "validate " + good, "1 definition: fine"},
		{exitFailure, "redrive echo/e", "only one that failed"},
		{exitFailure, "start echo --name e --input 1", "e"},
		{exitUsage, "strt", "did you mean start"},
		{exitUsage, "list --bogus", "unknown flag: --bogus"},
		{exitUsage, "list extra", "tercel list"},
		{exitUsage, "describe", "the usage is: tercel describe EXECUTION"},
		{exitUsage, "list --since yesterday", "must be a time ago such as"},
		{exitUsage, "start echo --wait --watch", "exclude each other"},
		{exitUsage, "start echo --timeout 1s", "--timeout needs --wait or --watch"},
		{exitUsage, "serve", "tercel dev"},
		{exitUsage, "serve --database-url postgres://x --log-level loud", "debug, info, warn or error"},
		{exitUsage, "serve --database-url postgres://x --advertise-url 10.0.0.7:8083", "such as http://10.0.0.7:8083"},
		{exitUsage, "dev --port 99999", "must be a number from 0 to 65535"},
		{exitUsage, "migrate version", "which database?"},
		{exitUsage, "deploy - ", "needs --name"},
		{exitNotFound, "describe echo/nothing", "there is no execution"},
		{exitNotFound, "start nothing", "there is no state machine"},
		{exitNotFound, "machines show nothing", "there is no state machine"},
		{exitNotFound, "functions delete nothing", "nothing"},
		{exitNotFound, "validate nothing.yaml", "there is no file nothing.yaml"},
		{exitNotFound, "deploy nothing.yaml", "nothing.yaml"},
		{exitNotFound, "start echo --input @nothing.json", "nothing.json"},
		{exitNotFound, "dev --file nothing.yaml", "there is no file nothing.yaml"},
		{exitInvalid, "validate " + bad, "1 error in 1 definition"},
		{exitInvalid, "deploy " + bad, "Nxt"},
		{exitInvalid, "deploy " + registry, `did you mean "functions"?`},
		{exitInvalid, "deploy " + wrongFunction, "function f"},
		{exitInvalid, "start echo --input {a}", "line 1, column 2"},
		{exitInvalid, "start echo --input hello", `A string needs its quotes: '"hello"'`},
		{exitInvalid, "start echo --input " + good, "write @" + good},
		{exitInvalid, "task success forged", "token"},
		{exitInvalid, "list --status done", "the statuses are"},
		{exitUnsuccessful, "start fails --wait", "error: Broken"},
		{exitUnsuccessful, "start fails --watch", ""},
		{exitUnreachable, "list --server 127.0.0.1:1", "no Tercel server answers at http://127.0.0.1:1"},
		{exitUnreachable, "migrate version --database-url postgres://127.0.0.1:1/x", "connect"},
		{exitUnreachable, "serve --listen 127.0.0.1:0 --database-wait 0s --database-url postgres://127.0.0.1:1/x", "connecting to the database"},
		{exitTimeout, "watch waits/w --timeout 50ms", "the execution goes on"},
		{exitTimeout, "start waits --wait --timeout 50ms", "the execution goes on"},
	} {
		r := s.run(strings.Fields(test.words)...)
		if r.code != test.code || !strings.Contains(r.err, test.message) {
			t.Errorf("tercel %s: exit code %d, want %d\n%s%s", test.words, r.code, test.code, r.out, r.err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if r := s.runContext(ctx, "watch", "waits/w"); r.code != exitInterrupted || !strings.Contains(r.err, "the execution goes on") {
		t.Errorf("interrupted: %+v", r)
	}
}

// TestServerCodes checks the exit code of every code that a server may answer with.
func TestServerCodes(t *testing.T) {
	for code, want := range serverCodes {
		err := fmt.Errorf("doing: %w", &client.Error{Status: 400, Problem: wire.Problem{Code: code, Message: "m"}})
		if got := exitCode(err); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	for err, want := range map[error]int{
		&client.Error{Status: 409, Problem: wire.Problem{Code: string(engine.CodeExecutionAlreadyExists)}}: exitFailure,
		&client.Error{Status: 410, Problem: wire.Problem{Code: string(engine.CodeTaskTimedOut)}}:           exitFailure,
		context.DeadlineExceeded:         exitTimeout,
		context.Canceled:                 exitInterrupted,
		os.ErrPermission:                 exitFailure,
		&client.UnreachableError{}:       exitUnreachable,
		silent(exitUnsuccessful):         exitUnsuccessful,
		fmt.Errorf("x: %w", usagef("y")): exitUsage,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if got := exitCode(diag.List{{Severity: diag.Error}}); got != exitInvalid {
		t.Errorf("findings: %d", got)
	}
}

// TestNotTercel checks what is said about a server that is something else.
func TestNotTercel(t *testing.T) {
	s := newShell(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	r := s.run("list", "--server", other.URL)
	if r.code != exitFailure || !strings.Contains(r.err, "not in the words of a Tercel server") {
		t.Errorf("got %+v", r)
	}
}

// TestErrorsAsJSON checks that --json is about errors as well.
func TestErrorsAsJSON(t *testing.T) {
	s := newShell(t)
	s.serve()
	var p wire.Problem
	r := s.must(exitNotFound, "describe", "a/b", "--json")
	if err := json.Unmarshal([]byte(r.err), &p); err != nil || p.Code != "ExecutionDoesNotExist" || r.out != "" {
		t.Errorf("got %+v", r)
	}
	r = s.must(exitInvalid, "deploy", s.write("bad.yaml", badYAML), "--json")
	if err := json.Unmarshal([]byte(r.err), &p); err != nil || len(p.Diagnostics) != 1 {
		t.Errorf("got %+v", r)
	}
	var v wire.Validation
	r = s.must(exitInvalid, "validate", s.write("bad.yaml", badYAML), "--json")
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || v.Valid || len(v.Diagnostics) != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestValidatePrints(t *testing.T) {
	s := newShell(t)
	s.in = badYAML
	r := s.must(exitInvalid, "validate", "-")
	golden.Compare(t, "testdata/validate.txt", r.out+r.err)
}

func TestHelpPrints(t *testing.T) {
	s := newShell(t)
	golden.Compare(t, "testdata/help.txt", s.must(exitOK, "--help").out)
	golden.Compare(t, "testdata/start-help.txt", s.must(exitOK, "start", "--help").out)
	if out := s.must(exitOK, "completion", "bash").out; !strings.Contains(out, "tercel") {
		t.Error("there is no completion")
	}
}

// TestApplication deploys a registry file, starts its machine in each way, and looks at it with every command.
func TestApplication(t *testing.T) {
	s := newShell(t)
	s.serve()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tercel.yaml": "namespace: shop\nfunctions:\n  pass: {command: {argv: [cat]}}\nstate_machines:\n" +
			"  order: {definition: order.yaml}\n  wait: {definition: wait.yaml}\n",
		"order.yaml": strings.Replace(echoYAML, "function:echo", "function:pass", 1), "wait.yaml": waitYAML,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	registry := filepath.Join(dir, "tercel.yaml")
	r := s.must(exitOK, "deploy", registry, "--dry-run")
	if !strings.Contains(r.err, "2 definitions and 1 function are fine; nothing was changed") {
		t.Errorf("--dry-run printed %s", r.err)
	}
	r = s.must(exitOK, "deploy", registry)
	want := "created   function pass\ncreated   state machine order (revision 1)\ncreated   state machine wait (revision 1)\n"
	if r.out != want {
		t.Errorf("deploy printed\n%s", r.out)
	}
	if r = s.must(exitOK, "deploy", registry, "--strict"); strings.Count(r.out, "unchanged") != 3 {
		t.Errorf("deploy again printed\n%s", r.out)
	}
	s.env["TERCEL_NAMESPACE"] = "shop"

	for _, words := range [][]string{
		{"--input", `{"n": 1}`},
		{"--input", "@" + s.write("in.json", ` {"n": 1} `)},
		{"--input-file", s.write("in.json", `{"n": 1}`)},
		{"--input", "-"},
	} {
		s.in = `{"n": 1}`
		r := s.must(exitOK, append([]string{"start", "order", "--wait"}, words...)...)
		if strings.TrimSpace(r.out) != `{"n": 1}` && strings.TrimSpace(r.out) != `{"n":1}` {
			t.Errorf("start --wait %v printed %s", words, r.out)
		}
	}
	id := strings.TrimSpace(s.must(exitOK, "start", "wait", "--name", "w").out)
	if again := strings.TrimSpace(s.must(exitOK, "start", "wait", "--name", "w").out); again != id {
		t.Errorf("the same start gave %s and %s", id, again)
	}
	for words, want := range map[string]string{
		"list --machine order":                "SUCCEEDED",
		"list --status running --since 1h":    "wait/w",
		"list --limit 1":                      "wait/w",
		"list --name-prefix w":                id,
		"describe wait/w":                     id,
		"describe " + id:                      "RUNNING",
		"history " + id + " --limit 1 --full": "ExecutionStarted",
		"history wait/w --reverse":            "WaitStateEntered",
		"machines":                            "order",
		"machines list":                       "STANDARD",
		"machines show wait":                  "Seconds: 3600",
		"functions list":                      "command",
		"version --of-server":                 "tercel",
	} {
		if r := s.must(exitOK, strings.Fields(words)...); !strings.Contains(r.out, want) {
			t.Errorf("tercel %s printed\n%s%s", words, r.out, r.err)
		}
		if r := s.must(exitOK, append(strings.Fields(words), "--json")...); !jsonLines(r.out) {
			t.Errorf("tercel %s --json printed\n%s", words, r.out)
		}
	}
	if r := s.must(exitOK, "stop", "wait/w", "--error", "E", "--cause", "C"); r.out != "ABORTED wait/w\n" {
		t.Errorf("stop printed %s", r.out)
	}
	if r := s.must(exitOK, "describe", "wait/w"); !strings.Contains(r.out, "cause:         C") {
		t.Errorf("describe printed %s", r.out)
	}
	if r := s.must(exitOK, "redrive", "wait/w"); r.out != "RUNNING wait/w\n" {
		t.Errorf("redrive printed %s", r.out)
	}
	if r := s.must(exitOK, "machines", "delete", "order"); r.out != "Removed order.\n" {
		t.Errorf("delete printed %s", r.out)
	}
	s.must(exitOK, "functions", "delete", "pass")
}

// jsonLines tells whether every line is JSON.
func jsonLines(text string) bool {
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			return false
		}
	}
	return text != ""
}

// TestCallbacks answers a task that waits for its token, in each way.
func TestCallbacks(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.in = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A:\n    Type: Task\n    Resource: function:echo.waitForTaskToken\n" +
		"    Arguments: {token: '{% states.context.Task.Token %}'}\n    End: true\n"
	s.must(exitOK, "deploy", "-", "--name", "ask")
	ask := func() (id, token string) {
		t.Helper()
		id = strings.TrimSpace(s.must(exitOK, "start", "ask").out)
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			for line := range strings.Lines(s.must(exitOK, "history", id, "--json").out) {
				var e wire.Event
				var out struct{ Token string }
				if json.Unmarshal([]byte(line), &e) == nil && e.Type == "TaskSubmitted" && json.Unmarshal(e.Details.Output, &out) == nil {
					return id, out.Token
				}
			}
		}
		t.Fatal("no token was handed out")
		return "", ""
	}
	id, token := ask()
	s.must(exitOK, "task", "heartbeat", token)
	s.must(exitOK, "task", "success", token, "--output", `{"yes": true}`)
	if r := s.must(exitOK, "watch", id); !strings.Contains(r.out, `{"yes":true}`) {
		t.Errorf("watch printed\n%s", r.out)
	}
	id, token = ask()
	s.must(exitOK, "task", "failure", token, "--error", "No", "--cause", "not today")
	if r := s.must(exitUnsuccessful, "watch", id); !strings.Contains(r.out, "✗ A  No: not today") {
		t.Errorf("watch printed\n%s", r.out)
	}
}
