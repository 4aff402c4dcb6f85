package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/backtest"
)

const backtestOld = `
QueryLanguage: CEL
StartAt: Each
States:
  Each:
    Type: Map
    Items: "{% states.input.items %}"
    ItemProcessor:
      StartAt: Price
      States:
        Price:
          Type: Task
          Resource: function:price
          Retry: [{ErrorEquals: [Busy], IntervalSeconds: 1, MaxAttempts: 3}]
          Assign: {id: "{% uuid() %}"}
          Output: {price: "{% states.result %}", id: "{% uuid() %}"}
          End: true
    Assign: {sum: "{% sum(states.result.map(r, r.price)) %}"}
    Next: Large
  Large:
    Type: Choice
    Choices: [{Condition: "{% sum > 10 %}", Next: Refuse}]
    Default: Both
  Both:
    Type: Parallel
    Branches:
      - {StartAt: Left, States: {Left: {Type: Task, Resource: "function:echo", Arguments: left, End: true}}}
      - {StartAt: Right, States: {Right: {Type: Pass, Output: right, End: true}}}
    Output: {sum: "{% sum %}", both: "{% states.result %}"}
    End: true
  Refuse: {Type: Fail, Error: TooMuch}
`

// TestBacktest runs executions for real, with a function that fails at first, and holds definitions against them.
func TestBacktest(t *testing.T) {
	s := newShell(t)
	eng := s.serve()
	registerPrices(eng)
	s.must(0, "deploy", "--name", "prices", s.write("prices.asl.yaml", backtestOld))
	for name, input := range map[string]string{"small": `{"items":[1,2,3]}`, "busy": `{"items":[-4,5]}`} {
		s.must(0, "start", "prices", "--name", name, "--input", input, "--wait")
	}
	s.must(5, "start", "prices", "--name", "large", "--input", `{"items":[6,7]}`, "--wait")

	same := s.must(0, "backtest", s.write("same.asl.yaml", backtestOld), "--against", "prices", "--strict")
	if want := "3 executions of prices: 3 the same, 0 different, 0 not replayed\n"; same.out != want {
		t.Errorf("the deployed definition against its own executions:\n%s%s", same.out, same.err)
	}

	changed := strings.NewReplacer("sum > 10", "sum > 7", "MaxAttempts: 3", "MaxAttempts: 0").Replace(backtestOld)
	file := s.write("changed.asl.yaml", changed)
	var report backtestReport
	if err := json.Unmarshal([]byte(s.must(1, "backtest", file, "--against", "prices", "--json").out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Same != 2 || report.Differ != 1 || len(report.Executions) != 3 {
		t.Fatalf("got %+v", report)
	}
	for _, x := range report.Executions {
		if x.Name != "prices/busy" {
			continue
		}
		if x.Verdict != backtest.Differs || x.Replayed == nil || x.Replayed.Status != "FAILED" || *x.Replayed.Error != "Busy" ||
			x.First == nil || x.First.State != "Price[0]" || x.Recorded.Path != "Each{2 x Price} > Large > Both{Left | Right}" {
			t.Errorf("got %+v, first at %+v", x, x.First)
		}
	}
	if r := s.must(0, "backtest", file, "--against", "prices", "--status", "failed"); !strings.HasPrefix(r.out, "1 execution of prices: 1 the same") {
		t.Errorf("those that failed: %s", r.out)
	}

	more := strings.Replace(backtestOld, "StartAt: Each\n", "StartAt: New\n", 1) +
		"  New: {Type: Task, Resource: \"function:new\", Output: \"{% states.input %}\", Next: Each}\n"
	file = s.write("more.asl.yaml", more)
	r := s.must(0, "backtest", file, "--against", "prices", "--last", "2")
	if !strings.Contains(r.out, "2 executions of prices: 0 the same, 0 different, 2 not replayed") ||
		!strings.Contains(r.out, "it calls New, which the recorded execution never did") {
		t.Errorf("a task without a record: %s", r.out)
	}
	s.must(1, "backtest", file, "--against", "prices", "--strict")
	r = s.must(1, "backtest", file, "--against", "prices", "--mock", "New=1", "--show", "1")
	if !strings.Contains(r.out, "3 different") || !strings.Contains(r.out, "path    New comes first, in the record Each") ||
		!strings.Contains(r.out, "and 2 more; see them with --show 0") {
		t.Errorf("with a mock: %s", r.out)
	}
}

func TestBacktestUsage(t *testing.T) {
	s := newShell(t)
	file := s.write("same.asl.yaml", backtestOld)
	s.must(exitUsage, "backtest", file)
	s.must(exitUsage, "backtest", file, "--against", "x", "--last", "-1")
	s.must(exitUsage, "backtest", file, "--against", "x", "--status", "running")
	s.must(exitUsage, "backtest", file, "--against", "x", "--tolerance", "-1s")
	s.serve()
	s.must(exitNotFound, "backtest", file, "--against", "x")
	s.must(0, "deploy", "--name", "x", file)
	if r := s.must(0, "backtest", file, "--against", "x"); !strings.Contains(r.err, "x has no such executions") {
		t.Error(r.err)
	}
	s.must(exitInvalid, "backtest", s.write("bad.asl.yaml", "StartAt: A\n"), "--against", "x")
	s.must(exitNotFound, "backtest", filepath.Join(t.TempDir(), "none.yaml"), "--against", "x")
	s.must(exitUsage, "backtest", file, "--against", "x", "--mock", "Prize=1")
}

// TestBacktestExpress replays executions whose history was not kept, as far as that goes.
func TestBacktestExpress(t *testing.T) {
	s := newShell(t)
	s.serve()
	pass := "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Pass, Output: \"{% states.input.n + 1 %}\", End: true}\n"
	s.must(0, "deploy", "--name", "quick", "--type", "EXPRESS", s.write("quick.asl.yaml", pass))
	s.must(0, "start", "quick", "--sync", "--input", `{"n": 1}`)
	s.must(0, "backtest", s.write("same.asl.yaml", pass), "--against", "quick", "--strict")
	r := s.must(1, "backtest", s.write("other.asl.yaml", strings.Replace(pass, "+ 1", "+ 2", 1)), "--against", "quick")
	if !strings.Contains(r.out, "output  3, in the record 2") {
		t.Error(r.out)
	}
	r = s.must(0, "backtest", s.write("task.asl.yaml",
		"QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Task, Resource: \"function:echo\", End: true}\n"), "--against", "quick")
	if !strings.Contains(r.out, "it calls A, and the history of the recorded execution was not kept") {
		t.Error(r.out)
	}
}

// registerPrices registers a function that gives a number back, and fails the first two times for one below zero.
func registerPrices(eng *engine.Engine) {
	var mu sync.Mutex
	failed := 0
	eng.RegisterFunc("price", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		var n int
		if err := json.Unmarshal(in, &n); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if n < 0 && failed < 2 {
			failed++
			return nil, &invoke.TaskError{Name: "Busy", Cause: "try later"}
		}
		return n, nil
	})
}
