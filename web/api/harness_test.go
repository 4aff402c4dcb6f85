package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web/api"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// server is the API of a real engine on a real Postgres.
type server struct {
	t        testing.TB
	handler  http.Handler
	url      string
	engine   *engine.Engine
	access   *access.Control
	client   *client.Client
	draining chan struct{}
	schema   *document
}

// newServer gives a server that asks for no keys.
func newServer(t testing.TB) *server { return newServerWith(t, access.Config{Open: true}) }

// newServerWith gives a server whose access is configured; the store is added.
func newServerWith(t testing.TB, config access.Config) *server {
	t.Helper()
	st := storetest.Open(t)
	config.Store = st
	control := access.New(config)
	if err := control.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(engine.Config{Store: st, ParkAfter: -1, Poll: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	eng.RegisterFunc("echo", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) { return in, nil })
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, engine: eng, access: control, draining: make(chan struct{}), schema: readDocument(t)}
	a := api.New(api.Config{
		Engine: eng, Access: control, Version: wire.Version{Version: "test", GoVersion: "go"}, MaxBody: 1 << 20, KeepLive: 20 * time.Millisecond,
		Draining: s.draining,
	})
	r := chi.NewRouter()
	r.Use(a.Recover)
	r.NotFound(a.NotFound)
	r.MethodNotAllowed(a.MethodNotAllowed)
	r.Route("/api/v1", a.Register)
	s.handler = r
	hs := httptest.NewServer(r)
	t.Cleanup(func() {
		hs.CloseClientConnections()
		hs.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := eng.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := control.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s.url, s.client = hs.URL, &client.Client{Server: hs.URL}
	return s
}

// answer is what the server said.
type answer struct {
	status int
	body   []byte
	header http.Header
}

// problem decodes an answer that says no.
func (a answer) problem(t testing.TB) wire.Problem {
	t.Helper()
	var p wire.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || p.Code == "" || p.Message == "" {
		t.Fatalf("status %d with a body that is no problem: %s", a.status, a.body)
	}
	return p
}

// do makes a request and checks the answer against the OpenAPI document.
func (s *server) do(method, path, body string, header ...string) answer {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	a := answer{w.Code, w.Body.Bytes(), w.Header()}
	if err := s.schema.check(s.handler.(chi.Routes), r, a); err != nil {
		s.t.Errorf("%s %s: the answer %d %s does not fit the OpenAPI document: %v", method, path, a.status, a.body, err)
	}
	return a
}

// must makes a request that must end with a status, and decodes the answer.
func (s *server) must(status int, into any, method, path, body string, header ...string) {
	s.t.Helper()
	a := s.do(method, path, body, header...)
	if a.status != status {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, status, a.body)
	}
	if into != nil {
		if err := json.NewDecoder(bytes.NewReader(a.body)).Decode(into); err != nil && err != io.EOF {
			s.t.Fatal(err)
		}
	}
}

// The definitions of the tests.
const (
	passMachine  = `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}`
	echoMachine  = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Task, Resource: 'function:echo', End: true}\n"
	waitMachine  = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Wait, Seconds: 3600, End: true}\n"
	failMachine  = "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Fail, Error: Broken, Cause: on purpose}\n"
	tokenMachine = `
QueryLanguage: CEL
StartAt: A
States:
  A:
    Type: Task
    Resource: function:echo.waitForTaskToken
    Arguments: {token: "{% states.context.Task.Token %}"}
    End: true
`
)

// deploy deploys a machine that must be faultless.
func (s *server) deploy(name, definition string) {
	s.t.Helper()
	if _, err := s.client.Deploy(s.t.Context(), name, []byte(definition), client.DeployOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// start starts an execution and gives its id.
func (s *server) start(machine, input string) string {
	s.t.Helper()
	started, err := s.client.Start(s.t.Context(), machine, wire.Start{Input: json.RawMessage(input)})
	if err != nil {
		s.t.Fatal(err)
	}
	return started.ID
}

// end waits for the end of an execution.
func (s *server) end(id string) wire.Execution {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	x, err := s.client.Wait(ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

// token waits until an execution has handed its task token out, and gives it.
func (s *server) token(id string) string {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		h, err := s.client.History(s.t.Context(), id, false, 0, "")
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range h.Events {
			var arguments struct{ Token string }
			if e.Type == "TaskSubmitted" && json.Unmarshal(e.Details.Output, &arguments) == nil && arguments.Token != "" {
				return arguments.Token
			}
		}
	}
	s.t.Fatal("no task token was handed out")
	return ""
}
