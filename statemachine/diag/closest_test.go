package diag_test

import (
	"slices"
	"strings"
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
		"Én":             "", // in so short a name a slip is half of it
	} {
		if got := diag.Closest(name, known); got != want {
			t.Errorf("Closest(%q) = %q, want %q", name, got, want)
		}
	}
}

// Keys of data are compared too, and are as long as whoever sends them likes.
func TestClosestIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	if got := diag.Closest(long, []string{long + "y"}); got != "" {
		t.Errorf("a long name is compared: %d letters", len(got))
	}
	if got := diag.Closest("Resouce", []string{long, "Resource"}); got != "Resource" {
		t.Errorf("got %q", got)
	}
	if got := diag.Closest("Resouce", slices.Repeat([]string{"Resource"}, 2000)); got != "" {
		t.Errorf("many names are compared: %q", got)
	}
}
