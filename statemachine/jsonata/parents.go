package jsonata

import "slices"

// adopt hands what a part seeks to the whole.
func adopt(whole, part *node) {
	whole.seeking = append(whole.seeking, part.seeking...)
	if part.kind == kindParent {
		whole.seeking = append(whole.seeking, part.slot)
	}
}

// resolveParents connects each % that the last step of a path seeks with a step before it. What is not found there is
// sought above the path.
func (r *resolver) resolveParents(path *node) {
	last := path.list[len(path.list)-1]
	slots := last.seeking
	if last.kind == kindParent {
		slots = append(slices.Clip(slots), last.slot)
	}
	for _, s := range slots {
		i := len(path.list) - 2
		for s.level > 0 {
			if i < 0 {
				path.seeking = append(path.seeking, s)
				break
			}
			step := path.list[i]
			i--
			// Steps that bind their focus all start from the same input: they count as one.
			for i >= 0 && step.focus != "" && path.list[i].focus != "" {
				step = path.list[i]
				i--
			}
			r.seek(step, s)
		}
	}
}

// seek goes one step up: if the step is the one that the slot means, its input is remembered under the slot's label.
func (r *resolver) seek(n *node, s *slot) {
	switch n.kind {
	case kindName, kindWildcard:
		s.level--
		if s.level > 0 {
			return
		}
		if n.ancestor == nil {
			n.ancestor = s
		} else {
			s.label = n.ancestor.label
		}
		n.tuples = true
	case kindParent:
		s.level++
	case kindBlock:
		if len(n.list) > 0 {
			n.tuples = true
			r.seek(n.list[len(n.list)-1], s)
		}
	case kindPath:
		n.tuples = true
		i := len(n.list) - 1
		r.seek(n.list[i], s)
		for i--; s.level > 0 && i >= 0; i-- {
			r.seek(n.list[i], s)
		}
	default:
		raise(fault{code: "S0217", pos: s.pos, token: "%"})
	}
}
