package asl

import (
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Parallel runs its branches at once.
type Parallel struct {
	Common
	Branches []Flow
	Retry    []Retrier
	Catch    []Catcher
}

func decodeParallel(o object, c Common) State {
	s := &Parallel{Common: c}
	n := o.must("Branches", `Branches is an array of flows, each with StartAt and States`)
	if n != nil && o.p.is(n, o.of("Branches"), source.Array) {
		if len(n.Elems) == 0 {
			o.p.errorAt(n, CodeMissingField, "add a branch with StartAt and States", "%s is empty", o.of("Branches"))
		}
		for i, e := range n.Elems {
			b, ok := o.p.object(e, fmt.Sprintf("branch %d of %s", i+1, o.what), o.p.language)
			if !ok {
				continue
			}
			b.known("StartAt", "States", "Comment")
			b.text("Comment")
			s.Branches = append(s.Branches, o.p.flow(b))
		}
	}
	s.Retry = o.retriers()
	s.Catch = o.catchers(&s.Common)
	return s
}
