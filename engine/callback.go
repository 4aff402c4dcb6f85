package engine

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// A callback URL answers one task in one way, for whoever has it:
//
//	PUBLIC-URL/callback/TOKEN/success
//
// Its token is not the task's: it names the action as well, and is signed with a key of its own, so that who may complete
// a task cannot fail it. It is base64url of
//
//	version (1 byte) | execution (16) | task id (8, big endian) | action (1) | HMAC-SHA256 of what precedes, cut to 20 bytes
//
// As with task tokens, a forged one costs no look into the database, and one that was handed out is good on every node and
// after every restart.
const (
	callbackVersion = 2 // that of task tokens is 1
	callbackBody    = 1 + 16 + 8 + 1
	// CallbackPath is where callback URLs lead to, below Config.PublicURL.
	CallbackPath = "/callback/"
)

// callbackActions are the actions by their place in a token.
var callbackActions = []statemachine.CallbackAction{
	1: statemachine.CallbackSuccess, 2: statemachine.CallbackFailure, 3: statemachine.CallbackHeartbeat,
}

func (t tokens) signCallback(execution uuid.UUID, task statemachine.TaskID, action statemachine.CallbackAction) string {
	b := make([]byte, 0, 96)
	b = append(b, callbackVersion)
	b = append(b, execution[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(task))
	for i, a := range callbackActions {
		if a == action && i > 0 {
			b = append(b, byte(i))
		}
	}
	return base64.RawURLEncoding.EncodeToString(appendMAC(t.callbackKey, b)[:callbackBody+tokenMAC])
}

// verifyCallback gives the task that the token of a callback URL is for, or InvalidToken if the cluster did not make it for
// this action.
func (t tokens) verifyCallback(token string, action statemachine.CallbackAction) (uuid.UUID, statemachine.TaskID, error) {
	var id uuid.UUID
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != callbackBody+tokenMAC || b[0] != callbackVersion {
		return id, 0, errorf(CodeInvalidToken, "this is not a callback URL; use the whole URL, as the task's function got it")
	}
	copy(id[:], b[1:17])
	task := statemachine.TaskID(binary.BigEndian.Uint64(b[17:25]))
	if want := appendMAC(t.callbackKey, b[:callbackBody:callbackBody]); !hmac.Equal(want[callbackBody:callbackBody+tokenMAC], b[callbackBody:]) {
		return uuid.Nil, 0, errorf(CodeInvalidToken, "the callback URL was not made by this cluster, or it was altered")
	}
	if made := callbackActions[b[25]]; made != action {
		return uuid.Nil, 0, errorf(CodeInvalidToken, "the callback URL was altered: it was made for %q, and not for %q", made, action)
	}
	return id, task, nil
}

// callbackURL gives the URL that answers a task.
func (e *Engine) callbackURL(execution uuid.UUID, task statemachine.TaskID, action statemachine.CallbackAction) string {
	return strings.TrimSuffix(e.cfg.PublicURL, "/") + CallbackPath + e.tokens.signCallback(execution, task, action) + "/" + string(action)
}

// Callback is what comes to a callback URL.
type Callback struct {
	Token        string // of the URL
	Action       statemachine.CallbackAction
	Output       []byte // JSON; of a success
	Error, Cause string // of a failure
}

// CallbackResult says what a callback did.
type CallbackResult struct {
	// Repeated says that the task was answered with the same before, and that nothing was done: a webhook that is
	// delivered twice is no error.
	Repeated bool
	Settled  time.Time // when it was answered; zero unless Repeated
}

// TakeCallback answers the task of a callback URL. Its errors say what became of the task: InvalidToken (the URL is none of
// this cluster, or was altered), TaskAlreadySettled (it was answered otherwise before), TaskTimedOut (it comes too late),
// TaskDoesNotExist (the execution is gone), InvalidOutput, ValidationException, ServiceUnavailable.
func (e *Engine) TakeCallback(ctx context.Context, c Callback) (CallbackResult, error) {
	execution, task, err := e.tokens.verifyCallback(c.Token, c.Action)
	if err != nil {
		return CallbackResult{}, err
	}
	switch token := e.tokens.sign(execution, task); c.Action {
	case statemachine.CallbackSuccess:
		err = e.SendTaskSuccess(ctx, token, c.Output)
	case statemachine.CallbackFailure:
		err = e.SendTaskFailure(ctx, token, c.Error, c.Cause)
	case statemachine.CallbackHeartbeat:
		err = e.SendTaskHeartbeat(ctx, token)
	}
	if !errors.Is(err, ErrTaskTimedOut) && !errors.Is(err, ErrTaskDoesNotExist) {
		return CallbackResult{}, err
	}
	x, found := e.byID(ctx, execution)
	if errors.Is(found, ErrExecutionDoesNotExist) {
		return CallbackResult{}, errorf(CodeTaskDoesNotExist, "the execution of this callback URL, %s, is not there any more", execution)
	}
	if found != nil {
		return CallbackResult{}, found
	}
	s, found := e.settlement(ctx, execution, task)
	if found != nil {
		return CallbackResult{}, found
	}
	return s.result(&c, &x)
}

// taskEnd is how a task came to its end.
type taskEnd struct {
	by event.Data // TaskSucceeded, TaskFailed, TaskTimedOut; nil: its execution, or the branch it was in, does not wait for it any more
	at time.Time
}

// result says what a callback is told that came after the end.
func (s taskEnd) result(c *Callback, x *Execution) (CallbackResult, error) {
	const form = "2006-01-02 15:04:05 MST"
	switch by := s.by.(type) {
	case event.TaskSucceeded:
		if c.Action == statemachine.CallbackSuccess && sameJSON(by.Result, value.Trusted(c.Output)) {
			return CallbackResult{Repeated: true, Settled: s.at}, nil
		}
		return CallbackResult{}, errorf(CodeTaskSettled, "the task was completed at %s, with another answer than this one", s.at.Format(form))
	case event.TaskFailed:
		if c.Action == statemachine.CallbackFailure && textOf(by.Error) == c.Error && textOf(by.Cause) == c.Cause {
			return CallbackResult{Repeated: true, Settled: s.at}, nil
		}
		return CallbackResult{}, errorf(CodeTaskSettled, "the task was failed at %s, with the error %q", s.at.Format(form), textOf(by.Error))
	case event.TaskTimedOut:
		return CallbackResult{}, errorf(CodeTaskTimedOut, "the task timed out at %s; this comes too late", s.at.Format(form))
	default:
		return CallbackResult{}, errorf(CodeTaskTimedOut, "nobody waits for the task any more: its execution is %s", x.Status)
	}
}

// settlementRows is how many rows of a history are read at once to find how a task ended.
const settlementRows = 1000

// settlement finds in the history how a task ended. Only who comes too late with a good token makes it look.
func (e *Engine) settlement(ctx context.Context, execution uuid.UUID, task statemachine.TaskID) (taskEnd, error) {
	var frame statemachine.FrameID
	open := false
	for from := int64(0); ; {
		rows, err := e.cfg.Store.History(ctx, execution, from, settlementRows)
		if err != nil {
			return taskEnd{}, asked(err)
		}
		events, err := HistoryPage{Rows: rows}.Events()
		if err != nil {
			return taskEnd{}, err
		}
		for _, ev := range events {
			if scheduled, ok := ev.Data.(event.TaskScheduled); ok && scheduled.Task == task {
				frame, open = ev.Frame, true
				continue
			}
			if !open || ev.Frame != frame {
				continue
			}
			switch ev.Data.(type) {
			case event.TaskSucceeded, event.TaskFailed, event.TaskTimedOut:
				return taskEnd{ev.Data, ev.Time}, nil
			case event.TaskScheduled, event.StateEntered, event.StateExited:
				return taskEnd{at: ev.Time}, nil
			}
		}
		if len(rows) < settlementRows {
			return taskEnd{}, nil
		}
		from = rows[len(rows)-1].Seq + 1
	}
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
