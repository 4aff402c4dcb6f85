package jsonata

import "slices"

// callable is a function. arity is how many arguments it has a use for.
type callable interface {
	arity() int
}

// lambda is a function that the expression defines, with what it saw where it was defined.
type lambda struct {
	n      *node
	params []string
	sig    *signature
	in     any
	env    *frame
}

// builtin is a function of the language.
type builtin struct {
	name  string
	sig   *signature
	takes int
	eval  bool // is $eval, which an option must allow
	do    func(r *run, args []any) any
}

// bound is a function of the language some of whose arguments are given.
type bound struct {
	fn   callable
	args []any
	open []int // the positions of those that are not
}

// chain is two functions, the second applied to what the first gives.
type chain struct{ first, second callable }

// thunk is a call that is made after the function it stands in has returned.
type thunk struct {
	n   *node
	in  any
	env *frame
}

func (f *lambda) arity() int  { return len(f.params) }
func (f *builtin) arity() int { return f.takes }
func (f *bound) arity() int   { return len(f.open) }
func (*chain) arity() int     { return 1 }
func (*thunk) arity() int     { return 0 }

// evalCall evaluates a call. Piped tells that first is the first argument, from the left of ~>.
func (r *run) evalCall(n *node, in any, env *frame, first any, piped bool) any {
	fn, args := r.prepare(n, in, env, first, piped)
	return r.call(n, fn, args, in)
}

// prepare evaluates what is called, and its arguments.
func (r *run) prepare(n *node, in any, env *frame, first any, piped bool) (callable, []any) {
	called := r.eval(n.left, in, env)
	if called == nil && n.left.kind == kindPath && r.means(n.left, env) {
		r.failNode("T1005", n, shown(n.text))
	}
	args := make([]any, 0, len(n.list)+1)
	if piped {
		args = append(args, first)
	}
	for _, arg := range n.list {
		args = append(args, r.eval(arg, in, env))
	}
	fn, ok := called.(callable)
	if !ok {
		r.failNode("T1006", n, called)
	}
	return fn, args
}

// means tells whether a name that was called without its $ is that of a function.
func (r *run) means(path *node, env *frame) bool {
	name := path.list[0].text
	if v, ok := env.get(name); ok {
		return v != nil
	}
	return r.global(name, builtins[name]) != nil
}

// call calls a function, and makes the calls that its value is.
func (r *run) call(n *node, fn callable, args []any, in any) any {
	at, focus := r.at, r.focus
	r.at, r.focus = n, in
	out := r.invoke(fn, args, in)
	for {
		t, ok := out.(*thunk)
		if !ok {
			break
		}
		r.steps--
		fn, args = r.prepare(t.n, t.in, t.env, nil, false)
		r.at, r.focus = t.n, t.in
		out = r.invoke(fn, args, t.in)
	}
	r.at, r.focus = at, focus
	return out
}

// again calls a function that was given to the one that is being called.
func (r *run) again(fn callable, args ...any) any {
	r.enter(r.at)
	out := r.call(r.at, fn, args, nil)
	r.depth--
	return out
}

// invoke calls a function once.
func (r *run) invoke(fn callable, args []any, in any) any {
	switch fn := fn.(type) {
	case *lambda:
		if fn.sig != nil {
			args = r.checked(fn.sig, args, in)
		}
		env := newFrame(fn.env)
		env.names, env.values = slices.Clip(fn.params), make([]any, len(fn.params))
		if len(args) > len(fn.params) {
			args = args[:len(fn.params)]
		}
		copy(env.values, args)
		return r.eval(fn.n.right, fn.in, env)
	case *builtin:
		return fn.do(r, r.checked(fn.sig, args, in))
	case *bound:
		all := append(make([]any, 0, len(fn.args)), fn.args...)
		for i, at := range fn.open {
			if i < len(args) {
				all[at] = args[i]
			}
		}
		r.enter(r.at)
		out := r.invoke(fn.fn, all, in)
		r.depth--
		return out
	case *chain:
		return r.again(fn.second, r.again(fn.first, args...))
	case *pattern:
		return r.matchObject(fn, args)
	case *nextMatch:
		return fn.matches.asObject()
	case *transform:
		return r.transform(fn, args, in)
	default:
		r.fail("T1006", nil)
		return nil
	}
}

// partial evaluates a call some of whose arguments are ?.
func (r *run) partial(n *node, in any, env *frame) any {
	args := make([]any, len(n.list))
	var open []int
	for i, arg := range n.list {
		if arg.kind == kindPlaceholder {
			open = append(open, i)
		} else {
			args[i] = r.eval(arg, in, env)
		}
	}
	called := r.eval(n.left, in, env)
	if called == nil && n.left.kind == kindPath && r.means(n.left, env) {
		r.failNode("T1007", n, shown(n.text))
	}
	fn, ok := called.(callable)
	if !ok {
		r.failNode("T1008", n, called)
	}
	if l, ok := fn.(*lambda); ok {
		return r.partialLambda(n, l, args, open)
	}
	return &bound{fn: fn, args: args, open: open}
}

// partialLambda binds some of the parameters of a function. Its signature, which is about all of them, is left behind.
func (r *run) partialLambda(n *node, l *lambda, args []any, open []int) *lambda {
	env := newFrame(l.env)
	if env.depth > r.options.Limits.Depth {
		r.exhausted(n, "a function is applied partially too many times over")
	}
	out := &lambda{n: l.n, in: l.in, env: env}
	for i, param := range l.params {
		free := false
		for _, o := range open {
			free = free || o == i
		}
		switch {
		case free:
			out.params = append(out.params, param)
		case i < len(args):
			env.set(param, args[i])
		default:
			env.set(param, nil)
		}
	}
	return out
}

// applyTo evaluates ~>.
func (r *run) applyTo(n *node, in any, env *frame) any {
	left := r.eval(n.left, in, env)
	if n.right.kind == kindCall {
		return r.evalCall(n.right, in, env, left, true)
	}
	v := r.eval(n.right, in, env)
	right, ok := v.(callable)
	if !ok {
		r.failNode("T2006", n, v)
	}
	if first, ok := left.(callable); ok {
		return &chain{first: first, second: right}
	}
	return r.call(n, right, []any{left}, nil)
}
