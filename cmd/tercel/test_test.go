package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/golden"
)

const (
	askYAML = `QueryLanguage: CEL
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: function:ask
    Arguments: {n: "{% states.input.n %}"}
    TimeoutSeconds: 5
    Retry: [{ErrorEquals: [Busy], IntervalSeconds: 2}]
    Assign: {answer: "{% states.result %}"}
    Next: Large
  Large:
    Type: Choice
    Choices: [{Condition: "{% answer > 100 %}", Next: Rest}]
    Default: Each
  Rest: {Type: Wait, Seconds: 31536000, Next: Each}
  Each:
    Type: Map
    Items: [1, 2]
    ItemSelector: "{% states.context.Map.Item.Value + 1 %}"
    ItemProcessor:
      StartAt: Work
      States:
        Work: {Type: Task, Resource: "function:work.waitForTaskToken", End: true}
    Catch: [{ErrorEquals: [Gone], Next: Sorry}]
    End: true
  Sorry: {Type: Fail, Error: Sorry, Cause: "{% string(answer / 0) %}"}
`
	askCases = `mocks:
  Ask: {result: 1}
  Work: {token: {result: done, delay: 1h}}
cases:
  - name: fine
    input: {n: 1}
    mocks: {Ask: [{error: Busy}, {result: 101}]}
    expect: {path: [Ask, Large, Rest, Each: {each: [Work]}], output: [done, done]}
  - name: wrong
    input: {n: 1}
    expect: {output: [done, gone], path: [Ask, Large, Rest]}
`
)

// askProject writes a definition with cases, and goes to their folder.
func askProject(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ask.asl.yaml": askYAML, "ask.test.yaml": askCases, "sub/other.test.yaml": "definition: ../ask.asl.yaml\ncases: []\n",
		".hidden/x.test.yaml": "broken", "node_modules/x.test.yaml": "broken",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestTestPrints(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	askProject(t)
	failing := s.must(exitUnsuccessful, "test", "--junit", "report.xml")
	report, err := os.ReadFile("report.xml")
	if err != nil {
		t.Fatal(err)
	}
	asJSON := s.must(exitUnsuccessful, "test", "--json")
	passing := s.must(exitOK, "test", ".", "--run", "^fine$")
	low := s.must(exitUnsuccessful, "test", "sub", "--coverage-min", "50.5")
	if err := os.WriteFile("bad.test.yaml", []byte("definition: ask.asl.yaml\ncases: [{name: a, inptu: 1}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	invalid := s.must(exitInvalid, "test", "bad.test.yaml", "--junit", "bad.xml")
	bad, err := os.ReadFile("bad.xml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	golden.Compare(t, "testdata/test-failing.txt", failing.out)
	golden.Compare(t, "testdata/test-passing.txt", passing.out)
	golden.Compare(t, "testdata/test-low.txt", low.out+low.err)
	golden.Compare(t, "testdata/test-invalid.txt", invalid.out)
	golden.Compare(t, "testdata/test-junit.xml", string(report))
	if !jsonLines(asJSON.out) || strings.Count(asJSON.out, "\n") != 1 {
		t.Errorf("--json printed %s", asJSON.out)
	}
	var r testReport
	if err := json.Unmarshal([]byte(asJSON.out), &r); err != nil || r.Passed != 1 || r.Failed != 1 || len(r.Files) != 2 ||
		len(r.Files[0].Cases[1].Failures) != 2 || len(r.Coverage) != 1 {
		t.Errorf("--json printed %s: %v", asJSON.out, err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(bad, &suites); err != nil || suites.Errors != 1 || suites.Suites[0].Cases[0].Error == nil {
		t.Errorf("the report of an invalid file is %s: %v", bad, err)
	}
}

func TestTestExitCodes(t *testing.T) {
	s := newShell(t)
	askProject(t)
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		code    int
		words   string
		message string
	}{
		{exitUsage, "test --run (", "no regular expression"},
		{exitUsage, "test --coverage-min 101", "from 0 to 100"},
		{exitUsage, "test --coverage-min 90 --run a", "is about all cases"},
		{exitUsage, "test --watch --json", "exclude each other"},
		{exitNotFound, "test nowhere", "there is no file or folder nowhere"},
		{exitNotFound, "test empty", "there is no *.test.yaml in empty"},
		{exitNotFound, "test --run nothing", "no case was run"},
		{exitUsage, "run", "which definition?"},
		{exitUsage, "run ask.asl.yaml --case x", "--case needs --mock-file"},
		{exitUsage, "run ask.asl.yaml --mock Ask", "write STATE=JSON"},
		{exitUsage, "run ask.asl.yaml --mock Ask={", "the result of Ask is not valid JSON"},
		{exitUsage, "run ask.asl.yaml --mock Asc=1", `did you mean "Ask"?`},
		{exitUsage, "run ask.asl.yaml --mock Large=1", "its tasks are Ask, Work"},
		{exitUsage, "run ask.asl.yaml --start now", "2026-01-31T12:00:00Z"},
		{exitNotFound, "run nothing.yaml", "nothing.yaml"},
		{exitNotFound, "run --mock-file ask.test.yaml", "which case of ask.test.yaml?"},
		{exitNotFound, "run --mock-file ask.test.yaml --case x", `there is no case "x"`},
		{exitInvalid, "run ask.asl.yaml --input {", "line 1"},
		{exitFailure, `run ask.asl.yaml --input {"n":1}`, "add --mock 'Ask={...}'\nIt invokes function:ask with {\"n\":1}"},
		{exitUnsuccessful, `run ask.asl.yaml -q --input {"n":1} --mock-error Ask=Broken:by-me`, "FAILED: Broken: by-me"},
		{exitUnsuccessful, "run ask.asl.yaml -q", "QueryEvaluationError"},
		{exitOK, "run --mock-file ask.test.yaml --case fine -q", ""},
		{exitOK, "run --mock-file ask.test.yaml --case wrong --mock Ask=5 --mock Work=7 --seed 3 --max-states 99 --json", ""},
	} {
		r := s.run(strings.Fields(test.words)...)
		if r.code != test.code || !strings.Contains(r.err, test.message) {
			t.Errorf("tercel %s: exit code %d, want %d\n%s%s", test.words, r.code, test.code, r.out, r.err)
		}
		if test.code == exitOK && !jsonLines(r.out) {
			t.Errorf("tercel %s printed\n%s", test.words, r.out)
		}
	}
}

func TestRunPrints(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	askProject(t)
	good := s.must(exitOK, "run", "--mock-file", "ask.test.yaml", "--case", "fine", "--trace")
	bad := s.must(exitUnsuccessful, "run", "ask.asl.yaml", "--input", `{"n": 1}`, "--start", "2030-01-01T00:00:00Z",
		"--mock-error", "Ask=Busy: later", "--mock", "Ask=3", "--mock-error", "Work=Gone")
	t.Chdir(here)
	golden.Compare(t, "testdata/run-trace.txt", good.out)
	golden.Compare(t, "testdata/run-failed.txt", bad.out)
}

// TestTestWatch changes a case file under the eyes of test --watch.
func TestTestWatch(t *testing.T) {
	s := newShell(t)
	askProject(t)
	out := &lockedBuffer{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan int)
	go func() {
		done <- run(ctx, []string{"test", "ask.test.yaml", "--watch"}, environment{
			in: strings.NewReader(""), out: out, err: out, getenv: func(name string) string { return s.env[name] },
		})
	}()
	out.await(t, "1 passed, 1 failed")
	out.await(t, "Watching 2 files")
	if err := os.WriteFile("ask.test.yaml", []byte(strings.Replace(askCases, "gone], path: [Ask, Large, Rest]", "done]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out.await(t, "2 passed, 0 failed")
	if err := os.WriteFile("ask.asl.yaml", []byte(strings.Replace(askYAML, "Next: Large", "Next: Lagre", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out.await(t, `leads to the state "Lagre"`)
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("ended with %d\n%s", code, out)
	}
}

// lockedBuffer is output that a test waits for while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *lockedBuffer) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(b.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %q in vain:\n%s", text, b)
		}
	}
}
