package cases

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// stop reads a StopExecution: when it comes, and what it says.
func (r *reader) stop(into *[]rehearsal.Intervention) func(*source.Node) {
	return func(n *source.Node) {
		var after time.Duration
		var stop statemachine.Stop
		r.fields(n, "stop", []fieldReader{
			{"after", r.duration(&after, "after")},
			{"error", r.text(&stop.Error, "the error of a stop")},
			{"cause", r.text(&stop.Cause, "the cause of a stop")},
		})
		if n.Kind == source.Object && n.Get("after") == nil {
			r.errorAt(n, CodeMissing, "after is the virtual time since the start, such as 90s or 2d", "the stop does not say when it comes")
		}
		*into = append(*into, rehearsal.Intervention{After: after, Signal: stop})
	}
}

// redrive reads when an execution is redriven: a time since its start, or a list of them.
func (r *reader) redrive(into *[]rehearsal.Intervention) func(*source.Node) {
	return func(n *source.Node) {
		all := []*source.Node{n}
		if n.Kind == source.Array {
			all = n.Elems
		}
		for _, e := range all {
			var after time.Duration
			r.duration(&after, "the time of a redrive")(e)
			*into = append(*into, rehearsal.Intervention{After: after, Signal: statemachine.Redrive{}})
		}
	}
}
