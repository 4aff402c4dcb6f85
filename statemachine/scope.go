package statemachine

import (
	"math/rand/v2"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TimeFormat is how the Context Object and the service write times.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// scope gives what the expressions of a frame's state see.
func (d *decider) scope(f *Frame) *query.Scope {
	return d.scopeWith(f, contextExtras{})
}

// scopeWithItem is scope, for the selector of an iteration that has no frame yet.
func (d *decider) scopeWithItem(f *Frame, index int, item *value.Value) *query.Scope {
	return d.scopeWith(f, contextExtras{index: index, item: item})
}

// scopeWithToken is scope, for the arguments of a task about to be scheduled. One that nobody answers with its token does
// not see it, as in the service.
func (d *decider) scopeWithToken(f *Frame, task TaskID) *query.Scope {
	if t := f.state.task(); t != nil && !t.answeredLater() {
		task = 0
	}
	return d.scopeWith(f, contextExtras{task: task})
}

func (d *decider) scopeWith(f *Frame, extras contextExtras) *query.Scope {
	var built *value.Value
	scope := &query.Scope{
		Input:  f.input,
		Result: f.result,
		Context: func() *value.Value {
			if built == nil {
				built = d.contextObject(f, extras)
			}
			return built
		},
		Variable: f.variable,
		Now:      d.now,
		Random:   d.randomBits,
	}
	if d.env.Observe != nil {
		scope.Observe = func(location, src string, v *value.Value, err error) {
			d.env.Observe(Observation{
				Frame: f.id, State: f.state.name, Location: location, Source: src, Value: v, Err: err, Events: len(d.events),
			})
		}
	}
	if d.env.Inspect != nil {
		scope.Inspect = func(stage string, v *value.Value) { d.env.Inspect(f.state.name, stage, v) }
	}
	return scope
}

// took tells an observer which rule of a Choice is taken.
func (d *decider) took(f *Frame, location string) {
	if d.env.Observe != nil {
		d.env.Observe(Observation{Frame: f.id, State: f.state.name, Location: location, Taken: true, Events: len(d.events)})
	}
}

// variable looks a workflow variable up where the frame is, then outwards.
func (f *Frame) variable(name string) *value.Value {
	for ; f != nil; f = f.parent {
		if v, ok := f.variables[name]; ok {
			return v
		}
		if m, ok := f.parentBehaviour().(*mapState); ok && m.distributed {
			return nil
		}
	}
	return nil
}

// generator is seeded by the signal, so that the same signal draws the same numbers.
func (d *decider) generator() *rand.Rand {
	if d.random == nil {
		d.random = rand.New(rand.NewPCG(d.env.Seed, uint64(d.run.lastEvent)))
	}
	return d.random
}

func (d *decider) randomBits() uint64   { return d.generator().Uint64() }
func (d *decider) randomFloat() float64 { return d.generator().Float64() }

// contextExtras is what the Context Object has in some places only.
type contextExtras struct {
	task  TaskID       // 0: none
	item  *value.Value // nil: that of the iteration around, if any
	index int
}

// callbackMembers are the members of Task with the URLs by which a task is answered. The service has none of them, so they are
// in the Context Object of states in CEL only.
var callbackMembers = []struct {
	member string
	action CallbackAction
}{
	{"CallbackUrl", CallbackSuccess}, {"CallbackFailureUrl", CallbackFailure}, {"CallbackHeartbeatUrl", CallbackHeartbeat},
}

// contextObject builds the Context Object, with the members that the Step Functions developer guide gives it.
func (d *decider) contextObject(f *Frame, extras contextExtras) *value.Value {
	r := d.run
	var execution, machine, state, context value.Members
	execution.Text("Id", r.info.ExecutionID)
	execution.Set("Input", r.info.Input)
	execution.Text("Name", r.info.ExecutionName)
	execution.Text("RoleArn", r.info.RoleARN)
	execution.Text("StartTime", formatTime(r.started))
	if r.trial == nil {
		execution.Set("RedriveCount", value.FromInt(int64(r.redriveCount)))
	}
	if !r.redriven.IsZero() {
		execution.Text("RedriveTime", formatTime(r.redriven))
	}
	machine.Text("Id", r.info.StateMachineID)
	machine.Text("Name", r.info.StateMachine)
	state.Text("Name", f.state.name)
	state.Text("EnteredTime", formatTime(f.enteredAt))
	if f.state.retries {
		state.Set("RetryCount", value.FromInt(int64(f.retries)))
	}
	context.Set("Execution", execution.Object())
	context.Set("StateMachine", machine.Object())
	context.Set("State", state.Object())
	if extras.task != 0 {
		var task value.Members
		task.Text("Token", d.token(extras.task))
		if f.state.callbacks && d.env.CallbackURL != nil {
			for _, c := range callbackMembers {
				task.Text(c.member, d.env.CallbackURL(extras.task, c.action))
			}
		}
		context.Set("Task", task.Object())
	}
	if r.trial != nil {
		return r.trial.context(context, f, extras)
	}
	context.Set("Map", mapContext(f, extras))
	return context.Object()
}

func mapContext(f *Frame, extras contextExtras) *value.Value {
	index, item := extras.index, extras.item
	for ; item == nil && f != nil; f = f.parent {
		index, item = f.index, f.item
	}
	if item == nil {
		return nil
	}
	var it, m value.Members
	it.Set("Index", value.FromInt(int64(index)))
	it.Set("Value", item)
	m.Set("Item", it.Object())
	return m.Object()
}

func formatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }

// arguments evaluates the Arguments of a Parallel; nil means the state's input. On failure the state has failed.
func (d *decider) arguments(f *Frame, t template) (*value.Value, bool) {
	if t == nil {
		return nil, true
	}
	v, failed := t.eval(d.scope(f))
	if failed != nil {
		d.evaluationFailed(f, failed)
		return nil, false
	}
	v = v.Settled()
	return v, d.fits(f, "the arguments of the state", v)
}
