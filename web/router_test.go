package web_test

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

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
	"github.com/tercel-workflows/tercel/web/peers"
)

func newEngine(t *testing.T, p engine.Peers, address string) *engine.Engine {
	t.Helper()
	eng, err := engine.New(engine.Config{Store: storetest.Open(t), Peers: p, Address: address})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return eng
}

func TestRouter(t *testing.T) {
	var eng *engine.Engine
	way := peers.New(func() []byte { return eng.PeerKey() }, 1<<20)
	eng = newEngine(t, way, "")
	h := web.NewRouter(web.Config{Engine: eng, Peers: way, Version: wire.Version{Version: "v1"}, LoopbackOnly: true})
	const definition = `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}`
	for name, test := range map[string]struct {
		method, target, body string
		header               map[string]string
		status               int
		contains             string
	}{
		"index":          {"GET", "http://localhost/", "", nil, 200, "/api/v1/openapi.json"},
		"index as JSON":  {"GET", "http://localhost/", "", map[string]string{"Accept": "application/json"}, 200, `"name":"tercel"`},
		"health":         {"GET", "http://127.0.0.1:8083/healthz", "", nil, 200, `"ok"`},
		"ready":          {"GET", "http://[::1]:8083/readyz", "", nil, 200, `"ok"`},
		"probe":          {"HEAD", "http://localhost/readyz", "", nil, 200, ""},
		"nothing":        {"GET", "http://localhost/favicon.ico", "", nil, 404, "NotFound"},
		"nothing in api": {"GET", "http://localhost/api/v1/x", "", nil, 404, "NotFound"},
		"AWS API":        {"POST", "http://localhost/", "{}", nil, 400, "UnknownOperationException"},
		"unsigned call":  {"POST", "http://localhost" + peers.Path, "{}", nil, 401, "not signed"},
		"foreign host":   {"GET", "http://evil.example/api/v1/executions", "", nil, 403, "localhost"},
		"other web site": {
			"PUT", "http://localhost/api/v1/state-machines/m", definition,
			map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
			403, "another web site",
		},
		"own web site": {
			"PUT", "http://localhost/api/v1/state-machines/m", definition,
			map[string]string{"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
			201, `"created":true`,
		},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.target, strings.NewReader(test.body))
		for k, v := range test.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.contains) {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

// TestServer checks that a shutdown ends the requests that wait at once and lets the others end.
func TestServer(t *testing.T) {
	eng := newEngine(t, nil, "")
	s, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.Listen(t.Context(), s.Addr().String()); err == nil {
		t.Error("the port could be opened twice")
	}
	s.Serve(web.NewRouter(web.Config{Engine: eng, LoopbackOnly: true, Draining: s.Draining()}), discard())
	c := &client.Client{Server: s.URL()}
	definition := `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": true}}}`
	if _, err := c.Deploy(t.Context(), "m", []byte(definition), client.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	started, err := c.Start(t.Context(), "m", wire.Start{})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan wire.Execution, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		var x wire.Execution
		resp, err := http.Get(s.URL() + "/api/v1/executions/" + started.ID + "/wait?timeout=60s")
		if err == nil {
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			_ = json.Unmarshal(bytes.TrimSpace(text), &x)
		}
		waiting <- x
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	// The request was answered, or it came too late to be taken; it was not kept until its timeout.
	if x := <-waiting; x.ID != "" && x.Status != "RUNNING" {
		t.Errorf("the request that waited got %+v", x)
	}
}
