package statemachine

import (
	"slices"
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Static types go with the data: from the machine's InputSchema to the first state, from the way out of a state to the
// next one, into branches and iterations and out of them. Where ways meet, the type is what they have in common; where
// a way leads back, nothing is known. The same holds for workflow variables, from their Assign on. States that are written in JSONPath neither use types nor hand any on.

// flowTypes are the types of what arrives at the states of a flow while it is compiled, and of what leaves the flow.
type flowTypes struct {
	compiler *compiler
	order    []asl.State // such that all that leads to a state comes before it, as far as there is such an order
	loops    map[string]bool
	arriving map[string]*arrival
	leaving  arrival
}

// arrival is what is known of a value that comes on several ways.
type arrival struct {
	typ       *query.Type
	some      bool // it comes on one at least
	variables *variableTypes
}

func (a *arrival) add(t *query.Type) {
	if !a.some {
		a.typ, a.some = t, true
		return
	}
	a.typ = query.Join(a.typ, t)
}

// newFlowTypes orders the states of a flow.
func newFlowTypes(c *compiler, fl *asl.Flow, input *query.Type, variables *variableTypes) *flowTypes {
	f := &flowTypes{compiler: c, loops: map[string]bool{}, arriving: map[string]*arrival{}}
	states := make(map[string]asl.State, len(fl.States))
	for _, s := range fl.States {
		states[s.Base().Name] = s
		f.arriving[s.Base().Name] = &arrival{}
	}
	if a := f.arriving[fl.StartAt]; a != nil {
		a.add(input)
		a.variables = variables
	}
	f.sort(states, fl.StartAt)
	for _, s := range fl.States { // what nothing leads to
		if states[s.Base().Name] != nil {
			f.order = append(f.order, s)
			f.loops[s.Base().Name] = true
		}
	}
	return f
}

// sort appends what can be reached from a state, in reverse postorder, and takes it out of the states. It keeps its own
// stack, since a flow may be as long as a definition.
func (f *flowTypes) sort(states map[string]asl.State, start string) {
	type visit struct {
		state   asl.State
		targets []string
	}
	open := map[string]bool{}
	var stack []visit
	enter := func(name string) {
		s := states[name]
		if s == nil {
			f.loops[name] = f.loops[name] || open[name]
			return
		}
		delete(states, name)
		open[name] = true
		stack = append(stack, visit{s, slices.Clone(s.Base().Targets())})
	}
	enter(start)
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if len(top.targets) > 0 {
			next := top.targets[len(top.targets)-1]
			top.targets = top.targets[:len(top.targets)-1]
			enter(next)
			continue
		}
		open[top.state.Base().Name] = false
		f.order = append(f.order, top.state)
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(f.order)
}

// at gives what is known where a state begins.
func (f *flowTypes) at(name string) (input *query.Type, variables *variableTypes) {
	if f.loops[name] {
		return nil, anyVariables
	}
	return f.arriving[name].typ, f.arriving[name].variables
}

// leave notes what a state hands on.
func (f *flowTypes) leave(next string, t *query.Type, variables *variableTypes) {
	if next == "" {
		f.leaving.add(t)
	} else if a := f.arriving[next]; a != nil {
		if !a.some {
			a.variables = variables
		} else {
			a.variables = f.compiler.joined(a.variables, variables)
		}
		a.add(t)
	}
}

// leave notes what the state hands on, on all of its ways.
func (sc *stateCompiler) leave(types *flowTypes) {
	leave := func(next string, t *query.Type, o outcome) {
		types.leave(next, t, sc.assigned(sc.variables, o.assign, sc.base.QueryLanguage != asl.JSONPath))
	}
	handed := func(o outcome, otherwise *query.Type) *query.Type {
		switch {
		case sc.base.QueryLanguage == asl.JSONPath:
			return nil
		case o.output == nil:
			return otherwise
		}
		return staticType(o.output)
	}
	switch s := sc.state.behaviour.(type) {
	case *failState:
		return
	case *choiceState:
		for i := range s.rules {
			leave(s.rules[i].next, handed(s.rules[i].outcome, sc.input), s.rules[i].outcome)
		}
		if s.fallback != "" {
			leave(s.fallback, handed(sc.state.outcome, sc.input), sc.state.outcome)
		}
		return
	}
	out := sc.input
	if sc.state.retries {
		out = sc.result
	}
	leave(sc.state.next, handed(sc.state.outcome, out), sc.state.outcome)
	for _, c := range sc.state.catchers {
		leave(c.next, handed(c.outcome, errorOutputType), c.outcome)
	}
}

// staticType gives what is known of the values of a template.
func staticType(t template) *query.Type {
	switch t := t.(type) {
	case constant:
		return typeOfValue(t.value)
	case *expression:
		return t.typ
	case arrayTemplate:
		var elem arrival
		for _, e := range t {
			elem.add(staticType(e))
		}
		return query.ListOf(elem.typ)
	case *objectTemplate:
		o := &query.Type{Kind: query.Object, Props: make(map[string]*query.Type, len(t.keys)), Extent: query.Closed}
		for i, key := range t.keys {
			o.Props[key] = staticType(t.values[i])
		}
		o.Required = o.Names()
		return o
	}
	return nil
}

// maxTyped bounds the literals whose types are looked into, in bytes.
const maxTyped = 64 << 10

func typeOfValue(v *value.Value) *query.Type {
	if len(v.JSON()) > maxTyped {
		return nil
	}
	switch v.Kind() {
	case value.Null:
		return scalar(query.Null)
	case value.Bool:
		return scalar(query.Boolean)
	case value.Number:
		if _, ok := v.Int(); ok {
			return scalar(query.Integer)
		}
		return scalar(query.Number)
	case value.String:
		return scalar(query.String)
	case value.Array:
		var elem arrival
		for _, e := range v.Elems() {
			elem.add(typeOfValue(e))
		}
		return query.ListOf(elem.typ)
	case value.Object:
		o := &query.Type{Kind: query.Object, Props: map[string]*query.Type{}, Extent: query.Closed}
		for _, key := range v.Keys() {
			o.Props[key] = typeOfValue(v.Get(key))
		}
		o.Required = o.Names()
		return o
	}
	return nil
}

func scalar(k query.Kind) *query.Type { return &query.Type{Kind: k} }

func objectOf(extent query.Extent, props map[string]*query.Type) *query.Type {
	return &query.Type{Kind: query.Object, Props: props, Extent: extent}
}

// errorOutputType is the type of what a catcher is given, see failure.output.
var errorOutputType = objectOf(query.Closed, map[string]*query.Type{"Error": scalar(query.String), "Cause": scalar(query.String)})

// contextType gives the type of the Context Object, see decider.contextObject. It is open, since the service's has
// more in places, and so may that of a later release.
func contextType(input *query.Type) *query.Type {
	text, integer := scalar(query.String), scalar(query.Integer)
	type props = map[string]*query.Type
	return objectOf(query.Open, props{
		"Execution": objectOf(query.Open, props{
			"Id": text, "Input": input, "Name": text, "RoleArn": text, "StartTime": text, "RedriveCount": integer, "RedriveTime": text,
		}),
		"StateMachine": objectOf(query.Open, props{"Id": text, "Name": text}),
		"State":        objectOf(query.Open, props{"Name": text, "EnteredTime": text, "RetryCount": integer}),
		"Task": objectOf(query.Open, props{
			"Token": text, "CallbackUrl": text, "CallbackFailureUrl": text, "CallbackHeartbeatUrl": text,
		}),
		"Map": objectOf(query.Open, props{"Item": objectOf(query.Open, props{"Index": integer, "Key": text, "Value": nil})}),
	})
}

// mismatch says why no value of a type fits another type, "" if one may.
func mismatch(have, want *query.Type) string { return mismatchAt(have, want, "", 0) }

func mismatchAt(have, want *query.Type, at string, depth int) string {
	const deepest = 10
	if have == nil || want == nil || depth > deepest {
		return ""
	}
	if query.Disjoint(have, want) {
		return at + "must be " + want.String() + ", this is " + have.String()
	}
	switch {
	case have.Nullable, have.Kind != query.Object, want.Kind != query.Object:
		return ""
	}
	for _, name := range want.Required {
		if _, possible := have.Property(name); !possible {
			return at + "lacks " + strconv.Quote(name)
		}
	}
	for _, name := range have.Required {
		wanted, possible := want.Property(name)
		if !possible {
			return at + "has " + strconv.Quote(name) + ", which is not allowed: " + want.Describe()
		}
		if text := mismatchAt(have.Props[name], wanted, at+name+" ", depth+1); text != "" {
			return text
		}
	}
	return ""
}
