package invoke_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// serve gives an HTTP function that a handler answers.
func serve(t *testing.T, config invoke.HTTPConfig, handler http.HandlerFunc) *invoke.HTTP {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config.URL = server.URL + config.URL
	if err := config.Check(); err != nil {
		t.Fatalf("the configuration is refused: %v", err)
	}
	return &invoke.HTTP{Config: config, Client: invoke.NewHTTPClient(4)}
}

func TestHTTPSendsArgumentsAndHeaders(t *testing.T) {
	f := serve(t, invoke.HTTPConfig{URL: "/charge", Headers: map[string]string{"X-Key": "secret"}}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, want := range map[string]string{
			"Content-Type":              "application/json",
			"X-Key":                     "secret",
			invoke.HeaderIdempotencyKey: "018f0000-0000-7000-8000-000000000001/7",
			invoke.HeaderTraceparent:    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			invoke.HeaderExecution:      "arn:aws:states:us-east-1:000000000000:execution:orders:o-1",
			invoke.HeaderStateMachine:   "orders",
			invoke.HeaderState:          "Charge%20card%20%E2%9C%93",
			invoke.HeaderAttempt:        "2",
			invoke.HeaderTaskToken:      "the-token",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
		if r.Method != http.MethodPost || r.URL.Path != "/charge" || string(body) != `{"n":1e400}` {
			t.Errorf("got %s %s %s", r.Method, r.URL.Path, body)
		}
		_, _ = io.WriteString(w, ` {"ok": 12345678901234567890} `)
	})
	got, err := f.Invoke(t.Context(), call(`{"n":1e400}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != `{"ok": 12345678901234567890}` {
		t.Errorf("got %s", got)
	}
}

func TestHTTPAnswers(t *testing.T) {
	cases := map[string]struct {
		status      int
		body        string
		result      string
		error       string
		causeHas    string
		maxResult   int
		maxResponse int64
	}{
		"empty body is null":     {status: 200, result: "null"},
		"204 is null":            {status: 204, result: "null"},
		"201 is success":         {status: 201, body: `[1]`, result: `[1]`},
		"garbage":                {status: 200, body: "<html>hello", error: invoke.ErrInvalidResponse, causeHas: "<html>hello"},
		"not UTF-8":              {status: 200, body: "\"\xff\"", error: invoke.ErrInvalidResponse, causeHas: "UTF-8"},
		"two values":             {status: 200, body: "1 2", error: invoke.ErrInvalidResponse},
		"named error":            {status: 500, body: `{"errorType":"CardDeclined","errorMessage":"no funds"}`, error: "CardDeclined", causeHas: "no funds"},
		"named error as 400":     {status: 400, body: `{"errorType":"BadInput","errorMessage":"x"}`, error: "BadInput"},
		"status alone":           {status: 404, body: "no such thing", error: "HTTP.404", causeHas: "no such thing"},
		"status, other JSON":     {status: 503, body: `{"message":"busy"}`, error: "HTTP.503", causeHas: "busy"},
		"error type not text":    {status: 500, body: `{"errorType":7}`, error: "HTTP.500"},
		"too many requests":      {status: 429, error: "HTTP.429"},
		"redirect":               {status: 302, error: "HTTP.302", causeHas: "redirect"},
		"larger than the bound":  {status: 200, body: `"` + strings.Repeat("x", 100) + `"`, maxResponse: 101, error: invoke.ErrDataLimit},
		"as large as the bound":  {status: 200, body: `"` + strings.Repeat("x", 100) + `"`, maxResponse: 102, result: `"` + strings.Repeat("x", 100) + `"`},
		"larger than the result": {status: 200, body: `"xxxxxxxx"`, maxResult: 9, error: invoke.ErrDataLimit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := serve(t, invoke.HTTPConfig{MaxResponseBytes: c.maxResponse}, func(w http.ResponseWriter, _ *http.Request) {
				if c.status == 302 {
					w.Header().Set("Location", "http://elsewhere.invalid/")
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			in := call("{}")
			in.MaxResult = c.maxResult
			got, err := f.Invoke(t.Context(), in)
			if c.error != "" {
				contains(t, taskError(t, err, c.error), c.causeHas)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.result {
				t.Errorf("got %s, want %s", got, c.result)
			}
		})
	}
}

// An answer without end is cut off, whatever it says of its length.
func TestHTTPEndlessAnswer(t *testing.T) {
	var sent atomic.Int64
	f := serve(t, invoke.HTTPConfig{}, func(w http.ResponseWriter, _ *http.Request) {
		block := []byte(strings.Repeat("x", 64<<10))
		for sent.Load() < 2<<30 {
			n, err := w.Write(block)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	})
	within(t, func() {
		_, err := f.Invoke(t.Context(), call("{}"))
		contains(t, taskError(t, err, invoke.ErrDataLimit), "6291456 bytes")
	})
	if n := sent.Load(); n > 256<<20 {
		t.Errorf("the function could send %d bytes before it was cut off", n)
	}
}

func TestHTTPAnnouncesTooMuch(t *testing.T) {
	f := serve(t, invoke.HTTPConfig{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2147483648")
		w.WriteHeader(http.StatusOK)
	})
	_, err := f.Invoke(t.Context(), call("{}"))
	contains(t, taskError(t, err, invoke.ErrDataLimit), "2147483648")
}

func TestHTTPBreaksOff(t *testing.T) {
	f := serve(t, invoke.HTTPConfig{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"a":`)
	})
	_, err := f.Invoke(t.Context(), call("{}"))
	taskError(t, err, invoke.ErrInvalidResponse)
}

func TestHTTPNeverAnswers(t *testing.T) {
	f := serve(t, invoke.HTTPConfig{TimeoutSeconds: 0.05}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	within(t, func() {
		_, err := f.Invoke(t.Context(), call("{}"))
		contains(t, taskError(t, err, invoke.ErrTimeout), "50ms")
	})
}

func TestHTTPIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	f := serve(t, invoke.HTTPConfig{}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
		close(ended)
	})
	within(t, func() {
		if _, err := f.Invoke(ctx, call("{}")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		<-ended
	})
}

func TestHTTPNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	f := &invoke.HTTP{Config: invoke.HTTPConfig{URL: "http://" + address}, Client: invoke.NewHTTPClient(1)}
	_, err = f.Invoke(t.Context(), call("{}"))
	contains(t, taskError(t, err, invoke.ErrUnreachable), "refused")
}

func TestHTTPRedirects(t *testing.T) {
	var mux http.ServeMux
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	f := serve(t, invoke.HTTPConfig{URL: "/moved"}, mux.ServeHTTP)
	got, err := f.Invoke(t.Context(), call(`{"a":1}`))
	if err != nil || got.String() != `{"a":1}` {
		t.Errorf("a redirect that keeps method and body gave %v, %v", got, err)
	}
	for _, path := range []string{"/loop", "/file"} {
		f := serve(t, invoke.HTTPConfig{URL: path}, mux.ServeHTTP)
		_, err := f.Invoke(t.Context(), call(`{}`))
		taskError(t, err, "HTTP.307")
	}
}

// Calls one after another use one connection.
func TestHTTPReusesConnections(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	f := &invoke.HTTP{Config: invoke.HTTPConfig{URL: server.URL}, Client: invoke.NewHTTPClient(4)}
	for range 20 {
		_, err := f.Invoke(t.Context(), call("{}"))
		taskError(t, err, "HTTP.418")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("20 calls opened %d connections", n)
	}
}

func TestHTTPConfigIsChecked(t *testing.T) {
	for want, c := range map[string]invoke.HTTPConfig{
		"url is missing":      {},
		"http:// or https://": {URL: "ftp://x/"},
		"names no host":       {URL: "http:///x"},
		"cannot carry":        {URL: "http://x", Method: "GET"},
		"does not allow":      {URL: "http://x", Headers: map[string]string{"a": "b\r\nc: d"}},
		"timeout_seconds":     {URL: "http://x", TimeoutSeconds: 1e9},
		"max_response_bytes":  {URL: "http://x", MaxResponseBytes: -1},
	} {
		err := c.Check()
		if err == nil {
			t.Errorf("%+v is not refused", c)
			continue
		}
		contains(t, err.Error(), want)
	}
}
