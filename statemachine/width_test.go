package statemachine_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
)

// A run counts the events that the Step Functions API has of it, since their ids appear in the causes of errors. After
// every single event of random runs, it has counted as many as the history shows.
func TestRunCountsEventsAsHistoryDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, info, events, run := statemachine.RandomRun(t, rt)
		counted := m.NewRun(info)
		viewer := history.NewViewer(m, info)
		var last int64
		for _, ev := range events {
			if err := counted.Apply(ev); err != nil {
				rt.Fatal(err)
			}
			shown, err := viewer.Add(ev)
			if err != nil {
				rt.Fatal(err)
			}
			for _, s := range shown {
				if s.Extra {
					continue
				}
				if last++; s.ID != last {
					rt.Fatalf("%s has the id %d, want %d", s.Type, s.ID, last)
				}
			}
			if counted.Events() != last {
				rt.Fatalf("after %T the run has counted %d events, and the history shows %d", ev.Data, counted.Events(), last)
			}
			checkActivity(rt, shown)
		}
		if run.Events() != last {
			rt.Fatalf("the run has counted %d events, and the history shows %d", run.Events(), last)
		}
	})
}

// checkActivity holds that nobody is shown when a task came into the queue of its activity: the service has no such event.
func checkActivity(rt *rapid.T, shown []history.Event) {
	for _, s := range shown {
		if s.Type == "TaskSubmitted" && s.Details.Service == "" { // as the tasks of activities have none
			rt.Fatal("a task of an activity is shown as submitted")
		}
	}
}
