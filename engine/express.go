package engine

import (
	"sync"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
)

// The types of state machines.
const (
	// TypeStandard keeps a durable history: every transition is committed before it is acted on.
	TypeStandard = "STANDARD"
	// TypeExpress runs in the memory of one node, for five minutes at most, and is written when it starts and when it ends.
	TypeExpress = "EXPRESS"
)

// LogLevel says of which Express executions of a state machine the history is kept, spelt as the loggingConfiguration of
// the Step Functions API spells it.
type LogLevel string

// The log levels.
const (
	LogAll   LogLevel = "ALL"
	LogError LogLevel = "ERROR" // the default: those in which something failed, even if it was retried or caught
	LogFatal LogLevel = "FATAL" // those that did not succeed
	// LogOff keeps no history; of synchronous executions not even the row of the execution.
	LogOff LogLevel = "OFF"
)

// The bounds of a history that is kept, which is in memory until the end: what is larger is not kept.
const (
	maxExpressEvents  = 50_000
	maxExpressHistory = 16 << 20 // bytes
)

// maxMerged is how large output and history may be, in bytes, to ride with the start that is still to be written.
const maxMerged = 64 << 10

// express is what an Express execution has beside its run.
type express struct {
	level LogLevel
	sync  bool   // nothing of it is written before its end, and nobody takes it over
	again string // makes the idempotency keys of this run differ from those of a run on another node; "" for the first one

	// These belong to whoever works on the execution.
	events []statemachine.Event
	cut    bool // there were too many events to keep them

	mu     sync.Mutex
	start  *point // the start, until it is written; nil if there is none to write
	sealed bool   // a writer has the start
	end    *point // waits until the start is written
}

func (c *compiled) express() bool { return c.definition.Type == TypeExpress }

// newExpress gives an Express execution its state; nil for one of the type STANDARD.
func (c *compiled) newExpress() *express {
	if !c.express() {
		return nil
	}
	return &express{level: c.definition.LogLevel}
}

// taken notes that a run begins anew what another run of the execution may have begun.
func (s *express) taken() { s.again = "/" + uuid.NewString()[:8] }

// key gives the idempotency key of a task. A run that begins anew may number its tasks otherwise than the one before,
// and a key must not stand for two different calls.
func (x *live) key(task string) string {
	if x.express == nil {
		return x.row.ID.String() + "/" + task
	}
	return x.row.ID.String() + "/" + task + x.express.again
}

// synchronous tells whether somebody waits for the execution of which nothing is written yet.
func (x *live) synchronous() bool { return x.express != nil && x.express.sync }

// note keeps events for the history.
func (s *express) note(events []statemachine.Event) {
	switch {
	case s.level == LogOff || s.cut:
	case len(s.events)+len(events) > maxExpressEvents:
		s.events, s.cut = nil, true
	default:
		s.events = append(s.events, events...)
	}
}

// history gives the row that is kept of an execution, nil for none, and forgets the events.
func (s *express) history(status Status) []byte {
	events := s.events
	s.events = nil
	if len(events) == 0 || !s.keeps(status, events) {
		return nil
	}
	row := statemachine.EncodeEvents(events)
	if len(row) > maxExpressHistory {
		s.cut = true
		return nil
	}
	return row
}

func (s *express) keeps(status Status, events []statemachine.Event) bool {
	switch s.level {
	case LogAll:
		return true
	case LogFatal:
		return status != Succeeded
	case LogOff:
		return false
	default:
		return status != Succeeded || troubled(events)
	}
}

// troubled tells whether anything failed.
func troubled(events []statemachine.Event) bool {
	for _, ev := range events {
		switch ev.Data.(type) {
		case event.TaskFailed, event.TaskTimedOut, event.EvaluationFailed, event.RetryScheduled, event.IterationFailed,
			event.ParallelFailed, event.MapFailed, event.ExecutionFailed, event.ExecutionAborted, event.ExecutionTimedOut:
			return true
		}
		if exit, ok := ev.Data.(event.StateExited); ok && exit.Caught > 0 {
			return true
		}
	}
	return false
}

func checkLogLevel(r DeployRequest) error {
	switch r.LogLevel {
	case "", LogAll, LogError, LogFatal, LogOff:
	default:
		return errorf(CodeValidation, "the log level of state machine %s is %q; it must be ALL, ERROR, FATAL or OFF", r.Name, r.LogLevel)
	}
	if r.LogLevel != "" && r.Type == TypeStandard {
		return errorf(CodeValidation, "state machine %s is of the type STANDARD, whose histories are always kept; "+
			"a log level is for the type EXPRESS", r.Name)
	}
	return nil
}
