package rehearsal

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Kind is what a point of coverage is.
type Kind uint8

// The kinds of points.
const (
	State   Kind = iota // a state that can be entered
	Branch              // a rule of a Choice, or its Default
	Catcher             // an entry of Catch that can lead out of a state
	Retrier             // an entry of Retry that can try again
)

// Kinds are all kinds, in the order in which people are told of them.
var Kinds = []Kind{State, Branch, Catcher, Retrier}

// String names the kind in the plural.
func (k Kind) String() string {
	return [...]string{"states", "choice branches", "catchers", "retriers"}[k]
}

// fallback is the index of a Choice's Default.
const fallback = -1

// Point is something in a definition that a rehearsal comes by, or does not.
type Point struct {
	Kind  Kind
	State string
	Index int // of the rule, catcher or retrier; -1 for the Default of a Choice; 0 for a state
}

// String names the point for people.
func (p Point) String() string {
	switch p.Kind {
	case Branch:
		if p.Index == fallback {
			return "the Default of " + p.State
		}
		return "rule " + strconv.Itoa(p.Index+1) + " of " + p.State
	case Catcher:
		return "catcher " + strconv.Itoa(p.Index+1) + " of " + p.State
	case Retrier:
		return "retrier " + strconv.Itoa(p.Index+1) + " of " + p.State
	default:
		return "state " + p.State
	}
}

// branchIndex reads the index of a rule from its location, such as Choices/0.
func branchIndex(location string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(location, "Choices/"))
	if err != nil {
		return fallback
	}
	return n
}

// Place is a point with where it stands in the file, and how often it was come by.
type Place struct {
	Point
	Type         string // of the state
	Line, Column int
	Hits         int
}

// Coverage tells which parts of a definition rehearsals came by.
type Coverage struct {
	Places []Place // in the order of the definition
	index  map[Point]int
}

// NewCoverage lists all there is to come by in a definition.
func NewCoverage(m *statemachine.Machine) *Coverage {
	c := &Coverage{index: map[Point]int{}}
	c.flow(&m.Definition().Flow)
	slices.SortStableFunc(c.Places, func(a, b Place) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	for i, p := range c.Places {
		c.index[p.Point] = i
	}
	return c
}

// Add counts what a rehearsal came by.
func (c *Coverage) Add(r *Result) {
	for point, n := range r.Hits {
		if i, ok := c.index[point]; ok {
			c.Places[i].Hits += n
		}
	}
}

// Count gives how many points of a kind there are, and how many of them were come by.
func (c *Coverage) Count(k Kind) (covered, total int) {
	for _, p := range c.Places {
		if p.Kind != k {
			continue
		}
		total++
		if p.Hits > 0 {
			covered++
		}
	}
	return covered, total
}

// Percent gives the share of all points that were come by.
func (c *Coverage) Percent() float64 {
	if len(c.Places) == 0 {
		return 100
	}
	return 100 * float64(len(c.Places)-len(c.Uncovered())) / float64(len(c.Places))
}

// Uncovered gives the points that nothing came by.
func (c *Coverage) Uncovered() []Place {
	var missed []Place
	for _, p := range c.Places {
		if p.Hits == 0 {
			missed = append(missed, p)
		}
	}
	return missed
}

func (c *Coverage) add(kind Kind, state *asl.Common, index int, at source.Pos) {
	c.Places = append(c.Places, Place{Point: Point{kind, state.Name, index}, Type: state.Type, Line: at.Line, Column: at.Column})
}

func (c *Coverage) flow(fl *asl.Flow) {
	for _, s := range fl.States {
		base := s.Base()
		c.add(State, base, 0, base.NamePos)
		switch s := s.(type) {
		case *asl.Choice:
			for i, r := range s.Choices {
				c.add(Branch, base, i, r.Node.Pos)
			}
			if m := base.Node.Member("Default"); m != nil {
				c.add(Branch, base, fallback, m.NamePos)
			}
		case *asl.Task:
			c.guards(base, s.Retry, s.Catch)
		case *asl.Parallel:
			c.guards(base, s.Retry, s.Catch)
			for i := range s.Branches {
				c.flow(&s.Branches[i])
			}
		case *asl.Map:
			c.guards(base, s.Retry, s.Catch)
			c.flow(&s.Processor)
		}
	}
}

// guards adds retriers and catchers. A retrier that never tries again (MaxAttempts 0) cannot be come by.
func (c *Coverage) guards(state *asl.Common, retry []asl.Retrier, catch []asl.Catcher) {
	for i := range retry {
		if retry[i].MaxAttempts > 0 {
			c.add(Retrier, state, i, retry[i].Node.Pos)
		}
	}
	for i := range catch {
		c.add(Catcher, state, i, catch[i].Node.Pos)
	}
}
