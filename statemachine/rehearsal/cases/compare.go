package cases

import (
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Compare tells how a rehearsal differs from what the case expects.
func (c *Case) Compare(r *rehearsal.Result) *Outcome {
	j := &judgement{Outcome: &Outcome{Case: c, Result: r}, e: &c.expect}
	if r.Problem != nil {
		j.fail("rehearsal", c.expect.node, fmt.Sprintf("%v\nThe path so far: %s", r.Problem, r.Path.Short()))
		return j.Outcome
	}
	j.variables = outcome(r)
	asExpected := j.status()
	j.path()
	if asExpected || r.Output != nil { // else it was said how it ended instead
		j.value("output", c.expect.output, r.Output, true)
		j.value("output", c.expect.matches, r.Output, false)
	}
	if asExpected || r.Output == nil {
		j.value("error", c.expect.error, text(r.Error), true)
		j.value("cause", c.expect.cause, text(r.Cause), true)
	}
	for _, a := range c.expect.assigned {
		j.value("assigned "+a.name, &a.placed, r.Variables[a.name], false)
	}
	j.arguments()
	j.duration()
	for _, p := range c.expect.check {
		j.value("check", &p, nil, true)
	}
	return j.Outcome
}

// judgement is a comparison in the making.
type judgement struct {
	*Outcome
	e         *expectation
	variables map[string]*value.Value
}

func (j *judgement) fail(what string, at *source.Node, text string) {
	j.Failures = append(j.Failures, Failure{
		What: what, File: j.Case.File, Line: at.Pos.Line, Column: at.Pos.Column, Text: text,
	})
}

func (j *judgement) value(what string, want *placed, got *value.Value, exact bool) {
	if want == nil {
		return
	}
	if lines := want.differences(got, exact, j.variables); len(lines) > 0 {
		j.fail(what, want.at, strings.Join(lines, "\n"))
	}
}

// status compares the status, and tells whether it is as expected. One that is not written follows from what else is
// expected.
func (j *judgement) status() bool {
	want, at := statemachine.Succeeded, j.e.node
	switch {
	case j.e.status != nil:
		want, at = statemachine.Status(j.e.status.literal.Text()), j.e.status.at
	case j.e.error != nil:
		want, at = statemachine.Failed, j.e.error.at
	case j.e.cause != nil:
		want, at = statemachine.Failed, j.e.cause.at
	}
	r := j.Result
	if r.Status == want {
		return true
	}
	message := fmt.Sprintf("expected %s, got %s", want, r.Status)
	if r.Status == statemachine.Succeeded {
		message += " with the output " + excerpt(r.Output)
	} else if r.Error != nil || r.Cause != nil {
		message += fmt.Sprintf(": %s\n%s", textOf(r.Error, "(no error name)"), textOf(r.Cause, "(no cause)"))
	}
	if j.e.pathNode == nil {
		message += fmt.Sprintf("\nThe path: %s", r.Path.Short())
	}
	j.fail("status", at, message)
	return false
}

// arguments compares what tasks were called with, and how often.
func (j *judgement) arguments() {
	for _, a := range j.e.arguments {
		found := false
		for _, call := range j.Result.Calls {
			if _, ok := a.key.fits(call); !ok {
				continue
			}
			found = true
			lines := a.differences(call.Arguments, false, j.variables)
			if len(lines) > 0 {
				j.fail(fmt.Sprintf("arguments of %s, call %d", call, call.Number+1), a.at, strings.Join(lines, "\n"))
				break
			}
		}
		if !found {
			j.fail("arguments", a.at, fmt.Sprintf("%s was not called; the path: %s", a.name, j.Result.Path.Short()))
		}
	}
	for _, count := range j.e.calls {
		got := 0
		for _, call := range j.Result.Calls {
			if _, ok := count.key.fits(call); ok {
				got++
			}
		}
		if got != count.want {
			j.fail("calls", count.at, fmt.Sprintf("%s: expected %d, got %d", count.name, count.want, got))
		}
	}
}

func (j *judgement) duration() {
	got := j.Result.Duration()
	if j.e.duration != nil && *j.e.duration != got {
		j.fail("duration", j.e.lastingAt, fmt.Sprintf("expected %s, got %s", Span(*j.e.duration), Span(got)))
	}
	j.value("duration", j.e.lasting, seconds(got), true)
}

// outcome gives what conditions see of a rehearsal.
func outcome(r *rehearsal.Result) map[string]*value.Value {
	var names, calls []*value.Value
	for _, v := range r.Path {
		names = append(names, value.FromString(v.State))
	}
	for _, c := range r.Calls {
		calls = append(calls, value.FromObject([]string{"state", "arguments", "attempt"}, []*value.Value{
			value.FromString(c.State), c.Arguments, value.FromInt(int64(c.Attempt)),
		}))
	}
	var keys []string
	var values []*value.Value
	for name, v := range r.Variables {
		keys, values = append(keys, name), append(values, v)
	}
	return map[string]*value.Value{
		"output": r.Output, "status": value.FromString(string(r.Status)), "error": text(r.Error), "cause": text(r.Cause),
		"duration": seconds(r.Duration()), "variables": value.FromObject(keys, values), "path": value.FromArray(names),
		"calls": value.FromArray(calls),
	}
}

func seconds(d time.Duration) *value.Value {
	if d%time.Second == 0 {
		return value.FromInt(int64(d / time.Second))
	}
	v, _ := value.FromFloat(d.Seconds())
	return v
}

func text(s *string) *value.Value {
	if s == nil {
		return nil
	}
	return value.FromString(*s)
}

func textOf(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// path compares the path taken with the expected one.
func (j *judgement) path() {
	if j.e.pathNode == nil {
		return
	}
	where := j.diverge(j.e.path, j.Result.Path, "")
	if where == "" {
		return
	}
	j.fail("path", j.e.pathNode, fmt.Sprintf("%s\nexpected: %s\ngot:      %s", where, pathText(j.e.path), j.Result.Path.Short()))
}

// diverge tells where a path leaves the expected one, "" if it does not.
func (j *judgement) diverge(want []step, got rehearsal.Path, inside string) string {
	for i, s := range want {
		if i >= len(got) {
			return fmt.Sprintf("%s%s, where %s was expected", inside, j.end(got), s.state)
		}
		if got[i].State != s.state {
			return fmt.Sprintf("%sit left the expected path %s: expected %s, got %s%s", inside, after(got[:i]), s.state, got[i].State, why(got[:i]))
		}
		if text := j.divergeWithin(s, got[i], inside); text != "" {
			return text
		}
	}
	if len(got) > len(want) {
		return fmt.Sprintf("%sit went on %s, where it was expected to end: to %s%s", inside, after(got[:len(want)]),
			got[len(want)].State, why(got[:len(want)]))
	}
	return ""
}

func (j *judgement) divergeWithin(s step, got *rehearsal.Visit, inside string) string {
	what, all := "branch", "branches"
	if got.Type == "Map" {
		what, all = "iteration", "iterations"
	}
	if s.flows != nil && len(s.flows) != len(got.Flows) {
		return fmt.Sprintf("%sit came to %s with %d %s, where %d were expected", inside, s.state, len(got.Flows), all, len(s.flows))
	}
	for i, flow := range got.Flows {
		want := s.each
		if s.flows != nil {
			want = s.flows[i]
		} else if s.each == nil {
			return ""
		}
		if text := j.diverge(want, flow, fmt.Sprintf("%sin %s %d of %s ", inside, what, i, s.state)); text != "" {
			return text
		}
	}
	return ""
}

// end tells how a path came to its end.
func (j *judgement) end(got rehearsal.Path) string {
	if len(got) == 0 {
		return "it did not begin"
	}
	return "it ended " + after(got) + why(got)
}

func after(p rehearsal.Path) string {
	if len(p) == 0 {
		return "at its start"
	}
	return "after " + p[len(p)-1].State
}

// why adds the error that the last state failed with.
func why(p rehearsal.Path) string {
	if len(p) == 0 || p[len(p)-1].Failed == "" {
		return ""
	}
	last := p[len(p)-1]
	if !last.Exited.IsZero() && last.Caught == 0 {
		return ""
	}
	text := fmt.Sprintf(" (%s failed with %s", last.State, last.Failed)
	if last.Cause != "" {
		text += ": " + last.Cause
	}
	return text + ")"
}

// Span writes a duration as case files have it, such as 2d3h.
func Span(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for i := len(units) - 2; i >= 0; i-- { // weeks are not written
		if n := d / units[i].unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, units[i].name)
			d %= units[i].unit
		}
		if i == 1 && d > 0 {
			fmt.Fprintf(&b, "%dms", d/time.Millisecond)
			break
		}
	}
	return b.String()
}
