package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

const approvalMachine = `
QueryLanguage: CEL
StartAt: A
States:
  A:
    Type: Task
    Resource: approval
    TimeoutSeconds: 86400
    Arguments:
      Title: Pay the bill
      RequestedBy: "{% states.input.who %}"
      Data: "{% states.input %}"
      Approvers: [ada, bob]
      Quorum: 2
      ReasonRequired: true
      Form: {type: object, required: [account], properties: {account: {type: string}}}
    End: true
`

// TestApprovals: the routes of approvals, with what they refuse.
func TestApprovals(t *testing.T) {
	s := newServer(t)
	s.deploy("pay", approvalMachine)
	id := s.start("pay", `{"who": "eve", "amount": 12}`)
	var list wire.ApprovalList
	s.must(http.StatusOK, &list, http.MethodGet, "/approvals?approver=ada&status=open&execution="+id, "")
	if len(list.Approvals) != 1 {
		t.Fatalf("the list has %+v", list)
	}
	a := list.Approvals[0]
	if a.Title != "Pay the bill" || a.RequestedBy != "eve" || a.Execution != id || a.Deadline == nil || len(a.Waiting) != 2 {
		t.Errorf("the list has %+v", a)
	}
	s.must(http.StatusOK, &a, http.MethodGet, "/approvals/"+a.ID, "")
	path := "/approvals/" + a.ID
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code, says         string
	}{
		"no decision":      {"POST", path + "/decide", `{"as": "ada"}`, 400, "ValidationException", "approve or reject"},
		"nobody":           {"POST", path + "/decide", `{"decision": "approve"}`, 400, "ValidationException", "--as"},
		"not asked":        {"POST", path + "/decide", `{"decision": "approve", "as": "eve"}`, 403, "NotAnApprover", "not among those"},
		"a bad form":       {"POST", path + "/decide", `{"decision": "approve", "as": "ada", "form": {"account": 1}}`, 400, "InvalidForm", "/account"},
		"no reason":        {"POST", path + "/decide", `{"decision": "reject", "as": "ada"}`, 400, "ValidationException", "reason"},
		"an unknown field": {"POST", path + "/decide", `{"as_whom": "approve"}`, 400, "ValidationException", "as"},
		"to oneself":       {"POST", path + "/delegate", `{"as": "ada", "to": "ada"}`, 400, "ValidationException", "themselves"},
		"to nobody":        {"POST", path + "/delegate", `{"as": "ada"}`, 400, "ValidationException", "empty"},
		"no id":            {"GET", "/approvals/x", "", 400, "ValidationException", "approvals list"},
		"no approval":      {"GET", "/approvals/" + id + "-99", "", 404, "ApprovalDoesNotExist", "no approval"},
		"a bad status":     {"GET", "/approvals?status=waiting", "", 400, "ValidationException", "OPEN"},
		"a bad cursor":     {"GET", "/approvals?cursor=waiting", "", 400, "ValidationException", "nextCursor"},
		"a link of nobody": {"POST", path + "/links", `{"as": "eve"}`, 403, "NotAnApprover", "ada, bob"},
		"another space":    {"GET", path + "?namespace=other", "", 404, "ApprovalDoesNotExist", "other"},
		"bad SMTP":         {"PUT", "/notifications", `{"smtp": {"host": "x", "from": "nobody"}}`, 400, "ValidationException", "from"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.do(c.method, c.path, c.body)
			if p := got.problem(t); got.status != c.status || p.Code != c.code || !strings.Contains(p.Message, c.says) {
				t.Errorf("%d %s: %s", got.status, p.Code, p.Message)
			}
		})
	}
	var link wire.Link
	s.must(http.StatusCreated, &link, http.MethodPost, path+"/links", `{"as": "ada"}`)
	if !strings.HasPrefix(link.URL, "http://localhost:8083/approve/") {
		t.Errorf("the link is %s", link.URL)
	}
	s.must(http.StatusOK, nil, http.MethodPost, path+"/delegate", `{"as": "bob", "to": "zoe", "comment": "away"}`)
	s.must(http.StatusOK, nil, http.MethodPost, path+"/decide", `{"as": "zoe", "decision": "approve", "form": {"account": "x"}}`)
	got := s.do(http.MethodPost, path+"/decide", `{"as": "zoe", "decision": "approve", "form": {"account": "x"}}`)
	if p := got.problem(t); got.status != http.StatusConflict || p.Code != "AlreadyDecided" {
		t.Errorf("a second decision: %d %+v", got.status, p)
	}
	s.must(http.StatusOK, &a, http.MethodPost, path+"/decide", `{"as": "ada", "decision": "reject", "comment": "no"}`)
	if a.Status != "REJECTED" || len(a.Decisions) != 2 || len(a.Delegations) != 1 {
		t.Errorf("in the end: %+v", a)
	}
	got = s.do(http.MethodPost, path+"/decide", `{"as": "ada", "decision": "approve"}`)
	if p := got.problem(t); got.status != http.StatusConflict || p.Code != "ApprovalSettled" || !strings.Contains(p.Message, "rejected") {
		t.Errorf("a late decision: %d %+v", got.status, p)
	}
	if x := s.end(id); !strings.Contains(string(x.Output), `"decision":"rejected"`) {
		t.Errorf("the output is %s", x.Output)
	}
	var page wire.History
	s.must(http.StatusOK, &page, http.MethodGet, "/executions/"+id+"/history", "")
	told := 0
	for _, e := range page.Events {
		if strings.HasPrefix(e.Type, "Approval") && len(e.Details.Approval) > 0 && e.Extra {
			told++
		}
	}
	if told != 4 {
		t.Errorf("the history tells of %d events of the approval", told)
	}
	s.must(http.StatusOK, nil, http.MethodPut, "/notifications", `{"webhook": {"url": "http://localhost:1/x"}}`)
	s.must(http.StatusOK, nil, http.MethodGet, "/notifications", "")
}

// TestApprovalsByKey: a key decides by its name; as somebody else only with the scope admin, and that is noted.
func TestApprovalsByKey(t *testing.T) {
	s := newServerWith(t, access.Config{Exposed: true})
	key := func(name string, scopes ...access.Scope) string {
		made, err := s.access.Create(t.Context(), access.NewKey{Name: name, Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + made.Secret
	}
	admin, ada, reader := key("root", access.Admin), key("ada", access.Decide, access.Read), key("eve", access.Read)
	s.client.Key = strings.TrimPrefix(admin, "Bearer ")
	s.deploy("pay", strings.Replace(approvalMachine, "ReasonRequired: true", "ReasonRequired: false", 1))
	id := s.start("pay", `{"who": "eve"}`)
	path := "/approvals/" + id + "-1"
	approve := func(who, as string) answer {
		return s.do(http.MethodPost, path+"/decide", `{"decision": "approve", "form": {"account": "x"}`+as+`}`, "Authorization", who)
	}
	s.must(http.StatusOK, nil, http.MethodGet, path, "", "Authorization", reader)
	if got := approve(reader, ""); got.status != http.StatusForbidden {
		t.Errorf("without the scope decide: %d %s", got.status, got.body)
	}
	if got := approve(ada, `, "as": "bob"`); got.status != http.StatusForbidden || !strings.Contains(string(got.body), "admin") {
		t.Errorf("as somebody else: %d %s", got.status, got.body)
	}
	if got := s.do(http.MethodPost, path+"/links", `{"as": "bob"}`, "Authorization", ada); got.status != http.StatusForbidden {
		t.Errorf("a link for somebody else: %d %s", got.status, got.body)
	}
	if got := approve(ada, ""); got.status != http.StatusOK {
		t.Errorf("by one's own key: %d %s", got.status, got.body)
	}
	got := approve(admin, `, "as": "bob"`)
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"actor":"root"`) {
		t.Errorf("as somebody else, by an admin: %d %s", got.status, got.body)
	}
}
