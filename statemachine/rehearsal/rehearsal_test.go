package rehearsal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// mixed has every state type, retries, catchers, a timeout and a token.
const mixed = `
QueryLanguage: CEL
StartAt: Begin
TimeoutSeconds: 500
States:
  Begin:
    Type: Task
    Resource: function:begin
    TimeoutSeconds: 20
    Retry: [{ErrorEquals: [A, States.Timeout], IntervalSeconds: 2, MaxAttempts: 2}]
    Catch: [{ErrorEquals: [B], Next: Rest}]
    Next: Each
  Each:
    Type: Map
    Items: [1, 2, 3]
    MaxConcurrency: 2
    ToleratedFailureCount: 1
    ItemProcessor:
      StartAt: Work
      States:
        Work:
          Type: Task
          Resource: function:work
          Assign: {last: "{% states.result %}"}
          Next: Check
        Check:
          Type: Choice
          Choices: [{Condition: "{% states.input == 1 %}", Next: Pause}]
          Default: Out
        Pause: {Type: Wait, Seconds: 5, Next: Out}
        Out: {Type: Pass, End: true}
    Retry: [{ErrorEquals: [C], MaxAttempts: 1}]
    Catch: [{ErrorEquals: [States.ALL], Next: Rest}]
    Next: Both
  Both:
    Type: Parallel
    Branches:
      - StartAt: Ask
        States:
          Ask: {Type: Task, Resource: "function:ask.waitForTaskToken", TimeoutSeconds: 30, HeartbeatSeconds: 9, End: true}
      - StartAt: Quick
        States:
          Quick: {Type: Task, Resource: "function:quick", End: true}
    Catch: [{ErrorEquals: [States.ALL], Next: Sorry}]
    Next: Rest
  Rest: {Type: Wait, Seconds: 3, Next: Done}
  Done: {Type: Succeed}
  Sorry: {Type: Fail, Error: Sorry}
`

func compile(t testing.TB, text string) *statemachine.Machine {
	t.Helper()
	m, list := statemachine.Compile("m.asl.yaml", []byte(text))
	if m == nil {
		t.Fatal(list.Error())
	}
	return m
}

func anAnswer(t *rapid.T, label string) rehearsal.Answer {
	a := rehearsal.Answer{Delay: time.Duration(rapid.IntRange(0, 40).Draw(t, label+" delay")) * time.Second / 2}
	switch rapid.IntRange(0, 5).Draw(t, label) {
	case 0:
		a.Failed, a.Error = true, rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, label+" error")
	case 1:
		a.Never = true
	default:
		a.Result = value.FromInt(int64(rapid.IntRange(0, 2).Draw(t, label+" result")))
	}
	a.Heartbeat = time.Duration(rapid.IntRange(0, 3).Draw(t, label+" heartbeat")) * 4 * time.Second
	return a
}

// TestRehearsalIsTheCore holds rehearsals with random mocks against the core, driven in the plainest way there is, and
// against what the events of the rehearsal fold into.
func TestRehearsalIsTheCore(t *testing.T) {
	m := compile(t, mixed)
	rapid.Check(t, func(t *rapid.T) {
		answers := map[string]rehearsal.Answer{}
		mock := func(c *rehearsal.Call) (rehearsal.Answer, error) {
			label := fmt.Sprintf("%s#%d", c, c.Number)
			a, ok := answers[label]
			if !ok {
				a = anAnswer(t, label)
				if c.Pattern == statemachine.WaitForTaskToken && !a.Failed && !a.Never {
					token := anAnswer(t, label+" token")
					a.Token = &token
				}
				answers[label] = a
			}
			return a, nil
		}
		r := rehearsal.Run(rehearsal.Script{Machine: m, Answer: mock})
		if r.Problem != nil {
			t.Fatal(r.Problem)
		}
		checkFold(t, m, r)
		want := plainRun(t, m, r.Info(), mock)
		if !bytes.Equal(event.Encode(want), event.Encode(r.Events)) {
			t.Fatalf("the core, driven plainly, makes %d events, the rehearsal %d", len(want), len(r.Events))
		}
		checkPath(t, m, r)
		again := rehearsal.Run(rehearsal.Script{Machine: m, Answer: mock})
		if !bytes.Equal(event.Encode(again.Events), event.Encode(r.Events)) || again.Path.String() != r.Path.String() {
			t.Fatal("the same script went another way")
		}
	})
}

// checkFold folds the events of a rehearsal into a run that has seen nothing else.
func checkFold(t *rapid.T, m *statemachine.Machine, r *rehearsal.Result) {
	run := m.NewRun(r.Info())
	for _, ev := range r.Events {
		if err := run.Apply(ev); err != nil {
			t.Fatal(err)
		}
	}
	name, _ := run.Failure()
	if run.Status() != r.Status || (run.Output() == nil) != (r.Output == nil) ||
		r.Output != nil && run.Output().String() != r.Output.String() || cmp.Diff(name, r.Error) != "" ||
		run.EndedAt() != r.Ended {
		t.Fatalf("the events fold into %s %v at %s, the rehearsal says %s %v at %s", run.Status(), run.Output(), run.EndedAt(),
			r.Status, r.Output, r.Ended)
	}
}

// checkPath holds the path against the states that the history of the Step Functions API enters and leaves.
func checkPath(t *rapid.T, m *statemachine.Machine, r *rehearsal.Result) {
	view, err := history.View(m, r.Info(), r.Events)
	if err != nil {
		t.Fatal(err)
	}
	var entered []string
	for _, ev := range view {
		if strings.HasSuffix(ev.Type, "StateEntered") && ev.Frame == 0 {
			entered = append(entered, ev.State)
		}
	}
	var top []string
	for _, v := range r.Path {
		top = append(top, v.State)
	}
	if diff := cmp.Diff(entered, top); diff != "" {
		t.Fatal(diff)
	}
}

// plainRun drives the core without any of this package's machinery: a list of what is to come, searched from the start
// each time.
func plainRun(t *rapid.T, m *statemachine.Machine, info statemachine.Info,
	mock func(*rehearsal.Call) (rehearsal.Answer, error),
) []event.Event {
	type coming struct {
		at   time.Time
		task statemachine.TaskID
		sig  statemachine.Signal
	}
	var (
		run    = m.NewRun(info)
		now    = rehearsal.DefaultStart
		list   []coming
		events []event.Event
		counts = map[string]int{}
	)
	answer := func(task statemachine.TaskID, at time.Time, a rehearsal.Answer) time.Time {
		end := at.Add(a.Delay)
		if a.Heartbeat > 0 {
			for beat := at.Add(a.Heartbeat); beat.Before(at.Add(600*time.Second)) && (a.Never || beat.Before(end)); beat = beat.Add(a.Heartbeat) {
				list = append(list, coming{beat, task, statemachine.TaskHeartbeat{Task: task}})
			}
		}
		switch {
		case a.Never:
		case a.Failed:
			list = append(list, coming{end, task, statemachine.TaskFailed{Task: task, Error: a.Error, Cause: a.Cause}})
		case a.Token != nil:
			list = append(list, coming{end, task, statemachine.TaskSubmitted{Task: task, Output: a.Result}})
		default:
			list = append(list, coming{end, task, statemachine.TaskSucceeded{Task: task, Result: a.Result}})
		}
		return end
	}
	decide := func(sig statemachine.Signal) {
		commands, made, err := m.Decide(run, statemachine.Env{Now: now}, sig)
		if err != nil {
			if errors.Is(err, statemachine.ErrTaskDoesNotExist) || errors.Is(err, statemachine.ErrTaskTimedOut) {
				return // an answer that nobody waits for
			}
			t.Fatal(err)
		}
		events = append(events, made...)
		for _, c := range commands {
			in, ok := c.(statemachine.Invoke)
			if !ok || run.Frame(in.Frame) == nil {
				continue
			}
			call := &rehearsal.Call{State: in.State, Pattern: in.Pattern}
			if f := run.Frame(in.Frame); f.Parent() != nil {
				if _, typ := f.Parent().State(); typ == "Map" {
					call.Iterations = []int{f.Index()}
				}
			}
			call.Number = counts[call.String()]
			counts[call.String()]++
			a, _ := mock(call)
			at := answer(in.Task, now, a)
			if a.Token != nil {
				answer(in.Task, at, *a.Token)
			}
		}
	}
	decide(statemachine.Start{})
	for run.Status() == statemachine.Running {
		first := -1
		for i, c := range list {
			_, beats := c.sig.(statemachine.TaskHeartbeat)
			if first >= 0 && c.at.Equal(list[first].at) && beats {
				if _, also := list[first].sig.(statemachine.TaskHeartbeat); !also {
					first = i
				}
			}
			if first < 0 || c.at.Before(list[first].at) {
				first = i
			}
		}
		if tick := run.NextDeadline(); first < 0 || !tick.IsZero() && tick.Before(list[first].at) {
			now = tick
			decide(statemachine.Tick{})
			continue
		}
		next := list[first]
		list = append(list[:first:first], list[first+1:]...)
		now = next.at
		decide(next.sig)
	}
	return events
}

func TestNoMocks(t *testing.T) {
	r := rehearsal.Run(rehearsal.Script{Machine: compile(t, mixed)})
	if r.Problem == nil || r.Problem.Error() != "there is no mock for Begin" {
		t.Errorf("got %v", r.Problem)
	}
}

// TestBadAnswers checks what is said of answers that do not fit their call.
func TestBadAnswers(t *testing.T) {
	m := compile(t, mixed)
	for want, bad := range map[string]rehearsal.Answer{
		"waits for its task token":     {},
		"a negative time":              {Delay: -1, Never: true},
		"token in the mock of Ask has": {Token: &rehearsal.Answer{Delay: -1}},
		"a token within a token":       {Token: &rehearsal.Answer{Token: &rehearsal.Answer{}}},
	} {
		r := rehearsal.Run(rehearsal.Script{Machine: m, Answer: func(c *rehearsal.Call) (rehearsal.Answer, error) {
			if c.State == "Ask" {
				return bad, nil
			}
			return rehearsal.Answer{}, nil
		}})
		if r.Problem == nil || !strings.Contains(r.Problem.Error(), want) {
			t.Errorf("got %v, want %s", r.Problem, want)
		}
	}
	r := rehearsal.Run(rehearsal.Script{Machine: m, Answer: func(*rehearsal.Call) (rehearsal.Answer, error) {
		return rehearsal.Answer{Token: &rehearsal.Answer{}}, nil
	}})
	if r.Problem == nil || !strings.Contains(r.Problem.Error(), "does not end in .waitForTaskToken") {
		t.Errorf("got %v", r.Problem)
	}
}

// TestExpressions checks that each expression is shown in the visit that evaluated it, in a loop too.
func TestExpressions(t *testing.T) {
	m := compile(t, `
QueryLanguage: CEL
StartAt: Count
States:
  Count: {Type: Pass, Output: "{% states.input.n + 1 %}", Next: Enough}
  Enough:
    Type: Choice
    Choices: [{Condition: "{% states.input == 3 %}", Next: Done}]
    Default: Count2
  Count2: {Type: Pass, Output: {n: "{% states.input %}"}, Next: Count}
  Done: {Type: Pass, Output: "{% states.input / 0 %}", End: true}
`)
	r := rehearsal.Run(rehearsal.Script{Machine: m, Input: value.Trusted([]byte(`{"n":0}`)), Trace: true})
	var got []string
	r.Path.Walk(func(v *rehearsal.Visit, _ int) {
		for _, e := range v.Expressions {
			got = append(got, fmt.Sprintf("%s %s = %v", v.State, e.Location, e.Value))
		}
	})
	want := []string{
		"Count Output = 1", "Enough Choices/0/Condition = false", "Count2 Output/n = 1", "Count Output = 2",
		"Enough Choices/0/Condition = false", "Count2 Output/n = 2", "Count Output = 3", "Enough Choices/0/Condition = true",
		"Done Output = <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	last := r.Path[len(r.Path)-1]
	if last.Expressions[0].Err == nil || last.Failed != statemachine.ErrorQueryEvaluation || r.Status != statemachine.Failed {
		t.Errorf("got %+v", last)
	}
}

// BenchmarkYear rehearses a year of waiting.
func BenchmarkYear(b *testing.B) {
	m := compile(b, "QueryLanguage: CEL\nStartAt: A\nStates:\n  A: {Type: Wait, Seconds: 31536000, End: true}\n")
	for b.Loop() {
		if r := rehearsal.Run(rehearsal.Script{Machine: m}); r.Duration() != 365*24*time.Hour {
			b.Fatal(r.Duration())
		}
	}
}

// TestLanguages checks that the paths of JSONPath and the expressions of JSONata are shown as those of CEL are.
func TestLanguages(t *testing.T) {
	m := compile(t, `
StartAt: Which
States:
  Which:
    Type: Choice
    Choices:
      - {Variable: $.n, NumericGreaterThan: 5, Next: Ask}
      - {Variable: $.n, NumericGreaterThan: 3, Next: Ask}
    Default: Out
  Ask:
    Type: Task
    Resource: function:ask
    Parameters: {"n.$": $.n}
    ResultPath: $.answer
    Next: Out
  Out: {Type: Pass, QueryLanguage: JSONata, Output: "{% $states.input.n + 1 %}", End: true}
`)
	r := rehearsal.Run(rehearsal.Script{
		Machine: m, Input: value.Trusted([]byte(`{"n":4}`)), Trace: true,
		Answer: func(c *rehearsal.Call) (rehearsal.Answer, error) { return rehearsal.Answer{Result: c.Arguments}, nil },
	})
	if r.Problem != nil || r.Status != statemachine.Succeeded || r.Output.String() != "5" {
		t.Fatalf("ended as %s with %v: %v", r.Status, r.Output, r.Problem)
	}
	for _, v := range r.Path {
		if len(v.Expressions) == 0 {
			t.Errorf("%s shows no expression", v.State)
		}
	}
	coverage := rehearsal.NewCoverage(m)
	coverage.Add(r)
	var missed []string
	for _, p := range coverage.Uncovered() {
		missed = append(missed, p.String())
	}
	if diff := cmp.Diff([]string{"rule 1 of Which", "the Default of Which"}, missed); diff != "" {
		t.Error(diff)
	}
}
