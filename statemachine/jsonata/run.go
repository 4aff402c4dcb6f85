package jsonata

import (
	"fmt"
	"strconv"
	"time"
)

// Limits bound what one evaluation may take. They count work, not time, so that the same evaluation always ends the
// same way.
type Limits struct {
	Steps int // parts evaluated and values handled
	Depth int // evaluations within evaluations
	Bytes int // of memory for everything that is made on the way, all together
}

// DefaultLimits are enough for payloads of some megabytes, and end an endless expression within about a second.
var DefaultLimits = Limits{Steps: 3_000_000, Depth: 2_000, Bytes: 96 << 20}

// maxDepth is how deep values may nest: the core does not take more.
const maxDepth = 512

// run is one evaluation.
type run struct {
	options  *Options
	input    any
	lookup   func(name string) any // what names are bound to outside of the expression
	now      time.Time
	random   func() uint64
	steps    int
	bytes    int
	depth    int
	at       *node                   // the call that is being made, for errors
	focus    any                     // what that call was made on
	pictures map[string]*datePicture // that have been read
}

// enter counts an evaluation.
// Steps are counted without a check in some places; the next evaluation checks.
func (r *run) enter(n *node) {
	r.depth++
	r.steps--
	if r.depth > r.options.Limits.Depth {
		r.exhausted(n, fmt.Sprintf("the expression calls itself too deep: more than %d evaluations within each other; "+
			"check for endless recursion", r.options.Limits.Depth))
	}
	if r.steps < 0 {
		r.tooLong(n)
	}
}

// spend counts work that is not an evaluation.
func (r *run) spend(steps int) {
	r.steps -= steps
	if r.steps < 0 {
		r.tooLong(r.at)
	}
}

func (r *run) tooLong(n *node) {
	r.exhausted(n, fmt.Sprintf("the expression takes more than %d steps; check for endless loops", r.options.Limits.Steps))
}

// take counts memory, in bytes, before it is used.
func (r *run) take(bytes int) {
	r.bytes -= bytes
	if r.bytes < 0 || bytes < 0 {
		r.exhausted(r.at, fmt.Sprintf("the expression makes more than %d MB of values", r.options.Limits.Bytes>>20))
	}
}

// cell is about what an element of an array takes, and member what a member of an object does.
const (
	cell      = 24
	entry     = 48
	maxResult = 8 << 20
)

// room counts elements before they are made.
func (r *run) room(elements int) {
	r.spend(elements)
	r.take(cell * elements)
}

func (r *run) exhausted(n *node, why string) {
	f := fault{code: "U1001", pos: -1, value: why}
	if n != nil {
		f.pos = n.pos
	}
	raise(f)
}

// deeper checks how deep something nests that is walked.
func (r *run) deeper(depth int) int {
	if depth >= 2*maxDepth {
		r.exhausted(r.at, fmt.Sprintf("a value nests more than %d deep", 2*maxDepth))
	}
	return depth + 1
}

// fail raises an error of the function that is being called.
func (r *run) fail(code string, v any) { r.failAt(code, v, 0) }

func (r *run) failAt(code string, v any, index int) {
	f := fault{code: code, pos: -1, value: r.show(v), index: index}
	if r.at != nil {
		f.pos, f.token = r.at.pos, r.at.text
	}
	raise(f)
}

// failNode raises an error of a part of the expression.
func (r *run) failNode(code string, n *node, v any) {
	raise(fault{code: code, pos: n.pos, token: n.text, value: r.show(v)})
}

// show gives a value for a message, shortened.
func (r *run) show(v any) string {
	const most = 60
	var text string
	switch v := v.(type) {
	case nil:
		return "undefined"
	case shown:
		return string(v)
	case callable:
		return "a function"
	case string:
		text = string(appendQuoted(nil, v[:min(len(v), 4*most)]))
	default:
		switch c := classOf(v); c {
		case isArray:
			return fmt.Sprintf("an array of %d", asArray(v).length())
		case isObject:
			return "an object"
		case isString:
			s, _ := asText(v)
			return r.show(s)
		case isNumber:
			f, _ := asNumber(v)
			text = formatNumber(f)
		case isNull:
			text = "null"
		default:
			b, _ := asBool(v)
			text = strconv.FormatBool(b)
		}
	}
	if len(text) <= most {
		return text
	}
	cut := []rune(text)
	if len(cut) <= most {
		return text
	}
	return string(cut[:most-1]) + "…"
}

// shown is text that stands in a message as it is.
type shown string

// frame holds the variables of a block, of the call of a function, or of a tuple.
type frame struct {
	parent *frame
	names  []string
	values []any
	bound  *binds
	depth  int // how many frames are around it
}

// newFrame gives a frame within another one.
func newFrame(parent *frame) *frame { return &frame{parent: parent, depth: parent.depth + 1} }

// binds are the variables of a tuple, the latest first.
type binds struct {
	name string
	v    any
	next *binds
}

// set binds a variable.
func (f *frame) set(name string, v any) {
	for i, n := range f.names {
		if n == name {
			f.values[i] = v
			return
		}
	}
	f.names = append(f.names, name)
	f.values = append(f.values, v)
}

// get finds a variable in a frame or those around it.
func (f *frame) get(name string) (any, bool) {
	for ; f != nil; f = f.parent {
		for i, n := range f.names {
			if n == name {
				return f.values[i], true
			}
		}
		for b := f.bound; b != nil; b = b.next {
			if b.name == name {
				return b.v, true
			}
		}
	}
	return nil, false
}

// tuple is an item of a path that remembers what was bound, and what steps were applied to, on the way to it.
type tuple struct {
	item  any
	bound *binds
}

// within gives the frame in which a tuple's variables are seen.
func (t *tuple) within(f *frame) *frame { return &frame{parent: f, bound: t.bound, depth: f.depth + 1} }

// with binds a name.
func (t *tuple) with(name string, v any) { t.bound = &binds{name: name, v: v, next: t.bound} }
