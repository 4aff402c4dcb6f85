// Package history tells what happened in an execution the way the Step Functions API does: it unfolds the stored
// events, which are compact, into the event types, ids and details of GetExecutionHistory.
//
// The types and details are those of
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.
package history

import (
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Event is one event of the history.
type Event struct {
	ID         int64
	PreviousID int64 // the event that led to this one; 0 for the first
	Type       string
	Time       time.Time
	Frame      event.FrameID // 0: the top level; else a branch or iteration
	State      string        // the state that the frame is in, "" outside of any
	Details    Details
	// Extra marks an event that the Step Functions API has no word for (RetryScheduled, WaitScheduled,
	// ExecutionRecovered, TaskHeartbeat, those of approvals). It carries the id of the event before it.
	Extra bool
}

// Details are what an event says. Which fields are set depends on its type.
type Details struct {
	Key string // the name of the details in the API, such as stateEnteredEventDetails; "" if the type has none

	Name      string // of the state
	Input     *value.Value
	Output    *value.Value
	Assigned  []event.Assignment
	Error     *string
	Cause     *string
	RoleARN   string
	Worker    string
	Location  string // of the expression in its state
	State     string
	Resource  string
	Service   string        // resourceType
	Timeout   time.Duration // 0: none
	Heartbeat time.Duration // 0: none
	Index     *int          // of an iteration
	MapRun    string        // the ARN of a map run
	Length    *int          // of a Map
	Until     time.Time     // of a wait or a retry
	Node      string
	Redrives  int
	Approval  *value.Value // of an approval's event: all that it says; nil for others
	// Frames are the branches or the iteration that begin with the event. The Step Functions API does not tell of them.
	Frames []event.FrameID
}

// Viewer unfolds events one by one.
type Viewer struct {
	run  *statemachine.Run
	info statemachine.Info
	id   int64
	last map[event.FrameID]int64 // the id of the frame's last event
	// room holds, by the frame of a Map, the last event of the iteration that made room for the next.
	room map[event.FrameID]int64
	// entered holds, by frame, what the last entry of a state was linked to, and its id.
	entered map[event.FrameID][2]int64
}

// NewViewer begins at the start of an execution's history.
func NewViewer(m *statemachine.Machine, info statemachine.Info) *Viewer {
	return &Viewer{
		run: m.NewRun(info), info: info,
		last: map[event.FrameID]int64{}, room: map[event.FrameID]int64{}, entered: map[event.FrameID][2]int64{},
	}
}

// View unfolds a whole history.
func View(m *statemachine.Machine, info statemachine.Info, events []event.Event) ([]Event, error) {
	v := NewViewer(m, info)
	view := make([]Event, 0, len(events)+len(events)/2)
	for _, ev := range events {
		unfolded, err := v.Add(ev)
		if err != nil {
			return view, err
		}
		view = append(view, unfolded...)
	}
	return view, nil
}

// Add unfolds the next stored event into those that the API makes of it. An error means that the event does not follow
// from those before.
func (v *Viewer) Add(ev event.Event) ([]Event, error) {
	before := v.observe(ev.Frame)
	if err := v.run.Apply(ev); err != nil {
		return nil, err
	}
	after := v.observe(ev.Frame)
	if after.name == "" { // the event has closed the frame
		after.name, after.typ = before.name, before.typ
	}
	u := &unfolding{Viewer: v, ev: ev, before: before, after: after}
	u.unfold()
	return u.out, nil
}

// moment is what a frame is at, before or after an event.
type moment struct {
	frame     *statemachine.Frame
	name, typ string
	input     *value.Value
	result    *value.Value
	resource  string
	arguments *value.Value
	// handedOver tells that a task waits where its worker finds it, that a worker has it, or that its function has answered.
	handedOver bool
}

func (v *Viewer) observe(id event.FrameID) moment {
	f := v.run.Frame(id)
	if f == nil {
		return moment{}
	}
	m := moment{frame: f, input: f.Input(), result: f.Result()}
	m.name, m.typ = f.State()
	m.resource, m.arguments = f.Task()
	attempt, _ := f.Attempt()
	m.handedOver = !attempt.HandedOverAt.IsZero()
	return m
}

// unfolding is the making of one stored event's view.
type unfolding struct {
	*Viewer
	ev            event.Event
	before, after moment
	out           []Event
}

// add appends an event with the next id.
func (u *unfolding) add(typ string, d Details) {
	if u.hidden() {
		u.extra(typ, d)
		return
	}
	u.id++
	u.out = append(u.out, Event{
		ID: u.id, PreviousID: u.last[u.ev.Frame], Type: typ, Time: u.ev.Time, Frame: u.ev.Frame, State: u.after.name, Details: d,
	})
	u.last[u.ev.Frame] = u.id
}

// aside appends an event with the next id that none after it is linked to.
func (u *unfolding) aside(typ string) {
	before := u.last[u.ev.Frame]
	u.add(typ, Details{})
	u.last[u.ev.Frame] = before
}

// hidden tells whether the event is one of a child of a distributed Map.
func (u *unfolding) hidden() bool {
	f := u.before.frame
	if f == nil {
		f = u.after.frame
	}
	return f.Hidden()
}

// extra appends an event that the API does not know.
func (u *unfolding) extra(typ string, d Details) {
	u.out = append(u.out, Event{
		ID: u.id, PreviousID: u.last[u.ev.Frame], Type: typ, Time: u.ev.Time, Frame: u.ev.Frame, State: u.after.name, Details: d,
		Extra: true,
	})
}
