package statemachine

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FuzzCompile compiles whatever comes, and runs what compiles: nothing may panic or hang, whatever is wrong with the
// definition must be an error of the list, and whatever runs must fold.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"testdata/scripts/*.txt", "asl/testdata/*.txt"} {
		for _, text := range golden.Texts(f, pattern) {
			definition, _, _ := strings.Cut(text, "\n====\n")
			for section := range strings.SplitSeq(definition, "\n-- ") {
				_, behind, ok := strings.Cut(section, " --\n")
				if !ok {
					behind = section
				}
				f.Add([]byte(behind))
			}
		}
	}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer bound(string(text))()
		m, list := Compile("fuzz", text)
		if (m == nil) != list.HasErrors() {
			t.Fatalf("the machine is nil: %v, but the list has errors: %v", m == nil, list.HasErrors())
		}
		if m != nil {
			runFor(t, m, 20)
		}
	})
}

// runFor answers every task of a run with a constant, and lets time pass, for so many signals.
func runFor(t *testing.T, m *Machine, signals int) {
	t.Helper()
	h := newHarness(t, m)
	h.limits = Limits{Transitions: 20, MapConcurrent: 5, Payload: 10_000, Events: 200}
	h.begin(`{"items": [1, 2], "x": 1}`)
	commands, _, err := h.signal(Start{})
	for i := range signals {
		if err != nil {
			t.Fatal(err)
		}
		if h.run.Status() != Running {
			return
		}
		h.now = h.now.Add(time.Minute)
		var sig Signal = Tick{}
		if len(commands) > 0 {
			switch c := commands[0].(type) {
			case Invoke:
				sig = TaskSucceeded{c.Task, value.FromInt(int64(i))}
			case Proceed:
				sig = Continue{}
			case Cancel:
			}
		}
		commands, _, err = h.signal(sig)
	}
}

// FuzzRestore reads snapshots that nobody made: an error, never a panic.
func FuzzRestore(f *testing.F) {
	m, list := Compile("m.yaml", []byte(`
QueryLanguage: CEL
StartAt: P
States:
  P:
    Type: Parallel
    Branches:
      - {StartAt: T, States: {T: {Type: Task, Resource: 'function:f', End: true}}}
      - {StartAt: M, States: {M: {Type: Map, End: true, ItemProcessor: {StartAt: W, States: {W: {Type: Wait, Seconds: 5, End: true}}}}}}
    Assign: {x: 1}
    End: true
`))
	if m == nil {
		f.Fatal(list.Error())
	}
	info := Info{Input: value.Trusted([]byte(`[1,2]`))}
	run := m.NewRun(info)
	_, events, err := m.Decide(run, Env{Now: time.UnixMilli(1)}, Start{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(run.Snapshot(), event.Encode(events))
	f.Fuzz(func(_ *testing.T, snapshot, row []byte) {
		restored, err := m.Restore(info, snapshot)
		if err != nil {
			restored = m.NewRun(info)
		}
		events, err := event.Decode(row)
		if err != nil {
			return
		}
		for _, ev := range events {
			if restored.Apply(ev) != nil {
				return
			}
		}
	})
}

// FuzzApproval lets people decide an approval, hand it on, let its time pass and start anew, in whatever order: nothing may
// panic, what is refused changes nothing, and what is folded and restored is what is live.
func FuzzApproval(f *testing.F) {
	m, list := Compile("m.yaml", []byte(`
QueryLanguage: CEL
StartAt: P
States:
  P:
    Type: Parallel
    Branches:
      - StartAt: A
        States:
          A:
            Type: Task
            Resource: approval
            TimeoutSeconds: 5000
            Arguments: {Title: A, Approvers: [a, B@c, d, e], Quorum: 2, Rejections: 2, RemindAfterSeconds: [60, 120], RemindBeforeSeconds: 60,
              Form: {type: object, required: [n], properties: {n: {type: integer}}}}
            Retry: [{ErrorEquals: [States.Timeout], MaxAttempts: 2}]
            End: true
      - StartAt: B
        States:
          B: {Type: Task, Resource: approval, Arguments: {Title: B, Approvers: [a, b@c], RejectionIsAnError: true, ReasonRequired: true}, End: true}
    End: true
`))
	if m == nil {
		f.Fatal(list.Error())
	}
	f.Add([]byte("\x00\x01\x00\x01\x00\x01\x02\x00"), `{"n": 1}`, "why")
	f.Add([]byte("\x02\x01\x03\x01\x03\x00\x04\xff\x04\xff\x04\xff\x05\x00\x06\x00"), `{`, "")
	f.Add([]byte("\x01\x02\x00\x01\x02\x01\x05\x00\x01\x03\x00\x01\x03\x01"), `[]`, "b@C")
	names := []string{"a", "b@c", "B@C", "d", "e", "", " a", "z@Z"}
	f.Fuzz(func(t *testing.T, steps []byte, form, text string) {
		h := newHarness(t, m)
		h.begin(`{}`)
		if _, _, err := h.signal(Start{}); err != nil {
			t.Fatal(err)
		}
		filled, err := value.Parse([]byte(form))
		if err != nil {
			filled = nil
		}
		for i := 0; i+1 < len(steps) && i < 100; i += 2 {
			what, n := steps[i]%8, int(steps[i+1])
			who, task := names[n%len(names)], TaskID(1+n/len(names)%6)
			var sig Signal = Tick{}
			switch what {
			case 0:
				sig = DecideApproval{Task: task, By: who, Approved: true, Form: filled, Comment: text, Actor: text}
			case 1:
				sig = DecideApproval{Task: task, By: who, Form: filled, Comment: text}
			case 2:
				sig = DelegateApproval{Task: task, By: who, To: text, Comment: text}
			case 3:
				sig = DelegateApproval{Task: task, By: who, To: names[n/8%len(names)]}
			case 4:
				h.now = h.now.Add(time.Duration(n) * 10 * time.Second)
			case 5:
				sig = Redrive{}
			case 6:
				sig = TaskSucceeded{task, value.FromInt(int64(n))}
			case 7:
				sig = Recover{text}
			}
			before := h.run.Snapshot()
			if _, events, err := h.signal(sig); err != nil && (len(events) > 0 || !bytes.Equal(before, h.run.Snapshot())) {
				t.Fatalf("%T was refused, %v, and changed the run", sig, err)
			}
		}
	})
}

// FuzzReadApproval reads arguments of all kinds: problems or something to ask, never a panic.
func FuzzReadApproval(f *testing.F) {
	f.Add([]byte(`{"Title": "t", "Approvers": ["a", "B@c"], "Quorum": 2, "Rejections": 1, "RemindAfterSeconds": [1, 2.5], "RemindBeforeSeconds": 3,
		"Deadline": "2030-01-31T12:00:00Z", "Form": {"type": "object"}, "Data": [], "Description": "", "RequestedBy": "x", "ReasonRequired": true}`), true)
	f.Add([]byte(`{"Title": 1, "Approvers": {}, "Quorum": -1e400, "RemindAfterSeconds": [[]], "Form": {"type": "object", "properties": 7}, "~/": null}`), false)
	f.Fuzz(func(t *testing.T, text []byte, timeout bool) {
		v, err := value.Parse(text)
		if err != nil {
			return
		}
		spec, problems := readApproval(v, timeout)
		if (spec == nil) == (len(problems) == 0) {
			t.Fatalf("%s gives %v and %v", text, spec, problems)
		}
		if spec == nil {
			return
		}
		if n := len(spec.approvers); n == 0 || spec.quorum > n || spec.rejections > n || spec.quorum < 1 || spec.rejections < 1 {
			t.Fatalf("%s asks %d, of whom %d must approve or %d reject", text, n, spec.quorum, spec.rejections)
		}
		now := time.UnixMilli(0)
		for i, at := range spec.reminders(now, spec.deadline) {
			if !at.After(now) || i > 2*maxReminders {
				t.Fatalf("%s reminds at %v", text, at)
			}
		}
	})
}
