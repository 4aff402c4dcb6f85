package statemachine

import (
	"maps"

	"github.com/tercel-workflows/tercel/statemachine/query"
)

// variableTypes is what is known of the workflow variables at some place of a flow. It is immutable and shared; nil is
// that of a place where none is assigned.
type variableTypes struct {
	// types has the type of each variable that may be assigned there, nil if it may have any value. A variable that is not
	// in it has no value, or nothing is known of it, see open.
	types map[string]*query.Type
	open  bool // a variable that is not in types may have any value
}

// anyVariables is what is known where a way leads back: nothing.
var anyVariables = &variableTypes{open: true}

// maxVariableTypes bounds how many types of variables are copied or joined while one definition is compiled: a large
// definition may have as many variables as states. Beyond it nothing is known.
const maxVariableTypes = 1_000_000

// known gives the types to check expressions with.
func (v *variableTypes) known() map[string]*query.Type {
	if v == nil {
		return nil
	}
	return v.types
}

// assigned gives what is known behind assignments. Those of a JSONPath state have values of any type.
func (c *compiler) assigned(v *variableTypes, assign []assignment, typed bool) *variableTypes {
	if len(assign) == 0 {
		return v
	}
	if !c.affords(len(v.known()) + len(assign)) {
		return anyVariables
	}
	after := &variableTypes{types: make(map[string]*query.Type, len(v.known())+len(assign)), open: v != nil && v.open}
	maps.Copy(after.types, v.known())
	for _, a := range assign {
		after.types[a.name] = nil
		if typed {
			after.types[a.name] = staticType(a.value)
		}
	}
	return after
}

// joined gives what is known where two ways meet. A variable that one of them does not assign has the value of the other,
// or none.
func (c *compiler) joined(a, b *variableTypes) *variableTypes {
	switch {
	case a == b:
		return a
	case !c.affords(len(a.known()) + len(b.known())):
		return anyVariables
	}
	both := &variableTypes{types: map[string]*query.Type{}, open: a != nil && a.open || b != nil && b.open}
	for _, pair := range [][2]*variableTypes{{a, b}, {b, a}} {
		here, there := pair[0], pair[1]
		for name, t := range here.known() {
			other, assigned := there.known()[name]
			switch {
			case assigned:
				both.types[name] = query.Join(t, other)
			case there == nil || !there.open:
				both.types[name] = t
			}
		}
	}
	return both
}

func (c *compiler) affords(n int) bool {
	c.variables += n
	return c.variables <= maxVariableTypes
}
