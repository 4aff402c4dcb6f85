package jsonpath

import (
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// steps is a compiled list of steps.
type steps struct {
	list     []step
	definite bool
	upstream []bool        // upstream[i] tells whether all steps before list[i] are definite
	plain    []plain       // the same steps if all are single members and indexes, else nil; empty for a bare root
	total    *functionStep // a function over all that a deep scan finds: the last step then, which list does not have
}

// plain is a step to a member or, if it has no name, to an element.
type plain struct {
	name   string
	index  int
	member bool
}

func newSteps(list []step) *steps {
	if n := len(list); n > 0 {
		if last, ok := list[n-1].(*propertyStep); ok {
			last.last = true
		}
	}
	s := &steps{list: list, definite: true, upstream: make([]bool, len(list)+1), plain: make([]plain, 0, len(list))}
	for i, each := range list {
		s.upstream[i] = s.definite
		s.definite = s.definite && each.definite()
		switch each := each.(type) {
		case *propertyStep:
			if len(each.names) == 1 && s.plain != nil {
				s.plain = append(s.plain, plain{name: each.names[0], member: true})
				continue
			}
		case *indexStep:
			if len(each.indexes) == 1 && s.plain != nil {
				s.plain = append(s.plain, plain{index: each.indexes[0]})
				continue
			}
		}
		s.plain = nil
	}
	s.upstream[len(list)] = s.definite
	if len(list) > 1 {
		_, scans := list[0].(scanStep)
		if f, ok := list[len(list)-1].(*functionStep); ok && scans {
			s.total, s.definite = f, true
		}
	}
	return s
}

// budget bounds what one evaluation may cost.
type budget struct{ visits int }

func (b *budget) visit() error {
	if b.visits--; b.visits < 0 {
		return limitError("visited values", maxVisits)
	}
	return nil
}

// follow evaluates plain steps. A nil value without an error lies beyond the end of an array.
func (s *steps) follow(v *value.Value) (*value.Value, error) {
	for i, p := range s.plain {
		if !p.member {
			if v == nil || v.Kind() != value.Array {
				return nil, s.noArray(i, v)
			}
			v = element(v, p.index)
			continue
		}
		if v == nil || v.Kind() != value.Object {
			return nil, s.noObject(i, v)
		}
		if v = v.Get(p.name); v == nil {
			return nil, s.noMember(i)
		}
	}
	return v, nil
}

// element gives an element, counted from the end if the index is negative, or nil.
func element(v *value.Value, index int) *value.Value {
	n := v.Len()
	if index < 0 {
		index += n
	}
	if index < 0 || index >= n {
		return nil
	}
	return v.At(index)
}

// evaluate applies the steps to v. In filters, $ is document. If it is strict, every member that is missing on the way is
// an error, behind indefinite steps as well.
func (s *steps) evaluate(v, document *value.Value, b *budget, strict bool) (*value.Value, error) {
	if s.plain != nil {
		return s.follow(v)
	}
	list := s.list
	if s.total != nil {
		list = list[:len(list)-1]
	}
	w := walk{steps: s, list: list, document: document, budget: b, strict: strict}
	err := w.from(0, v)
	switch {
	case err != nil:
		return nil, err
	case s.total != nil:
		return w.callOn(s.total, w.out)
	case !s.definite:
		return w.array(w.out)
	case len(w.out) == 0:
		return nil, &Missing{Detail: "No results for path: " + string(appendSteps([]byte("$"), s.list))}
	default:
		return w.out[len(w.out)-1], nil
	}
}

// walk is one evaluation of steps that are not plain.
type walk struct {
	*steps
	list     []step // without the function that follows a scan
	document *value.Value
	budget   *budget
	strict   bool
	out      []*value.Value // nil elements lie beyond the end of an array
}

// array makes an array of results, within the limits.
func (w *walk) array(results []*value.Value) (*value.Value, error) {
	elems := make([]*value.Value, len(results))
	size, depth := len("[]"), 0
	for i, r := range results {
		elems[i] = orNull(r)
		depth = max(depth, elems[i].Depth())
		if size += elems[i].Size() + 1; size > maxBytes {
			return nil, limitError("bytes in a result", maxBytes)
		}
	}
	if depth+1 > value.MaxDepth {
		return nil, limitError("levels of nesting in a result", value.MaxDepth)
	}
	return value.FromArray(elems), nil
}

// from applies the steps from the i-th on; v is nil beyond the end of an array.
func (w *walk) from(i int, v *value.Value) error {
	if err := w.budget.visit(); err != nil {
		return err
	}
	if i == len(w.list) {
		if len(w.out) == maxResults {
			return limitError("results of a path", maxResults)
		}
		w.out = append(w.out, v)
		return nil
	}
	switch s := w.list[i].(type) {
	case *propertyStep:
		return w.property(i, s, v)
	case *indexStep:
		return w.index(i, s, v)
	case *sliceStep:
		return w.slice(i, s, v)
	case wildcardStep:
		return w.each(i+1, v)
	case scanStep:
		return w.scan(i+1, v)
	case *filterStep:
		return w.filter(i, s, v)
	case *functionStep:
		result, err := w.call(s, v)
		if err != nil {
			return err
		}
		return w.from(i+1, result)
	default:
		panic("an unknown step")
	}
}

func (w *walk) property(i int, s *propertyStep, v *value.Value) error {
	if v == nil || v.Kind() != value.Object {
		if w.upstream[i] {
			return w.noObject(i, v)
		}
		return nil
	}
	if len(s.names) > 1 && s.last {
		if err := w.budget.visitAll(len(s.names)); err != nil {
			return err
		}
		return w.from(i+1, merged(v, s.names))
	}
	for _, name := range s.names {
		member := v.Get(name)
		if member == nil {
			if w.strict || (w.upstream[i+1] && i < len(w.steps.list)-1) {
				return w.noMember(i)
			}
			continue
		}
		if err := w.from(i+1, member); err != nil {
			return err
		}
	}
	return nil
}

// merged gives an object of those of the members that are there.
func merged(v *value.Value, names []string) *value.Value {
	var keys []string
	var values []*value.Value
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if member := v.Get(name); member != nil && !seen[name] {
			seen[name] = true
			keys, values = append(keys, name), append(values, member)
		}
	}
	return value.FromObject(keys, values)
}

func (w *walk) index(i int, s *indexStep, v *value.Value) error {
	if ok, err := w.isArray(i, v); !ok {
		return err
	}
	for _, index := range s.indexes {
		if err := w.from(i+1, element(v, index)); err != nil {
			return err
		}
	}
	return nil
}

// isArray tells whether v is an array, which is an error if it must be one.
func (w *walk) isArray(i int, v *value.Value) (bool, error) {
	if v != nil && v.Kind() == value.Array {
		return true, nil
	}
	if w.upstream[i] {
		return false, w.noArray(i, v)
	}
	return false, nil
}

// slice follows Jayway's library, which counts a negative bound from the end only where the other bound is open.
func (w *walk) slice(i int, s *sliceStep, v *value.Value) error {
	if ok, err := w.isArray(i, v); !ok {
		return err
	}
	n := v.Len()
	from, to := 0, n
	switch {
	case s.to == nil:
		if from = *s.from; from < 0 {
			from = max(0, n+from)
		}
	case s.from == nil:
		if to = *s.to; to < 0 {
			to = n + to
		}
		to = min(n, to)
	default:
		from, to = *s.from, min(n, *s.to)
		from = max(from, -n) // what lies before is not there
	}
	for k := from; k < to && n > 0; k++ {
		if err := w.from(i+1, element(v, k)); err != nil {
			return err
		}
	}
	return nil
}

// each applies the steps from the i-th on to all members or elements.
func (w *walk) each(i int, v *value.Value) error {
	if v == nil {
		return nil
	}
	for _, e := range v.Elems() {
		if err := w.from(i, e); err != nil {
			return err
		}
	}
	return nil
}

// scan applies the steps from the i-th on to v and all below it, in Jayway's order: a value before what is in it.
//
// If the i-th step is not the last and takes arrays, Jayway's library applies the steps behind it to every element of
// each array that the step accepts, whatever the index or the filter: $..[0].id gives all ids. So does the service.
func (w *walk) scan(i int, v *value.Value) error {
	if v == nil || (v.Kind() != value.Array && v.Kind() != value.Object) {
		return nil
	}
	if err := w.budget.visit(); err != nil {
		return err
	}
	accepts, err := w.accepts(i, v)
	if err != nil {
		return err
	}
	if accepts {
		if v.Kind() == value.Array && i < len(w.list)-1 {
			err = w.each(i+1, v)
		} else {
			err = w.from(i, v)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range v.Elems() {
		if err := w.scan(i, e); err != nil {
			return err
		}
	}
	return nil
}

// accepts tells whether a scan applies its step to a value.
func (w *walk) accepts(i int, v *value.Value) (bool, error) {
	switch s := w.list[i].(type) {
	case *propertyStep:
		if v.Kind() != value.Object {
			return false, nil
		}
		if !s.definite() {
			return true, nil
		}
		for _, name := range s.names {
			if v.Get(name) == nil {
				return false, nil
			}
		}
		return true, nil
	case *indexStep, *sliceStep:
		return v.Kind() == value.Array, nil
	case wildcardStep:
		return true, nil
	case *filterStep:
		return w.passes(s, v)
	default:
		return false, nil
	}
}

func (w *walk) filter(i int, s *filterStep, v *value.Value) error {
	switch {
	case v != nil && v.Kind() == value.Object:
		if ok, err := w.passes(s, v); !ok {
			return err
		}
		return w.from(i+1, v)
	case v != nil && v.Kind() == value.Array:
		for _, e := range v.Elems() {
			ok, err := w.passes(s, e)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := w.from(i+1, e); err != nil {
				return err
			}
		}
		return nil
	case w.upstream[i]:
		return &Missing{
			Detail:    fmt.Sprintf("Filter: [?] can not be applied to primitives. Current context is: %s", orNull(v)),
			Malformed: true,
		}
	}
	return nil
}

func (w *walk) passes(s *filterStep, v *value.Value) (bool, error) {
	if err := w.budget.visit(); err != nil {
		return false, err
	}
	return s.test.holds(&subject{current: v, document: w.document, budget: w.budget})
}
