package statemachine

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/jsonpath"
)

// waitState waits for a number of seconds, or until a time.
type waitState struct {
	seconds   *numberField
	timestamp template
}

func (sc *stateCompiler) wait(node *asl.Wait) behaviour {
	if node.Timestamp != nil || node.TimestampPath != nil {
		return &waitState{timestamp: sc.timestamp(node)}
	}
	seconds := sc.integer("Seconds", node.Seconds, node.SecondsPath, 0, 0)
	return &waitState{seconds: &seconds}
}

func (s *waitState) work(d *decider, f *Frame) {
	until, failed := s.until(d, f)
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	if !until.After(d.now) {
		d.succeed(f, f.state.outcome, f.state.next)
		return
	}
	d.emit(f, event.WaitScheduled{Until: until})
}

func (s *waitState) until(d *decider, f *Frame) (time.Time, *evalFailure) {
	scope := d.scope(f)
	if s.seconds != nil {
		wait, failed := s.seconds.seconds(scope)
		return d.now.Add(wait), failed
	}
	text, failed := evalText(s.timestamp, scope)
	if failed != nil {
		return time.Time{}, failed
	}
	until, ok := jsonpath.ParseTimestamp(*text)
	if !ok {
		if p, ok := s.timestamp.(*pathParameter); ok {
			return time.Time{}, p.noTimestamp(*text)
		}
		message := "The Timestamp '" + *text + "' is not valid: expected a date and time as RFC 3339 has them, such as 2026-01-31T12:00:00Z."
		return time.Time{}, &evalFailure{name: ErrorQueryEvaluation, location: "Timestamp", message: message}
	}
	// Milliseconds are what events keep; a wait is never cut short.
	return until.Add(time.Millisecond - 1).Truncate(time.Millisecond).UTC(), nil
}
