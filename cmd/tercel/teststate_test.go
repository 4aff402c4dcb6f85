package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/teststate"
)

// TestTestState tests states of a definition in YAML, and one that stands by itself.
func TestTestState(t *testing.T) {
	s := newShell(t)
	askProject(t)
	if err := os.WriteFile("one.json", []byte(`{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	debug := []string{"--inspection-level", "debug"}
	ask := slices.Clip(append([]string{"test-state", "ask.asl.yaml", "--state", "Ask", "-i", `{"n": 4}`}, debug...))
	for _, test := range []struct {
		code  int
		words []string
		shown string // a part of what is printed, on either output
	}{
		{exitOK, append(ask, "--mock-result", "7"), "input                {\"n\": 4}\nafterArguments       {\"n\":4}\nresult               7\n" +
			"variables            {\"answer\":7}\nstatus               SUCCEEDED\nnext                 Large\noutput               7\n"},
		{
			exitOK, append(ask, "--mock-error", "Busy: later", "--retrier-retry-count", "1"),
			"errorDetails         {\"retryBackoffIntervalSeconds\":4,\"retryIndex\":0}\nstatus               RETRIABLE\nerror                Busy\ncause                later\n",
		},
		{exitUnsuccessful, append(ask, "--mock-error", "Lost"), "status               FAILED\nerror                Lost\n"},
		{exitOK, []string{"test-state", "ask.asl.yaml", "--state", "Large", "--variables", `{"answer": 101}`}, "next                 Rest"},
		{exitOK, []string{"test-state", "ask.asl.yaml", "--state", "Rest"}, "next                 Each"},
		{exitOK, append([]string{"test-state", "ask.asl.yaml", "--state", "Each", "--mock-result", "[]"}, debug...), "afterItemSelector    [2,3]"},
		{exitOK, []string{"test-state", "ask.asl.yaml", "--state", "Work", "--mock-result", "1"}, "SUCCEEDED"},
		{exitUnsuccessful, []string{"test-state", "ask.asl.yaml", "--state", "Sorry", "--variables", `{"answer": 1}`}, "States.QueryEvaluationError"},
		{exitInvalid, []string{"test-state", "ask.asl.yaml", "--state", "Ask"}, "--mock-result"},
		{exitInvalid, []string{"test-state", "ask.asl.yaml"}, "name the state to be tested with --state"},
		{exitInvalid, []string{"test-state", "ask.asl.yaml", "--state", "None"}, "State not found in definition"},
		{exitInvalid, []string{"test-state", "one.json", "--mock-result", "{"}, "the mocked result is not valid JSON"},
		{exitInvalid, []string{"test-state", "one.json", "--mock-result", `{"MessageId": 1}`}, "Field 'MessageId' must be a string"},
		{exitOK, []string{"test-state", "one.json", "--mock-result", `{"MessageId": 1}`, "--validation", "none"}, "SUCCEEDED"},
		{exitUsage, []string{"test-state", "one.json", "--mock-result", "1", "--mock-error", "E"}, "exclude each other"},
		{exitUsage, []string{"test-state", "one.json", "--validation", "some"}, "STRICT, PRESENT or NONE"},
		{exitUsage, []string{"test-state", "one.json", "--inspection-level", "all"}, "INFO, DEBUG or TRACE"},
		{exitNotFound, []string{"test-state", "none.json"}, "none.json"},
		{exitNotFound, []string{"test-state", "one.json", "--mock-result", "@none.json"}, "none.json"},
	} {
		got := s.must(test.code, test.words...)
		if !strings.Contains(got.out+got.err, test.shown) {
			t.Errorf("%q printed\n%s%s\nwant %s", test.words, got.out, got.err, test.shown)
		}
	}
	var r teststate.Result
	out := s.must(exitOK, append(ask, "--mock-result", "7", "--json")...).out
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Status != teststate.Succeeded || *r.Inspection.Result != "7" {
		t.Errorf("--json printed %s: %v", out, err)
	}
}
