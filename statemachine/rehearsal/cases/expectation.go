package cases

import (
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// expectation is what a case is expected to do. What it does not name is not looked at, but for the status.
type expectation struct {
	node      *source.Node // of expect, or of the case
	status    *placed
	error     *placed
	cause     *placed
	output    *placed
	matches   *placed
	path      []step
	pathNode  *source.Node // nil if no path is expected
	assigned  []namedPattern
	arguments []callPattern
	calls     []callCount
	duration  *time.Duration
	lasting   *placed // a condition on the duration
	lastingAt *source.Node
	check     []placed
}

// placed is a pattern with where it stands.
type placed struct {
	*pattern
	at *source.Node
}

type namedPattern struct {
	name string
	placed
}

type callPattern struct {
	name string
	key  selector
	placed
}

type callCount struct {
	name string
	key  selector
	want int
	at   *source.Node
}

// step is a state in an expected path.
type step struct {
	state string
	each  []step   // all iterations go this way
	flows [][]step // the branches or iterations go these ways; nil if they are not looked at
	at    *source.Node
}

var statuses = []string{
	string(statemachine.Succeeded), string(statemachine.Failed), string(statemachine.TimedOut), string(statemachine.Aborted),
}

func (r *reader) expectation(n *source.Node, e *expectation) {
	e.node = n
	place := func(into **placed) func(*source.Node) {
		return func(n *source.Node) { *into = &placed{r.pattern(n), n} }
	}
	r.fields(n, "expect", []fieldReader{
		{"status", func(n *source.Node) {
			if n.Kind != source.String || !slices.Contains(statuses, n.Text) {
				r.errorAt(n, CodeValue, "", "status must be one of %s, but is %s", strings.Join(statuses, ", "), describe(n))
				return
			}
			place(&e.status)(n)
		}},
		{"output", place(&e.output)},
		{"matches", place(&e.matches)},
		{"error", r.placedText(&e.error, "error")},
		{"cause", r.placedText(&e.cause, "cause")},
		{"path", func(n *source.Node) { e.pathNode = n; e.path = r.path(n) }},
		{"assigned", func(n *source.Node) { e.assigned = r.assigned(n) }},
		{"arguments", func(n *source.Node) { e.arguments = r.arguments(n) }},
		{"calls", func(n *source.Node) { e.calls = r.calls(n) }},
		{"duration", func(n *source.Node) { r.lasting(n, e) }},
		{"check", func(n *source.Node) { e.check = r.check(n) }},
	})
	if e.output != nil && e.matches != nil {
		r.errorAt(e.matches.at, CodeValue, "output is the whole output, matches a part of it; keep one",
			"expect has both output and matches")
	}
	if e.status != nil && e.status.literal.Text() == string(statemachine.Succeeded) && (e.error != nil || e.cause != nil) {
		r.errorAt(e.status.at, CodeValue, "", "an execution that succeeds has no error and no cause")
	}
}

func (r *reader) placedText(into **placed, what string) func(*source.Node) {
	return func(n *source.Node) {
		if r.is(n, what, source.String) {
			*into = &placed{r.pattern(n), n}
		}
	}
}

// path reads a list of states.
func (r *reader) path(n *source.Node) []step {
	if !r.is(n, "a path", source.Array) {
		return nil
	}
	steps := make([]step, 0, len(n.Elems))
	for _, e := range n.Elems {
		steps = append(steps, r.step(e))
	}
	return steps
}

func (r *reader) step(n *source.Node) step {
	s := step{at: n}
	switch {
	case n.Kind == source.String:
		s.state = n.Text
		r.known(n, n.Pos, s.state)
	case n.Kind == source.Object && len(n.Members) == 1:
		m := n.Members[0]
		s.state = m.Name
		r.known(n, m.NamePos, s.state)
		if each := m.Value.Get("each"); each != nil && len(m.Value.Members) == 1 {
			s.each = r.path(each)
			break
		}
		if m.Value.Kind != source.Array {
			r.errorAt(m.Value, CodeType, "write a path for each branch or iteration, [[A, B], [C]], or {each: [A, B]}",
				"what is in %s must be a list of paths, but is %s", s.state, describe(m.Value))
			break
		}
		s.flows = [][]step{}
		for _, flow := range m.Value.Elems {
			s.flows = append(s.flows, r.path(flow))
		}
	default:
		r.errorAt(n, CodeType, "write the name of a state, or STATE: [[A, B], [C]] with a path for each branch or iteration",
			"a step of a path must be a state, but is %s", describe(n))
	}
	return s
}

// known reports a state that is not there.
func (r *reader) known(n *source.Node, pos source.Pos, state string) {
	if r.states == nil {
		return
	}
	if _, ok := r.states[state]; ok {
		return
	}
	at := *n
	at.Pos = pos
	r.unknownState(&at, state)
}

func (r *reader) assigned(n *source.Node) []namedPattern {
	if !r.is(n, "assigned", source.Object) {
		return nil
	}
	var list []namedPattern
	for _, m := range n.Members {
		list = append(list, namedPattern{m.Name, placed{r.pattern(m.Value), m.Value}})
	}
	return list
}

func (r *reader) arguments(n *source.Node) []callPattern {
	if !r.is(n, "arguments", source.Object) {
		return nil
	}
	var list []callPattern
	for _, m := range n.Members {
		key, _ := r.selector(m, true)
		list = append(list, callPattern{m.Name, key, placed{r.pattern(m.Value), m.Value}})
	}
	return list
}

func (r *reader) calls(n *source.Node) []callCount {
	if !r.is(n, "calls", source.Object) {
		return nil
	}
	var list []callCount
	for _, m := range n.Members {
		key, _ := r.selector(m, false)
		count := callCount{name: m.Name, key: key, at: m.Value}
		r.whole("the number of calls of "+m.Name, 0, func(i int64) { count.want = int(min(i, 1<<31-1)) })(m.Value)
		list = append(list, count)
	}
	return list
}

// lasting reads a duration, or a condition on it.
func (r *reader) lasting(n *source.Node, e *expectation) {
	if n.Kind == source.String && strings.HasPrefix(n.Text, "{%") {
		e.lasting = &placed{r.pattern(n), n}
		return
	}
	e.duration, e.lastingAt = new(time.Duration), n
	r.duration(e.duration, "duration")(n)
}

func (r *reader) check(n *source.Node) []placed {
	elems := []*source.Node{n}
	if n.Kind == source.Array {
		elems = n.Elems
	}
	var list []placed
	for _, e := range elems {
		before := len(r.list)
		p := r.pattern(e)
		if p.condition == nil && len(r.list) == before {
			r.errorAt(e, CodeType, `write it as "{% output.total > 0 %}"`, "a check must be an expression, but is %s", describe(e))
		}
		list = append(list, placed{p, e})
	}
	return list
}

// String writes the step for a message.
func (s step) String() string {
	switch {
	case s.each != nil:
		return s.state + "{each " + pathText(s.each) + "}"
	case s.flows != nil:
		parts := make([]string, len(s.flows))
		for i, f := range s.flows {
			parts[i] = pathText(f)
			if parts[i] == "" {
				parts[i] = "nothing"
			}
		}
		return s.state + "{" + strings.Join(parts, " | ") + "}"
	}
	return s.state
}

func pathText(steps []step) string {
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = s.String()
	}
	return strings.Join(parts, " > ")
}
