package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *app) watchCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "watch EXECUTION",
		Short: "Follow an execution live until it ends",
		Long: `Prints what happens in an execution, from its start, until it ends: states as they begin and end, with the time they
took, failures, retries and waits. The items of a Map are summed up. Exits with 5 if the execution ends without success.
With --json, prints the events as they are, one a line. ` + executionHelp,
		Example: "  tercel watch order/2026-0001",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if timeout < 0 {
				return usagef("--timeout must not be negative")
			}
			ctx, cancel := withTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.watch(ctx, words[0])
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to watch, such as 30s; 0 for as long as it takes")
	return cmd
}

func (a *app) watch(ctx context.Context, id string) error {
	w := newWatcher(a)
	each := func(e wire.Event) error {
		if a.json {
			return a.printJSON(e)
		}
		w.show(e)
		return nil
	}
	x, err := a.client().Events(ctx, id, 0, each)
	if err != nil {
		return goesOn(ctx, err, id)
	}
	if !a.json {
		a.printf("%s\n", a.endLine(x))
		if x.Output != nil {
			a.printf("%s\n", pretty(x.Output, ""))
		}
	}
	if x.Status != "SUCCEEDED" {
		return silent(exitUnsuccessful)
	}
	return nil
}

// watcher turns events into lines of a log.
type watcher struct {
	app    *app
	start  time.Time
	frames map[uint64]*frameView
	opened map[int64]opener // events that open frames, by id
	maps   map[uint64]*mapView
}

// frameView is what is known of one flow of states: the top level, a branch, an iteration.
type frameView struct {
	parent  uint64 // the frame that opened it
	quiet   bool   // within a Map: summed up, not shown
	depth   int
	entered time.Time
	failure string // of the state, unless it is tried again
	waits   bool   // for a callback
}

// opener is an event that frames begin with.
type opener struct {
	frame uint64
	quiet bool
}

// mapView counts the items of a Map.
type mapView struct {
	state                     string
	size, done, failed, shown int
	last                      time.Time // when it was told of
}

// A Map is told of at most so often, and so many of its failures are shown.
const (
	mapPause    = time.Second
	mapFailures = 5
)

func newWatcher(a *app) *watcher {
	return &watcher{
		app: a, frames: map[uint64]*frameView{0: {}}, opened: map[int64]opener{}, maps: map[uint64]*mapView{},
	}
}

// line prints one line: the time since the start, a mark, and a text.
func (w *watcher) line(e wire.Event, depth int, color, mark, text string) {
	w.app.printf("%8s  %s%s %s\n", "+"+span(e.Timestamp.Sub(w.start)), strings.Repeat("  ", depth), w.app.paint(color, mark), text)
}

// frame gives the view of the frame that an event happened in.
func (w *watcher) frame(e wire.Event) *frameView {
	f := w.frames[e.Frame]
	if f == nil {
		f = &frameView{}
		if o, ok := w.opened[e.PreviousID]; ok {
			f.parent, f.quiet = o.frame, o.quiet
			if parent := w.frames[o.frame]; parent != nil {
				f.depth = parent.depth + 1
			}
		}
		w.frames[e.Frame] = f
	}
	return f
}

// show prints what an event tells, if it is worth a line.
func (w *watcher) show(e wire.Event) {
	if w.start.IsZero() {
		w.start = e.Timestamp
	}
	f := w.frame(e)
	switch {
	case e.Type == "ParallelStateStarted":
		w.opened[e.ID] = opener{e.Frame, f.quiet}
	case e.Type == "MapIterationStarted":
		w.opened[e.ID] = opener{e.Frame, true}
	}
	if strings.HasPrefix(e.Type, "MapIteration") || strings.HasPrefix(e.Type, "MapState") && !f.quiet {
		w.showMap(e, f)
	}
	if !f.quiet {
		w.showState(e, f)
	}
}

// showState prints the events of a state that is shown one by one.
func (w *watcher) showState(e wire.Event, f *frameView) {
	a, d := w.app, e.Details
	name := a.paint(bold, e.State)
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		f.entered, f.failure, f.waits = e.Timestamp, "", false
		w.line(e, f.depth, yellow, "▸", name+"  "+a.paint(dim, strings.TrimSuffix(e.Type, "StateEntered")))
	case strings.HasSuffix(e.Type, "StateExited"):
		took := a.paint(dim, span(e.Timestamp.Sub(f.entered)))
		if f.failure != "" {
			w.line(e, f.depth, yellow, "↷", name+"  caught  "+took)
			return
		}
		w.line(e, f.depth, green, "✓", name+"  "+took)
	case e.Type == "RetryScheduled":
		f.failure = ""
		pause := ""
		if d.Until != nil {
			pause = " in " + span(d.Until.Sub(e.Timestamp))
		}
		w.line(e, f.depth, yellow, "↻", name+"  again"+pause)
	case e.Type == "WaitScheduled" && d.Until != nil:
		w.line(e, f.depth, dim, "…", name+"  until "+moment(*d.Until))
	case e.Type == "TaskSubmitted":
		w.line(e, f.depth, dim, "…", name+"  waits for its callback")
	case e.Type == "ExecutionRecovered":
		w.line(e, 0, yellow, "!", "taken over by node "+d.Node)
	case e.Type == "ExecutionRedriven":
		w.line(e, 0, yellow, "↻", fmt.Sprintf("redriven (%d)", d.RedriveCount))
	case d.Error != nil && !strings.HasPrefix(e.Type, "Execution"):
		f.failure = failure(d)
		w.line(e, f.depth, red, "✗", name+"  "+shorten(f.failure, 2*detailWidth))
	}
}

// showMap counts the items of a Map, and tells of them now and then.
func (w *watcher) showMap(e wire.Event, f *frameView) {
	switch e.Type {
	case "MapStateStarted":
		m := &mapView{state: e.State, last: e.Timestamp}
		if e.Details.Length != nil {
			m.size = *e.Details.Length
		}
		w.maps[e.Frame] = m
		w.line(e, f.depth, dim, "…", fmt.Sprintf("%s  %d items", w.app.paint(bold, e.State), m.size))
	case "MapStateSucceeded", "MapStateFailed":
		if m := w.maps[e.Frame]; m != nil {
			w.tally(e, f, m)
			delete(w.maps, e.Frame)
		}
	case "MapIterationSucceeded", "MapIterationFailed":
		delete(w.frames, e.Frame)
		parent, m := w.frames[f.parent], w.maps[f.parent]
		if m == nil || parent == nil || parent.quiet {
			return // a Map within a Map
		}
		m.done++
		if e.Type == "MapIterationFailed" {
			m.failed++
			if m.failed <= mapFailures && e.Details.Index != nil {
				w.line(e, parent.depth+1, red, "✗", fmt.Sprintf("%s  item %d failed", w.app.paint(bold, m.state), *e.Details.Index))
			}
		}
		if e.Timestamp.Sub(m.last) >= mapPause {
			w.tally(e, parent, m)
		}
	}
}

// tally prints how far a Map is.
func (w *watcher) tally(e wire.Event, f *frameView, m *mapView) {
	if m.done == m.shown {
		return
	}
	text := fmt.Sprintf("%s  %d of %d items", w.app.paint(bold, m.state), m.done, m.size)
	if m.failed > 0 {
		text += w.app.paint(red, fmt.Sprintf(", %d failed", m.failed))
	}
	m.last, m.shown = e.Timestamp, m.done
	w.line(e, f.depth, dim, "…", text)
}
