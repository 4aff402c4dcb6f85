package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/backtest"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// rawJSON is JSON that is printed as it is.
type rawJSON = json.RawMessage

// readRecord reads an execution that has ended, with its history.
func readRecord(ctx context.Context, c *client.Client, x wire.Execution) (*backtest.Record, error) {
	input, err := payloadOf(x.Input)
	if err != nil {
		return nil, err
	}
	r := backtest.Record{
		Info: recordedInfo(x, input), Status: statemachine.Status(x.Status), Error: x.Error, Cause: x.Cause, Started: x.StartedAt,
	}
	if r.Output, err = payloadOf(x.Output); err != nil {
		return nil, err
	}
	if x.EndedAt != nil {
		r.Ended = *x.EndedAt
	}
	var events []history.Event
	_, err = c.Events(ctx, x.ID, 0, func(e wire.Event) error {
		ev, err := recordedEvent(e)
		events = append(events, ev)
		return err
	})
	if err != nil {
		return nil, err
	}
	record, err := backtest.Read(r, events)
	if err != nil {
		return nil, &unreadableError{err}
	}
	return record, nil
}

// unreadableError is a history that says what this command does not understand.
type unreadableError struct{ error }

// recordedInfo gives what the execution was told of itself.
func recordedInfo(x wire.Execution, input *value.Value) statemachine.Info {
	prefix, _, _ := strings.Cut(x.ARN, ":execution:")
	prefix, _, _ = strings.Cut(prefix, ":express:")
	account := prefix[strings.LastIndexByte(prefix, ':')+1:]
	return statemachine.Info{
		ExecutionID: x.ARN, ExecutionName: x.Name, RoleARN: "arn:aws:iam::" + account + ":role/tercel",
		StateMachineID: prefix + ":stateMachine:" + x.StateMachine, StateMachine: x.StateMachine, Input: input,
	}
}

func recordedEvent(e wire.Event) (history.Event, error) {
	d := history.Details{
		Name: e.State, Error: e.Details.Error, Cause: e.Details.Cause, Resource: e.Details.Resource, Service: e.Details.ResourceType,
		Index: e.Details.Index, Length: e.Details.Length,
	}
	ev := history.Event{ID: e.ID, Type: e.Type, Time: e.Timestamp, Frame: event.FrameID(e.Frame), State: e.State, Extra: e.Extra}
	var err error
	if d.Input, err = payloadOf(e.Details.Input); err != nil {
		return ev, err
	}
	if d.Output, err = payloadOf(e.Details.Output); err != nil {
		return ev, err
	}
	for name, raw := range e.Details.Assigned {
		v, err := payloadOf(raw)
		if err != nil {
			return ev, err
		}
		d.Assigned = append(d.Assigned, event.Assignment{Name: name, Value: v})
	}
	for _, frame := range e.Details.Frames {
		d.Frames = append(d.Frames, event.FrameID(frame))
	}
	ev.Details = d
	return ev, nil
}

// payloadOf reads a payload; one that is absent is nil.
func payloadOf(raw json.RawMessage) (*value.Value, error) {
	if raw == nil {
		return nil, nil
	}
	return value.Parse(raw)
}

// backtestReport is a backtest as it is printed with --json.
type backtestReport struct {
	Definition  string       `json:"definition"`
	Against     string       `json:"against"`
	Same        int          `json:"same"`
	Differ      int          `json:"differ"`
	NotReplayed int          `json:"notReplayed"`
	Executions  []backtested `json:"executions"` // newest first
}

func (b *backtestRun) report(file, against string) backtestReport {
	r := backtestReport{Definition: file, Against: against, Executions: b.executions}
	for _, x := range b.executions {
		switch x.Verdict {
		case backtest.Same:
			r.Same++
		case backtest.Differs:
			r.Differ++
		case backtest.NotReplayed:
			r.NotReplayed++
		}
	}
	return r
}

func (a *app) printBacktest(r backtestReport, show int) {
	if len(r.Executions) == 0 {
		a.notef("%s has no such executions that have ended.\n", r.Against)
		return
	}
	a.printf("%s of %s: %s, %s, %d not replayed\n", plural(len(r.Executions), "execution"), r.Against,
		a.paint(green, fmt.Sprintf("%d the same", r.Same)), a.paint(red, fmt.Sprintf("%d different", r.Differ)), r.NotReplayed)
	a.printKind(r, backtest.Differs, "Different:", show)
	a.printKind(r, backtest.NotReplayed, "Not replayed:", show)
}

// printKind prints the executions of a verdict, newest first.
func (a *app) printKind(r backtestReport, v backtest.Verdict, title string, show int) {
	shown := slices.DeleteFunc(slices.Clone(r.Executions), func(x backtested) bool { return x.Verdict != v })
	if len(shown) == 0 {
		return
	}
	a.printf("\n%s\n", a.paint(bold, title))
	for i, x := range shown {
		if show > 0 && i == show {
			a.printf("  and %d more; see them with --show 0\n", len(shown)-i)
			return
		}
		a.printBacktested(x)
	}
}

func (a *app) printBacktested(x backtested) {
	a.printf("  %s\n", x.Name)
	if x.Reason != "" {
		a.printf("    %s\n", x.Reason)
	}
	for _, d := range x.Differences {
		a.printf("    %-7s %s\n", d.Kind, d.Text)
	}
	if x.First != nil {
		a.printf("    first at %s: %s\n", x.First.State, x.First.Text)
	}
	a.printf("    recorded  %s\n", runLine(x.Recorded))
	if x.Replayed != nil {
		a.printf("    new       %s\n", runLine(*x.Replayed))
	}
}

// runLine tells in a line how an execution went.
func runLine(r ran) string {
	const width = 200
	took := time.Duration(r.Seconds * float64(time.Second))
	return strings.TrimRight(r.Status+" "+span(took)+"  "+shorten(r.Path, width), " ")
}
