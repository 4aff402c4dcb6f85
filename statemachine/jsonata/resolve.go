package jsonata

// resolver makes the tree that is evaluated of the one that follows the source: steps of a path become one node,
// predicates go to the step they belong to, and every % finds the step whose input it means.
type resolver struct {
	slots int
}

// maxParents is how many % an expression may have.
const maxParents = 1000

// resolve gives the tree that is evaluated.
func resolve(tree *node) *node {
	r := &resolver{}
	n := r.node(tree)
	if n.kind == kindParent || len(n.seeking) > 0 {
		raise(fault{code: "S0217", pos: n.pos, token: "%"})
	}
	return n
}

// node resolves a node and what is below it.
func (r *resolver) node(n *node) *node {
	out := r.resolved(n)
	if n.keepArray {
		out.keepArray = true
	}
	return out
}

func (r *resolver) resolved(n *node) *node {
	switch n.kind {
	case kindEnd:
		raise(fault{code: "S0207", pos: n.pos, token: "(end)"})
	case kindDot:
		return r.path(n)
	case kindFilter:
		return r.filter(n)
	case kindGroup:
		out := r.node(n.left)
		if out.group != nil {
			raise(fault{code: "S0210", pos: n.pos})
		}
		out.group = &group{pairs: r.all(n.list, nil), pos: n.pos}
		return out
	case kindOrder:
		return r.order(n)
	case kindFocus:
		return r.focus(n)
	case kindIndex:
		return r.index(n)
	case kindName, kindWord:
		step := &node{kind: kindName, pos: n.pos, text: n.text, keepArray: n.keepArray}
		return &node{kind: kindPath, pos: n.pos, list: []*node{step}, keepArray: n.keepArray}
	case kindParent:
		if r.slots++; r.slots > maxParents {
			raise(fault{code: "U1001", pos: n.pos, value: "the expression has too many %"})
		}
		s := &slot{label: "%" + formatNumber(float64(r.slots)), level: 1, pos: n.pos}
		return &node{kind: kindParent, pos: n.pos, text: "%", slot: s}
	case kindNegate:
		return r.negate(n)
	case kindVariable:
		return &node{kind: kindVariable, pos: n.pos, text: n.text, builtin: builtins[n.text]}
	case kindPlaceholder, kindString, kindNumber, kindValue, kindWildcard, kindDescendant, kindRegex:
		c := *n
		c.keepArray = false
		return &c
	case kindLambda:
		return &node{kind: kindLambda, pos: n.pos, text: n.text, params: n.params, sig: n.sig, right: tail(r.node(n.right))}
	case kindTransform:
		out := &node{kind: kindTransform, pos: n.pos, left: r.node(n.left), right: r.node(n.right)}
		if n.third != nil {
			out.third = r.node(n.third)
		}
		return out
	default:
	}
	return r.compound(n)
}

// compound resolves the nodes whose parts are evaluated where they stand, so that a % in them seeks on above them.
func (r *resolver) compound(n *node) *node {
	out := &node{kind: n.kind, op: n.op, pos: n.pos, text: n.text}
	switch n.kind {
	case kindBinary:
		out.left, out.right = r.under(out, n.left), r.under(out, n.right)
	case kindArray, kindObject:
		out.list = r.all(n.list, out)
	case kindCall, kindPartial:
		out.list = r.all(n.list, out)
		out.left = r.node(n.left)
		out.text = calledName(n.left)
	case kindCondition:
		out.left, out.right = r.under(out, n.left), r.under(out, n.right)
		if n.third != nil {
			out.third = r.under(out, n.third)
		}
	case kindBind:
		out.text = n.left.text
		out.right = r.under(out, n.right)
	case kindApply:
		out.left, out.right = r.node(n.left), r.node(n.right)
		out.keepArray = out.left.keepArray || out.right.keepArray
	case kindBlock:
		out.list = r.all(n.list, out)
		for _, part := range out.list {
			if part.construct || part.kind == kindPath && part.list[0].construct {
				out.construct = true
			}
		}
	default:
		raise(fault{code: "S0206", pos: n.pos, token: n.text})
	}
	return out
}

// calledName is what a called function is called in messages.
func calledName(n *node) string {
	switch n.kind {
	case kindVariable, kindName:
		return n.text
	default:
		return ""
	}
}

// under resolves a part; what it seeks, the whole seeks.
func (r *resolver) under(whole, part *node) *node {
	out := r.node(part)
	adopt(whole, out)
	return out
}

func (r *resolver) all(parts []*node, whole *node) []*node {
	out := make([]*node, len(parts))
	for i, part := range parts {
		out[i] = r.node(part)
		if whole != nil {
			adopt(whole, out[i])
		}
	}
	return out
}

func (r *resolver) negate(n *node) *node {
	inner := r.node(n.left)
	if inner.kind == kindNumber && len(inner.predicates) == 0 && inner.group == nil {
		inner.value = -inner.value.(float64)
		inner.pos = n.pos
		return inner
	}
	out := &node{kind: kindNegate, pos: n.pos, left: inner}
	adopt(out, inner)
	return out
}

// path joins what stands on both sides of a dot.
func (r *resolver) path(n *node) *node {
	out := r.node(n.left)
	if out.kind != kindPath {
		first := out
		out = &node{kind: kindPath, pos: first.pos, list: []*node{first}}
		if first.kind == kindParent {
			out.seeking = []*slot{first.slot}
		}
	}
	rest := r.node(n.right)
	known := len(out.list)
	if known == 1 {
		known = 0
	}
	if rest.kind == kindPath {
		out.list = append(out.list, rest.list...)
		if rest.group != nil {
			out.group = rest.group
		}
	} else {
		asStep(rest)
		out.list = append(out.list, rest)
	}
	for _, step := range out.list[known:] {
		switch step.kind {
		case kindNumber, kindValue:
			raise(fault{code: "S0213", pos: step.pos, value: step.text})
		case kindString:
			step.kind = kindName
		default:
		}
		out.keepArray = out.keepArray || step.keepArray
	}
	if first := out.list[0]; first.kind == kindArray {
		first.construct = true
	}
	if last := out.list[len(out.list)-1]; last.kind == kindArray {
		last.construct = true
	}
	r.resolveParents(out)
	return out
}

// asStep makes the predicates of an expression those of a step: they see its values before singletons are unwrapped.
func asStep(n *node) {
	n.stages, n.predicates = append(n.predicates, n.stages...), nil
}

// lastStep is what a predicate, a focus or an index behind n belongs to.
func lastStep(n *node) *node {
	if n.kind == kindPath {
		return n.list[len(n.list)-1]
	}
	return n
}

func (r *resolver) filter(n *node) *node {
	out := r.node(n.left)
	step := lastStep(out)
	if step.group != nil {
		raise(fault{code: "S0209", pos: n.pos})
	}
	by := r.node(n.right)
	for _, s := range by.seeking {
		if s.level == 1 {
			r.seek(step, s)
		} else {
			s.level--
		}
	}
	adopt(step, by)
	if out.kind == kindPath {
		step.stages = append(step.stages, stage{filter: by, pos: n.pos})
	} else {
		out.predicates = append(out.predicates, stage{filter: by, pos: n.pos})
	}
	return out
}

func (r *resolver) order(n *node) *node {
	out := r.asPath(r.node(n.left))
	step := &node{kind: kindSort, pos: n.pos}
	for _, term := range n.terms {
		by := r.node(term.by)
		adopt(step, by)
		step.terms = append(step.terms, sortTerm{by: by, descending: term.descending})
	}
	out.list = append(out.list, step)
	r.resolveParents(out)
	return out
}

// asPath makes a path of one step of what is no path.
func (r *resolver) asPath(n *node) *node {
	if n.kind == kindPath {
		return n
	}
	return &node{kind: kindPath, pos: n.pos, list: []*node{n}}
}

func (r *resolver) focus(n *node) *node {
	out := r.node(n.left)
	step := lastStep(out)
	if len(step.stages)+len(step.predicates) > 0 {
		raise(fault{code: "S0215", pos: n.pos})
	}
	if step.kind == kindSort {
		raise(fault{code: "S0216", pos: n.pos})
	}
	if n.keepArray {
		step.keepArray = true
	}
	step.focus = n.text
	step.tuples = true
	return out
}

func (r *resolver) index(n *node) *node {
	out := r.node(n.left)
	if out.kind != kindPath {
		asStep(out)
		out = r.asPath(out)
	}
	step := lastStep(out)
	if len(step.stages) == 0 {
		step.index = n.text
	} else {
		step.stages = append(step.stages, stage{index: n.text, pos: n.pos})
	}
	step.tuples = true
	return out
}

// tail marks the calls whose value is that of a function's body, which are made after the function has returned.
func tail(body *node) *node {
	if len(body.predicates) > 0 || body.group != nil || body.keepArray {
		return body
	}
	switch body.kind {
	case kindCall:
		body.tail = true
	case kindCondition:
		tail(body.right)
		if body.third != nil {
			tail(body.third)
		}
	case kindBlock:
		if len(body.list) > 0 {
			tail(body.list[len(body.list)-1])
		}
	default:
	}
	return body
}
