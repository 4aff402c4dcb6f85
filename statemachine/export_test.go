package statemachine

import (
	"testing"

	"pgregory.net/rapid"
)

// RandomRun drives a random machine with random signals, for tests of packages that read what comes of it. It gives the
// machine, what it was started with, all events, and the run behind them.
func RandomRun(t *testing.T, rt *rapid.T) (*Machine, Info, []Event, *Run) {
	t.Helper()
	var events []Event
	h := driveRandomly(t, rt, func(happened []Event) { events = append(events, happened...) })
	return h.machine, h.info, events, h.run
}
