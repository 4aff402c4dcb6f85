package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// comparison holds a replay against its record. What the second replay has otherwise than the first is not compared.
type comparison struct {
	recorded, replayed *Record
	again              *Record // nil before it is needed
	tolerance          time.Duration
	differences        []Difference
	first              *Divergence
}

func (c *comparison) has(k Kind) bool {
	return slices.ContainsFunc(c.differences, func(d Difference) bool { return d.Kind == k })
}

// differ notes the first difference of a kind.
func (c *comparison) differ(k Kind, format string, args ...any) {
	if !c.has(k) {
		c.differences = append(c.differences, Difference{k, fmt.Sprintf(format, args...)})
	}
}

// diverge notes the first place where the two part.
func (c *comparison) diverge(v *Visit, format string, args ...any) {
	if c.first == nil {
		c.first = &Divergence{v.name(), fmt.Sprintf(format, args...)}
	}
}

func (c *comparison) compare() {
	r, now := c.recorded, c.replayed
	if r.Status != now.Status {
		c.differ(Status, "%s, in the record %s", ending(now), ending(r))
	} else {
		c.failure()
		var again *value.Value
		if c.again != nil {
			again = c.again.Output
		}
		if text := unlike(now.Output, r.Output, again, ""); text != "" {
			c.differ(Output, "%s", text)
		}
	}
	if !r.Known {
		return
	}
	var again Path
	if c.again != nil {
		again = c.again.Path
	}
	cut := r.Status == now.Status && (r.Status == statemachine.Aborted || r.Status == statemachine.TimedOut)
	c.steps(r.Path, now.Path, again, cut, "")
	if took, before := now.Duration(), r.Duration(); apart(took, before) > c.tolerance {
		c.differ(Timing, "%s, in the record %s", took, before)
		c.late(r.Path, now.Path)
	}
}

// failure compares error and cause. The causes of errors that the language gives are its own words.
func (c *comparison) failure() {
	r, now := c.recorded, c.replayed
	if text(r.Error) != text(now.Error) {
		c.differ(Error, "%s, in the record %s", quoted(now.Error), quoted(r.Error))
		return
	}
	own := strings.HasPrefix(text(r.Error), "States.")
	drawn := c.again != nil && text(c.again.Cause) != text(now.Cause)
	if text(r.Cause) != text(now.Cause) && !own && !drawn {
		c.differ(Error, "the cause is %s, in the record %s", quoted(now.Cause), quoted(r.Cause))
	}
}

// steps compares the states of a flow. One that was cut off, since another branch failed or somebody stopped the
// execution, is compared as far as both got.
func (c *comparison) steps(before, now, again Path, cut bool, inside string) {
	for i, v := range now {
		if i >= len(before) {
			if !cut {
				c.differ(Steps, "%sit goes on to %s, in the record it ended %s", inside, v.State, after(before, i))
				c.diverge(now[max(0, i-1)], "the next state is %s, in the record there is none", v.State)
			}
			return
		}
		if v.State != before[i].State {
			c.differ(Steps, "%s%s comes %s, in the record %s", inside, v.State, after(before, i), before[i].State)
			c.diverge(before[max(0, i-1)], "%s%s comes %s, in the record %s", inside, v.State, after(before, i), before[i].State)
			return
		}
		var other *Visit
		if i < len(again) && again[i].State == v.State {
			other = again[i]
		}
		c.visit(before[i], v, other, inside)
	}
	if len(before) > len(now) && !cut {
		next := before[len(now)]
		c.differ(Steps, "%sit ends %s, in the record %s comes", inside, after(now, len(now)), next.State)
		c.diverge(before[max(0, len(now)-1)], "there is no next state, in the record %s", next.State)
	}
}

func after(p Path, i int) string {
	if i == 0 {
		return "first"
	}
	return "after " + p[i-1].State
}

// visit compares a stay in a state.
func (c *comparison) visit(before, now, again *Visit, inside string) {
	other := func(get func(*Visit) *value.Value) *value.Value {
		if again == nil {
			return nil
		}
		return get(again)
	}
	input := func(v *Visit) *value.Value { return v.Input }
	if text := unlike(now.Input, before.Input, other(input), ""); text != "" {
		c.diverge(now, "input: %s", text)
	}
	c.calls(before, now, again)
	if before.Error != now.Error {
		c.diverge(now, "it fails with %s, in the record with %s", orNothing(now.Error), orNothing(before.Error))
	}
	c.flows(before, now, again, inside)
	c.assigned(before, now, again)
	if before.Exited.IsZero() || now.Exited.IsZero() {
		return // its next state, or the end, tells
	}
	output := func(v *Visit) *value.Value { return v.Output }
	if text := unlike(now.Output, before.Output, other(output), ""); text != "" {
		c.diverge(now, "output: %s", text)
	}
}

func (c *comparison) flows(before, now, again *Visit, inside string) {
	if len(before.Flows) != len(now.Flows) {
		c.differ(Steps, "%s%s has %d branches or items, in the record %d", inside, now.State, len(now.Flows), len(before.Flows))
		c.diverge(now, "it has %d branches or items, in the record %d", len(now.Flows), len(before.Flows))
		return
	}
	for i := range now.Flows {
		var other Path
		if again != nil && len(again.Flows) == len(now.Flows) {
			other = again.Flows[i]
		}
		cut := cutOff(before.Flows[i]) || cutOff(now.Flows[i])
		c.steps(before.Flows[i], now.Flows[i], other, cut, fmt.Sprintf("%sin %s[%d] ", inside, now.State, i))
	}
}

// cutOff tells whether a branch or iteration came to no end of its own.
func cutOff(p Path) bool {
	return len(p) == 0 || p[len(p)-1].Exited.IsZero() && p[len(p)-1].Error == ""
}

func (c *comparison) assigned(before, now, again *Visit) {
	names := make([]string, 0, len(now.Assigned))
	for name := range now.Assigned {
		names = append(names, name)
	}
	for name := range before.Assigned {
		if now.Assigned[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		var other *value.Value
		if again != nil {
			other = again.Assigned[name]
		}
		if text := unlike(now.Assigned[name], before.Assigned[name], other, ""); text != "" {
			c.diverge(now, "the variable %s: %s", name, text)
			return
		}
	}
}

// calls compares what a task was called with. Its tokens are random.
func (c *comparison) calls(before, now, again *Visit) {
	if len(before.Calls) != len(now.Calls) && !before.Exited.IsZero() && !now.Exited.IsZero() {
		c.differ(Calls, "%s is called %s, in the record %s", now.name(), times(len(now.Calls)), times(len(before.Calls)))
		c.diverge(now, "it is called %s, in the record %s", times(len(now.Calls)), times(len(before.Calls)))
	}
	for i, call := range now.Calls {
		if i >= len(before.Calls) {
			return
		}
		if call.Resource != before.Calls[i].Resource {
			c.differ(Calls, "%s calls %s, in the record %s", now.name(), call.Resource, before.Calls[i].Resource)
			c.diverge(now, "it calls %s, in the record %s", call.Resource, before.Calls[i].Resource)
			return
		}
		var other *value.Value
		if again != nil && i < len(again.Calls) {
			other = again.Calls[i].Arguments
		}
		if text := unlike(call.Arguments, before.Calls[i].Arguments, other, ""); text != "" {
			c.differ(Calls, "%s: the arguments: %s", now.name(), text)
			c.diverge(now, "arguments: %s", text)
			return
		}
	}
}

// late finds the first state that takes another time than in the record.
func (c *comparison) late(before, now Path) {
	for i, v := range now {
		if i >= len(before) || before[i].State != v.State || v.Exited.IsZero() || before[i].Exited.IsZero() {
			return
		}
		took, was := v.Exited.Sub(v.Entered), before[i].Exited.Sub(before[i].Entered)
		if apart(took, was) <= c.tolerance {
			continue
		}
		for j := range min(len(v.Flows), len(before[i].Flows)) {
			c.late(before[i].Flows[j], v.Flows[j])
		}
		c.diverge(v, "it takes %s, in the record %s", took, was)
		return
	}
}

func apart(a, b time.Duration) time.Duration { return max(a-b, b-a) }

// String writes the path as rehearsal.Path does.
func (p Path) String() string { return p.names().String() }

func (p Path) names() rehearsal.Names {
	names := make(rehearsal.Names, len(p))
	for i, v := range p {
		names[i].State = v.State
		for _, f := range v.Flows {
			names[i].Flows = append(names[i].Flows, f.names())
		}
	}
	return names
}

func ending(r *Record) string {
	if r.Error == nil {
		return string(r.Status)
	}
	return fmt.Sprintf("%s (%s)", r.Status, *r.Error)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func quoted(s *string) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%q", *s)
}

func orNothing(name string) string {
	if name == "" {
		return "nothing"
	}
	return name
}
