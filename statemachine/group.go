package statemachine

import (
	"maps"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// ordered gives the open frames by index.
func (g *group) ordered() []*Frame {
	frames := make([]*Frame, 0, len(g.open))
	for _, i := range slices.Sorted(maps.Keys(g.open)) {
		frames = append(frames, g.open[i])
	}
	return frames
}

// ended tells whether every frame has ended, well or within tolerance.
func (g *group) ended() bool {
	if g.next < g.total {
		return false
	}
	for _, f := range g.open {
		if !f.finished {
			return false
		}
	}
	return true
}

// output gives the results in the order of their index. Tolerated failures leave no result.
func (g *group) output() *value.Value {
	results := make([]*value.Value, 0, g.total)
	for _, v := range g.results {
		if v != nil {
			results = append(results, v)
		}
	}
	return value.FromArray(results).Settled()
}

// tolerates tells whether one more failure would be within what the Map tolerates.
func (g *group) tolerates() bool {
	if g.toleratedCount < 0 && g.toleratedPercentage < 0 {
		return false
	}
	return g.within(g.failed + 1)
}

// within tells whether so many failures are within what a Map that tolerates any tolerates.
func (g *group) within(failed int) bool {
	return (g.toleratedCount < 0 || failed <= g.toleratedCount) &&
		(g.toleratedPercentage < 0 || float64(failed)*100 <= g.toleratedPercentage*float64(g.total))
}
