package approve_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
)

const definition = `
QueryLanguage: CEL
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: approval
    TimeoutSeconds: 172800
    Arguments:
      Title: "Expense: flight & hotel in <Lisbon>"
      Description: "Two nights for the fair.\nThe budget of the team covers it."
      RequestedBy: grace@example.com
      Data: "{% states.input %}"
      Approvers: [ada@example.com, bob@example.com]
      Quorum: 2
      ReasonRequired: true
      Form:
        type: object
        required: [account, limit]
        additionalProperties: false
        properties:
          account: {type: string, enum: [travel, marketing], title: Account}
          limit: {type: number, minimum: 1, maximum: 5000, description: The most that may be spent}
          nights: {type: integer, minimum: 1}
          payBy: {type: string, format: date}
          notes: {type: string, format: textarea, maxLength: 500}
          inAdvance: {type: boolean, title: Pay in advance}
          teams: {type: array, items: {enum: [red, blue]}}
    End: true
`

const small = `
QueryLanguage: CEL
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: approval
    Comment: some
    Arguments: {Title: A small one, Approvers: ada@example.com}
    End: true
`

// site is the page of a real engine.
type site struct {
	t      *testing.T
	engine *engine.Engine
	url    string
}

func newSite(t *testing.T) *site {
	t.Helper()
	e, err := engine.New(engine.Config{Store: storetest.Open(t), ParkAfter: -1, LinkTTL: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web.NewRouter(web.Config{Engine: e, LoopbackOnly: true}))
	t.Cleanup(func() {
		server.Close()
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for name, text := range map[string]string{"expense": definition, "late": "TimeoutSeconds: 1", "endless": "Comment: its links expire at once"} {
		if name != "expense" {
			text = strings.Replace(small, "Comment: some", text, 1)
		}
		if _, err := e.Deploy(t.Context(), engine.DeployRequest{Name: name, File: name + ".yaml", Definition: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	return &site{t, e, server.URL}
}

// ask starts an execution and gives its approval with the links of both approvers.
func (s *site) ask() (engine.Execution, string, string) {
	s.t.Helper()
	x, _, err := s.engine.StartExecution(s.t.Context(), engine.StartRequest{StateMachine: "expense", Input: []byte(
		`{"amount": 1240.50, "currency": "EUR", "lines": [{"what": "flight", "cost": 740.5}, {"what": "hotel", "cost": 500}], "receipts": ["r1.pdf", "r2.pdf"]}`)})
	if err != nil {
		s.t.Fatal(err)
	}
	return x, s.link(x.ID, "ada@example.com"), s.link(x.ID, "bob@example.com")
}

func (s *site) link(x uuid.UUID, approver string) string {
	s.t.Helper()
	link, err := s.engine.ApprovalLink(s.t.Context(), "", x.String()+"-1", approver)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.url + u.Path
}

// request gives the status and the text of an answer. Redirects are followed, as a browser does.
func (s *site) request(method, link string, form url.Values) (int, string, http.Header) {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, link, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func (s *site) decisions(x uuid.UUID) int {
	s.t.Helper()
	a, err := s.engine.Approval(s.t.Context(), "", x.String()+"-1")
	if err != nil {
		s.t.Fatal(err)
	}
	return len(a.Decisions) + len(a.Delegations)
}

func (s *site) contains(text string, parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.t.Errorf("the page lacks %q:\n%s", part, text)
		}
	}
}

// TestPage: two people decide by their links; what they typed wrongly is said beside it and stays.
func TestPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x, ada, bob := s.ask()
	status, text, header := s.request(http.MethodGet, ada, nil)
	if status != http.StatusOK || strings.Contains(text, "<script") || strings.Contains(text, "<Lisbon>") {
		t.Errorf("the page, %d: %s", status, text)
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %q", csp)
	}
	if header.Get("Cache-Control") != "no-store" {
		t.Error("the page may be kept")
	}
	s.contains(text, "Expense: flight &amp; hotel in &lt;Lisbon&gt;", "grace@example.com", "1240.50", "r1.pdf, r2.pdf", "Pay in advance",
		`type="date"`, `type="number"`, "2 of 2 asked must approve", `name="viewport"`)
	s.keep("page", text)

	status, text, _ = s.request(http.MethodPost, ada, url.Values{
		"decision": {"approve"}, "field.0": {`"travel"`}, "field.1": {"9000"}, "field.2": {"two"}, "field.4": {"keep <this>"}, "comment": {"and this"},
	})
	if status != http.StatusUnprocessableEntity || s.decisions(x.ID) != 0 {
		t.Errorf("a form that does not fit: %d", status)
	}
	s.contains(text, "must be at most 5000", "Please write a number.", "keep &lt;this&gt;", "and this", `value="9000"`, `value="&#34;travel&#34;" selected`)
	s.keep("wrong", text)
	status, text, _ = s.request(http.MethodPost, ada, url.Values{"decision": {"approve"}})
	s.contains(text, "Please fill this in.")
	if status != http.StatusUnprocessableEntity {
		t.Errorf("an empty form: %d", status)
	}
	status, text, _ = s.request(http.MethodPost, ada, url.Values{"decision": {"reject"}})
	s.contains(text, "Please say why.")
	if status != http.StatusUnprocessableEntity {
		t.Errorf("a rejection without a reason: %d", status)
	}

	status, text, _ = s.request(http.MethodPost, bob, url.Values{"decision": {"delegate"}, "to": {"bob@example.com"}})
	if status != http.StatusUnprocessableEntity {
		t.Errorf("to oneself: %d", status)
	}
	s.contains(text, "themselves", `<details class="card" id="delegate" open>`)
	status, text, _ = s.request(http.MethodPost, bob, url.Values{"decision": {"delegate"}, "to": {"zoe@example.com"}, "comment": {"away"}})
	if status != http.StatusOK {
		t.Errorf("handed on: %d", status)
	}
	s.contains(text, "You handed this decision on to zoe@example.com")
	status, _, _ = s.request(http.MethodPost, bob, url.Values{"decision": {"reject"}, "comment": {"x"}})
	if status != http.StatusForbidden {
		t.Errorf("who handed it on decides: %d", status)
	}
	good := url.Values{
		"decision": {"approve"}, "field.0": {`"travel"`}, "field.1": {"1300,50"}, "field.2": {"2"}, "field.3": {"2026-03-01"},
		"field.4": {"one\r\ntwo"}, "field.5": {"true"}, "field.6": {`"red"`, `"blue"`}, "comment": {"fine"},
	}
	status, text, _ = s.request(http.MethodPost, ada, good)
	if status != http.StatusOK {
		t.Errorf("a decision: %d %s", status, text)
	}
	s.contains(text, "Thank you. You approved this", "zoe@example.com")
	s.keep("decided", text)
	if status, _, _ = s.request(http.MethodPost, ada, good); status != http.StatusConflict || s.decisions(x.ID) != 2 {
		t.Errorf("a second decision: %d", status)
	}
	status, text, _ = s.request(http.MethodPost, s.link(x.ID, "zoe@example.com"), good)
	if status != http.StatusOK {
		t.Errorf("the last decision: %d", status)
	}
	s.contains(text, "It was approved on")
	status, text, _ = s.request(http.MethodPost, ada, good)
	if status != http.StatusConflict {
		t.Errorf("after the end: %d", status)
	}
	s.contains(text, "This changed nothing.", "It was approved")
	done, err := s.engine.Wait(t.Context(), x.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.contains(done.Output.String(), `"form":{"account":"travel","limit":1300.50,"nights":2,"payBy":"2026-03-01","notes":"one\ntwo","inAdvance":true,"teams":["red","blue"]}`)
}

// TestScanner: a thousand GETs and HEADs decide nothing.
func TestScanner(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x, ada, _ := s.ask()
	for i := range 1000 {
		method, link := http.MethodGet, ada
		if i%3 == 0 {
			method = http.MethodHead
		}
		if i%2 == 0 {
			link += "?decision=approve&field.0=%22travel%22&field.1=5"
		}
		if status, _, _ := s.request(method, link, nil); status != http.StatusOK {
			t.Fatalf("%s: %d", method, status)
		}
	}
	if n := s.decisions(x.ID); n != 0 {
		t.Errorf("%d decisions came of it", n)
	}
}

// TestLostLinks: what leads nowhere says so, and never with a 500.
func TestLostLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	x, ada, bob := s.ask()
	for name, c := range map[string]struct {
		method, link string
		form         url.Values
		status       int
		says         string
	}{
		"altered":     {http.MethodGet, ada[:len(ada)-1] + "_", nil, 404, "leads nowhere"},
		"forged":      {http.MethodPost, s.url + "/approve/abc", url.Values{"decision": {"approve"}}, 404, "not the link"},
		"no button":   {http.MethodPost, ada, url.Values{}, 400, "Press one of the buttons"},
		"large":       {http.MethodPost, ada, url.Values{"decision": {"reject"}, "comment": {strings.Repeat("x", 2<<20)}}, 400, "too large"},
		"long reason": {http.MethodPost, ada, url.Values{"decision": {"reject"}, "comment": {strings.Repeat("x", 9000)}}, 422, "at most 8192"},
	} {
		t.Run(name, func(t *testing.T) {
			status, text, _ := s.request(c.method, c.link, c.form)
			if status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%d: %s", status, text)
			}
		})
	}
	if _, err := s.engine.StopExecution(t.Context(), x.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	status, text, _ := s.request(http.MethodGet, bob, nil)
	s.contains(text, "nobody waits for it any more")
	if status != http.StatusOK || strings.Contains(text, "<button") {
		t.Errorf("after the end: %d %s", status, text)
	}
	s.keep("cancelled", text)
}

// TestRejectionKeepsTheForm: what was filled in is part of a rejection, whether it fits or not; nothing stands for nothing.
func TestRejectionKeepsTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"half filled in": {
			url.Values{"field.0": {`"travel"`}, "field.1": {"lots"}, "field.2": {"3"}, "field.4": {" a note "}, "field.6": {`"red"`}},
			`{"account":"travel","limit":"lots","nights":3,"notes":" a note ","teams":["red"]}`,
		},
		"nothing":         {url.Values{"field.0": {""}, "field.1": {" "}}, ""},
		"not its options": {url.Values{"field.0": {`"yacht"`}, "field.6": {`"green"`}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x, ada, _ := s.ask()
			c.form.Set("decision", "reject")
			status, text, _ := s.request(http.MethodPost, ada, c.form) // without the reason that it takes
			if status != http.StatusUnprocessableEntity || strings.Contains(text, "Please write a number") {
				t.Errorf("without a reason: %d %s", status, text)
			}
			if typed := c.form.Get("field.1"); !strings.Contains(text, fmt.Sprintf("value=%q", typed)) {
				t.Errorf("what was typed, %q, is lost: %s", typed, text)
			}
			c.form.Set("comment", "no")
			if status, text, _ = s.request(http.MethodPost, ada, c.form); status != http.StatusOK {
				t.Errorf("with a reason: %d %s", status, text)
			}
			a, err := s.engine.Approval(t.Context(), "", x.ID.String()+"-1")
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Decisions) != 1 || string(a.Decisions[0].Form) != c.want {
				t.Errorf("the inbox has %+v, want the form %s", a.Decisions, c.want)
			}
			done, err := s.engine.Wait(t.Context(), x.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(done.Output.String(), `"form"`); got != (c.want != "") || !strings.Contains(done.Output.String(), c.want) {
				t.Errorf("the output is %s, want the form %s", done.Output, c.want)
			}
		})
	}
}

// keep writes a page to the folder that APPROVE_PAGES names, to be looked at in a browser.
func (s *site) keep(name, text string) {
	if folder := os.Getenv("APPROVE_PAGES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.html", name)), []byte(text), 0o600); err != nil {
			s.t.Error(err)
		}
	}
}
