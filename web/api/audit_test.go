package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// audited waits until the audit has n entries that the filter chooses, and gives them, oldest first.
func (s *server) audited(n int, f access.AuditFilter) []access.Entry {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		found, err := s.access.Audit(s.t.Context(), f)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(found) >= n || time.Now().After(deadline) {
			for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
				found[i], found[j] = found[j], found[i]
			}
			return found
		}
		<-time.After(time.Millisecond)
	}
}

// TestAudit checks what is recorded of calls that succeed, that fail, and that are refused.
func TestAudit(t *testing.T) {
	s := exposed(t)
	began := time.Now().Add(-time.Second)
	admin := s.key(access.NewKey{Name: "admin", Scopes: []access.Scope{access.Admin}})
	reader := s.key(access.NewKey{Name: "reader", Scopes: []access.Scope{access.Read}})
	runner := s.key(access.NewKey{Name: "runner", Scopes: []access.Scope{access.Run}})

	s.must(http.StatusCreated, nil, "PUT", "/state-machines/pass", passMachine, admin...)
	s.must(http.StatusUnprocessableEntity, nil, "PUT", "/state-machines/bad", "{}", admin...)
	s.must(http.StatusOK, nil, "GET", "/state-machines", "", admin...) // reads are not recorded
	s.must(http.StatusCreated, nil, "POST", "/state-machines/pass/executions", "", runner...)
	s.must(http.StatusNotFound, nil, "POST", "/state-machines/none/executions", "", append(runner, "Tercel-Namespace", "shop")...)
	s.must(http.StatusForbidden, nil, "DELETE", "/state-machines/pass", "", runner...)
	s.must(http.StatusForbidden, nil, "GET", "/state-machines/pass", "", runner...)
	s.must(http.StatusUnauthorized, nil, "DELETE", "/state-machines/pass", "")
	s.must(http.StatusBadRequest, nil, "POST", "/tasks/success", `{"token": "x"}`, runner...)
	s.must(http.StatusForbidden, nil, "GET", "/audit", "", reader...)
	s.must(http.StatusCreated, nil, "POST", "/keys", `{"name": "more", "scopes": ["read"]}`, admin...)

	var got []string
	for _, e := range s.audited(10, access.AuditFilter{}) {
		got = append(got, strings.Join([]string{e.Actor, e.Action, e.Namespace, e.Resource, e.Outcome}, " "))
		if e.At.Before(began) || e.At.After(time.Now()) || (e.KeyID == "") != (e.Actor == "anonymous") {
			t.Errorf("entry %+v", e)
		}
	}
	last := got[len(got)-1]
	if !strings.HasPrefix(last, "admin CreateKey  key/TKIA") || !strings.HasSuffix(last, " ok") {
		t.Errorf("making a key is recorded as %s", last)
	}
	want := []string{
		"admin DeployStateMachine default state-machine/pass ok",
		"admin DeployStateMachine default state-machine/bad InvalidDefinition",
		"runner StartExecution default state-machine/pass ok",
		"runner StartExecution shop state-machine/none StateMachineDoesNotExist",
		"runner DeleteStateMachine default state-machine/pass AccessDenied",
		"runner DescribeStateMachine default state-machine/pass AccessDenied",
		"anonymous DeleteStateMachine default state-machine/pass Unauthenticated",
		"runner SendTaskSuccess default  InvalidToken",
		"reader ListAudit   AccessDenied",
	}
	if strings.Join(got[:len(got)-1], "\n") != strings.Join(want, "\n") {
		t.Errorf("the audit has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	c := &client.Client{Server: s.url, Key: strings.TrimPrefix(admin[1], "Bearer ")}
	page, err := c.Audit(t.Context(), client.AuditFilter{Actor: "runner"}, 2, "")
	if err != nil || len(page.Entries) != 2 || page.NextCursor == "" {
		t.Fatalf("the first page: %+v, %v", page, err)
	}
	next, err := c.Audit(t.Context(), client.AuditFilter{Actor: "runner"}, 10, page.NextCursor)
	if err != nil || len(next.Entries) != 3 || next.NextCursor != "" {
		t.Errorf("the second page: %+v, %v", next, err)
	}
	for _, f := range []client.AuditFilter{
		{Action: "startexecution"},
		{Actor: page.Entries[0].KeyID, Action: "StartExecution", Since: began, Until: time.Now().Add(time.Minute)},
	} {
		if page, err = c.Audit(t.Context(), f, 0, ""); err != nil || len(page.Entries) != 2 {
			t.Errorf("%+v: %+v, %v", f, page, err)
		}
	}
	if page, err = c.Audit(t.Context(), client.AuditFilter{Until: began}, 0, ""); err != nil || len(page.Entries) != 0 {
		t.Errorf("before anything happened: %+v, %v", page, err)
	}
	s.must(http.StatusBadRequest, nil, "GET", "/audit?cursor=x", "", admin...)
}

// TestLoopbackIsAudited checks who is named where no keys are asked for.
func TestLoopbackIsAudited(t *testing.T) {
	s := newServer(t)
	s.deploy("pass", passMachine)
	if e := s.audited(1, access.AuditFilter{}); len(e) != 1 || e[0].Actor != access.Loopback || e[0].Outcome != access.OutcomeOK {
		t.Errorf("recorded %+v", e)
	}
	var page wire.Audit
	s.must(http.StatusOK, &page, "GET", "/audit", "")
	if len(page.Entries) != 1 {
		t.Errorf("got %+v", page)
	}
}
