package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// tracePrinter prints the states that a rehearsal went through, with what was evaluated in them.
type tracePrinter struct {
	app   *app
	start time.Time
	all   bool // inputs and outputs too
}

func (t *tracePrinter) at(when time.Time) string { return "+" + cases.Span(when.Sub(t.start)) }

func (t *tracePrinter) path(p rehearsal.Path, indent string) {
	for _, v := range p {
		t.visit(v, indent)
	}
}

func (t *tracePrinter) visit(v *rehearsal.Visit, indent string) {
	a := t.app
	a.printf("%s%-8s %s  %s\n", indent, t.at(v.Entered), a.paint(bold, v.State), a.paint(dim, v.Type))
	inner := indent + "  "
	if t.all {
		t.line(inner, "input", t.value(v.Input, inner))
	}
	for i := range len(v.Calls) + 1 {
		t.expressions(v, inner, func(e rehearsal.Expression) bool { return e.Calls == i && !late(e) })
		if i < len(v.Calls) {
			t.call(v.Calls[i], inner)
		}
		if i < len(v.Calls) && i < len(v.Retries) {
			t.line(inner, "retry", fmt.Sprintf("retrier %d tries again at %s", v.Retries[i].Retrier+1, t.at(v.Retries[i].Until)))
		}
	}
	for i, flow := range v.Flows {
		what := "branch"
		if v.Type == "Map" {
			what = "iteration"
		}
		a.printf("%s%s\n", inner, a.paint(dim, fmt.Sprintf("%s %d", what, i)))
		t.path(flow, inner+"  ")
	}
	t.expressions(v, inner, late)
	t.left(v, inner)
}

// late tells whether an expression belongs behind the branches or iterations of its state.
func late(e rehearsal.Expression) bool {
	return e.Flows && !strings.HasPrefix(e.Location, "ItemSelector")
}

// expressions prints some of the expressions of a visit.
func (t *tracePrinter) expressions(v *rehearsal.Visit, indent string, which func(rehearsal.Expression) bool) {
	width := 0
	for _, e := range v.Expressions {
		if which(e) {
			width = max(width, len(e.Location))
		}
	}
	for _, e := range v.Expressions {
		if which(e) {
			t.app.printf("%s%-*s  %s\n", indent, width, e.Location, t.app.paint(dim, joined(e.Source)))
			t.app.printf("%s%-*s  %s\n", indent, width, "", t.gave(e))
		}
	}
}

// left tells how the state was left.
func (t *tracePrinter) left(v *rehearsal.Visit, indent string) {
	a := t.app
	if v.Exited.IsZero() {
		if v.Failed == "" {
			a.printf("%s%s\n", indent, a.paint(yellow, "not ended"))
			return
		}
		t.line(indent, "failed", a.paint(red, v.Failed)+causeText(v.Cause))
		return
	}
	if v.Caught > 0 {
		t.line(indent, "caught", fmt.Sprintf("%s by catcher %d%s", a.paint(yellow, v.Failed), v.Caught, causeText(v.Cause)))
	}
	if t.all {
		for _, as := range v.Assigned {
			t.line(indent, "assigned", as.Name+" = "+t.value(as.Value, indent))
		}
		t.line(indent, "output", t.value(v.Output, indent))
	}
	next := "the end"
	if v.Next != "" {
		next = v.Next
	}
	a.printf("%s%s\n", indent, a.paint(dim, fmt.Sprintf("%s -> %s", t.at(v.Exited), next)))
}

func causeText(cause string) string {
	if cause == "" {
		return ""
	}
	return ": " + cause
}

func (t *tracePrinter) line(indent, name, text string) {
	t.app.printf("%s%s: %s\n", indent, name, text)
}

func (t *tracePrinter) gave(e rehearsal.Expression) string {
	switch {
	case e.Err != nil:
		return t.app.paint(red, "! "+joined(e.Err.Error()))
	case e.Value == nil:
		return t.app.paint(red, "! nothing (undefined)")
	}
	const shown = 400
	return "= " + shorten(string(e.Value.JSON()), shown)
}

// call prints one invocation with its answer.
func (t *tracePrinter) call(c *rehearsal.Call, indent string) {
	const shown = 400
	t.line(indent, "call", fmt.Sprintf("%s %s", c.Resource, shorten(string(c.Arguments.JSON()), shown)))
	if c.Answer != nil {
		t.answer(*c.Answer, indent, "answer")
	}
}

func (t *tracePrinter) answer(answer rehearsal.Answer, indent, name string) {
	after := ""
	if answer.Delay > 0 {
		after = " after " + cases.Span(answer.Delay)
	}
	switch {
	case answer.Never:
		t.line(indent, name, t.app.paint(red, "none ever comes"))
	case answer.Failed:
		t.line(indent, name, t.app.paint(red, answer.Error)+causeText(answer.Cause)+after)
	default:
		text := "null"
		if answer.Result != nil {
			text = t.value(answer.Result, indent)
		}
		t.line(indent, name, text+after)
	}
	if answer.Token != nil {
		t.answer(*answer.Token, indent, "token")
	}
}

func (t *tracePrinter) value(v *value.Value, indent string) string {
	if v == nil {
		return "none"
	}
	return pretty(v.JSON(), indent)
}

// printRunEnd prints how a rehearsal ended.
func (a *app) printRunEnd(r *rehearsal.Result) {
	if r.Problem != nil {
		return
	}
	a.printf("\n%s after %s: %s\n", a.paint(statusColor(string(r.Status)), string(r.Status)), cases.Span(r.Duration()), r.Path)
	switch {
	case r.Output != nil:
		a.printf("output: %s\n", pretty(r.Output.JSON(), ""))
	default:
		if r.Error != nil {
			a.printf("error:  %s\n", *r.Error)
		}
		if r.Cause != nil {
			a.printf("cause:  %s\n", *r.Cause)
		}
	}
}

func joined(text string) string { return strings.Join(strings.Fields(text), " ") }

// unknownTask tells that a mock names no task.
func unknownTask(name string, tasks []string) string {
	if near := diag.Closest(name, tasks); near != "" {
		return fmt.Sprintf("the definition has no Task state %q; did you mean %q?", name, near)
	}
	if len(tasks) == 0 {
		return fmt.Sprintf("the definition has no Task state %q, and no other one", name)
	}
	return fmt.Sprintf("the definition has no Task state %q; its tasks are %s", name, strings.Join(tasks, ", "))
}
