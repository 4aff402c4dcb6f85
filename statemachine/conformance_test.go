package statemachine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// recorded is an execution as the Step Functions service ran it.
type recorded struct {
	ID           string
	Kind         string
	Type         string
	Definition   json.RawMessage
	DefinitionIn *string `json:"definition_raw"`
	Input        *string `json:"input_raw"`
	Needs        struct{ Class string }
	ExecutionARN string `json:"execution_arn"`
	Machine      string `json:"state_machine"`
	Normalised   bool   `json:"events_normalised"`
	Expected     struct {
		Status       *string
		Error, Cause any
		Output       any
		Events       []string
		History      []any
		Sync         any `json:"sync"`
	}
	Transforms []struct{ Regex, Replacement string }
}

// TestConformance runs the executions recorded from the service that need nothing outside: in memory, with a virtual
// clock. TERCEL_CONFORMANCE names the folder of the recordings.
func TestConformance(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	cases := readRecorded(t, filepath.Join(dir, "aws-recorded.jsonl"))
	total, histories, same := 0, 0, 0
	for _, c := range cases {
		if c.Kind != "execution" || c.Needs.Class != "pure" || c.Expected.Status == nil || *c.Expected.Status == "RUNNING" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			total++
			x := runRecorded(t, c)
			checkOutcome(t, c, x)
			if c.Expected.Events == nil || c.Normalised || c.Expected.Sync != nil {
				return
			}
			histories++
			if diff := x.compareHistory(c); len(diff) > 0 {
				t.Logf("the history differs:\n%s", strings.Join(diff, "\n"))
				return
			}
			same++
		})
	}
	t.Logf("%d executions; %d of %d histories are the same event by event", total, same, histories)
	if same*100 < 97*histories {
		t.Errorf("fewer than 97 %% of the histories are the same")
	}
}

func readRecorded(t *testing.T, file string) []recorded {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	var cases []recorded
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// replay is an execution that was run again.
type replay struct {
	machine *statemachine.Machine
	info    statemachine.Info
	run     *statemachine.Run
	events  []event.Event
}

func runRecorded(t *testing.T, c recorded) *replay {
	t.Helper()
	definition := []byte(c.Definition)
	if len(definition) == 0 || string(definition) == "null" {
		definition = []byte(*c.DefinitionIn)
	}
	m, list := statemachine.Compile("definition.json", definition)
	if m == nil {
		t.Fatal(list.Error())
	}
	input := "{}"
	if c.Input != nil {
		input = *c.Input
	}
	parts := strings.Split(c.ExecutionARN, ":")
	x := &replay{machine: m, info: statemachine.Info{
		ExecutionID: c.ExecutionARN, ExecutionName: parts[len(parts)-1], RoleARN: "snf_role_arn",
		StateMachine: c.Machine, StateMachineID: "arn:aws:states:us-east-1:111111111111:stateMachine:" + c.Machine,
		Input: value.Trusted([]byte(input)),
	}}
	x.run = m.NewRun(x.info)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var sig statemachine.Signal = statemachine.Start{}
	for range 10_000 {
		commands, events, err := m.Decide(x.run, statemachine.Env{Now: now, Seed: 7}, sig)
		if err != nil {
			t.Fatal(err)
		}
		x.events = append(x.events, events...)
		if x.run.Status() != statemachine.Running {
			return x
		}
		sig = statemachine.Tick{}
		for _, command := range commands {
			switch command := command.(type) {
			case statemachine.Proceed:
				sig = statemachine.Continue{}
			case statemachine.Invoke:
				t.Fatalf("a task is invoked: %s", command.Resource)
			}
		}
		now = x.run.NextDeadline()
	}
	t.Fatal("the execution does not end")
	return nil
}

func checkOutcome(t *testing.T, c recorded, x *replay) {
	t.Helper()
	if got := string(x.run.Status()); got != *c.Expected.Status {
		_, cause := x.run.Failure()
		t.Errorf("the status is %s (%v), want %s", got, deref(cause), *c.Expected.Status)
		return
	}
	name, cause := x.run.Failure()
	want := map[string]any{"error": c.Expected.Error, "cause": c.Expected.Cause}
	got := map[string]any{"error": nil, "cause": nil}
	if name != nil {
		got["error"] = *name
	}
	if cause != nil {
		got["cause"] = *cause
	}
	for key, v := range want {
		if v == nil {
			continue // not recorded
		}
		for _, d := range c.compare(v, got[key]) {
			t.Errorf("the %s%s", key, d)
		}
	}
	if x.run.Status() == statemachine.Succeeded {
		for _, d := range c.compare(c.Expected.Output, decoded(x.run.Output().JSON())) {
			t.Errorf("output%s", d)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return "<none>"
	}
	return *s
}

func (x *replay) compareHistory(c recorded) []string {
	view, err := history.View(x.machine, x.info, x.events)
	if err != nil {
		return []string{err.Error()}
	}
	var got []any
	for _, ev := range view {
		if ev.Extra {
			continue
		}
		api, ok := decoded(ev.API("us-east-1").JSON()).(map[string]any)
		if !ok {
			return []string{"an event is no object"}
		}
		api["timestamp"] = "timestamp"
		got = append(got, api)
	}
	return c.compare(c.Expected.History, got)
}

func decoded(text []byte) any {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err.Error()
	}
	return v
}

// parsePayloads reads the objects that stand as JSON text in members of objects, as the recordings have them.
func parsePayloads(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && strings.HasPrefix(s, "{") {
				if err := json.Unmarshal([]byte(s), &e); err == nil {
					v[k] = e
				}
				continue
			}
			v[k] = parsePayloads(e)
		}
	case []any:
		for i := range v {
			v[i] = parsePayloads(v[i])
		}
	}
	return v
}

var (
	isoTime     = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)`)
	placeholder = regexp.MustCompile(`<[A-Za-z][^<>"\\]{0,60}>|timestamp|datetime|snf_role_arn|sfn_role_arn`)
)

// compare gives the places where something differs from the recording, which masks what changes from run to run. A time
// that the recording has not masked must be the same as it is.
func (c recorded) compare(want, got any) []string {
	text, err := json.Marshal(parsePayloads(got))
	if err != nil {
		return []string{err.Error()}
	}
	plain := map[string]bool{"timestamp": true, "datetime": true, "date": true, "snf_role_arn": true, "sfn_role_arn": true}
	masked := isoTime.ReplaceAllString(string(text), "date")
	for _, tr := range c.Transforms {
		plain[tr.Replacement] = true
		if re, err := regexp.Compile(tr.Regex); err == nil && tr.Regex != "" {
			masked = re.ReplaceAllLiteralString(masked, tr.Replacement)
		}
	}
	diff := differences{plain: plain}
	var list []string
	exact := diff.of(want, text)
	for at, what := range diff.of(want, []byte(masked)) {
		if _, also := exact[at]; also {
			list = append(list, what)
		}
	}
	sort.Strings(list)
	return list
}

// differences finds where a value is not what was recorded.
type differences struct {
	plain map[string]bool // texts that stand for any value
	found map[string]string
}

func (d differences) of(want any, text []byte) map[string]string {
	d.found = map[string]string{}
	text = []byte(strings.ReplaceAll(strings.ReplaceAll(string(text), "arn:aws:", "arn:<partition>:"), "us-east-1", "<region>"))
	d.walk("", want, decoded(text))
	return d.found
}

func (d differences) walk(at string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				d.found[at+"."+k] = fmt.Sprintf("%s.%s is missing, want %v", at, k, w[k])
				continue
			}
			d.walk(at+"."+k, w[k], g[k])
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				d.found[at+"."+k] = fmt.Sprintf("%s.%s is %v, want none", at, k, g[k])
			}
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			d.walk(fmt.Sprintf("%s[%d]", at, i), w[i], g[i])
		}
		return
	case string:
		if d.plain[w] || fitsMask(w, got) {
			return
		}
	}
	if !reflect.DeepEqual(want, got) {
		d.found[at] = fmt.Sprintf("%s is %v, want %v", at, got, want)
	}
}

// fitsMask tells whether a value is what a recorded text says, which may have placeholders in it.
func fitsMask(want string, got any) bool {
	text, ok := got.(string)
	if !ok {
		b, err := json.Marshal(got)
		if err != nil {
			return false
		}
		text = string(b)
	}
	var pattern strings.Builder
	pattern.WriteString("(?s)^")
	last := 0
	for _, at := range placeholder.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[last:at[0]]) + ".*?")
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(want[last:]) + "$")
	fits, err := regexp.MatchString(pattern.String(), text)
	return err == nil && fits
}

// TestConformanceSamples compiles the definitions that the service's public samples have: all of them can be deployed.
func TestConformanceSamples(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	for _, c := range readRecorded(t, filepath.Join(dir, "accept_samples.jsonl")) {
		if m, list := statemachine.Compile("definition.json", c.Definition); m == nil {
			t.Errorf("%s: %s", c.ID, list.Error())
		}
	}
}
