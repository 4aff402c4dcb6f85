package query

import (
	"maps"
	"slices"
	"strings"
)

// Type is what is known of a value before anything runs: the type that a schema describes, or that an expression has.
// A nil type is that of any value. Types are immutable, shared, and may contain themselves.
type Type struct {
	Kind     Kind
	Nullable bool             // null is possible too
	Values   []string         // String: all that it can be, sorted; nil if nothing is known
	Elem     *Type            // Array: of its elements
	Props    map[string]*Type // Object: the declared properties
	Required []string         // Object: the properties that are always there, sorted
	Extent   Extent           // Object: what other properties there may be
	Rest     *Type            // Object: of the other properties
}

// Kind is the JSON type of a value, with integers apart.
type Kind uint8

// The kinds of types. An Integer is a Number that has no fraction.
const (
	Null Kind = iota + 1
	Boolean
	Integer
	Number
	String
	Array
	Object
)

// Extent tells which properties an object may have beside the declared ones.
type Extent uint8

// The extents of objects.
const (
	// Open says nothing of other properties: there may be some, but a name that is almost that of a declared one is
	// likely misspelt.
	Open Extent = iota
	// Extensible expects others.
	Extensible
	// Closed forbids them.
	Closed
)

// String gives the kind as JSON Schema names it.
func (k Kind) String() string {
	return [...]string{"any", "null", "boolean", "integer", "number", "string", "array", "object"}[k]
}

// String gives the type in a few words.
func (t *Type) String() string {
	switch {
	case t == nil:
		return "any"
	case t.Nullable:
		return t.Kind.String() + " or null"
	}
	return t.Kind.String()
}

// Names gives the declared properties, sorted.
func (t *Type) Names() []string {
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.Props))
}

// Property gives the type of a property, and whether an object of this type can have it.
func (t *Type) Property(name string) (*Type, bool) {
	if t == nil {
		return nil, true
	}
	if p, ok := t.Props[name]; ok {
		return p, true
	}
	return t.Rest, t.Kind == Object && t.Extent != Closed
}

// At gives the type of the value at a path of property names and indices, nil where nothing is known.
func (t *Type) At(path []string) *Type {
	for _, step := range path {
		switch {
		case t == nil:
			return nil
		case t.Kind == Array:
			t = t.Elem
		default:
			t, _ = t.Property(step)
		}
	}
	return t
}

// ListOf gives the type of an array.
func ListOf(elem *Type) *Type { return &Type{Kind: Array, Elem: elem} }

// OrNull gives the type that is null or t.
func (t *Type) OrNull() *Type {
	if t == nil || t.Kind == Null || t.Nullable {
		return t
	}
	nullable := *t
	nullable.Nullable = true
	return &nullable
}

// MaxCombined bounds how many types a combination of types is made of. What goes beyond may be any value.
const MaxCombined = 5_000

// Join gives the type of values that are of either type.
func Join(a, b *Type) *Type {
	c := Combiner{Left: MaxCombined}
	return c.Join(a, b)
}

// Combiner combines types within a bound, since what contains itself has no end.
type Combiner struct {
	Left       int            // how many types may still be combined
	Unfinished map[*Type]bool // types that are still being made, which cannot be combined
}

// Join gives the type of values that are of either type.
func (c *Combiner) Join(a, b *Type) *Type {
	c.Left--
	switch {
	case a == nil, b == nil, c.Left < 0:
		return nil
	case a == b:
		return a
	case c.Unfinished[a], c.Unfinished[b]:
		return nil
	case a.Kind == Null:
		return b.OrNull()
	case b.Kind == Null:
		return a.OrNull()
	}
	joined := &Type{Kind: a.Kind, Nullable: a.Nullable || b.Nullable}
	if a.Values != nil && b.Values != nil {
		joined.Values = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Values, b.Values))))
	}
	switch {
	case isNumber(a.Kind) && isNumber(b.Kind):
		joined.Kind = max(a.Kind, b.Kind)
	case a.Kind != b.Kind:
		return nil
	case a.Kind == Array:
		joined.Elem = c.Join(a.Elem, b.Elem)
	case a.Kind == Object:
		c.joinObjects(joined, a, b)
	}
	return joined
}

func (c *Combiner) joinObjects(joined, a, b *Type) {
	joined.Props = make(map[string]*Type, max(len(a.Props), len(b.Props)))
	for _, pair := range [][2]*Type{{a, b}, {b, a}} {
		for name, here := range pair[0].Props {
			there, declared := pair[1].Props[name]
			switch {
			case declared:
				if _, done := joined.Props[name]; !done {
					joined.Props[name] = c.Join(here, there)
				}
			case pair[1].Extent == Closed:
				joined.Props[name] = here
			default:
				joined.Props[name] = c.Join(here, pair[1].Rest)
			}
		}
	}
	for _, name := range a.Required {
		if slices.Contains(b.Required, name) {
			joined.Required = append(joined.Required, name)
		}
	}
	switch {
	case a.Extent == Closed && b.Extent == Closed:
		joined.Extent = Closed
	case a.Extent == Closed:
		joined.Extent, joined.Rest = b.Extent, b.Rest
	case b.Extent == Closed:
		joined.Extent, joined.Rest = a.Extent, a.Rest
	default:
		joined.Extent, joined.Rest = max(a.Extent, b.Extent), c.Join(a.Rest, b.Rest)
	}
}

// Meet gives the type of values that are of both types. Where the two contradict each other it gives the first one.
func (c *Combiner) Meet(a, b *Type) *Type {
	c.Left--
	switch {
	case a == b, b == nil, c.Left < 0:
		return a
	case a == nil:
		return b
	case c.Unfinished[a], c.Unfinished[b]:
		return a
	}
	met := *a
	met.Nullable = a.Nullable && b.Nullable
	if a.Values == nil && a.Kind == b.Kind {
		met.Values = b.Values
	}
	switch {
	case a.Kind == Number && b.Kind == Integer:
		met.Kind = Integer
	case a.Kind != b.Kind:
		return a
	case a.Kind == Array:
		met.Elem = c.Meet(a.Elem, b.Elem)
	case a.Kind == Object:
		c.meetObjects(&met, a, b)
	}
	return &met
}

func (c *Combiner) meetObjects(met, a, b *Type) {
	met.Props = make(map[string]*Type, len(a.Props)+len(b.Props))
	for _, pair := range [][2]*Type{{a, b}, {b, a}} {
		for name, here := range pair[0].Props {
			if there, possible := pair[1].Property(name); possible {
				met.Props[name] = c.Meet(here, there)
			}
		}
	}
	met.Required = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Required, b.Required))))
	met.Extent = max(a.Extent, b.Extent)
	met.Rest = c.Meet(a.Rest, b.Rest)
}

func isNumber(k Kind) bool { return k == Integer || k == Number }

// Disjoint tells whether no value can be of both types, as far as their kinds say.
func Disjoint(a, b *Type) bool {
	if a == nil || b == nil || a.Kind == b.Kind || isNumber(a.Kind) && isNumber(b.Kind) {
		return false
	}
	null := func(t *Type) bool { return t.Nullable || t.Kind == Null }
	return !null(a) || !null(b)
}

// Describe names the declared properties for a message.
func (t *Type) Describe() string {
	const shown = 12
	names := t.Names()
	switch {
	case len(names) == 0:
		return "it has no properties"
	case len(names) > shown:
		return "it has " + strings.Join(names[:shown], ", ") + " and more"
	}
	return "it has " + strings.Join(names, ", ")
}
