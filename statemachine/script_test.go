package statemachine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestScripts runs testdata/scripts. A script is a definition, a line of ====, then commands: what follows a command's
// line of ---- is what it is expected to do, up to a blank line.
//
//	start INPUT | succeed TASK RESULT | fail TASK ERROR CAUSE | submit TASK OUTPUT | started TASK WORKER
//	approve TASK WHO [FORM] | reject TASK WHO [COMMENT] | delegate TASK FROM TO
//	heartbeat TASK | wait SECONDS (time passes, then a Tick) | stop ERROR CAUSE | break ERROR CAUSE | redrive | recover | continue
//	change MAP CONCURRENCY COUNT PERCENTAGE (of a distributed Map; - leaves as it was)
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the scripts: %v, %d files", err, len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			runScript(t, file)
		})
	}
}

func runScript(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	definition, script, ok := strings.Cut(string(text), "\n====\n")
	if !ok {
		t.Fatal("the script has no line of ====")
	}
	m, list := Compile(filepath.Base(file), []byte(definition))
	if m == nil {
		t.Fatal(list.Error())
	}
	h := newHarness(t, m)
	var got strings.Builder
	got.WriteString(definition + "\n====\n")
	for block := range strings.SplitSeq(strings.TrimSpace(script), "\n\n") {
		head, _, _ := strings.Cut(block, "\n----")
		lines := strings.Split(head, "\n")
		got.WriteString(head + "\n----\n" + h.command(lines[len(lines)-1]) + "\n")
	}
	golden.Compare(t, file, got.String())
}

// harness drives a run, and beside it a second one that only folds the events of the first: the two must be equal after
// every single event, and so must a third that is restored from each snapshot.
type harness struct {
	t       testing.TB
	machine *Machine
	info    Info
	run     *Run
	shadow  *Run
	now     time.Time
	seed    uint64
	limits  Limits
}

func newHarness(tb testing.TB, m *Machine) *harness {
	tb.Helper()
	return &harness{t: tb, machine: m, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (h *harness) begin(input string) {
	h.info = Info{
		ExecutionID:   "arn:aws:states:us-east-1:000000000000:execution:m:e",
		ExecutionName: "e", StateMachine: "m", StateMachineID: "arn:aws:states:us-east-1:000000000000:stateMachine:m",
		Input: value.Trusted([]byte(input)),
	}
	h.run = h.machine.NewRun(h.info)
	h.shadow = h.machine.NewRun(h.info)
	h.run.observe = h.follow
}

// follow folds an event, as read back from its stored form, into the shadow.
func (h *harness) follow(ev Event) {
	events, err := event.Decode(event.Encode([]Event{ev}))
	if err != nil {
		h.t.Fatalf("%T does not read back: %v", ev.Data, err)
	}
	if diff := cmp.Diff(describe(ev), describe(events[0])); diff != "" {
		h.t.Fatalf("%T reads back otherwise:\n%s", ev.Data, diff)
	}
	if err := h.shadow.Apply(events[0]); err != nil {
		h.t.Fatal(err)
	}
	if !bytes.Equal(h.shadow.Snapshot(), h.run.Snapshot()) {
		h.t.Fatalf("after %s the folded run is not the live one:\n%q\n%q", describe(ev), h.shadow.Snapshot(), h.run.Snapshot())
	}
}

func (h *harness) signal(sig Signal) ([]Command, []Event, error) {
	h.seed++
	commands, events, err := h.machine.Decide(h.run, Env{
		Now: h.now, Seed: h.seed, Limits: h.limits, Token: func(id TaskID) string { return fmt.Sprintf("token-%d", id) },
	}, sig)
	h.restore()
	return commands, events, err
}

func (h *harness) restore() {
	restored, err := h.machine.Restore(h.info, h.run.Snapshot())
	if err != nil {
		h.t.Fatal(err)
	}
	if !bytes.Equal(restored.Snapshot(), h.run.Snapshot()) {
		h.t.Fatal("the restored run is not the live one")
	}
	if restored.busy != h.run.busy || restored.pending != h.run.pending || len(restored.tasks) != len(h.run.tasks) ||
		len(restored.frames) != len(h.run.frames) || !restored.NextDeadline().Equal(h.run.NextDeadline()) {
		h.t.Fatalf("the restored run counts otherwise: busy %d %d, pending %d %d, deadline %v %v", restored.busy, h.run.busy,
			restored.pending, h.run.pending, restored.NextDeadline(), h.run.NextDeadline())
	}
}

func (h *harness) command(line string) string {
	word, rest, _ := strings.Cut(line, " ")
	arg, more, _ := strings.Cut(rest, " ")
	n, _ := strconv.ParseUint(arg, 10, 64)
	task := TaskID(n)
	var sig Signal
	switch word {
	case "start":
		h.begin(rest)
		sig = Start{}
	case "succeed":
		sig = TaskSucceeded{task, value.Trusted([]byte(more))}
	case "fail":
		name, cause, _ := strings.Cut(more, " ")
		sig = TaskFailed{task, name, cause}
	case "submit":
		sig = TaskSubmitted{task, value.Trusted([]byte(more))}
	case "started":
		sig = TaskStarted{Task: task, Worker: more}
	case "heartbeat":
		sig = TaskHeartbeat{task}
	case "approve", "reject", "delegate":
		sig = approvalSignal(word, task, more)
	case "wait":
		seconds, err := strconv.ParseFloat(arg, 64)
		if err != nil {
			h.t.Fatal(err)
		}
		h.now = h.now.Add(time.Duration(seconds * float64(time.Second)))
		sig = Tick{}
	case "stop":
		sig = Stop{arg, more}
	case "break":
		sig = Fail{arg, more}
	case "redrive":
		sig = Redrive{}
	case "recover":
		sig = Recover{"node-2"}
	case "continue":
		sig = Continue{}
	case "change":
		sig = changeSignal(h.t, rest)
	case "limits": // limits MAP-CONCURRENT TRANSITIONS PAYLOAD EVENTS
		if _, err := fmt.Sscan(rest, &h.limits.MapConcurrent, &h.limits.Transitions, &h.limits.Payload, &h.limits.Events); err != nil {
			h.t.Fatal(err)
		}
		return ""
	default:
		h.t.Fatalf("the script has an unknown command: %s", line)
	}
	commands, events, err := h.signal(sig)
	if word == "recover" {
		commands = h.run.Outstanding(Env{Now: h.now})
	}
	return h.report(commands, events, err)
}

func changeSignal(tb testing.TB, text string) Signal {
	tb.Helper()
	words := strings.Fields(text)
	numbers := make([]*float64, len(words))
	for i, word := range words {
		if word != "-" {
			n, err := strconv.ParseFloat(word, 64)
			if err != nil {
				tb.Fatal(err)
			}
			numbers[i] = &n
		}
	}
	whole := func(n *float64) *int {
		if n == nil {
			return nil
		}
		return new(int(*n))
	}
	return ChangeMap{int64(*numbers[0]), whole(numbers[1]), whole(numbers[2]), numbers[3]}
}

func approvalSignal(word string, task TaskID, rest string) Signal {
	who, rest, _ := strings.Cut(rest, " ")
	switch {
	case word == "delegate":
		return DelegateApproval{Task: task, By: who, To: rest}
	case word == "reject":
		return DecideApproval{Task: task, By: who, Comment: rest}
	case rest == "":
		return DecideApproval{Task: task, By: who, Approved: true}
	default:
		return DecideApproval{Task: task, By: who, Approved: true, Form: value.Trusted([]byte(rest))}
	}
}

func (h *harness) report(commands []Command, events []Event, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintf(&b, "rejected: %v\n", err)
	}
	for _, ev := range events {
		fmt.Fprintln(&b, describe(ev))
	}
	for _, c := range commands {
		switch c := c.(type) {
		case Invoke:
			fmt.Fprintf(&b, "=> invoke %d %s %s attempt %d\n", c.Task, c.Resource, c.Arguments, c.Attempt)
		case Cancel:
			fmt.Fprintf(&b, "=> cancel %d\n", c.Task)
		case Proceed:
			fmt.Fprintln(&b, "=> continue")
		}
	}
	for _, c := range h.run.TakeApprovalChanges() {
		a := c.Approval
		fmt.Fprintf(&b, "approval %d %s: %s, waiting for %v\n", a.Task, a.Title, a.Status, a.Waiting)
		for _, n := range c.Notices {
			fmt.Fprintf(&b, "  tell %v: %s\n", n.To, n.Kind)
		}
	}
	if at := h.run.NextDeadline(); !at.IsZero() {
		fmt.Fprintf(&b, "next deadline in %v\n", at.Sub(h.now))
	}
	if h.run.Parkable() {
		b.WriteString("parkable\n")
	}
	if len(events) > 0 && h.run.Status() != Running {
		fmt.Fprintf(&b, "%s %v\n", h.run.Status(), h.run.Output())
	}
	return b.String()
}

// describe prints an event on one line.
func describe(ev Event) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", ev.Data), "event.")
	fields := fmt.Sprintf("%+v", plain(ev.Data))
	if fields == "{}" {
		return fmt.Sprintf("%d %s", ev.Frame, name)
	}
	return fmt.Sprintf("%d %s %s", ev.Frame, name, fields)
}

// plain gives an event's data in a form that prints well.
func plain(data event.Data) any {
	type failed struct{ Error, Cause string }
	text := func(s *string) string {
		if s == nil {
			return "<none>"
		}
		return *s
	}
	switch data := data.(type) {
	case event.ExecutionFailed:
		return failed{text(data.Error), text(data.Cause)}
	case event.ExecutionAborted:
		return failed{text(data.Error), text(data.Cause)}
	case event.TaskFailed:
		return failed{text(data.Error), text(data.Cause)}
	case event.ParallelFailed:
		return failed{text(data.Error), text(data.Cause)}
	case event.MapFailed:
		return failed{text(data.Error), text(data.Cause)}
	case event.IterationFailed:
		return struct {
			failed
			Tolerated bool
		}{failed{text(data.Error), text(data.Cause)}, data.Tolerated}
	case event.WaitScheduled:
		return data.Until.UTC().Format(TimeFormat)
	case event.RetryScheduled:
		return fmt.Sprintf("{Retrier:%d Until:%s}", data.Retrier, data.Until.UTC().Format(TimeFormat))
	default:
		return data
	}
}
