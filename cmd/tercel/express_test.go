package main

import (
	"strings"
	"testing"
)

// TestExpressCommands uses Express machines as a person would.
func TestExpressCommands(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.must(exitOK, "deploy", s.write("echo.asl.yaml", echoYAML), "--type", "EXPRESS")
	s.must(exitOK, "deploy", s.write("fails.yaml", failYAML), "--type", "EXPRESS", "--log-level", "OFF")
	if out := s.must(exitOK, "start", "echo", "--sync", "--input", `{"a": 1}`).out; !strings.Contains(out, `{"a":1}`) {
		t.Errorf("it printed %s", out)
	}
	s.must(exitUnsuccessful, "start", "fails", "--sync")
	s.must(exitUsage, "start", "echo", "--sync", "--wait")
	s.must(exitInvalid, "deploy", s.write("echo.asl.yaml", echoYAML), "--type", "STANDARD")
	s.must(exitInvalid, "deploy", s.write("token.yaml", strings.ReplaceAll(echoYAML, "function:echo", "function:echo.waitForTaskToken")),
		"--type", "EXPRESS")
	definition := s.write("m.asl.yaml", echoYAML)
	s.must(exitOK, "deploy", s.write("tercel.yaml", "state_machines:\n  m: {definition: "+definition+", type: EXPRESS, log_level: ALL}\n"))
	s.must(exitInvalid, "deploy", s.write("tercel.yaml", "state_machines:\n  m: {definition: "+definition+", log_level: LOUD}\n"))
	id := strings.TrimSpace(s.must(exitOK, "start", "m").out)
	s.must(exitOK, "watch", id)
	if out := s.must(exitOK, "history", id).out; !strings.Contains(out, "ExecutionSucceeded") {
		t.Errorf("its history is %s", out)
	}
	if out := s.must(exitOK, "describe", id).out; !strings.Contains(out, ":express:m:") {
		t.Errorf("it is described as %s", out)
	}
	if out := s.must(exitOK, "list").out; !strings.Contains(out, id) {
		t.Errorf("the list is %s", out)
	}
	s.must(exitFailure, "redrive", id)
}
