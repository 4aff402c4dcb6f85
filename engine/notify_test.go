package engine_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/notify"
)

// told is what people were told, in a few words each.
type told struct {
	mu   sync.Mutex
	list []string
	last map[string]notify.Message
}

func (l *told) add(by string, m notify.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, by+" "+m.Kind+" "+m.To)
	if l.last == nil {
		l.last = map[string]notify.Message{}
	}
	l.last[m.To] = m
}

func (l *told) sorted() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(l.list)), "\n")
}

// TestNotices: those who are asked are told by a function and by a webhook that is down at first, and the approval goes on
// regardless; who stands in is told, and in the end everybody.
func TestNotices(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var list told
	failures := 0
	var mu sync.Mutex
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if failures++; failures <= 2 {
			http.Error(w, "not now", http.StatusInternalServerError)
			return
		}
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		list.add("webhook", m)
	}))
	defer hook.Close()
	b.fn("tell", func(_ context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		var m notify.Message
		if err := json.Unmarshal(in, &m); err != nil || info.IdempotencyKey != m.ID {
			t.Errorf("the function is given %s, %v", in, err)
		}
		list.add("function", m)
		return nil, nil
	})
	e := b.start(parkAtOnce, func(c *engine.Config) { c.PublicURL = "https://tercel.example.com/" })
	if err := e.PutNotifications(b.ctx(), "", notify.Config{Function: "tell", Webhook: &notify.WebhookConfig{URL: hook.URL}}); err != nil {
		t.Fatal(err)
	}
	b.deploy(e, "pay", asking(`{"Title": "Pay", "Approvers": ["ada", "bob"]}`))
	a := b.approval(e, b.begin(e, "pay", `{}`).ID)
	b.until("both are told", func() bool { return strings.Count(list.sorted(), "asked") == 4 })
	if _, err := e.DelegateApproval(b.ctx(), engine.DelegationRequest{Approval: a.ID, By: "bob", To: "zoe"}); err != nil {
		t.Fatal(err)
	}
	b.until("who stands in is told", func() bool { return strings.Count(list.sorted(), "delegated") == 2 })
	list.mu.Lock()
	m := list.last["zoe"]
	list.mu.Unlock()
	if m.From != "bob" || !strings.HasPrefix(m.Link, "https://tercel.example.com/approve/") {
		t.Errorf("zoe is told %+v", m)
	}
	token := strings.TrimPrefix(m.Link, "https://tercel.example.com/approve/")
	if _, err := e.DecideByLink(b.ctx(), token, engine.DecisionRequest{Approved: true}); err != nil {
		t.Fatal(err)
	}
	b.until("all are told of the end", func() bool { return strings.Count(list.sorted(), "closed") == 4 })
	want := []string{
		"function asked ada", "function asked bob", "function closed ada", "function closed zoe", "function delegated zoe",
		"webhook asked ada", "webhook asked bob", "webhook closed ada", "webhook closed zoe", "webhook delegated zoe",
	}
	if got := list.sorted(); got != strings.Join(want, "\n") {
		t.Errorf("told were\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
