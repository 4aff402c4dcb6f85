package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

func TestStart(t *testing.T) {
	s := newServer(t)
	s.deploy("m", passMachine)
	var first, again wire.Started
	s.must(http.StatusCreated, &first, http.MethodPost, "/state-machines/m/executions", `{"name": "n", "input": {"a": 1}}`)
	s.must(http.StatusOK, &again, http.MethodPost, "/state-machines/m/executions", `{"name": "n", "input": {"a": 1}}`)
	if again.ID != first.ID || !again.Existing || first.Existing {
		t.Errorf("got %+v and %+v", first, again)
	}
	if x := s.end("m/n"); x.ID != first.ID || x.Status != "SUCCEEDED" {
		t.Errorf("by its name it is %+v", x)
	}
	if x := s.end(first.ARN); x.ID != first.ID {
		t.Errorf("by its ARN it is %+v", x)
	}
	var made wire.Started
	s.must(http.StatusCreated, &made, http.MethodPost, "/state-machines/m/executions", "")
	if x := s.end(made.ID); string(x.Input) != "{}" || made.Name == "" {
		t.Errorf("without a body it is %+v", x)
	}
}

// TestPayloads checks that what is valid JSON comes back as it was sent.
func TestPayloads(t *testing.T) {
	s := newServer(t)
	s.deploy("m", passMachine)
	for _, input := range []string{
		`null`, `0`, `""`, `[]`, `1e400`, `12345678901234567890`, `1.50`, `"\u0000"`, `"\ud800"`, `"<&>\u2028"`, `{"b":1,"a":2}`,
		`"` + strings.Repeat("x", 100_000) + `"`, strings.Repeat("[", 200) + strings.Repeat("]", 200),
	} {
		x := s.end(s.start("m", input))
		if string(x.Input) != input || string(x.Output) != input {
			t.Errorf("%.60s came back as input %.60s and output %.60s", input, x.Input, x.Output)
		}
	}
}

func TestList(t *testing.T) {
	s := newServer(t)
	s.deploy("good", passMachine)
	s.deploy("bad", failMachine)
	var ids []string
	for i := range 5 {
		started, err := s.client.Start(t.Context(), "good", wire.Start{Name: "run-" + strconv.Itoa(i)})
		if err != nil {
			t.Fatal(err)
		}
		s.end(started.ID)
		ids = append(ids, started.ID)
	}
	failed := s.start("bad", "{}")
	s.end(failed)
	slices.Reverse(ids)

	list := func(f client.Filter) (got []string) {
		t.Helper()
		for cursor := ""; ; {
			page, err := s.client.Executions(t.Context(), f, 2, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Executions {
				got = append(got, x.ID)
			}
			if cursor = page.NextCursor; cursor == "" {
				return got
			}
		}
	}
	all := append([]string{failed}, ids...)
	for name, test := range map[string]struct {
		filter client.Filter
		want   []string
	}{
		"all":            {client.Filter{}, all},
		"machine":        {client.Filter{StateMachine: "good"}, ids},
		"status":         {client.Filter{Status: []string{"failed"}}, []string{failed}},
		"two statuses":   {client.Filter{Status: []string{"FAILED", "succeeded"}}, all},
		"none running":   {client.Filter{Status: []string{"running,aborted"}}, nil},
		"prefix":         {client.Filter{NamePrefix: "run-3"}, ids[1:2]},
		"since":          {client.Filter{StartedAfter: time.Now().Add(-time.Hour)}, all},
		"in the future":  {client.Filter{StartedAfter: time.Now().Add(time.Hour)}, nil},
		"before":         {client.Filter{StartedBefore: time.Now().Add(-time.Hour)}, nil},
		"unknown prefix": {client.Filter{NamePrefix: "%"}, nil},
	} {
		if got := list(test.filter); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestHistory(t *testing.T) {
	s := newServer(t)
	s.deploy("m", echoMachine)
	id := s.start("m", `{"a": 1}`)
	s.end(id)
	read := func(reverse bool, limit int) (seqs []int64, types []string) {
		t.Helper()
		for cursor := ""; ; {
			page, err := s.client.History(t.Context(), id, reverse, limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				seqs, types = append(seqs, e.Seq), append(types, e.Type)
			}
			if cursor = page.NextCursor; cursor == "" {
				return seqs, types
			}
		}
	}
	want := []string{
		"ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded",
	}
	for _, limit := range []int{1, 2, 3, 7, 100} {
		seqs, types := read(false, limit)
		if !slices.Equal(types, want) || !slices.IsSorted(seqs) || seqs[0] != 1 {
			t.Errorf("limit %d: got %v %v", limit, seqs, types)
		}
		seqs, types = read(true, limit)
		slices.Reverse(types)
		slices.Reverse(seqs)
		if !slices.Equal(types, want) || !slices.IsSorted(seqs) || seqs[0] != 1 {
			t.Errorf("reversed, limit %d: got %v %v", limit, seqs, types)
		}
	}
}

// TestEvents follows an execution that ends while it is watched.
func TestEvents(t *testing.T) {
	s := newServer(t)
	s.deploy("m", tokenMachine)
	id := s.start("m", "{}")
	token := s.token(id)
	var types []string
	var seqs []int64
	x, err := s.client.Events(t.Context(), id, 0, func(e wire.Event) error {
		types, seqs = append(types, e.Type), append(seqs, e.Seq)
		if e.Type == "TaskSubmitted" {
			return s.client.TaskSuccess(t.Context(), wire.TaskSuccess{Token: token, Output: json.RawMessage(`"done"`)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != "SUCCEEDED" || string(x.Output) != `"done"` || types[len(types)-1] != "ExecutionSucceeded" {
		t.Errorf("got %+v after %v", x, types)
	}
	// A stream that is taken up goes on behind the event it names.
	var rest []int64
	if _, err := s.client.Events(t.Context(), id, seqs[2], func(e wire.Event) error {
		rest = append(rest, e.Seq)
		return nil
	}); err != nil || !slices.Equal(rest, seqs[3:]) {
		t.Errorf("got %v, %v; want %v", rest, err, seqs[3:])
	}
}

// TestEventsKeepAlive checks that a silent stream sends comments, and that it ends when the server drains.
func TestEventsKeepAlive(t *testing.T) {
	s := newServer(t)
	s.deploy("m", waitMachine)
	id := s.start("m", "{}")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/executions/"+id+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("the content type is %q", got)
	}
	alive := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), ": still here") {
			if alive++; alive == 3 {
				close(s.draining)
			}
		}
	}
	if alive < 3 {
		t.Errorf("the stream ended after %d comments", alive)
	}
}

func TestWait(t *testing.T) {
	s := newServer(t)
	s.deploy("m", waitMachine)
	id := s.start("m", "{}")
	var x wire.Execution
	s.must(http.StatusOK, &x, http.MethodGet, "/executions/"+id+"/wait?timeout=10ms", "")
	if x.Status != "RUNNING" {
		t.Errorf("at the end of the timeout it is %+v", x)
	}
	ended := make(chan wire.Execution)
	go func() {
		x, err := s.client.Wait(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		ended <- x
	}()
	if _, err := s.client.Stop(t.Context(), id, wire.Stop{Error: "E", Cause: "C"}); err != nil {
		t.Fatal(err)
	}
	if x := <-ended; x.Status != "ABORTED" || *x.Error != "E" || *x.Cause != "C" {
		t.Errorf("it ended as %+v", x)
	}
}

// TestWaitDrains checks that a server that shuts down does not keep callers.
func TestWaitDrains(t *testing.T) {
	s := newServer(t)
	s.deploy("m", waitMachine)
	id := s.start("m", "{}")
	close(s.draining)
	var x wire.Execution
	s.must(http.StatusOK, &x, http.MethodGet, "/executions/"+id+"/wait?timeout=60s", "")
	if x.Status != "RUNNING" {
		t.Errorf("got %+v", x)
	}
	s.must(http.StatusServiceUnavailable, nil, http.MethodGet, "/readyz", "")
	s.must(http.StatusOK, nil, http.MethodGet, "/healthz", "")
}

func TestStopAndRedrive(t *testing.T) {
	s := newServer(t)
	s.deploy("m", waitMachine)
	id := s.start("m", "{}")
	var x wire.Execution
	s.must(http.StatusOK, &x, http.MethodPost, "/executions/"+id+"/stop", `{"error": "E"}`)
	if x.Status != "ABORTED" {
		t.Fatalf("stopped, it is %+v", x)
	}
	s.must(http.StatusOK, &x, http.MethodPost, "/executions/"+id+"/stop", "")
	if *x.Error != "E" {
		t.Errorf("stopped twice, it is %+v", x)
	}
	x = wire.Execution{}
	s.must(http.StatusOK, &x, http.MethodPost, "/executions/"+id+"/redrive", "")
	if x.Status != "RUNNING" || x.RedriveCount != 1 {
		t.Errorf("redriven, it is %+v", x)
	}
	if got := s.do(http.MethodPost, "/executions/"+id+"/redrive", "").problem(t).Code; got != "ExecutionNotRedrivable" {
		t.Errorf("redriven while it runs: %s", got)
	}
}

func TestTasks(t *testing.T) {
	s := newServer(t)
	s.deploy("m", tokenMachine)
	id := s.start("m", "{}")
	token := s.token(id)
	body, err := json.Marshal(wire.TaskFailure{Token: token, Error: "Late", Cause: "the parcel is lost"})
	if err != nil {
		t.Fatal(err)
	}
	s.must(http.StatusNoContent, nil, http.MethodPost, "/tasks/heartbeat", `{"token": "`+token+`"}`)
	s.must(http.StatusNoContent, nil, http.MethodPost, "/tasks/failure", string(body))
	if x := s.end(id); x.Status != "FAILED" || *x.Error != "Late" {
		t.Errorf("it ended as %+v", x)
	}
	if a := s.do(http.MethodPost, "/tasks/success", `{"token": "`+token+`"}`); a.status < 400 || a.status >= 500 {
		t.Errorf("a used token gives %d %s", a.status, a.body)
	}
	s.must(http.StatusBadRequest, nil, http.MethodPost, "/tasks/success", `{"token": "forged"}`)
}

// TestClientGivesUp checks the errors of a client without a server, and of one whose caller has no time.
func TestClientGivesUp(t *testing.T) {
	s := newServer(t)
	s.deploy("m", waitMachine)
	id := s.start("m", "{}")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.client.Wait(ctx, id); err != context.DeadlineExceeded { //nolint:errorlint // it must be this very one
		t.Errorf("Wait gave %v", err)
	}
	if _, err := s.client.Events(ctx, id, 0, func(wire.Event) error { return nil }); err != context.DeadlineExceeded { //nolint:errorlint // as above
		t.Errorf("Events gave %v", err)
	}
	none := &client.Client{Server: "http://127.0.0.1:1"}
	if _, err := none.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "tercel dev") {
		t.Errorf("without a server: %v", err)
	}
}
