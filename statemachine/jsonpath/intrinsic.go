package jsonpath

import (
	"errors"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Intrinsic is a compiled call of an intrinsic function, such as States.Format('Hello {}', $.name).
type Intrinsic struct {
	src  string
	call *call
}

// argument is what an intrinsic function is given. The set of arguments is sealed.
type argument interface {
	eval(*run) (*value.Value, error)
	append(b []byte) []byte
}

// call is one call, perhaps inside of another.
type call struct {
	function *function
	args     []argument
}

// constantArgument is a number, a boolean or null.
type constantArgument struct{ value *value.Value }

// textArgument is text in single quotes. As a template it keeps its escapes, which States.Format reads itself.
type textArgument struct {
	raw      string // between the quotes
	template bool
	value    *value.Value // nil if the escapes are wrong, which fails when it is evaluated, as in the service
}

// pathArgument is a path.
type pathArgument struct{ path *Path }

// ParseIntrinsic compiles a call. It is nil if there is a problem.
func ParseIntrinsic(src string) (*Intrinsic, []query.Problem) {
	p := newParser(src)
	p.stops = ",)"
	p.skipBlanks()
	start := p.pos
	c := p.call(1)
	if !p.failed() {
		p.end("the intrinsic function")
	}
	if p.failed() {
		return nil, p.problems
	}
	return &Intrinsic{src: strings.TrimRight(src[start:], " "), call: c}, nil
}

// Source gives the call as it was written, without the blanks around it.
func (in *Intrinsic) Source() string { return in.src }

// String prints the call. It parses again to the same call.
func (in *Intrinsic) String() string { return string(in.call.append(nil)) }

// Paths gives all paths among the arguments.
func (in *Intrinsic) Paths() []*Path { return in.call.paths(nil) }

func (c *call) paths(list []*Path) []*Path {
	for _, a := range c.args {
		switch a := a.(type) {
		case *call:
			list = a.paths(list)
		case pathArgument:
			list = append(list, a.path)
		}
	}
	return list
}

// run is one evaluation of a call.
type run struct {
	root   *value.Value
	scope  *query.Scope
	budget *budget // of all paths and calls together
}

// badArguments is what the service says of arguments that a function does not take. The text is all behind "had the
// following error: ".
type badArguments string

func (e badArguments) Error() string { return string(e) }

// Eval evaluates the call, with paths that begin with $ applied to root. The error is a *query.Error.
//
// The name of the error is ErrorRuntime, as recorded from the service, and not the States.IntrinsicFailure of its
// documentation.
func (in *Intrinsic) Eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	v, err := in.call.eval(&run{root: root, scope: scope, budget: &budget{visits: maxVisits}})
	if err == nil {
		return v, nil
	}
	if failed, ok := errors.AsType[*query.Error](err); ok {
		return nil, failed
	}
	return nil, runtimeError("The function '%s' had the following error: %s", in.src, err.Error())
}

func (c *call) eval(r *run) (*value.Value, error) {
	args := make([]*value.Value, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(r)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := c.function.do(r, args)
	if err == nil && v == nil {
		err = badArguments("Invalid arguments in " + c.function.name)
	}
	if err != nil {
		return nil, err
	}
	if v.Size() > maxBytes {
		return nil, limitError("bytes in a result", maxBytes)
	}
	if v.Depth() > value.MaxDepth {
		return nil, limitError("levels of nesting in a result", value.MaxDepth)
	}
	return v, r.budget.visitAll(v.Size() >> 4)
}

func (a constantArgument) eval(*run) (*value.Value, error) { return a.value, nil }

func (a *textArgument) eval(*run) (*value.Value, error) {
	if a.value == nil {
		return nil, badArguments(`Invalid escape sequence in '` + a.raw + `': a backslash is written \\`)
	}
	return a.value, nil
}

// eval gives the value at the path. Unlike elsewhere, a place beyond the end of an array is not there.
func (a pathArgument) eval(r *run) (*value.Value, error) {
	v, err := a.path.lookup(r.root, r.scope, r.budget)
	if v != nil && err == nil {
		return v, nil
	}
	missing, ok := errors.AsType[*Missing](err)
	switch {
	case err != nil && !ok:
		return nil, err
	case ok && missing.Malformed:
		return nil, missing
	case a.path.root == Variable:
		return nil, badArguments("The JsonPath argument for the field '" + a.path.src + "' could not be found in the variables")
	}
	// The service names the path within the Context Object, but shows the state's input.
	src := a.path.src
	if a.path.root == Context {
		src = src[1:]
	}
	return nil, badArguments("The JsonPath argument for the field '" + src + "' could not be found in the input '" +
		orNull(r.root).String() + "'")
}

func (c *call) append(b []byte) []byte {
	b = append(append(b, c.function.name...), '(')
	for i, a := range c.args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = a.append(b)
	}
	return append(b, ')')
}

func (a constantArgument) append(b []byte) []byte { return a.value.Append(b) }
func (a pathArgument) append(b []byte) []byte     { return append(b, a.path.String()...) }

func (a *textArgument) append(b []byte) []byte {
	return append(append(append(b, '\''), a.raw...), '\'')
}

// unescapeText decodes the escapes of text in an intrinsic function; false if there is another one.
func unescapeText(raw string) (string, bool) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			if i++; i == len(raw) || strings.IndexByte(`'{}\`, raw[i]) < 0 {
				return "", false
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String(), true
}

// integer gives a number without its fraction, as the service reads the arguments of most functions; false if it is no
// number, or not within 32 bits.
func integer(v *value.Value) (int64, bool) {
	f, ok := v.Float()
	if !ok || f < -1<<31-0.5 || f > 1<<31 {
		return 0, false
	}
	n := int64(f)
	return n, n == int64(int32(n))
}
