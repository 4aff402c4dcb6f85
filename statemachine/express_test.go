package statemachine_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestExpressRefusals: what an Express execution cannot do is found at the deploy, with its place.
func TestExpressRefusals(t *testing.T) {
	const definition = `{"QueryLanguage": "CEL", "StartAt": "P", "TimeoutSeconds": 301, "States": {
  "P": {"Type": "Parallel", "Next": "W", "Branches": [
    {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:a.waitForTaskToken", "End": true}}},
    {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": true}}},
    {"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:c", "End": true}}},
    {"StartAt": "D", "States": {"D": {"Type": "Task", "Resource": "function:d", "End": true}}}]},
  "W": {"Type": "Wait", "Seconds": 300, "Next": "M"},
  "M": {"Type": "Map", "End": true, "ItemProcessor": {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
    "StartAt": "E", "States": {"E": {"Type": "Pass", "End": true}}}}}}`
	m, list := statemachine.CompileExpress("m.json", []byte(definition))
	if m != nil {
		t.Error("it compiles")
	}
	var got []string
	for _, d := range list {
		got = append(got, d.String())
	}
	want := `
m.json:1:60: warning: TimeoutSeconds is 301, but an execution of the type EXPRESS ends with States.Timeout after 300 seconds [EXPRESS_TOO_LONG]
m.json:3:67: error: .waitForTaskToken is not there in a state machine of the type EXPRESS [NOT_SUPPORTED_BY_EXPRESS]
m.json:4:67: error: .sync:2 is not there in a state machine of the type EXPRESS [NOT_SUPPORTED_BY_EXPRESS]
m.json:5:67: error: activities are not there in a state machine of the type EXPRESS [NOT_SUPPORTED_BY_EXPRESS]
m.json:7:36: warning: the state waits for 300 seconds, but an execution of the type EXPRESS ends with States.Timeout after 300 seconds [EXPRESS_TOO_LONG]
m.json:8:8: error: a distributed Map is not there in a state machine of the type EXPRESS [NOT_SUPPORTED_BY_EXPRESS]`
	if text := "\n" + strings.Join(got, "\n"); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if m, list := statemachine.Compile("m.json", []byte(definition)); m == nil {
		t.Errorf("as STANDARD it does not compile: %v", list)
	}
}

// TestExpressTimeout: an Express execution has five minutes, or what its definition gives it, if that is less.
func TestExpressTimeout(t *testing.T) {
	for field, want := range map[string]time.Duration{
		"": 5 * time.Minute, `"TimeoutSeconds": 900, `: 5 * time.Minute, `"TimeoutSeconds": 7, `: 7 * time.Second,
	} {
		m, list := statemachine.CompileExpress("", []byte(`{"QueryLanguage": "CEL", "StartAt": "W", `+field+
			`"States": {"W": {"Type": "Wait", "Seconds": "{% 1000 %}", "End": true}}}`))
		if m == nil {
			t.Fatal(list)
		}
		run := m.NewRun(statemachine.Info{Input: value.NullValue})
		start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, _, err := m.Decide(run, statemachine.Env{Now: start}, statemachine.Start{}); err != nil {
			t.Fatal(err)
		}
		if at := run.NextDeadline(); at != start.Add(want) {
			t.Errorf("with %q the next deadline is after %s", field, at.Sub(start))
		}
		if _, _, err := m.Decide(run, statemachine.Env{Now: start.Add(want)}, statemachine.Tick{}); err != nil {
			t.Fatal(err)
		}
		name, _ := run.Failure()
		if run.Status() != statemachine.TimedOut || name == nil || *name != statemachine.ErrorTimeout {
			t.Errorf("with %q it ends as %s, %v", field, run.Status(), name)
		}
	}
}

// TestExpressCodesAreExplained holds docs/errors to the codes of Express machines.
func TestExpressCodesAreExplained(t *testing.T) {
	docs, err := os.ReadFile("../docs/errors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{statemachine.CodeExpressUnsupported, statemachine.CodeExpressTooLong} {
		if !strings.Contains(string(docs), "`"+code+"`") {
			t.Errorf("docs/errors does not explain %s", code)
		}
	}
}
