package event

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The stored form of a row of history: a version, the time of its first event, then for each event its kind, its frame,
// the milliseconds since the event before, the length of its fields, and the fields.
const rowVersion = 1

// Encode gives the stored form of events, which must not be empty.
func Encode(events []Event) []byte {
	e := Encoder{buf: make([]byte, 0, 32+48*len(events))}
	e.Uint(rowVersion)
	last := events[0].Time.UnixMilli()
	e.Int(last)
	for _, ev := range events {
		now := ev.Time.UnixMilli()
		e.Uint(uint64(ev.Data.kind()))
		e.Uint(uint64(ev.Frame))
		e.Int(now - last)
		last = now
		e.fields(ev.Data)
	}
	return e.buf
}

// fields writes the fields of an event with their length before them. Nearly always that takes one byte; else it makes room.
func (e *Encoder) fields(data Data) {
	at := len(e.buf)
	e.buf = append(e.buf, 0)
	data.encode(e)
	n := len(e.buf) - at - 1
	if n < 0x80 {
		e.buf[at] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	e.buf = append(e.buf, length[1:size]...)
	copy(e.buf[at+size:], e.buf[at+1:at+1+n])
	copy(e.buf[at:], length[:size])
}

// Mark appends a mark to a stored row, which readers pass over: two rows that say the same are then different rows.
func Mark(row []byte, mark uint64) []byte {
	e := Encoder{buf: row}
	e.Uint(uint64(kindMark))
	e.Uint(0)
	e.Int(0)
	e.Uint(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, mark)
	return e.buf
}

// Decode reads what Encode wrote, by this release or an older one. The values of the events keep parts of row.
func Decode(row []byte) ([]Event, error) {
	d := NewDecoder(row)
	if v := d.Uint(); v != rowVersion {
		return nil, fmt.Errorf("reading a row of history: version %d is not known to this release: %w", v, ErrCorrupt)
	}
	at := d.Int()
	events := make([]Event, 0, 8)
	for d.More() {
		k := kind(d.Uint())
		frame := FrameID(d.Uint())
		at += d.Int()
		fields := NewDecoder(d.Bytes(d.Uint()))
		if k == kindMark {
			continue
		}
		decode, ok := decoders[k]
		if !ok {
			return nil, fmt.Errorf("reading a row of history: event kind %d is not known to this release: %w", k, ErrCorrupt)
		}
		data := decode(fields)
		if fields.err != nil {
			d.fail()
			break
		}
		events = append(events, Event{Time: time.UnixMilli(at).UTC(), Frame: frame, Data: data})
	}
	if d.err != nil || len(events) == 0 {
		return nil, fmt.Errorf("reading a row of history: %w", ErrCorrupt)
	}
	return events, nil
}

// decoders reads the fields of each kind, in the order in which encode writes them.
var decoders = map[kind]func(*Decoder) Data{
	kindExecutionStarted:   func(*Decoder) Data { return ExecutionStarted{} },
	kindExecutionSucceeded: func(*Decoder) Data { return ExecutionSucceeded{} },
	kindExecutionFailed: func(d *Decoder) Data {
		return ExecutionFailed{Error: d.OptionalText(), Cause: d.OptionalText()}
	},
	kindExecutionAborted: func(d *Decoder) Data {
		return ExecutionAborted{Error: d.OptionalText(), Cause: d.OptionalText()}
	},
	kindExecutionTimedOut:  func(*Decoder) Data { return ExecutionTimedOut{} },
	kindExecutionRedriven:  func(*Decoder) Data { return ExecutionRedriven{} },
	kindExecutionRecovered: func(d *Decoder) Data { return ExecutionRecovered{Node: d.Text()} },

	kindStateEntered: func(d *Decoder) Data { return StateEntered{State: d.Text()} },
	kindStateExited:  decodeStateExited,
	kindEvaluationFailed: func(d *Decoder) Data {
		return EvaluationFailed{Error: d.Text(), Cause: d.Text(), Location: d.Text()}
	},
	kindRetryScheduled: func(d *Decoder) Data { return RetryScheduled{Retrier: int(d.Uint()), Until: d.Time()} },
	kindWaitScheduled:  func(d *Decoder) Data { return WaitScheduled{Until: d.Time()} },

	kindTaskScheduled: func(d *Decoder) Data {
		return TaskScheduled{Task: TaskID(d.Uint()), Arguments: d.Value(), Timeout: d.Duration(), Heartbeat: d.Duration()}
	},
	kindTaskStarted:   func(d *Decoder) Data { return TaskStarted{Worker: d.Text()} },
	kindTaskSubmitted: func(d *Decoder) Data { return TaskSubmitted{Output: d.Value()} },
	kindTaskHeartbeat: func(*Decoder) Data { return TaskHeartbeat{} },
	kindTaskSucceeded: func(d *Decoder) Data { return TaskSucceeded{Result: d.Value()} },
	kindTaskFailed:    func(d *Decoder) Data { return TaskFailed{Error: d.OptionalText(), Cause: d.OptionalText()} },
	kindTaskTimedOut:  func(d *Decoder) Data { return TaskTimedOut{Heartbeat: d.Bool()} },

	kindParallelStarted:   func(d *Decoder) Data { return ParallelStarted{Arguments: d.Value()} },
	kindParallelSucceeded: func(*Decoder) Data { return ParallelSucceeded{} },
	kindParallelFailed: func(d *Decoder) Data {
		return ParallelFailed{Error: d.OptionalText(), Cause: d.OptionalText()}
	},
	kindMapStarted: func(d *Decoder) Data {
		return MapStarted{Items: d.Value(), MaxConcurrency: int(d.Uint()), ToleratedCount: int(d.Int()), ToleratedPercentage: d.Float()}
	},
	kindMapChanged: func(d *Decoder) Data {
		return MapChanged{MaxConcurrency: int(d.Uint()), ToleratedCount: int(d.Int()), ToleratedPercentage: d.Float()}
	},
	kindIterationStarted:   func(d *Decoder) Data { return IterationStarted{Input: d.Value()} },
	kindIterationSucceeded: func(*Decoder) Data { return IterationSucceeded{} },
	kindIterationFailed: func(d *Decoder) Data {
		return IterationFailed{Error: d.OptionalText(), Cause: d.OptionalText(), Tolerated: d.Bool()}
	},
	kindIterationAborted:  func(*Decoder) Data { return IterationAborted{} },
	kindApprovalAsked:     decodeApprovalAsked,
	kindApprovalDecided:   decodeApprovalDecided,
	kindApprovalDelegated: decodeApprovalDelegated,
	kindApprovalReminded:  func(d *Decoder) Data { return ApprovalReminded{Count: int(d.Uint())} },

	kindMapSucceeded: func(*Decoder) Data { return MapSucceeded{} },
	kindMapFailed: func(d *Decoder) Data {
		return MapFailed{Error: d.OptionalText(), Cause: d.OptionalText()}
	},
}

func decodeStateExited(d *Decoder) Data {
	ev := StateExited{Output: d.Value(), Next: d.Text(), Caught: int(d.Uint())}
	for n := d.Uint(); n > 0 && d.err == nil; n-- {
		ev.Assigned = append(ev.Assigned, Assignment{Name: d.Text(), Value: d.Value()})
	}
	return ev
}

func (ExecutionStarted) encode(*Encoder)     {}
func (ExecutionSucceeded) encode(*Encoder)   {}
func (ev ExecutionFailed) encode(e *Encoder) { encodeFailure(e, ev.Error, ev.Cause) }
func (ev ExecutionAborted) encode(e *Encoder) {
	encodeFailure(e, ev.Error, ev.Cause)
}
func (ExecutionTimedOut) encode(*Encoder)       {}
func (ExecutionRedriven) encode(*Encoder)       {}
func (ev ExecutionRecovered) encode(e *Encoder) { e.Text(ev.Node) }

func (ev StateEntered) encode(e *Encoder) {
	if ev.State != "" {
		e.Text(ev.State)
	}
}

func (ev StateExited) encode(e *Encoder) {
	e.Value(ev.Output)
	e.Text(ev.Next)
	if ev.Caught == 0 && len(ev.Assigned) == 0 {
		return
	}
	e.Uint(uint64(ev.Caught))
	e.Uint(uint64(len(ev.Assigned)))
	for _, a := range ev.Assigned {
		e.Text(a.Name)
		e.Value(a.Value)
	}
}

func (ev EvaluationFailed) encode(e *Encoder) {
	e.Text(ev.Error)
	e.Text(ev.Cause)
	e.Text(ev.Location)
}

func (ev RetryScheduled) encode(e *Encoder) {
	e.Uint(uint64(ev.Retrier))
	e.Time(ev.Until)
}

func (ev WaitScheduled) encode(e *Encoder) { e.Time(ev.Until) }

func (ev TaskScheduled) encode(e *Encoder) {
	e.Uint(uint64(ev.Task))
	e.Value(ev.Arguments)
	if ev.Timeout != 0 || ev.Heartbeat != 0 {
		e.Duration(ev.Timeout)
		e.Duration(ev.Heartbeat)
	}
}

func (ev TaskStarted) encode(e *Encoder)   { e.Text(ev.Worker) }
func (ev TaskSubmitted) encode(e *Encoder) { e.Value(ev.Output) }
func (TaskHeartbeat) encode(*Encoder)      {}
func (ev TaskSucceeded) encode(e *Encoder) { e.Value(ev.Result) }
func (ev TaskFailed) encode(e *Encoder)    { encodeFailure(e, ev.Error, ev.Cause) }
func (ev TaskTimedOut) encode(e *Encoder)  { e.Bool(ev.Heartbeat) }

func (ev ParallelStarted) encode(e *Encoder) { e.Value(ev.Arguments) }
func (ParallelSucceeded) encode(*Encoder)    {}
func (ev ParallelFailed) encode(e *Encoder)  { encodeFailure(e, ev.Error, ev.Cause) }

func (ev MapStarted) encode(e *Encoder) {
	e.Value(ev.Items)
	encodeBounds(e, ev.MaxConcurrency, ev.ToleratedCount, ev.ToleratedPercentage)
}

func (ev MapChanged) encode(e *Encoder) {
	encodeBounds(e, ev.MaxConcurrency, ev.ToleratedCount, ev.ToleratedPercentage)
}

func encodeBounds(e *Encoder, concurrency, count int, percentage float64) {
	e.Uint(uint64(concurrency))
	e.Int(int64(count))
	e.Float(percentage)
}

func (ev IterationStarted) encode(e *Encoder) { e.Value(ev.Input) }
func (IterationSucceeded) encode(*Encoder)    {}

func (ev IterationFailed) encode(e *Encoder) {
	encodeFailure(e, ev.Error, ev.Cause)
	e.Bool(ev.Tolerated)
}

func (IterationAborted) encode(*Encoder) {}
func (MapSucceeded) encode(*Encoder)     {}
func (ev MapFailed) encode(e *Encoder)   { encodeFailure(e, ev.Error, ev.Cause) }

func encodeFailure(e *Encoder, name, cause *string) {
	e.OptionalText(name)
	e.OptionalText(cause)
}
