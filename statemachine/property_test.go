package statemachine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestFoldEqualsLive drives random machines with random signals. After every single event, the run that was folded from
// the stored events must be the live one, and after every decision so must be the one restored from its snapshot; see
// harness.
func TestFoldEqualsLive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { driveRandomly(t, rt, func([]Event) {}) })
}

// driveRandomly drives a random machine with random signals, and hands over the events of each decision.
func driveRandomly(t *testing.T, rt *rapid.T, seen func([]Event)) *harness {
	t.Helper()
	g := &generator{t: rt}
	definition, err := json.Marshal(g.machine())
	if err != nil {
		rt.Fatal(err)
	}
	m, list := CompileWith("random.json", definition, Options{Deployed: true}) // it is to fail while it runs
	if m == nil {
		rt.Fatalf("%s\n%s", list.Error(), definition)
	}
	h := newHarness(t, m)
	h.limits = Limits{
		MapConcurrent: rapid.IntRange(1, 4).Draw(rt, "concurrent"), Transitions: rapid.IntRange(1, 6).Draw(rt, "transitions"),
		Payload: rapid.SampledFrom([]int{40, 2000}).Draw(rt, "payload"), Events: rapid.SampledFrom([]int{50, 500}).Draw(rt, "events"),
	}
	h.begin(rapid.SampledFrom([]string{`[1,2,3]`, `{"n":5,"list":[1,[2],{"n":3}]}`, `7`, `"text"`}).Draw(rt, "input"))
	commands, events, err := h.signal(Start{})
	seen(events)
	for range rapid.IntRange(1, 40).Draw(rt, "signals") {
		if err != nil && len(commands)+len(events) > 0 {
			rt.Fatalf("a rejection (%v) has events", err)
		}
		if err != nil && !isRejection(err) {
			rt.Fatalf("a signal was rejected with an unknown error: %v", err)
		}
		h.now = h.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
		commands, events, err = h.signal(g.signal(h.run, commands))
		seen(events)
		checkEnd(rt, h.run)
	}
	return h
}

func isRejection(err error) bool {
	if _, refused := errors.AsType[*ApprovalError](err); refused {
		return true
	}
	return errors.Is(err, ErrEnded) || errors.Is(err, ErrTaskDoesNotExist) || errors.Is(err, ErrTaskTimedOut) || errors.Is(err, ErrTaskTaken) ||
		errors.Is(err, ErrNotRedrivable) || errors.Is(err, ErrStarted) || errors.Is(err, ErrMapEnded)
}

// checkEnd holds the run to what must always be true of it: it has ended, or something can still happen to it.
func checkEnd(rt *rapid.T, r *Run) {
	if r.status != Running {
		if len(r.tasks) > 0 || r.busy != 0 {
			rt.Fatalf("an ended run has %d open tasks, %d busy", len(r.tasks), r.busy)
		}
		return
	}
	if len(r.tasks) == 0 && r.pending == 0 && r.NextDeadline().IsZero() {
		rt.Fatal("the run is stuck: it waits for nothing")
	}
}

// generator draws machines and signals.
type generator struct {
	t      *rapid.T
	states int
	mixed  bool // the machine is written in JSONPath, and each state in a language of its own
}

type fields = map[string]any

func (g *generator) machine() fields {
	g.mixed = g.one("mixed", 2)
	m := g.flow(3)
	if !g.mixed {
		m["QueryLanguage"] = "CEL"
	}
	if g.one("timeout", 4) {
		m["TimeoutSeconds"] = 20
	}
	return m
}

// one is true once in n times.
func (g *generator) one(label string, n int) bool { return rapid.IntRange(1, n).Draw(g.t, label) == 1 }

func (g *generator) pick(label string, options ...any) any {
	return rapid.SampledFrom(options).Draw(g.t, label)
}

func (g *generator) flow(depth int) fields {
	names := make([]string, rapid.IntRange(1, 4).Draw(g.t, "states"))
	for i := range names {
		g.states++
		names[i] = fmt.Sprintf("S%d", g.states)
	}
	states := fields{}
	for i, name := range names {
		states[name] = g.state(names, i, depth)
	}
	return fields{"StartAt": names[0], "States": states}
}

// state draws a state that leads to the one behind it, so that every state is reached, or back if it is a Choice.
func (g *generator) state(names []string, i, depth int) fields {
	last := i == len(names)-1
	types := []any{"Pass", "Task", "Wait", "Task"}
	if depth > 0 {
		types = append(types, "Parallel", "Map")
	}
	if last {
		types = append(types, "Succeed", "Fail")
	} else {
		types = append(types, "Choice")
	}
	typ := g.pick("type", types...).(string)
	s := fields{"Type": typ}
	if g.mixed {
		s["QueryLanguage"] = g.pick("language", "JSONPath", "JSONata", "CEL")
	}
	switch typ {
	case "Choice":
		rule := g.rule(s["QueryLanguage"])
		rule["Next"] = rapid.SampledFrom(names).Draw(g.t, "next")
		s["Choices"] = []any{rule}
		s["Default"] = names[i+1]
		return s
	case "Succeed":
		return s
	case "Fail":
		s["Error"] = g.pick("error", "Bad", "Worse")
		return s
	}
	if last {
		s["End"] = true
	} else {
		s["Next"] = names[i+1]
	}
	g.fill(s, typ, names, depth)
	return s
}

// rule draws the condition of a Choice, in the language of its state.
func (g *generator) rule(language any) fields {
	switch language {
	case "JSONPath":
		return g.pick("rule", fields{"Variable": "$", "IsPresent": true}, fields{"Variable": "$.n", "NumericGreaterThan": 3}).(fields)
	case "JSONata":
		return fields{"Condition": g.pick("condition", "{% true %}", "{% $states.input = 7 %}", "{% $states.input.n > 3 %}")}
	default:
		return fields{"Condition": g.pick("condition", "{% true %}", "{% states.input == 7 %}", "{% states.input.n > 3 %}")}
	}
}

// fill draws the fields of a state. Those with expressions in them are written in CEL first.
func (g *generator) fill(s fields, typ string, names []string, depth int) {
	g.fillCEL(s, typ, names, depth)
	switch s["QueryLanguage"] {
	case "JSONPath":
		delete(s, "Output")
		if _, literal := s["Items"].(string); literal || s["Items"] != nil {
			delete(s, "Items")
			s["ItemsPath"] = g.pick("itemsPath", "$", "$.list", "$[*]")
		}
		if s["Seconds"] == "{% 1 + 1 %}" {
			delete(s, "Seconds")
			s["SecondsPath"] = g.pick("secondsPath", "$.n", "$")
		}
		if typ == "Pass" || typ == "Task" || typ == "Map" {
			if path := g.pick("resultPath", "$", "$.r", nil, ""); path != "" {
				s["ResultPath"] = path
			}
		}
	case "JSONata":
		for name, v := range s {
			if text, ok := v.(string); ok && strings.HasPrefix(text, "{%") {
				s[name] = strings.ReplaceAll(text, "states.", "$states.")
			}
		}
	}
}

func (g *generator) fillCEL(s fields, typ string, names []string, depth int) {
	if g.one("output", 3) {
		s["Output"] = g.pick("expression", "{% states.input %}", "{% [states.input, 1] %}", "{% states.input.missing %}", "constant")
	}
	switch typ {
	case "Wait":
		s["Seconds"] = g.pick("seconds", 0, 1, 3, "{% 1 + 1 %}")
	case "Task":
		s["Resource"] = g.pick("resource", "function:f", "function:f.waitForTaskToken", "activity:a", "approval")
		if s["Resource"] == "approval" {
			g.approval(s)
			break
		}
		if g.one("taskTimeout", 2) {
			s["TimeoutSeconds"], s["HeartbeatSeconds"] = 5, 2
		}
	case "Parallel":
		branches := make([]any, rapid.IntRange(1, 3).Draw(g.t, "branches"))
		for i := range branches {
			branches[i] = g.flow(depth - 1)
		}
		s["Branches"] = branches
	case "Map":
		processor := g.flow(depth - 1)
		if g.one("distributed", 3) {
			processor["ProcessorConfig"] = fields{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
		}
		s["ItemProcessor"] = processor
		s["Items"] = g.pick("items", "{% [1, 2, 3, 4, 5] %}", "{% states.input %}", []any{1}, []any{})
		s["MaxConcurrency"] = g.pick("concurrency", 0, 1, 3)
		if g.one("tolerance", 3) {
			s["ToleratedFailureCount"] = 1
		}
	}
	if typ == "Wait" || typ == "Pass" {
		return
	}
	if g.one("retry", 2) {
		s["Retry"] = []any{fields{
			"ErrorEquals": []any{g.pick("retried", "States.ALL", "Bad", "States.TaskFailed")}, "MaxAttempts": 2, "JitterStrategy": g.pick("jitter", "FULL", "NONE"),
		}}
	}
	if g.one("catch", 3) {
		s["Catch"] = []any{fields{"ErrorEquals": []any{"States.ALL"}, "Next": rapid.SampledFrom(names).Draw(g.t, "caught")}}
	}
}

// approval draws what a Task asks people.
func (g *generator) approval(s fields) {
	arguments := fields{
		"Title": "t", "Approvers": g.pick("approvers", []any{"ada"}, []any{"ada", "bob", "eve"}),
		"RejectionIsAnError": g.pick("rejection", true, false), "RemindAfterSeconds": g.pick("remindAfter", 1, []any{2, 4}, nil),
	}
	if g.one("several", 2) {
		arguments["Approvers"] = []any{"ada", "bob", "eve"}
		arguments["Quorum"], arguments["Rejections"] = g.pick("quorum", 1, 2, 3), g.pick("rejections", 1, 2)
	}
	if g.one("form", 3) {
		arguments["Form"] = fields{"type": "object", "required": []any{"n"}}
	}
	if g.one("approvalTimeout", 2) {
		s["TimeoutSeconds"] = 5
		arguments["RemindBeforeSeconds"] = 1
	}
	name := "Arguments"
	if s["QueryLanguage"] == "JSONPath" {
		name = "Parameters"
	}
	if s["QueryLanguage"] != "JSONPath" && g.one("malformed", 6) {
		arguments["Quorum"] = g.pick("quorum of an expression", "{% 7 %}", "{% 'x' %}")
	}
	s[name] = arguments
}

// decision draws what somebody does with an approval.
func (g *generator) decision(id TaskID) Signal {
	who := rapid.SampledFrom([]string{"ada", "bob", "eve", "zoe"}).Draw(g.t, "who")
	if g.one("delegate", 5) {
		return DelegateApproval{Task: id, By: who, To: rapid.SampledFrom([]string{"zoe", "max", "ada"}).Draw(g.t, "to"), Actor: "boss"}
	}
	form := rapid.SampledFrom([]*value.Value{nil, value.NullValue, value.Trusted([]byte(`{"n":1}`)), value.Trusted([]byte(`{}`))}).Draw(g.t, "form")
	return DecideApproval{Task: id, By: who, Approved: !g.one("rejects", 3), Comment: "so", Form: form}
}

// change draws the change of a distributed Map, if there is one.
func (g *generator) change(r *Run) (sig ChangeMap, ok bool) {
	r.eachFrame(func(f *Frame) {
		if f.MapStarted() != 0 {
			sig.Map, ok = f.MapStarted(), true
		}
	})
	if g.one("stray map", 10) {
		sig.Map++
	}
	sig.MaxConcurrency = rapid.SampledFrom([]*int{nil, new(0), new(1), new(2)}).Draw(g.t, "new concurrency")
	sig.ToleratedCount = rapid.SampledFrom([]*int{nil, new(0), new(1), new(3)}).Draw(g.t, "new count")
	sig.ToleratedPercentage = rapid.SampledFrom([]*float64{nil, new(0.0), new(20.0), new(100.0)}).Draw(g.t, "new percentage")
	return sig, ok
}

// signal draws a signal that makes sense, most of the time.
func (g *generator) signal(r *Run, commands []Command) Signal {
	for _, c := range commands {
		if _, ok := c.(Proceed); ok {
			return Continue{}
		}
	}
	id := TaskID(rapid.IntRange(0, 5).Draw(g.t, "any task"))
	if open := slices.Sorted(maps.Keys(r.tasks)); len(open) > 0 && !g.one("stray", 10) {
		id = rapid.SampledFrom(open).Draw(g.t, "task")
	}
	result := value.Trusted([]byte(rapid.SampledFrom([]string{`1`, `[3,4]`, `{"n":1}`, `"a long text, too long for the smaller limit"`}).Draw(g.t, "result")))
	signals := []Signal{
		TaskSucceeded{id, result},
		TaskSucceeded{id, result},
		TaskFailed{id, "Bad", "cause"},
		TaskFailed{id, "", ""},
		TaskSubmitted{id, result},
		TaskStarted{id, "w", g.one("again", 4)},
		TaskHeartbeat{id},
		Tick{},
		Tick{},
		Recover{"n"},
		Continue{},
	}
	if f := r.tasks[id]; f != nil && f.task.approval != nil && !g.one("otherwise", 4) {
		return g.decision(id)
	}
	if g.one("change", 4) {
		if change, ok := g.change(r); ok {
			return change
		}
	}
	if g.one("rare", 8) || r.status != Running {
		signals = []Signal{Stop{"E", "c"}, Fail{"E", "c"}, Redrive{}, Redrive{}, Start{}}
	}
	return rapid.SampledFrom(signals).Draw(g.t, "signal")
}
