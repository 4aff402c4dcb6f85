package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

const payYAML = `
QueryLanguage: CEL
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: approval
    TimeoutSeconds: 86400
    Arguments:
      Title: "{% 'Pay ' + states.input.what %}"
      Description: "First line.\nSecond line."
      RequestedBy: grace
      Data: "{% states.input %}"
      Approvers: [ada@example.com, bob, eve]
      Quorum: 2
      ReasonRequired: true
      Form: {type: object, required: [account], properties: {account: {type: string}, limit: {type: integer}}}
    End: true
`

// asked starts an execution that asks and gives the id of its approval.
func (s *shell) asked(name string) string {
	s.t.Helper()
	s.must(exitOK, "start", "pay", "--name", name, "--input", `{"what": "`+name+`"}`)
	for deadline := time.Now().Add(patience); ; {
		if out := s.must(exitOK, "approvals", "list", "--json", "--execution", "pay/"+name).out; out != "" {
			var a wire.Approval
			if err := json.Unmarshal([]byte(out), &a); err != nil {
				s.t.Fatal(err)
			}
			return a.ID
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("pay/%s asks nobody", name)
		}
	}
}

// shows checks that a command line ends well and prints all the parts.
func (s *shell) shows(parts []string, words ...string) string {
	s.t.Helper()
	out := s.must(exitOK, words...).out
	for _, part := range parts {
		if !strings.Contains(out, part) {
			s.t.Errorf("tercel %s lacks %q:\n%s", strings.Join(words, " "), part, out)
		}
	}
	return out
}

// TestApprovalVerbs goes the way of those who decide at a terminal.
func TestApprovalVerbs(t *testing.T) {
	s := newShell(t)
	s.serve()
	if r := s.must(exitOK, "approvals", "list"); r.out != "" || r.err != "No approvals.\n" {
		t.Errorf("of nothing: %q %q", r.out, r.err)
	}
	s.must(exitOK, "deploy", s.write("pay.asl.yaml", payYAML))
	id := s.asked("chair")
	other := s.asked("yacht")

	out := s.shows([]string{"ID", "TITLE", "WAITS FOR", id, "Pay chair", "ada@example.com, bob, eve", "OPEN"}, "approvals", "ls")
	if strings.Index(out, other) > strings.Index(out, id) {
		t.Errorf("the newest is not the first:\n%s", out)
	}
	s.shows([]string{id}, "approvals", "list", "--approver", "ADA@example.com")
	if r := s.must(exitOK, "approvals", "list", "--limit", "1"); strings.Count(r.out, "\n") != 2 || !strings.Contains(r.err, "--limit 0") {
		t.Errorf("one of two: %s%s", r.out, r.err)
	}
	s.shows([]string{
		"approval:      " + id, "title:         Pay chair", "description:   First line.\n               Second line.", "requested by:  grace",
		"execution:     pay/chair, state Ask", "waits for:     ada@example.com, bob, eve", "2 must approve; 1 rejects",
		`{"what":"chair"}`, `"required": [`,
	}, "approvals", "show", id)

	s.must(exitOK, "approvals", "delegate", id, "zoe", "--as", "eve", "-c", "I am away")
	s.shows([]string{"ada@example.com approved", "waits for:     bob, zoe", "handed on:     eve to zoe"},
		"approvals", "approve", id, "--as", "Ada@example.com", "--field", "account=4711", "--field", "limit=7", "--comment", "fine")
	s.in = `{"account": "food"}`
	s.shows([]string{"status:        APPROVED", "bob approved", `"account":"food"`, `"account":"4711"`}, "approvals", "approve", id, "--as", "bob", "--form", "-")
	s.shows([]string{`"decision":"approved"`, `"limit":7`, `"from":"eve","to":"zoe"`}, "watch", "pay/chair", "--json")
	s.shows([]string{"REJECTED", "eve rejected", ": no receipt", `{"limit":"lots"}`},
		"approvals", "reject", other, "--as", "eve", "--comment", "no receipt", "--field", "limit=lots")
	if out := s.shows([]string{id, other}, "approvals", "list", "--status", "approved,rejected"); strings.Contains(out, "OPEN") {
		t.Errorf("some are open:\n%s", out)
	}
	s.shows([]string{id, other}, "approvals", "list", "--all")
	var shown wire.Approval
	if err := json.Unmarshal([]byte(s.must(exitOK, "approvals", "show", id, "--json").out), &shown); err != nil || len(shown.Decisions) != 2 {
		t.Errorf("as JSON it is %+v, %v", shown, err)
	}
}

// TestApprovalVerbsRefuse: every refusal says what is wrong and what to do, and decides nothing.
func TestApprovalVerbsRefuse(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.must(exitOK, "deploy", s.write("pay.asl.yaml", payYAML))
	id, done := s.asked("chair"), s.asked("done")
	s.must(exitOK, "approvals", "reject", done, "--as", "bob", "-c", "no")
	for _, c := range []struct {
		code  int
		words string
		says  string
	}{
		{exitUsage, "approvals aprove", "did you mean approve"},
		{exitUsage, "approvals show", "the usage is: tercel approvals show APPROVAL"},
		{exitUsage, "approvals delegate " + id, "tercel approvals delegate APPROVAL TO"},
		{exitUsage, "approvals list --limit -1", "must not be negative"},
		{exitUsage, "approvals list --all --status open", "exclude each other"},
		{exitInvalid, "approvals list --status opened", "must be some of OPEN"},
		{exitInvalid, "approvals show 7", "tercel approvals list shows them"},
		{exitNotFound, "approvals show " + id + "9", "there is no approval"},
		{exitNotFound, "approvals list --execution pay/nothing", "nothing"},
		{exitInvalid, "approvals approve " + id, "--as NAME"},
		{exitDenied, "approvals approve " + id + " --as mallory --field account=x", `"mallory" is not among those whom the approval asks`},
		{exitInvalid, "approvals approve " + id + " --as bob", `lacks "account"`},
		{exitInvalid, "approvals approve " + id + " --as bob --field account=a --field limit=x", "/limit: must be an integer"},
		{exitInvalid, "approvals approve " + id + " --as bob --form [1]", "must be an object"},
		{exitUsage, "approvals approve " + id + " --as bob --form [1] --field account=x", "--form must be a JSON object"},
		{exitUsage, "approvals approve " + id + " --as bob --field account", "must be NAME=VALUE"},
		{exitNotFound, "approvals approve " + id + " --as bob --form @nothing.json", "nothing.json"},
		{exitInvalid, "approvals reject " + id + " --as bob", "a rejection needs a reason"},
		{exitInvalid, "approvals delegate " + id + " bob --as bob", "to themselves"},
		{exitInvalid, "approvals delegate " + id + " eve --as bob", "eve is asked already"},
		{exitDenied, "approvals delegate " + id + " zoe --as mallory", "not among those"},
		{exitFailure, "approvals approve " + done + " --as eve --field account=x", "It was rejected on"},
		{exitUsage, "approvals link " + id, "with --as"},
		{exitDenied, "approvals link " + id + " --as mallory", "ada@example.com, bob, eve"},
	} {
		r := s.run(strings.Fields(c.words)...)
		if r.code != c.code || !strings.Contains(r.err, c.says) || r.out != "" {
			t.Errorf("tercel %s: exit code %d, want %d, and %q:\n%s%s", c.words, r.code, c.code, c.says, r.out, r.err)
		}
	}
	s.shows([]string{"ada@example.com, bob, eve", "OPEN"}, "approvals", "show", id)
}

// TestApprovalLinkVerb: the link that it prints opens the page.
func TestApprovalLinkVerb(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.must(exitOK, "deploy", s.write("pay.asl.yaml", payYAML))
	id := s.asked("chair")
	link := strings.TrimSpace(s.must(exitOK, "approvals", "link", id, "--as", "ADA@example.com").out)
	var again wire.Link
	if err := json.Unmarshal([]byte(s.must(exitOK, "approvals", "link", id, "--as", "bob", "--json").out), &again); err != nil || again.URL == link {
		t.Errorf("as JSON: %+v, %v", again, err)
	}
	_, token, ok := strings.Cut(link, engine.ApprovalPath)
	if !ok {
		t.Fatalf("the link is %q", link)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["TERCEL_SERVER"]+engine.ApprovalPath+token, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var page bytes.Buffer
	if _, err := page.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(page.String(), "You are asked as ada@example.com") {
		t.Errorf("the page: %d, %v\n%s", answer.StatusCode, err, &page)
	}
}
