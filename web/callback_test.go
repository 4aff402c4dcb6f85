package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
	"github.com/tercel-workflows/tercel/web/peers"
)

// callbackNodes are two nodes on one database, with a machine whose task hands out its token and its callback URLs.
type callbackNodes struct {
	t       *testing.T
	ctx     context.Context
	engines []*engine.Engine
	urls    []string
	asked   sync.Map // by execution
}

// handedOut is what the task gave its function.
type handedOut struct{ Token, Success, Failure, Heartbeat string }

func newCallbackNodes(t *testing.T) *callbackNodes {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	n := &callbackNodes{t: t, ctx: ctx}
	st := storetest.Open(t)
	for range 2 {
		handler := &atomic.Pointer[http.Handler]{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handler.Load()).ServeHTTP(w, r) }))
		var eng *engine.Engine
		way := peers.New(func() []byte { return eng.PeerKey() }, 1<<20)
		eng, err := engine.New(engine.Config{
			Store: st, Poll: 50 * time.Millisecond, Address: server.URL, PublicURL: server.URL, Peers: way,
		})
		if err != nil {
			t.Fatal(err)
		}
		eng.RegisterFunc("ask", func(_ context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
			var h handedOut
			err := json.Unmarshal(in, &h)
			n.asked.Store(info.Execution.String(), h)
			return nil, err
		})
		if err := eng.Start(ctx); err != nil {
			t.Fatal(err)
		}
		var router http.Handler = web.NewRouter(web.Config{Engine: eng, Peers: way, LoopbackOnly: true})
		handler.Store(&router)
		t.Cleanup(func() {
			server.Close()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := eng.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
		n.engines, n.urls = append(n.engines, eng), append(n.urls, server.URL)
	}
	_, err := n.engines[0].Deploy(ctx, engine.DeployRequest{Name: "ask", Definition: []byte(`{"QueryLanguage": "CEL", "StartAt": "T", "States": {"T": {
		"Type": "Task", "Resource": "function:ask.waitForTaskToken", "HeartbeatSeconds": 3000, "End": true, "Arguments": {
			"Token": "{% states.context.Task.Token %}", "Success": "{% states.context.Task.CallbackUrl %}",
			"Failure": "{% states.context.Task.CallbackFailureUrl %}", "Heartbeat": "{% states.context.Task.CallbackHeartbeatUrl %}"}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ask starts an execution and waits until its task was handed out.
func (n *callbackNodes) ask() (engine.Execution, handedOut) {
	n.t.Helper()
	x, _, err := n.engines[0].StartExecution(n.ctx, engine.StartRequest{StateMachine: "ask"})
	if err != nil {
		n.t.Fatal(err)
	}
	for n.ctx.Err() == nil {
		if h, ok := n.asked.Load(x.ID.String()); ok {
			return x, h.(handedOut)
		}
		time.Sleep(time.Millisecond)
	}
	n.t.Fatal("nobody was asked")
	return x, handedOut{}
}

// post sends a body to a callback URL and gives status, code or status word, and message.
func (n *callbackNodes) post(method, url, contentType, body string) (status int, word string, answer wire.Callback) {
	r, err := http.NewRequestWithContext(n.ctx, method, url, strings.NewReader(body))
	if err != nil {
		n.t.Error(err)
		return 0, "", answer
	}
	r.Host = "tunnel.example.com" // it comes through a tunnel, or a proxy
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Error(err)
		return 0, "", answer
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	var problem wire.Problem
	_ = json.Unmarshal(text, &problem)
	_ = json.Unmarshal(text, &answer)
	if problem.Code != "" {
		return resp.StatusCode, problem.Code, answer
	}
	return resp.StatusCode, answer.Status, answer
}

func (n *callbackNodes) expect(status int, word, method, url, contentType, body string) wire.Callback {
	n.t.Helper()
	gotStatus, gotWord, answer := n.post(method, url, contentType, body)
	if gotStatus != status || gotWord != word {
		n.t.Errorf("%s %s with %q: %d %s, want %d %s", method, url, body, gotStatus, gotWord, status, word)
	}
	return answer
}

func (n *callbackNodes) output(x engine.Execution) string {
	n.t.Helper()
	x, err := n.engines[1].Wait(n.ctx, x.ID)
	if err != nil {
		n.t.Fatal(err)
	}
	if x.Output == nil {
		return *x.Error + ": " + *x.Cause
	}
	return x.Output.String()
}

func TestCallbacks(t *testing.T) {
	n := newCallbackNodes(t)
	x, h := n.ask()
	for range 1000 { // scanners
		if status, _, _ := n.post(http.MethodGet, h.Success, "", ""); status != http.StatusMethodNotAllowed {
			t.Fatalf("a GET gives %d", status)
		}
	}
	n.expect(405, "MethodNotAllowed", http.MethodPut, h.Success, "", "1")
	n.expect(405, "", http.MethodHead, h.Success, "", "")
	n.expect(400, "InvalidJSON", http.MethodPost, h.Success, "application/json", `{"a": `)
	n.expect(415, "ValidationException", http.MethodPost, h.Success, "image/png", `x`)
	n.expect(400, "InvalidToken", http.MethodPost, strings.TrimSuffix(h.Success, "success")+"failure", "", "")
	n.expect(404, "NotFound", http.MethodPost, strings.TrimSuffix(h.Success, "success")+"other", "", "")
	n.expect(200, "alive", http.MethodPost, h.Heartbeat, "", "")
	_, other := n.ask()
	n.forge(h, other)
	n.expect(200, "completed", http.MethodPost, h.Success, "application/json", `{"paid": true}`)
	if a := n.expect(200, "completed", http.MethodPost, h.Success, "application/json", `{"paid":true}`); !a.Already || a.SettledAt == nil {
		t.Errorf("the repeat is answered with %+v", a)
	}
	n.expect(409, "TaskAlreadySettled", http.MethodPost, h.Success, "application/json", `{"paid": false}`)
	n.expect(409, "TaskAlreadySettled", http.MethodPost, h.Failure, "", "")
	if out := n.output(x); out != `{"paid": true}` {
		t.Errorf("the output is %s", out)
	}
	stopped, h := n.ask()
	if _, err := n.engines[1].StopExecution(n.ctx, stopped.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	n.expect(410, "TaskTimedOut", http.MethodPost, h.Success, "", "")
}

// forge posts to URLs that were made of two tasks' own, in all ways that come to mind: none is accepted, and none is an
// error of the server.
func (n *callbackNodes) forge(h, other handedOut) {
	n.t.Helper()
	prefix := n.urls[0] + engine.CallbackPath
	token := func(url string) string {
		text, _, _ := strings.Cut(strings.TrimPrefix(url, prefix), "/")
		return text
	}
	actions := map[string]string{"success": token(h.Success), "failure": token(h.Failure), "heartbeat": token(h.Heartbeat)}
	genuine := token(h.Success)
	forged := []string{"", ".", genuine + "A", "A" + genuine, genuine + genuine, strings.ToUpper(genuine), h.Token, h.Token[:len(genuine)%len(h.Token)]}
	for i := range genuine { // each character, and cut at each place
		for _, c := range "A_z9%" {
			if rune(genuine[i]) != c {
				forged = append(forged, genuine[:i]+string(c)+genuine[i+1:])
			}
		}
		forged = append(forged, genuine[:i], genuine[i+1:])
		// The head of one task, and the seal of another.
		if mixed := genuine[:i] + token(other.Success)[i:]; mixed != genuine && mixed != token(other.Success) {
			forged = append(forged, mixed)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(genuine)
	if err != nil {
		n.t.Fatal(err)
	}
	for i := range raw { // each bit
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			forged = append(forged, base64.RawURLEncoding.EncodeToString(flipped))
		}
	}
	refused := func(url string) {
		status, word, _ := n.post(http.MethodPost, url, "", "")
		if status < 400 || status >= 500 {
			n.t.Fatalf("%s is answered with %d %s", url, status, word)
		}
	}
	for _, f := range forged {
		refused(prefix + strings.ReplaceAll(f, "%", "%25") + "/success")
	}
	for action := range actions {
		for whose, of := range actions {
			if action != whose {
				refused(prefix + of + "/" + action) // who may do one thing cannot do another
			}
		}
		refused(prefix + h.Token + "/" + action) // nor is the token of the task one of a URL
	}
	for action, of := range actions { // and that of a URL is none of the task
		for _, err := range []error{
			n.engines[1].SendTaskSuccess(n.ctx, of, []byte("1")), n.engines[1].SendTaskFailure(n.ctx, of, "E", ""),
			n.engines[1].SendTaskHeartbeat(n.ctx, of),
		} {
			if !errors.Is(err, engine.ErrInvalidToken) {
				n.t.Errorf("the token of the %s URL as the task's: %v", action, err)
			}
		}
	}
}

func TestCallbackBodies(t *testing.T) {
	n := newCallbackNodes(t)
	for _, c := range []struct{ contentType, body, output string }{
		{"", "", "null"},
		{"", `[1e400]`, "[1e400]"},
		{"application/vnd.x+json; charset=utf-8", ` 7 `, "7"},
		{"application/x-www-form-urlencoded", "a=1&b=x+y&b=%C3%A4", `{"a":"1","b":["x y","ä"]}`},
		{"application/x-www-form-urlencoded", `{"from": "curl -d"}`, `{"from": "curl -d"}`},
		{"text/plain", `it's "done"`, `"it's \"done\""`},
		{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n", `{"a":"1"}`},
	} {
		x, h := n.ask()
		n.expect(200, "completed", http.MethodPost, h.Success, c.contentType, c.body)
		if out := n.output(x); out != c.output {
			t.Errorf("%s %q gives %s, want %s", c.contentType, c.body, out, c.output)
		}
	}
	for _, c := range []struct{ contentType, body, failure string }{
		{"application/json", `{"error": "Card.Declined", "cause": "no money", "more": 1}`, "Card.Declined: no money"},
		{"application/x-www-form-urlencoded", "error=Card.Declined&cause=no+money", "Card.Declined: no money"},
		{"text/plain", "out of order", `Callback.Failed: "out of order"`},
	} {
		x, h := n.ask()
		n.expect(200, "failed", http.MethodPost, h.Failure, c.contentType, c.body)
		if a := n.expect(200, "failed", http.MethodPost, h.Failure, c.contentType, c.body); !a.Already {
			t.Errorf("the repeat is answered with %+v", a)
		}
		if out := n.output(x); out != c.failure {
			t.Errorf("%s %q gives %s, want %s", c.contentType, c.body, out, c.failure)
		}
	}
}

// A thousand completions, failures and heartbeats of one task race over two nodes, by engine, API and callback URL: one
// wins, and everyone else is told what became of the task.
func TestOneCompletionWins(t *testing.T) {
	n := newCallbackNodes(t)
	x, h := n.ask()
	other := func(url string) string { return strings.Replace(url, n.urls[0], n.urls[1], 1) }
	var won atomic.Int64
	var winner atomic.Value
	var wg sync.WaitGroup
	room := make(chan struct{}, 100)
	for i := range 1000 {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			text, beat := fmt.Sprintf(`"%d"`, i), false
			var err error
			told := ""
			c := &client.Client{Server: n.urls[i/2%2]}
			switch i % 8 {
			case 0, 1:
				err = n.engines[i%2].SendTaskSuccess(n.ctx, h.Token, []byte(text))
			case 2:
				err = c.TaskSuccess(n.ctx, wire.TaskSuccess{Token: h.Token, Output: json.RawMessage(text)})
			case 3:
				err = c.TaskFailure(n.ctx, wire.TaskFailure{Token: h.Token, Error: "E", Cause: text})
			case 4:
				_, told, _ = n.post(http.MethodPost, h.Success, "application/json", text)
			case 5:
				_, told, _ = n.post(http.MethodPost, other(h.Failure), "application/json", `{"error": "E", "cause": `+text+`}`)
			case 6:
				beat = true
				err = n.engines[i/8%2].SendTaskHeartbeat(n.ctx, h.Token)
			default:
				beat = true
				_, told, _ = n.post(http.MethodPost, other(h.Heartbeat), "", "")
			}
			switch {
			case err == nil && (told == "" || told == "completed" || told == "failed" || told == "alive"):
				if !beat {
					won.Add(1)
					winner.Store(strings.Trim(text, `"`))
				}
			case told == "TaskAlreadySettled":
			case !settledAnswer(err):
				t.Errorf("number %d was told %v, %s", i, err, told)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d answers won", won.Load())
	}
	if out := n.output(x); !strings.Contains(out, winner.Load().(string)) {
		t.Errorf("the output is %s, but number %s won", out, winner.Load())
	}
}

// settledAnswer tells whether an error says that the task is settled.
func settledAnswer(err error) bool {
	return errors.Is(err, engine.ErrTaskTimedOut) || errors.Is(err, engine.ErrTaskDoesNotExist) ||
		client.IsCode(err, "TaskTimedOut") || client.IsCode(err, "TaskDoesNotExist")
}
