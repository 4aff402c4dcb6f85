package jsonpath

import (
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Reference is a Reference Path: one that leads to one place, made of members and of indexes from the beginning.
// ResultPath and ItemsPath take one.
type Reference struct{ path *Path }

// ParseReference compiles a Reference Path. It is nil if there is a problem.
func ParseReference(src string) (*Reference, []query.Problem) {
	path, problems := ParsePath(src)
	if len(problems) > 0 {
		return nil, problems
	}
	const hint = "use members and indexes only, for example $.order.items[0]"
	if path.steps.plain == nil {
		return nil, []query.Problem{{
			Message: "a Reference Path leads to one place, " + path.src + " to any number of them", Hint: hint,
		}}
	}
	for _, s := range path.steps.plain {
		if !s.member && s.index < 0 {
			return nil, []query.Problem{{Message: "a Reference Path has no indexes from the end", Hint: hint}}
		}
	}
	return &Reference{path: path}, nil
}

// ParseResultPath compiles the Reference Path of a ResultPath, which leads into the state's own input: not into the
// Context Object or a variable. It is nil if there is a problem.
func ParseResultPath(src string) (*Reference, []query.Problem) {
	r, problems := ParseReference(src)
	if r != nil && r.path.root != Data {
		return nil, []query.Problem{{
			Message: "a result cannot be put into " + r.path.prefix(),
			Hint:    "write where it goes in the state's input, for example $.result; a variable is set with Assign",
		}}
	}
	return r, problems
}

// Path gives the same place as a path.
func (r *Reference) Path() *Path { return r.path }

// Source gives the path as it was written.
func (r *Reference) Source() string { return r.path.src }

// String prints the path, see [Path.String].
func (r *Reference) String() string { return r.path.String() }

// IsRoot tells whether the path is $, the whole value.
func (r *Reference) IsRoot() bool { return r.path.root == Data && len(r.path.steps.list) == 0 }

// Get gives the value at the place. A member or element that is not there is ErrorReferenceConflict.
func (r *Reference) Get(root *value.Value, scope *query.Scope) (*value.Value, error) {
	v := r.path.base(root, scope)
	if v == nil {
		return r.path.Eval(root, scope) // says what is not there
	}
	for _, s := range r.path.steps.plain {
		next := r.next(s, v)
		if next == nil {
			return nil, conflict(s, v)
		}
		v = next
	}
	return v, nil
}

func (*Reference) next(s plain, v *value.Value) *value.Value {
	switch {
	case s.member:
		return v.Get(s.name)
	case v.Kind() == value.Array:
		return element(v, s.index)
	default:
		return nil
	}
}

// EvalItems applies the path as ItemsPath does. The service reads ItemsPath as a Reference Path where it is one, and then
// fails as [Reference.Get] does; other paths it takes as [Path.Eval] does. The value may be no array.
func (p *Path) EvalItems(root *value.Value, scope *query.Scope) (*value.Value, error) {
	if p.steps.plain == nil {
		return p.Eval(root, scope)
	}
	return (&Reference{path: p}).Get(root, scope)
}

// Items gives the elements of the array at the place, as ItemsPath does.
func (r *Reference) Items(root *value.Value, scope *query.Scope) ([]*value.Value, error) {
	v, err := r.path.EvalItems(root, scope)
	if err != nil {
		return nil, err
	}
	if v.Kind() != value.Array {
		return nil, runtimeError("Reference path \"%s\" must point to array.", r.path.src)
	}
	return v.Elems(), nil
}

// Set gives doc with v at the place, as ResultPath does; doc itself does not change. Objects that are missing on the way
// are created, elements of arrays are not. The error is a *query.Error named ErrorReferenceConflict: something on the
// way is no object, or no array that long.
func (r *Reference) Set(doc, v *value.Value) (*value.Value, error) {
	result, err := set(doc, r.path.steps.plain, v)
	if err != nil {
		return nil, err
	}
	if result.Depth() > value.MaxDepth {
		return nil, limitError("levels of nesting in a result", value.MaxDepth)
	}
	return result, nil
}

func set(doc *value.Value, steps []plain, v *value.Value) (*value.Value, error) {
	if len(steps) == 0 {
		return v, nil
	}
	s := steps[0]
	if !s.member {
		return setElement(doc, steps, v)
	}
	if doc == nil {
		inner, err := set(nil, steps[1:], v)
		if err != nil {
			return nil, err
		}
		return value.FromObject([]string{s.name}, []*value.Value{inner}), nil
	}
	if doc.Kind() != value.Object {
		return nil, conflict(s, doc)
	}
	inner, err := set(doc.Get(s.name), steps[1:], v)
	if err != nil {
		return nil, err
	}
	n := doc.Len()
	keys, values := make([]string, n, n+1), make([]*value.Value, n, n+1)
	copy(keys, doc.Keys())
	copy(values, doc.Elems())
	for i, key := range keys {
		if key == s.name {
			values[i] = inner
			return value.FromObject(keys, values), nil
		}
	}
	return value.FromObject(append(keys, s.name), append(values, inner)), nil
}

func setElement(doc *value.Value, steps []plain, v *value.Value) (*value.Value, error) {
	s := steps[0]
	if doc == nil || doc.Kind() != value.Array || s.index >= doc.Len() {
		return nil, conflict(s, doc)
	}
	inner, err := set(doc.At(s.index), steps[1:], v)
	if err != nil {
		return nil, err
	}
	elems := append([]*value.Value(nil), doc.Elems()...)
	elems[s.index] = inner
	return value.FromArray(elems), nil
}

// conflict is a step that cannot be taken.
func conflict(s plain, at *value.Value) *query.Error {
	name := s.name
	if !s.member {
		name = value.FromInt(int64(s.index)).String()
	}
	return &query.Error{
		Name:    ErrorReferenceConflict,
		Message: "Unable to apply step \"" + name + "\" to input " + orNull(at).String(),
	}
}
