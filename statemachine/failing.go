package statemachine

import (
	"fmt"
	"math"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// fail decides what becomes of a state that failed: it is retried, caught, or takes down the flow it is in.
func (d *decider) fail(f *Frame, why failure) {
	if d.run.trial != nil && f.parent == nil {
		d.run.trial.failure = &why
	}
	if d.retry(f, why) {
		return
	}
	switch f.behaviour().(type) {
	case *parallelState:
		if f.group != nil {
			d.cancel(f)
			d.emit(f, event.ParallelFailed{Error: why.name, Cause: why.cause})
		}
	case *mapState:
		if f.group != nil {
			d.cancel(f)
			d.emit(f, event.MapFailed{Error: why.name, Cause: why.cause})
		}
	}
	if d.catch(f, why) {
		return
	}
	d.failFlow(f, why)
}

// failFlow ends the frame's flow with an error.
func (d *decider) failFlow(f *Frame, why failure) {
	switch f.parentBehaviour().(type) {
	case *mapState:
		d.iterationFailed(f, why)
	case *parallelState:
		d.cancel(f.parent)
		d.fail(f.parent, why)
	default:
		d.failExecution(why)
	}
}

func (f *Frame) parentBehaviour() behaviour {
	if f.parent == nil {
		return nil
	}
	return f.parent.behaviour()
}

func (d *decider) failExecution(why failure) {
	d.cancel(d.run.root)
	d.emit(d.run.root, event.ExecutionFailed{Error: why.name, Cause: why.cause})
}

// retry schedules another attempt if a retrier takes the failure and has one left. The first retrier that matches
// decides, whether or not it has.
func (d *decider) retry(f *Frame, why failure) bool {
	for i := range f.state.retriers {
		r := &f.state.retriers[i]
		if !why.matches(r.ErrorEquals) {
			continue
		}
		if f.attempts[i] >= r.MaxAttempts {
			return false
		}
		d.cancel(f)
		d.emit(f, event.RetryScheduled{Retrier: i, Until: d.now.Add(d.delay(r, f.attempts[i]))})
		return true
	}
	return false
}

// delay gives the time before an attempt: IntervalSeconds grown by BackoffRate with each retry of this retrier, at most
// MaxDelaySeconds, and with JitterStrategy FULL anything between nothing and that.
func (d *decider) delay(r *asl.Retrier, retries int) time.Duration {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(retries))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	seconds = min(seconds, math.MaxInt32)
	if r.FullJitter {
		seconds *= d.randomFloat()
	}
	return time.Duration(seconds * float64(time.Second)).Truncate(time.Millisecond)
}

// catch leads out of the state by the first catcher that takes the failure.
func (d *decider) catch(f *Frame, why failure) bool {
	for i := range f.state.catchers {
		c := &f.state.catchers[i]
		if f.catching || !why.matches(c.names) {
			continue
		}
		output := why.output()
		way := c.outcome
		ev := event.StateExited{Next: c.next, Caught: i + 1}
		if way.output == nil {
			ev.Output = output
		}
		f.catching = true
		d.exit(f, way, ev, output)
		f.catching = false
		return true
	}
	return false
}

// place begins the cause of an error that happened inside a state, as the service words it.
func (d *decider) place(f *Frame) string {
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", f.state.name, f.enteredID)
}

// evaluationFailed fails the state because of an expression. One that stands in a field, and not on a path through the
// state, has an event of its own.
func (d *decider) evaluationFailed(f *Frame, why *evalFailure) {
	cause := d.place(f) + why.message
	if why.location == "" {
		d.fail(f, newFailure(why.name, cause))
		return
	}
	d.emit(f, event.EvaluationFailed{Error: why.name, Cause: cause, Location: why.location})
	d.fail(f, newFailure(why.name, cause))
}

// fits fails the state if a payload is larger than the limit.
func (d *decider) fits(f *Frame, what string, v *value.Value) bool {
	size := len(v.JSON())
	if size <= d.env.Limits.Payload {
		return true
	}
	d.fail(f, newFailure(ErrorDataLimitExceeded, d.place(f)+d.tooLarge(what, size)))
	return false
}

func (d *decider) tooLarge(what string, size int) string {
	return fmt.Sprintf("%s has %d bytes, which is more than the %d that are allowed", what, size, d.env.Limits.Payload)
}
