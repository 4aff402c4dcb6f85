package web_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// brokenPipe is the connection to a worker that has gone: what is written does not get there.
type brokenPipe struct{ *httptest.ResponseRecorder }

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
func (brokenPipe) FlushError() error         { return errBroken }

// A poll whose connection breaks just when its task comes loses nothing: the next worker gets the task, and its state
// needs neither heartbeat nor timeout for that.
func TestPollIsCut(t *testing.T) {
	eng := newEngine(t, nil, "")
	h := web.NewRouter(web.Config{Engine: eng, Logger: discard()})
	if _, _, err := eng.CreateActivity(t.Context(), "", "work"); err != nil {
		t.Fatal(err)
	}
	if _, err := eng.Deploy(t.Context(), engine.DeployRequest{Name: "m", Definition: []byte(
		`{"QueryLanguage": "CEL", "StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "activity:work", "End": true}}}`)}); err != nil {
		t.Fatal(err)
	}
	x, _, err := eng.StartExecution(t.Context(), engine.StartRequest{StateMachine: "m"})
	if err != nil {
		t.Fatal(err)
	}
	h.ServeHTTP(brokenPipe{httptest.NewRecorder()}, httptest.NewRequestWithContext(t.Context(), "POST",
		"http://localhost/api/v1/activities/work/poll", strings.NewReader(`{"worker": "gone"}`)))
	server := httptest.NewServer(h)
	defer server.Close()
	c := &client.Client{Server: server.URL}
	task, err := c.PollActivity(t.Context(), "work", "next", engine.MaxActivityPoll)
	if err != nil || task == nil {
		t.Fatalf("the next worker got %v, %v", task, err)
	}
	if err := c.TaskSuccess(t.Context(), wire.TaskSuccess{Token: task.Token, Output: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if x, err = eng.Wait(t.Context(), x.ID); err != nil || x.Status != engine.Succeeded {
		t.Errorf("it is %s, %v", x.Status, err)
	}
}
