package cases

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// mock answers the calls of a state.
type mock struct {
	key     selector
	answers []answer // by call; the last one repeats unless it is for once
	once    bool
}

// answer is one way to answer, with expressions yet to be evaluated.
type answer struct {
	result     template // nil: null
	failed     bool
	error      string
	cause      string
	delay      time.Duration
	heartbeat  time.Duration
	never      bool
	once       bool
	token      *answer
	decisions  []rehearsal.Decision
	hasOutcome bool
}

// selector names calls: of a state, in some iterations, one of several.
type selector struct {
	state      string
	iterations []int // -1 for all
	number     int   // from 1; 0 for all
}

const all = -1

// fits tells whether a call is meant, and how closely: the number of iterations that are named exactly.
func (s selector) fits(c *rehearsal.Call) (closeness int, ok bool) {
	if c.State != s.state || s.number > 0 && s.number != c.Number+1 {
		return 0, false
	}
	for i, want := range s.iterations {
		if want == all {
			continue
		}
		if i >= len(c.Iterations) || c.Iterations[i] != want {
			return 0, false
		}
		closeness++
	}
	return closeness, true
}

// mocks reads the mocks of a file or a case.
func (r *reader) mocks(n *source.Node) []mock {
	if !r.is(n, "mocks", source.Object) {
		return nil
	}
	var mocks []mock
	for _, m := range n.Members {
		key, task := r.selector(m, false)
		elems := []*source.Node{m.Value}
		if m.Value.Kind == source.Array {
			elems = m.Value.Elems
			if len(elems) == 0 {
				r.errorAt(m.Value, CodeMissing, "write at least one answer", "the mock of %s has no answers", m.Name)
			}
		}
		each := mock{key: key}
		for _, e := range elems {
			a := r.answer(e, "the mock of "+m.Name)
			r.fitsTask(e, a, task)
			each.once = a.once
			each.answers = append(each.answers, a)
		}
		mocks = append(mocks, each)
	}
	return mocks
}

// fitsTask reports an answer that does not go with how the task waits.
func (r *reader) fitsTask(n *source.Node, a answer, task *asl.Task) {
	if task == nil || n.Kind != source.Object {
		return
	}
	waits := strings.HasSuffix(task.Resource, ".waitForTaskToken")
	switch {
	case waits && a.token == nil && !a.failed && !a.never && a.hasOutcome:
		r.errorAt(n, CodeValue, "write token: {result: ...} for what comes with the token; a result beside it is what the function answers",
			"%s waits for its task token, but the mock does not say what comes with it", task.Name)
	case !waits && a.token != nil:
		r.errorAt(n.Get("token"), CodeValue, "write the result without token",
			"%s does not wait for a task token: its Resource is %s", task.Name, task.Resource)
	}
}

func (r *reader) answer(n *source.Node, what string) answer {
	var a answer
	if n.Kind != source.Object {
		r.errorAt(n, CodeType, "write {result: ...}, {error: NAME, cause: TEXT}, {timeout: true} or {token: {...}}",
			"%s must be an object, but is %s", what, describe(n))
		return a
	}
	r.fields(n, what, []fieldReader{
		{"result", func(n *source.Node) { a.result = r.template(n, callVariables) }},
		{"error", func(n *source.Node) { a.failed = true; r.text(&a.error, "error")(n) }},
		{"cause", r.text(&a.cause, "cause")},
		{"delay", r.duration(&a.delay, "delay")},
		{"timeout", r.flag(&a.never, "timeout")},
		{"heartbeat", r.duration(&a.heartbeat, "heartbeat")},
		{"decisions", func(n *source.Node) { a.decisions = r.decisions(n) }},
		{"token", func(n *source.Node) { t := r.answer(n, "the token"); a.token = &t }},
		{"once", r.flag(&a.once, "once")},
	})
	outcomes := 0
	for _, is := range []bool{a.result != nil, a.failed, a.never, n.Get("decisions") != nil} {
		if is {
			outcomes++
		}
	}
	a.hasOutcome = outcomes > 0
	switch {
	case outcomes > 1:
		r.errorAt(n, CodeValue, "keep one of them", "%s has more than one of result, error, decisions and timeout", what)
	case outcomes == 0 && a.token == nil && n.Get("error") == nil:
		r.errorAt(n, CodeMissing, "write result, error or timeout: true", "%s does not say what it answers", what)
	case a.token != nil && (a.failed || a.never):
		r.errorAt(n.Get("token"), CodeValue, "keep one of them", "%s never comes to its token", what)
	case a.cause != "" && !a.failed:
		r.errorAt(n.Get("cause"), CodeValue, "write error: NAME beside it", "%s has a cause but no error", what)
	}
	if a.token != nil && a.token.token != nil {
		r.errorAt(n.Get("token").Get("token"), CodeValue, "", "a token has no token of its own")
	}
	return a
}

// selector reads a name such as Batch, Batch[2] or Batch[*][2], where numbers are allowed also Batch#2. It gives the
// state if it is a Task.
func (r *reader) selector(m *source.Member, numbered bool) (selector, *asl.Task) {
	s := selector{state: m.Name}
	if r.states == nil {
		return s, nil
	}
	info, ok := r.states[s.state]
	if !ok {
		var text string
		if s, text = cutSelector(m.Name); text != "" {
			r.errorAtName(m, CodeValue, "an iteration is a number from 0, or * for all", "%q: %s", m.Name, text)
			return s, nil
		}
		info, ok = r.states[s.state]
	}
	if !ok {
		at := *m.Value
		at.Pos = m.NamePos
		r.unknownState(&at, s.state)
		return s, nil
	}
	task, isTask := info.state.(*asl.Task)
	switch {
	case !isTask:
		r.errorAtName(m, CodeState, "the tasks are "+strings.Join(r.tasks(), ", "),
			"%s is a %s state, which invokes nothing", s.state, info.state.Base().Type)
	case len(s.iterations) > 0 && len(s.iterations) != info.maps:
		r.errorAtName(m, CodeValue, "write one index for each Map around the state, outermost first",
			"%q names iterations of %s, but %s is in %s", m.Name, count(len(s.iterations), "Map"), s.state, count(info.maps, "Map"))
	case s.number > 0 && !numbered:
		r.errorAtName(m, CodeValue, "write the answers as a list: the second is for the second call",
			"%q: a mock is for all calls of a state", m.Name)
	}
	return s, task
}

// unknownState reports a state that is not there.
func (r *reader) unknownState(at *source.Node, state string) {
	hint := "the states are " + strings.Join(r.names, ", ")
	if near := diag.Closest(state, r.names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	r.errorAt(at, CodeState, hint, "there is no state %q in %s", state, r.file.Definition)
}

// cutSelector takes a name apart that is not just that of a state; problem tells why it cannot.
func cutSelector(name string) (s selector, problem string) {
	if at := strings.LastIndexByte(name, '#'); at > 0 {
		n, err := strconv.Atoi(name[at+1:])
		if err == nil && n > 0 {
			name, s.number = name[:at], n
		}
	}
	s.state = name
	at := strings.IndexByte(name, '[')
	if at <= 0 || !strings.HasSuffix(name, "]") {
		return s, ""
	}
	s.state = name[:at]
	for part := range strings.SplitSeq(name[at+1:len(name)-1], "][") {
		if part == "*" {
			s.iterations = append(s.iterations, all)
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return s, fmt.Sprintf("%q is no iteration", part)
		}
		s.iterations = append(s.iterations, n)
	}
	return s, ""
}

// tasks gives the names of the states that can be mocked.
func (r *reader) tasks() []string {
	var names []string
	for _, name := range r.names {
		if _, ok := r.states[name].state.(*asl.Task); ok {
			names = append(names, name)
		}
	}
	return names
}

// answer answers a call with the mock that names it most closely; a case's own mocks come before those of its file.
func (c *Case) answer(call *rehearsal.Call) (rehearsal.Answer, error) {
	best := closestMock(c.mocks, call)
	if best == nil {
		best = closestMock(c.common, call)
	}
	if best == nil {
		return rehearsal.Answer{}, fmt.Errorf("%s was reached, and there is no mock for it; add to mocks:\n  %s: {result: ...}\n"+
			"It invokes %s with %s", call, call.State, call.Resource, excerpt(call.Arguments))
	}
	n := call.Number
	if n >= len(best.answers) {
		if best.once {
			return rehearsal.Answer{}, fmt.Errorf("%s was called %d times, but its mock answers %d times: the last answer is for once",
				call, n+1, len(best.answers))
		}
		n = len(best.answers) - 1
	}
	return best.answers[n].evaluate(call)
}

func closestMock(mocks []mock, call *rehearsal.Call) (best *mock) {
	closest := -1
	for i := range mocks {
		if closeness, ok := mocks[i].key.fits(call); ok && closeness > closest {
			best, closest = &mocks[i], closeness
		}
	}
	return best
}

func (a *answer) evaluate(call *rehearsal.Call) (rehearsal.Answer, error) {
	out := rehearsal.Answer{
		Delay: a.delay, Heartbeat: a.heartbeat, Failed: a.failed, Error: a.error, Cause: a.cause, Never: a.never,
		Decisions: a.decisions,
	}
	if a.result != nil {
		index := value.NullValue
		if n := len(call.Iterations); n > 0 {
			index = value.FromInt(int64(call.Iterations[n-1]))
		}
		v, err := a.result.eval(map[string]*value.Value{
			"arguments": call.Arguments, "attempt": value.FromInt(int64(call.Attempt)), "index": index,
			"number": value.FromInt(int64(call.Number)), "token": value.FromString(call.Token),
		})
		if err != nil {
			return out, fmt.Errorf("the mock of %s: %w", call, err)
		}
		out.Result = v.Settled()
	}
	if a.token != nil {
		token, err := a.token.evaluate(call)
		if err != nil {
			return out, err
		}
		out.Token = &token
	}
	return out, nil
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
