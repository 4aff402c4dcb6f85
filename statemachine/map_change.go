package statemachine

import (
	"errors"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/event"
)

// ChangeMap changes what a distributed Map that is under way keeps to, as UpdateMapRun does. It is rejected with ErrMapEnded
// if the Map has ended, or never was.
type ChangeMap struct {
	Map                 int64 // the id that the Step Functions API gives its MapStateStarted, as the ARN of the map run has it
	MaxConcurrency      *int  // nil: as it was; 0: no limit but the engine's
	ToleratedCount      *int
	ToleratedPercentage *float64
}

func (ChangeMap) signal() {}

// changeMap notes the change, and does what follows: the Map fails if more has failed than is tolerated now, and else may have room
// for more iterations. Those that are under way stay, even if they are more than may now begin.
func (d *decider) changeMap(sig ChangeMap) error {
	var f *Frame
	d.run.eachFrame(func(candidate *Frame) {
		if g := candidate.group; g != nil && g.started != 0 && g.started == sig.Map {
			f = candidate
		}
	})
	if f == nil {
		return ErrMapEnded
	}
	g := f.group
	ev := event.MapChanged{
		MaxConcurrency: g.maxConcurrency, ToleratedCount: g.toleratedCount, ToleratedPercentage: g.toleratedPercentage,
	}
	if sig.MaxConcurrency != nil {
		ev.MaxConcurrency = max(0, *sig.MaxConcurrency)
	}
	if sig.ToleratedCount != nil {
		ev.ToleratedCount = max(0, *sig.ToleratedCount)
	}
	if sig.ToleratedPercentage != nil {
		ev.ToleratedPercentage = max(0, *sig.ToleratedPercentage)
	}
	d.emit(f, ev)
	if g.failed > 0 && !g.within(g.failed) {
		d.mapFailed(f, nil, newFailure(ErrorExceedToleratedRate, exceededTolerance))
		return nil
	}
	d.iterate(f)
	return nil
}

// mapFailed aborts the iterations that are open, but for the one that failed, and fails the Map.
func (d *decider) mapFailed(f, failed *Frame, why failure) {
	for _, child := range f.group.ordered() {
		if child != failed {
			d.cancel(child)
			d.emit(child, event.IterationAborted{})
		}
	}
	d.fail(f, why)
}

func (r *Run) applyMapChanged(f *Frame, data event.MapChanged) error {
	if _, ok := f.behaviour().(*mapState); !ok || f.group == nil {
		return errors.New("the frame is in no Map that is under way")
	}
	f.group.maxConcurrency = data.MaxConcurrency
	f.group.toleratedCount = data.ToleratedCount
	f.group.toleratedPercentage = data.ToleratedPercentage
	return nil
}

// MapStarted gives the id that the Step Functions API gives the event with which the frame's distributed Map began; 0 if it is in
// none, or in one that the API does not tell of.
func (f *Frame) MapStarted() int64 {
	if f.group == nil {
		return 0
	}
	return f.group.started
}

// encodeMaps appends by which events the distributed Maps that are under way began to a snapshot.
func (r *Run) encodeMaps(e *event.Encoder) {
	var maps []*Frame
	r.eachFrame(func(f *Frame) {
		if f.MapStarted() != 0 {
			maps = append(maps, f)
		}
	})
	slices.SortFunc(maps, func(a, b *Frame) int { return int(a.id) - int(b.id) })
	e.Uint(uint64(len(maps)))
	for _, f := range maps {
		e.Uint(uint64(f.id))
		e.Int(f.group.started)
	}
}

// maps reads what encodeMaps wrote; snapshots of older releases have nothing of it.
func (rs *restorer) maps() {
	for n := rs.Uint(); n > 0 && rs.More(); n-- {
		id, started := FrameID(rs.Uint()), rs.Int()
		if f := rs.run.frames[id]; f != nil && f.group != nil {
			f.group.started = started
		}
	}
}
