package history

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

// viewVersion is the version of the form that Snapshot gives. Snapshots are kept in memory only, never longer than a
// process lives.
const viewVersion = 1

// LastID gives the id of the last event that the viewer has told of, 0 for none.
func (v *Viewer) LastID() int64 { return v.id }

// Snapshot gives where the viewer is, so that Resume can go on from there. It is about as large as the run's state, and
// does not grow with the events before.
func (v *Viewer) Snapshot() []byte {
	e := &event.Encoder{}
	e.Uint(viewVersion)
	e.Int(v.id)
	e.Text(string(v.run.Snapshot()))
	v.prune()
	for _, links := range []map[event.FrameID]int64{v.last, v.room} {
		e.Uint(uint64(len(links)))
		for _, frame := range slices.Sorted(maps.Keys(links)) {
			e.Uint(uint64(frame))
			e.Int(links[frame])
		}
	}
	e.Uint(uint64(len(v.entered)))
	for _, frame := range slices.Sorted(maps.Keys(v.entered)) {
		e.Uint(uint64(frame))
		e.Int(v.entered[frame][0])
		e.Int(v.entered[frame][1])
	}
	return e.Bytes()
}

// prune forgets the frames that are closed: nothing more happens in them.
func (v *Viewer) prune() {
	closed := func(frame event.FrameID) bool { return v.run.Frame(frame) == nil }
	maps.DeleteFunc(v.last, func(frame event.FrameID, _ int64) bool { return closed(frame) })
	maps.DeleteFunc(v.room, func(frame event.FrameID, _ int64) bool { return closed(frame) })
	maps.DeleteFunc(v.entered, func(frame event.FrameID, _ [2]int64) bool { return closed(frame) })
}

// Resume gives a viewer that goes on where another was when its Snapshot was taken.
func Resume(m *statemachine.Machine, info statemachine.Info, snapshot []byte) (*Viewer, error) {
	d := event.NewDecoder(snapshot)
	if version := d.Uint(); version != viewVersion {
		return nil, fmt.Errorf("reading the snapshot of a view: version %d is not known: %w", version, event.ErrCorrupt)
	}
	v := &Viewer{
		info: info, id: d.Int(),
		last: map[event.FrameID]int64{}, room: map[event.FrameID]int64{}, entered: map[event.FrameID][2]int64{},
	}
	var err error
	if v.run, err = m.Restore(info, d.Bytes(d.Uint())); err != nil {
		return nil, fmt.Errorf("reading the snapshot of a view: %w", err)
	}
	for _, links := range []map[event.FrameID]int64{v.last, v.room} {
		for n := d.Uint(); n > 0 && d.More(); n-- {
			frame := event.FrameID(d.Uint())
			links[frame] = d.Int()
		}
	}
	for n := d.Uint(); n > 0 && d.More(); n-- {
		frame := event.FrameID(d.Uint())
		v.entered[frame] = [2]int64{d.Int(), d.Int()}
	}
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("reading the snapshot of a view: %w", err)
	}
	return v, nil
}
