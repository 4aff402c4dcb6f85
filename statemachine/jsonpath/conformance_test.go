package jsonpath

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// recordedCase is a line of aws-recorded.jsonl, as far as it is read here.
type recordedCase struct {
	ID           string          `json:"id"`
	Kind         string          `json:"kind"`
	Definition   json.RawMessage `json:"definition"`
	Input        *string         `json:"input_raw"`
	Placeholders any             `json:"placeholders"`
	Expected     struct {
		Status string          `json:"status"`
		Output json.RawMessage `json:"output"`
		Error  *string         `json:"error"`
		Cause  any             `json:"cause"`
	} `json:"expected"`
}

// conformanceLines gives the lines of a file in the folder that TERCEL_CONFORMANCE names, and skips the test without it.
func conformanceLines(t *testing.T, name string) []string {
	t.Helper()
	folder := os.Getenv("TERCEL_CONFORMANCE")
	if folder == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder")
	}
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRecordedExecutions runs those of the recorded executions that consist of Pass, Choice, Wait, Succeed and Fail
// states in JSONPath, with as much of an interpreter as that takes, and compares what came of them.
func TestRecordedExecutions(t *testing.T) {
	lines := conformanceLines(t, "aws-recorded.jsonl")
	ran := 0
	for _, line := range lines {
		var c recordedCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		doc, list := source.Parse("case.json", c.Definition)
		if c.Kind != "execution" || len(list) > 0 || !runnable(doc.Root) {
			continue
		}
		m := newMiniature(doc.Root, c.Input)
		status, output, failure := m.run()
		if m.unsupported {
			continue
		}
		ran++
		if status != c.Expected.Status {
			t.Errorf("%s: %s, want %s: %v", c.ID, status, c.Expected.Status, failure)
			continue
		}
		if output != nil && len(c.Expected.Output) > 0 && !sameButForMasks(decode(t, c.Expected.Output), decode(t, output.JSON())) {
			t.Errorf("%s: output %s, want %s", c.ID, output, c.Expected.Output)
		}
		if failure != nil && c.Expected.Error != nil {
			if cause, _ := c.Expected.Cause.(string); failure.Name != *c.Expected.Error || (failure.Message != cause && !masked(cause)) {
				t.Errorf("%s: %v, want %s: %s", c.ID, failure, *c.Expected.Error, cause)
			}
		}
	}
	t.Logf("%d of %d recorded cases are executions that run here", ran, len(lines))
	if ran < 200 {
		t.Errorf("only %d ran", ran)
	}
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// masked tells whether a recorded text holds something that the recording does not tell.
func masked(s string) bool {
	return strings.Contains(s, "<") || slices.Contains([]string{"date", "timestamp", "sfn_role_arn", "start-time", "entered-time"}, s)
}

func sameButForMasks(want, got any) bool {
	switch want := want.(type) {
	case string:
		return masked(want) || reflect.DeepEqual(any(want), got)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !sameButForMasks(want[i], list[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		// A text that holds an object was recorded as the object.
		if text, ok := got.(string); ok && json.Unmarshal([]byte(text), &got) != nil {
			return false
		}
		object, ok := got.(map[string]any)
		if !ok || len(object) != len(want) {
			return false
		}
		for key := range want {
			if other, ok := object[key]; !ok || !sameButForMasks(want[key], other) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(want, got)
	}
}

func runnable(machine *source.Node) bool {
	if states := machine.Get("States"); states != nil && machine.Get("QueryLanguage") == nil {
		for _, m := range states.Members {
			switch m.Value.Get("Type").Text {
			case "Pass", "Choice", "Succeed", "Fail", "Wait":
			default:
				return false
			}
			if m.Value.Get("QueryLanguage") != nil {
				return false
			}
		}
		return true
	}
	return false
}

// miniature runs a state machine.
type miniature struct {
	machine     *source.Node
	input       *value.Value // of the execution
	data        *value.Value
	name        string // of the state
	event       int    // of the last event
	variables   map[string]*value.Value
	unsupported bool
}

func newMiniature(machine *source.Node, input *string) *miniature {
	m := &miniature{machine: machine, variables: map[string]*value.Value{}}
	text := "{}"
	if input != nil {
		text = *input
	}
	m.input = value.Trusted([]byte(text))
	m.data = m.input
	return m
}

func (m *miniature) scope() *query.Scope {
	context := fmt.Sprintf(`{"Execution": {"Id": "<id>", "Input": %s, "Name": "<name>", "RoleArn": "<arn>", "StartTime": "<time>",
		"RedriveCount": 0},
		"StateMachine": {"Id": "<id>", "Name": "<name>"}, "State": {"Name": %q, "EnteredTime": "<time>"}}`, m.input, m.name)
	drawn := uint64(0)
	return &query.Scope{
		Context:  func() *value.Value { return value.Trusted([]byte(context)) },
		Variable: func(name string) *value.Value { return m.variables[name] },
		Random:   func() uint64 { drawn++; return mix(drawn) },
	}
}

func (m *miniature) run() (status string, output *value.Value, failure *query.Error) {
	m.name = m.machine.Get("StartAt").Text
	m.event = 1
	for {
		m.event++
		state := m.machine.Get("States").Get(m.name)
		next, err := m.state(state)
		if ended, ok := errors.AsType[*failState](err); ok {
			return "FAILED", nil, &query.Error{Name: ended.name, Message: ended.cause}
		}
		if failed, ok := errors.AsType[*query.Error](err); ok {
			return "FAILED", nil, &query.Error{Name: failed.Name, Message: fmt.Sprintf(
				"An error occurred while executing the state '%s' (entered at the event id #%d). %s", m.name, m.event, failed.Message)}
		}
		if m.unsupported || next == "" {
			return "SUCCEEDED", m.data, nil
		}
		m.event++
		m.name = next
	}
}

type failState struct{ name, cause string }

func (f *failState) Error() string { return f.name }

// state runs one state and gives the next, "" at the end.
func (m *miniature) state(s *source.Node) (string, error) {
	effective, err := m.path(s, "InputPath", m.data)
	if err != nil {
		return "", err
	}
	next := text(s.Get("Next"))
	result := effective
	assign := s.Get("Assign")
	switch s.Get("Type").Text {
	case "Fail":
		return "", m.fail(s, effective)
	case "Wait":
		m.unsupported = text(s.Get("Seconds")) != "0" && s.Get("SecondsPath") == nil && s.Get("TimestampPath") == nil
		err = m.wait(s, effective)
	case "Choice":
		next, assign, err = m.choice(s, effective)
	case "Pass":
		if parameters := s.Get("Parameters"); parameters != nil {
			if result, err = m.template(parameters, effective); err != nil {
				return "", err
			}
		}
		if fixed := s.Get("Result"); fixed != nil {
			result = value.Trusted(fixed.AppendJSON(nil))
		}
	}
	if err != nil || m.unsupported {
		return "", err
	}
	if assign != nil {
		assigned, err := m.template(assign, result)
		if err != nil {
			return "", err
		}
		for i, key := range assigned.Keys() {
			m.variables[key] = assigned.At(i)
		}
	}
	if s.Get("Type").Text == "Pass" {
		if result, err = m.resultPath(s, result); err != nil {
			return "", err
		}
	}
	m.data, err = m.path(s, "OutputPath", result)
	return next, err
}

func text(n *source.Node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

func (m *miniature) resultPath(s *source.Node, result *value.Value) (*value.Value, error) {
	n := s.Get("ResultPath")
	switch {
	case n == nil:
		return result, nil
	case n.Kind == source.Null:
		return m.data, nil
	}
	r, problems := ParseResultPath(n.Text)
	if r == nil {
		return nil, fmt.Errorf("%v", problems)
	}
	return r.Set(m.data, result)
}

func (m *miniature) path(s *source.Node, field string, v *value.Value) (*value.Value, error) {
	n := s.Get(field)
	switch {
	case n == nil:
		return v, nil
	case n.Kind == source.Null:
		return value.FromObject(nil, nil), nil
	}
	p, problems := ParsePath(n.Text)
	if p == nil {
		return nil, fmt.Errorf("%v", problems)
	}
	return p.Eval(v, m.scope())
}

func (m *miniature) template(n *source.Node, v *value.Value) (*value.Value, error) {
	t, findings := CompileTemplate(n)
	if t == nil {
		return nil, fmt.Errorf("%v", findings)
	}
	return t.Eval(v, m.scope())
}

func (m *miniature) choice(s *source.Node, v *value.Value) (next string, assign *source.Node, err error) {
	for _, n := range s.Get("Choices").Elems {
		r, findings := CompileRule(n)
		if r == nil {
			return "", nil, fmt.Errorf("%v", findings)
		}
		holds, err := r.Eval(v, m.scope())
		if err != nil {
			return "", nil, err
		}
		if holds {
			return n.Get("Next").Text, n.Get("Assign"), nil
		}
	}
	return text(s.Get("Default")), s.Get("Assign"), nil
}

// wait checks what a Wait state reads. None of the recorded ones has a time to come.
func (m *miniature) wait(s *source.Node, v *value.Value) error {
	for _, field := range []string{"SecondsPath", "TimestampPath"} {
		n := s.Get(field)
		if n == nil {
			continue
		}
		p, problems := ParsePath(n.Text)
		if p == nil {
			return fmt.Errorf("%v", problems)
		}
		found, err := p.EvalParameter(field, v, m.scope())
		if err != nil {
			return err
		}
		if field != "TimestampPath" {
			m.unsupported = true
		} else if _, ok := ParseTimestamp(found.Text()); !ok {
			return runtimeError("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "+
				"format string: %s == %s", p.Source(), found.Text())
		}
	}
	return nil
}

func (m *miniature) fail(s *source.Node, v *value.Value) error {
	failed := &failState{name: text(s.Get("Error")), cause: text(s.Get("Cause"))}
	for field, to := range map[string]*string{"ErrorPath": &failed.name, "CausePath": &failed.cause} {
		n := s.Get(field)
		if n == nil {
			continue
		}
		e, problems := ParseExpression(n.Text)
		if e == nil {
			return fmt.Errorf("%v", problems)
		}
		found, err := e.Eval(v, m.scope())
		if err != nil {
			return err
		}
		*to = found.Text()
	}
	return failed
}

// TestSampleDefinitions compiles everything in JSONPath in the public sample definitions, all of which the service takes.
func TestSampleDefinitions(t *testing.T) {
	compiled := 0
	for _, line := range conformanceLines(t, "accept_samples.jsonl") {
		var c struct {
			ID         string `json:"id"`
			Definition any    `json:"definition"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		definition, ok := c.Definition.(string)
		if !ok {
			encoded, err := json.Marshal(c.Definition)
			if err != nil {
				t.Fatal(err)
			}
			definition = string(encoded)
		}
		doc, list := source.Parse("case.json", []byte(definition))
		if list.HasErrors() {
			t.Errorf("%s: %v", c.ID, list)
			continue
		}
		each := func(n *source.Node, what string, problems any) {
			compiled++
			if !reflect.ValueOf(problems).IsNil() && reflect.ValueOf(problems).Len() > 0 {
				if f, ok := problems.([]Finding); ok && f[0].Warning {
					t.Logf("%s %s %s: %s", c.ID, n.Pointer, what, f[0].Message)
					return
				}
				t.Errorf("%s %s %s: %v", c.ID, n.Pointer, what, problems)
			}
		}
		compileStates(doc.Root, text(doc.Root.Get("QueryLanguage")), each)
	}
	t.Logf("%d fields compiled", compiled)
}

// compileStates compiles the fields in JSONPath of all states in a definition.
func compileStates(n *source.Node, language string, each func(*source.Node, string, any)) {
	states := n.Get("States")
	if states == nil {
		return
	}
	for _, m := range states.Members {
		s := m.Value
		own := language
		if s.Get("QueryLanguage") != nil {
			own = text(s.Get("QueryLanguage"))
		}
		for _, inner := range []*source.Node{s.Get("ItemProcessor"), s.Get("Iterator")} {
			if inner != nil {
				compileStates(inner, own, each)
			}
		}
		if branches := s.Get("Branches"); branches != nil {
			for _, b := range branches.Elems {
				compileStates(b, own, each)
			}
		}
		if own != "JSONata" {
			compileState(s, each)
		}
	}
}

func compileState(s *source.Node, each func(*source.Node, string, any)) {
	for _, m := range s.Members {
		n := m.Value
		switch m.Name {
		case "Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials":
			_, findings := CompileTemplate(n)
			each(n, m.Name, findings)
		case "InputPath", "OutputPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "MaxConcurrencyPath":
			if n.Kind == source.String {
				_, problems := ParsePath(n.Text)
				each(n, m.Name, problems)
			}
		case "ErrorPath", "CausePath":
			_, problems := ParseExpression(n.Text)
			each(n, m.Name, problems)
		case "ResultPath":
			if n.Kind == source.String {
				_, problems := ParseResultPath(n.Text)
				each(n, m.Name, problems)
			}
		case "ItemsPath":
			_, problems := ParseReference(n.Text)
			each(n, m.Name, problems)
		case "Choices":
			for _, e := range n.Elems {
				_, findings := CompileRule(e)
				each(e, m.Name, findings)
			}
		}
	}
}
