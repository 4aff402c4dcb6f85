package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

func key(text string) func() []byte { return func() []byte { return []byte(text) } }

// node serves the door of a node with a key; it answers calls with err.
func node(t *testing.T, p *Peers, got *engine.ForwardedCall, err error) engine.Node {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(Path, p.Handler(func(_ context.Context, call engine.ForwardedCall) error {
		*got = call
		return err
	}))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return engine.Node{ID: uuid.New(), Address: s.URL + "/"}
}

func TestForward(t *testing.T) {
	p := New(key("k"), 1<<20)
	want := engine.ForwardedCall{
		Execution: uuid.New(), Kind: engine.CallSuccess, Task: 7, Output: json.RawMessage(`{"a":"<&>"}`), Cause: "c",
	}
	var got engine.ForwardedCall
	if err := p.Forward(t.Context(), node(t, p, &got, nil), want); err != nil {
		t.Fatal(err)
	}
	var output map[string]string
	if got.Execution != want.Execution || got.Kind != want.Kind || got.Task != 7 || got.Cause != "c" ||
		json.Unmarshal(got.Output, &output) != nil || output["a"] != "<&>" {
		t.Errorf("it arrived as %+v", got)
	}
}

// TestAnswers checks that the owner's refusal comes back as such, and that anything else means it was not reached.
func TestAnswers(t *testing.T) {
	p := New(key("k"), 1<<20)
	var got engine.ForwardedCall
	err := p.Forward(t.Context(), node(t, p, &got, &engine.Error{Code: engine.CodeTaskTimedOut, Message: "late"}), engine.ForwardedCall{})
	var refused *engine.Error
	if !errors.As(err, &refused) || refused.Code != engine.CodeTaskTimedOut || refused.Message != "late" {
		t.Errorf("a refusal comes back as %v", err)
	}
	for name, n := range map[string]engine.Node{
		"trouble":        node(t, p, &got, errors.New("disk full")),
		"another key":    node(t, New(key("other"), 1<<20), &got, nil),
		"too large":      node(t, New(key("k"), 1), &got, nil),
		"not started":    node(t, New(key(""), 1<<20), &got, nil),
		"no address":     {},
		"bad address":    {Address: "http://[::1"},
		"nobody listens": {Address: "http://127.0.0.1:1"},
	} {
		if err := p.Forward(t.Context(), n, engine.ForwardedCall{}); err == nil || errors.As(err, &refused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestForgeries checks that only fresh and whole calls of this cluster are taken.
func TestForgeries(t *testing.T) {
	p := New(key("k"), 1<<20)
	body := []byte(`{"kind": "stop"}`)
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	early := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	for name, test := range map[string]struct {
		at, signature, body, message string
		status                       int
	}{
		"good":        {now, p.sign(now, body), string(body), "", http.StatusNoContent},
		"unsigned":    {now, "", string(body), "not signed", http.StatusUnauthorized},
		"nonsense":    {now, "zz", string(body), "signature is wrong", http.StatusUnauthorized},
		"altered":     {now, p.sign(now, body), `{"kind": "success"}`, "signature is wrong", http.StatusUnauthorized},
		"other time":  {now, p.sign(old, body), string(body), "signature is wrong", http.StatusUnauthorized},
		"replayed":    {old, p.sign(old, body), string(body), "off this node's clock", http.StatusUnauthorized},
		"from future": {early, p.sign(early, body), string(body), "off this node's clock", http.StatusUnauthorized},
		"no time":     {"", p.sign("", body), string(body), "no number", http.StatusUnauthorized},
		"no JSON":     {now, p.sign(now, []byte("x")), "x", "not valid", http.StatusBadRequest},
	} {
		called := false
		h := p.Handler(func(context.Context, engine.ForwardedCall) error {
			called = true
			return nil
		})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, bytes.NewReader([]byte(test.body)))
		r.Header.Set(timeHeader, test.at)
		r.Header.Set(signatureHeader, test.signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.message) {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
		if called != (test.status == http.StatusNoContent) {
			t.Errorf("%s: carried out: %v", name, called)
		}
	}
}
