package jsonata

// finish marks, in the tree that is evaluated, what can be done in short.
func finish(tree *node) *node {
	visitAll(tree, func(n *node) {
		n.plain = (n.kind == kindName || n.kind == kindVariable) && len(n.stages)+len(n.predicates) == 0 && n.group == nil &&
			n.focus == "" && n.index == "" && !n.tuples && !n.keepArray
	})
	visitAll(tree, func(n *node) {
		if n.kind == kindPath {
			n.plain = n.list[0].plain && !n.keepArray && n.group == nil && !n.tuples
		}
	})
	return tree
}

// visitAll visits a node and all below it.
func visitAll(n *node, visit func(*node)) {
	if n == nil {
		return
	}
	visit(n)
	visitAll(n.left, visit)
	visitAll(n.right, visit)
	visitAll(n.third, visit)
	for _, part := range n.list {
		visitAll(part, visit)
	}
	for _, term := range n.terms {
		visitAll(term.by, visit)
	}
	for _, stages := range [][]stage{n.stages, n.predicates} {
		for _, s := range stages {
			visitAll(s.filter, visit)
		}
	}
	if n.group != nil {
		for _, part := range n.group.pairs {
			visitAll(part, visit)
		}
	}
}
