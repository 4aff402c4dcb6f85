package cel

import (
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// What one evaluation may use. The units are about equal in time; a unit is at least one call, one turn of a loop, one
// element of a new list, or unitBytes bytes of a new string.
const (
	maxCost   = 1_000_000
	unitBytes = 16
	maxText   = 4 << 20 // bytes of one string
)

// exhausted is thrown, as a panic that Eval catches, when an evaluation has used up its units: no || may absorb it.
type exhausted struct{}

// run is the state of one evaluation.
type run struct {
	scope *query.Scope
	names *environment
	left  int            // units that may still be used
	args  []ref.Val      // a stack of the arguments of the calls under way
	slots []ref.Val      // the variables of macros, by the slot that the builder gave them
	roots []*value.Value // states.* and the workflow variables, once they have been asked for
}

var runs = sync.Pool{New: func() any { return new(run) }}

func (p *program) start(s *query.Scope) *run {
	r := runs.Get().(*run)
	r.scope, r.names, r.left = s, p.names, maxCost
	if cap(r.slots) < p.slots {
		r.slots = make([]ref.Val, p.slots)
	}
	r.slots = r.slots[:p.slots]
	if cap(r.roots) < len(p.roots) {
		r.roots = make([]*value.Value, len(p.roots))
	}
	r.roots = r.roots[:len(p.roots)]
	return r
}

// stop gives the run back without what it has seen.
func (r *run) stop() {
	r.scope = nil
	clear(r.args[:cap(r.args)])
	clear(r.slots)
	clear(r.roots)
	r.args = r.args[:0]
	if cap(r.args) <= 1024 {
		runs.Put(r)
	}
}

// charge takes units before they are used.
func (r *run) charge(units int) {
	if r == nil {
		return
	}
	r.left -= units
	if r.left < 0 || units < 0 {
		panic(exhausted{})
	}
}

// chargeText takes the units of a string of so many bytes that is to be made.
func (r *run) chargeText(bytes int) ref.Val {
	if bytes > maxText {
		return newFault("the string would have %s bytes, at most %s are allowed", thousands(bytes), thousands(maxText))
	}
	r.charge(bytes / unitBytes)
	return nil
}

// read gives the CEL value of a JSON value. A string is copied, which is charged.
func (r *run) read(v *value.Value) ref.Val {
	if v.Kind() == value.String {
		r.charge(v.Size() / unitBytes)
	}
	return fromJSON(v)
}

// element gives an element of a list, as at does, and charges for a string that is copied.
func (r *run) element(l *list, i int) ref.Val {
	if l.json != nil {
		return r.read(l.json.At(i))
	}
	return l.elems[i]
}

// entry gives the value of an entry of an object, as at does, and charges for a string that is copied.
func (r *run) entry(o *object, i int) ref.Val {
	if o.json != nil {
		return r.read(o.json.At(i))
	}
	return o.vals[i]
}

// bulk gives the units of reading a value once, not counting what its elements hold.
func bulk(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v) / unitBytes
	case types.Bytes:
		return len(v) / unitBytes
	case *list:
		return v.len()
	case *object:
		return v.len()
	}
	return 0
}

// deep gives the units of reading a value to its last leaf.
func deep(v ref.Val) int { return weight(v) / unitBytes }

// isError tells whether a value is an error.
func isError(v ref.Val) bool {
	_, is := v.(*types.Err)
	return is
}
