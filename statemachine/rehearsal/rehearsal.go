package rehearsal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// DefaultMaxStates is how many states an execution may enter before it is taken for endless.
const DefaultMaxStates = 100_000

// signalsPerState bounds, for each state that may be entered, how many answers, heartbeats and timers an execution may take.
const signalsPerState = 4

// DefaultStart is the virtual time at which executions start unless told otherwise.
var DefaultStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Script is what is rehearsed.
type Script struct {
	Machine *statemachine.Machine
	Name    string       // of the state machine; "" for "rehearsal"
	Input   *value.Value // nil for {}
	Start   time.Time    // zero for DefaultStart
	Seed    uint64       // of uuid(), random() and jitter
	// Answer answers calls. An error ends the rehearsal and becomes its problem; nil answers nothing, and the first
	// call is an error.
	Answer func(*Call) (Answer, error)
	// Interventions are what is done to the execution from outside, in any order.
	Interventions []Intervention
	// Info is what the execution is told of itself, Name and Input aside. It is made up if the ExecutionID is "".
	Info statemachine.Info
	// Token gives the token of a task; nil for token-1, token-2 and so on.
	Token     func(statemachine.TaskID) string
	MaxStates int // 0 for DefaultMaxStates
	Limits    statemachine.Limits
	Trace     bool // keep the expressions of each visit with their values
}

// Intervention is something that is done to an execution from outside.
type Intervention struct {
	After time.Duration // since the start of the execution
	// Signal is a statemachine.Stop, which does nothing to an execution that has ended, or a statemachine.Redrive, which
	// comes when the execution has ended without success, and later than After if it has to wait for that.
	Signal statemachine.Signal
}

// Result is how a rehearsal went.
type Result struct {
	// Problem tells why the rehearsal could not go on: a task without a mock, an endless loop, a wait that nothing ends.
	// It is nil if the execution has ended, well or not. Everything else is as it was then.
	Problem error

	Status    statemachine.Status
	Output    *value.Value // nil unless it succeeded
	Error     *string
	Cause     *string
	Started   time.Time
	Ended     time.Time               // of the last event
	Path      Path                    // of the top level
	Calls     []*Call                 // in the order in which they were made
	Variables map[string]*value.Value // each with the value that was assigned last, at whatever level
	Events    []statemachine.Event    // as an engine would store them
	Hits      map[Point]int           // of coverage
	info      statemachine.Info
}

// Duration gives the virtual time that the execution took.
func (r *Result) Duration() time.Duration { return r.Ended.Sub(r.Started) }

// Info gives what the execution was told of itself, for those who unfold its events.
func (r *Result) Info() statemachine.Info { return r.info }

// Run rehearses an execution.
func Run(s Script) *Result {
	p := newPerformance(s)
	p.result.Problem = p.perform()
	p.conclude()
	return p.result
}

// performance is a rehearsal in the making.
type performance struct {
	script  Script
	run     *statemachine.Run
	now     time.Time
	started time.Time
	step    uint64
	states  int
	agenda  agenda
	redrive []time.Time    // when the execution is to be redriven, in order
	calls   map[string]int // by state and iterations
	waiting map[statemachine.TaskID]*Call
	tracker *tracker
	result  *Result
}

func newPerformance(s Script) *performance {
	if s.Name == "" {
		s.Name = "rehearsal"
	}
	if s.Input == nil {
		s.Input = value.Trusted([]byte("{}"))
	}
	if s.Start.IsZero() {
		s.Start = DefaultStart
	}
	if s.MaxStates <= 0 {
		s.MaxStates = DefaultMaxStates
	}
	if s.Token == nil {
		s.Token = func(id statemachine.TaskID) string { return fmt.Sprintf("token-%d", id) }
	}
	info := s.Info
	if info.ExecutionID == "" {
		const arn = "arn:aws:states:local:000000000000:"
		info = statemachine.Info{
			ExecutionID: arn + "execution:" + s.Name + ":rehearsal", ExecutionName: "rehearsal",
			StateMachineID: arn + "stateMachine:" + s.Name, StateMachine: s.Name,
		}
	}
	info.Input = s.Input
	start := s.Start.UTC().Truncate(time.Millisecond)
	result := &Result{Started: start, Ended: start, Variables: map[string]*value.Value{}, Hits: map[Point]int{}, info: info}
	return &performance{
		script: s, run: s.Machine.NewRun(info), now: start, started: start, calls: map[string]int{},
		waiting: map[statemachine.TaskID]*Call{}, tracker: newTracker(s.Machine, info, result, s.Trace), result: result,
	}
}

// perform lets one thing happen after the other until the execution has ended.
func (p *performance) perform() error {
	if text := p.script.Machine.InputError(p.script.Name, p.script.Input); text != "" {
		return fmt.Errorf("the execution is refused: %s", text)
	}
	p.agenda.add(entry{at: p.now, sig: statemachine.Start{}})
	for _, i := range p.script.Interventions {
		at := p.started.Add(max(0, i.After))
		if _, ok := i.Signal.(statemachine.Redrive); ok {
			p.redrive = append(p.redrive, at)
			continue
		}
		p.agenda.add(entry{at: at, sig: i.Signal})
	}
	slices.SortFunc(p.redrive, time.Time.Compare)
	for {
		if err := p.goOn(); err != nil {
			return err
		}
		if len(p.redrive) == 0 || p.run.Status() == statemachine.Succeeded {
			return nil
		}
		if p.redrive[0].After(p.now) {
			p.now = p.redrive[0]
		}
		p.redrive = p.redrive[1:]
		clear(p.waiting)
		p.agenda.forget(p.now)
		if err := p.signal(statemachine.Redrive{}); err != nil {
			return err
		}
	}
}

// goOn lets things happen until the execution has ended, this time.
func (p *performance) goOn() error {
	for p.run.Status() == statemachine.Running || p.run.Status() == "" {
		at, tick := p.agenda.peek(), p.run.NextDeadline()
		// An answer that comes at the very time of a timeout is in time.
		if !tick.IsZero() && (at.IsZero() || tick.Before(at)) {
			p.now = tick
			if err := p.signal(statemachine.Tick{}); err != nil {
				return err
			}
			continue
		}
		if at.IsZero() {
			return p.stuck()
		}
		p.now = at
		if err := p.take(p.agenda.next()); err != nil {
			return err
		}
	}
	return nil
}

// take gives the core what was on the agenda, unless nobody waits for it any more.
func (p *performance) take(e entry) error {
	if e.task != 0 && p.waiting[e.task] == nil {
		return nil
	}
	if again := e.at.Add(e.every); e.every > 0 && (e.until.IsZero() || again.Before(e.until)) {
		p.agenda.add(entry{at: again, task: e.task, sig: e.sig, every: e.every, until: e.until})
	}
	if e.err != nil {
		return e.err
	}
	switch e.sig.(type) {
	case statemachine.TaskSucceeded, statemachine.TaskFailed:
		delete(p.waiting, e.task)
	}
	err := p.signal(e.sig)
	switch e.sig.(type) {
	case statemachine.DecideApproval, statemachine.DelegateApproval:
		if errors.Is(err, statemachine.ErrTaskDoesNotExist) || errors.Is(err, statemachine.ErrTaskTimedOut) {
			delete(p.waiting, e.task)
			return nil // it was settled before
		}
	}
	return err
}

// signal takes one decision and does what it asks for.
func (p *performance) signal(sig statemachine.Signal) error {
	p.step++
	limits := p.script.Limits
	if limits.Transitions <= 0 {
		limits.Transitions = statemachine.DefaultTransitions
	}
	limits.Transitions = min(limits.Transitions, p.script.MaxStates-p.states+1)
	commands, events, err := p.script.Machine.Decide(p.run, statemachine.Env{
		Now: p.now, Seed: p.script.Seed*0x9E3779B97F4A7C15 + p.step, Limits: limits, Observe: p.tracker.observe,
		Token: p.script.Token, CallbackURL: p.callbackURL,
	}, sig)
	if err != nil {
		return fmt.Errorf("the state machine refused %T: %w", sig, err)
	}
	if err := p.tracker.follow(events); err != nil {
		return fmt.Errorf("following the execution: %w", err)
	}
	for _, ev := range events {
		if _, ok := ev.Data.(event.StateEntered); ok {
			p.states++
		}
	}
	if most := uint64(p.script.MaxStates)*signalsPerState + 1000; p.step > most && p.run.Status() == statemachine.Running {
		return fmt.Errorf("more than %d answers, heartbeats and timers came without the execution coming to an end; "+
			"is a heartbeat too often?", most)
	}
	if p.states > p.script.MaxStates && p.run.Status() == statemachine.Running {
		return p.endless()
	}
	return p.obey(commands)
}

// callbackURL gives URLs that look like those of a server, and lead nowhere.
func (p *performance) callbackURL(id statemachine.TaskID, action statemachine.CallbackAction) string {
	return "https://callbacks.invalid/callback/" + p.script.Token(id) + "/" + string(action)
}

// obey does what a decision asks for.
func (p *performance) obey(commands []statemachine.Command) error {
	given := map[statemachine.TaskID]bool{}
	for _, c := range commands {
		if c, ok := c.(statemachine.Cancel); ok {
			given[c.Task] = true
			delete(p.waiting, c.Task)
		}
	}
	for _, c := range commands {
		switch c := c.(type) {
		case statemachine.Invoke:
			if given[c.Task] {
				continue // given up by the same decision: an engine would not get to it
			}
			if err := p.invoke(c); err != nil {
				return err
			}
		case statemachine.Proceed:
			p.agenda.add(entry{at: p.now, sig: statemachine.Continue{}})
		}
	}
	return nil
}

// invoke asks the mock, and notes when its answer comes.
func (p *performance) invoke(c statemachine.Invoke) error {
	call := &Call{
		State: c.State, Iterations: p.tracker.iterations(c.Frame), Resource: c.Resource, Pattern: c.Pattern,
		Arguments: c.Arguments, Attempt: c.Attempt, At: p.now.Sub(p.started), Token: c.Token,
	}
	name := call.String()
	call.Number = p.calls[name]
	p.calls[name]++
	p.result.Calls = append(p.result.Calls, call)
	p.tracker.called(c.Frame, call)
	p.waiting[c.Task] = call
	if p.script.Answer == nil {
		return fmt.Errorf("there is no mock for %s", call)
	}
	answer, err := p.script.Answer(call)
	if err != nil {
		return err
	}
	if err := answer.check(call); err != nil {
		return err
	}
	if strings.Contains(c.Resource, "activity:") {
		p.agenda.add(entry{at: p.now, task: c.Task, sig: statemachine.TaskStarted{Task: c.Task, Worker: "rehearsal"}})
	}
	call.Answer = &answer
	if len(answer.Decisions) > 0 {
		for _, d := range answer.Decisions {
			p.agenda.add(entry{at: p.now.Add(d.After), task: c.Task, sig: d.signal(c.Task)})
		}
		return nil
	}
	at := p.expect(c.Task, p.now, answer)
	if answer.Token != nil && !answer.Never {
		p.expect(c.Task, at, *answer.Token)
	}
	return nil
}

// expect puts an answer on the agenda, and gives the time at which it comes.
func (p *performance) expect(task statemachine.TaskID, from time.Time, a Answer) time.Time {
	at := from.Add(a.Delay)
	if a.Heartbeat > 0 && (a.Never || a.Heartbeat < a.Delay) {
		beat := entry{at: from.Add(a.Heartbeat), task: task, every: a.Heartbeat, sig: statemachine.TaskHeartbeat{Task: task}}
		if !a.Never {
			beat.until = at
		}
		p.agenda.add(beat)
	}
	for _, beat := range a.Beats {
		p.agenda.add(entry{at: from.Add(beat), task: task, sig: statemachine.TaskHeartbeat{Task: task}})
	}
	switch {
	case a.Unknown != nil:
		p.agenda.add(entry{at: at, task: task, err: a.Unknown})
	case a.Never:
	case a.Token != nil && !a.Failed:
		p.agenda.add(entry{at: at, task: task, sig: statemachine.TaskSubmitted{Task: task, Output: a.result()}})
	default:
		p.agenda.add(entry{at: at, task: task, sig: a.signal(task)})
	}
	return at
}

// conclude fills in how the execution ended.
func (p *performance) conclude() {
	r := p.result
	r.Status, r.Output = p.run.Status(), p.run.Output()
	r.Error, r.Cause = p.run.Failure()
	r.Ended = p.now
}

// stuck tells what the execution waits for that will never come.
func (p *performance) stuck() error {
	for _, call := range p.result.Calls {
		for _, waiting := range p.waiting {
			if waiting == call {
				return fmt.Errorf("the execution waits for ever: the mock of %s never answers, and neither the state nor the "+
					"state machine has TimeoutSeconds", call)
			}
		}
	}
	return errors.New("the execution waits for something that never comes")
}

// endless names the states at the end of a path that does not.
func (p *performance) endless() error {
	const shown = 8
	return fmt.Errorf("the execution entered more than %d states without coming to an end; the last ones were %s",
		p.script.MaxStates, strings.Join(p.tracker.last(shown), " > "))
}
