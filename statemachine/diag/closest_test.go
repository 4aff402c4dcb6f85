package diag_test

import (
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

func TestClosest(t *testing.T) {
	known := []string{"Resource", "TimeoutSeconds", "Next", "End", "functions", "state_machines"}
	for name, want := range map[string]string{
		"Resouce":        "Resource",
		"resource":       "Resource",
		"TimeotuSeconds": "TimeoutSeconds",
		"timeoutseconds": "TimeoutSeconds",
		"Nxt":            "Next",
		"function":       "functions",
		"state_machine":  "state_machines",
		"Ned":            "End", // two swapped letters count once
		"Parameters":     "",
		"x":              "",
		"":               "",
	} {
		if got := diag.Closest(name, known); got != want {
			t.Errorf("Closest(%q) = %q, want %q", name, got, want)
		}
	}
}
