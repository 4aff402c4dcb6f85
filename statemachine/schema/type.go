package schema

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tercel-workflows/tercel/statemachine/query"
)

// deriver gives the types that schemas describe. What a type cannot say (lengths, bounds, conditions) it leaves out, so
// that each value that fits the schema is of the type.
type deriver struct {
	combiner query.Combiner
	done     map[*jsonschema.Schema]*query.Type // those that are being derived are there as well, since schemas lead back to themselves
	open     map[*jsonschema.Schema]bool
}

// typeOf gives the type of the values that fit a schema.
func typeOf(s *jsonschema.Schema) *query.Type {
	d := &deriver{
		combiner: query.Combiner{Left: query.MaxCombined, Unfinished: map[*query.Type]bool{}},
		done:     map[*jsonschema.Schema]*query.Type{}, open: map[*jsonschema.Schema]bool{},
	}
	return d.schema(s)
}

func (d *deriver) schema(s *jsonschema.Schema) *query.Type {
	if s == nil || s.Bool != nil {
		return nil
	}
	if t, ok := d.done[s]; ok {
		return t
	}
	if d.open[s] || d.combiner.Left < 0 {
		return nil // it contains itself by something else than a property or an element
	}
	d.combiner.Left--
	d.open[s] = true
	defer delete(d.open, s)
	t := d.own(s)
	plainObject := t != nil && s.Ref == nil && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf)+len(s.DependentSchemas) == 0 &&
		s.If == nil && s.UnevaluatedProperties == nil
	if plainObject {
		d.done[s] = t // before what is in it, which may lead back
	}
	if t != nil {
		d.combiner.Unfinished[t] = true
		d.inside(s, t)
		delete(d.combiner.Unfinished, t)
	}
	if plainObject {
		return t
	}
	t = d.combined(s, t)
	d.done[s] = t
	return t
}

// combined adds what other schemas say of the same value.
func (d *deriver) combined(s *jsonschema.Schema, t *query.Type) *query.Type {
	t = d.combiner.Meet(t, d.schema(s.Ref))
	for _, part := range s.AllOf {
		t = d.combiner.Meet(t, d.schema(part))
	}
	for _, alternatives := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		if len(alternatives) == 0 {
			continue
		}
		joined := d.schema(alternatives[0])
		for _, other := range alternatives[1:] {
			joined = d.combiner.Join(joined, d.schema(other))
		}
		t = d.combiner.Meet(t, joined)
	}
	if t != nil && t.Kind == query.Object && t.Extent == query.Open && d.says(s) {
		extensible := *t
		extensible.Extent = query.Extensible
		return &extensible
	}
	return d.unevaluated(s, t)
}

// says tells whether other schemas may name properties of the same object that its type does not know of.
func (d *deriver) says(s *jsonschema.Schema) bool {
	unknown := func(part *jsonschema.Schema) bool {
		return d.schema(part) == nil || d.combiner.Unfinished[d.schema(part)]
	}
	return s.If != nil || len(s.DependentSchemas) > 0 || s.Ref != nil && unknown(s.Ref) ||
		slices.ContainsFunc(slices.Concat(s.AllOf, s.AnyOf, s.OneOf), unknown)
}

// unevaluated closes an object by unevaluatedProperties, which knows of the properties that other schemas declare.
func (d *deriver) unevaluated(s *jsonschema.Schema, t *query.Type) *query.Type {
	if t == nil || t.Kind != query.Object || !isFalse(s.UnevaluatedProperties) || t.Extent != query.Open {
		return t
	}
	closed := *t
	closed.Extent = query.Closed
	return &closed
}

func isFalse(s *jsonschema.Schema) bool { return s != nil && s.Bool != nil && !*s.Bool }

// own gives the type by the schema's own keywords, without what is inside of it; nil if they do not say.
func (d *deriver) own(s *jsonschema.Schema) *query.Type {
	var t *query.Type
	switch {
	case s.Types != nil:
		t = byNames(s.Types.ToStrings())
	case s.Const != nil:
		t = ofLiteral(*s.Const)
	case s.Enum != nil && len(s.Enum.Values) > 0:
		t = ofLiteral(s.Enum.Values[0])
		for _, v := range s.Enum.Values[1:] {
			t = query.Join(t, ofLiteral(v))
		}
	}
	if t == nil {
		return nil
	}
	if t.Kind == query.String && t.Values == nil {
		t.Values = textsOf(s)
	}
	own := *t
	return &own
}

// textsOf gives the texts that enum or const allow, nil if there is none of them, or too many to name.
func textsOf(s *jsonschema.Schema) []string {
	const most = 200
	var all []any
	switch {
	case s.Const != nil:
		all = []any{*s.Const}
	case s.Enum != nil:
		all = s.Enum.Values
	}
	if len(all) > most {
		return nil
	}
	var found []string
	for _, v := range all {
		if text, ok := v.(string); ok {
			found = append(found, text)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

var kinds = map[string]query.Kind{
	"null": query.Null, "boolean": query.Boolean, "integer": query.Integer, "number": query.Number,
	"string": query.String, "array": query.Array, "object": query.Object,
}

// byNames gives the type for the names of the keyword type, without what is inside of it.
func byNames(names []string) *query.Type {
	t := &query.Type{}
	for _, name := range names {
		kind := kinds[name]
		switch {
		case kind == query.Null && len(names) > 1:
			t.Nullable = true
		case t.Kind == 0, t.Kind == query.Integer && kind == query.Number:
			t.Kind = kind
		case t.Kind == query.Number && kind == query.Integer:
		default:
			return nil // of two kinds
		}
	}
	if t.Kind == 0 {
		return nil
	}
	return t
}

func ofLiteral(v any) *query.Type {
	switch v := v.(type) {
	case nil:
		return &query.Type{Kind: query.Null}
	case bool:
		return &query.Type{Kind: query.Boolean}
	case string:
		return &query.Type{Kind: query.String}
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok && r.IsInt() {
			return &query.Type{Kind: query.Integer}
		}
		return &query.Type{Kind: query.Number}
	}
	return nil
}

// inside fills in what arrays and objects hold.
func (d *deriver) inside(s *jsonschema.Schema, t *query.Type) {
	switch t.Kind {
	case query.Array:
		t.Elem = d.elements(s)
	case query.Object:
		d.properties(s, t)
	case query.Null, query.Boolean, query.Integer, query.Number, query.String:
	}
}

func (d *deriver) elements(s *jsonschema.Schema) *query.Type {
	rest := s.Items2020
	if older, ok := s.Items.(*jsonschema.Schema); ok && rest == nil {
		rest = older
	}
	if len(s.PrefixItems) == 0 {
		return d.schema(rest)
	}
	t := d.schema(s.PrefixItems[0])
	for _, other := range s.PrefixItems[1:] {
		t = d.combiner.Join(t, d.schema(other))
	}
	if isFalse(rest) {
		return t
	}
	return d.combiner.Join(t, d.schema(rest))
}

func (d *deriver) properties(s *jsonschema.Schema, t *query.Type) {
	t.Props = make(map[string]*query.Type, len(s.Properties))
	t.Required = slices.Clone(s.Required)
	slices.Sort(t.Required)
	switch rest := s.AdditionalProperties.(type) {
	case bool:
		t.Extent = query.Extensible
		if !rest {
			t.Extent = query.Closed
		}
	case *jsonschema.Schema:
		t.Extent = query.Extensible
		if isFalse(rest) {
			t.Extent = query.Closed
		} else if len(s.PatternProperties) == 0 {
			t.Rest = d.schema(rest)
		}
	}
	if len(s.PatternProperties) > 0 {
		t.Extent = query.Extensible
		t.Rest = nil
	}
	if s.UnevaluatedProperties != nil && !isFalse(s.UnevaluatedProperties) && t.Extent == query.Open {
		t.Extent = query.Extensible
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) { // in order, since the types are bounded
		if p := s.Properties[name]; !isFalse(p) {
			t.Props[name] = d.schema(p)
		}
	}
}
