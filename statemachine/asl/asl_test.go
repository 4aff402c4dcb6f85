package asl_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

func parse(t testing.TB, file, text string) *asl.Definition {
	t.Helper()
	doc, list := source.Parse(file, []byte(text))
	d, more := asl.Parse(doc)
	if list = append(list, more...); list.HasErrors() {
		t.Fatal(list)
	}
	return d
}

func TestTheTree(t *testing.T) {
	d := parse(t, "x.yaml", `
QueryLanguage: CEL
StartAt: Each
States:
  Each:
    Type: Map
    Items: [1, 2]
    Assign: {outer: 1}
    ItemProcessor:
      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}
      StartAt: One
      States:
        One: {Type: Pass, Assign: {alone: 1}, End: true}
    Next: Both
  Both:
    Type: Parallel
    Branches:
      - {StartAt: L, States: {L: {Type: Pass, Assign: {inner: 1}, End: true}}}
      - {StartAt: R, States: {R: {Type: Succeed}}}
    Retry: [{ErrorEquals: [States.ALL]}]
    Catch:
      - {ErrorEquals: [A], Next: Old, Assign: {caught: 1}}
      - {ErrorEquals: [States.ALL], Next: Old}
    Next: Decide
  Decide:
    Type: Choice
    Choices:
      - {Condition: "{% true %}", Next: Old, Assign: {chosen: 1}}
    Default: Each
  Old:
    Type: Task
    Resource: r
    TimeoutSeconds: 5
    End: true
`)
	each, both, decide := d.States[0].(*asl.Map), d.States[1].(*asl.Parallel), d.States[2].(*asl.Choice)
	for what, c := range map[string]struct{ got, want any }{
		"language":             {each.QueryLanguage, asl.CEL},
		"mode":                 {each.Mode, asl.Distributed},
		"targets":              {both.Targets(), []string{"Decide", "Old"}},
		"targets of a choice":  {decide.Targets(), []string{"Old", "Each"}},
		"assigned":             {d.Assigned, []string{"caught", "chosen", "outer"}},
		"visible":              {each.Visible, []string{"caught", "chosen", "outer"}},
		"visible in a branch":  {both.Branches[0].States[0].Base().Visible, []string{"caught", "chosen", "inner", "outer"}},
		"visible in the other": {both.Branches[1].States[0].Base().Visible, []string{"caught", "chosen", "outer"}},
		"visible in a child":   {each.Processor.States[0].Base().Visible, []string{"alone"}},
		"timeout":              {d.States[3].(*asl.Task).TimeoutSeconds.Text, "5"},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	r := both.Retry[0]
	if r.IntervalSeconds != 1 || r.MaxAttempts != 3 || r.BackoffRate != 2 || r.MaxDelaySeconds != 0 || r.FullJitter {
		t.Errorf("the defaults of a retrier are %+v", r)
	}
}

func TestNoTree(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "3"} {
		doc, list := source.Parse("x.json", []byte(text))
		d, more := asl.Parse(doc)
		if d != nil || !append(list, more...).HasErrors() {
			t.Errorf("%q gives %v, %v", text, d, more)
		}
	}
}

// TestHostileDefinitions holds definitions that took much time or memory once.
func TestHostileDefinitions(t *testing.T) {
	const size = 1 << 20
	repeat := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(strings.NewReplacer("#", strconv.Itoa(i), "@", strconv.Itoa(i+1)).Replace(format))
		}
		return b.String()
	}
	long := strings.Repeat("x", size/2)
	for name, c := range map[string]struct{ text, want string }{
		"dangling everywhere":     {`{"StartAt":"s0","States":{` + repeat(`"state s#":{"Type":"Pass","Next":"s#"},`) + `"z":{"Type":"Fail"}}}`, asl.CodeTooManyProblems},
		"long names":              {`{"` + long + `":[` + strings.Repeat("1,", size/4) + `1]}`, source.CodeTooLarge},
		"long names in messages":  {`{"StartAt":"` + long + `","States":{"` + long + `x":{"Type":"Pass","Foo":1}}}`, asl.CodeMissingTarget},
		"half an expression each": {`{"StartAt":"a","QueryLanguage":"CEL","States":{"a":{"Type":"Succeed","Output":[` + repeat(`"x {% #",`) + `1]}}}`, asl.CodeTooManyProblems},
		"variables in flows in flows": {`{"StartAt":"s0","QueryLanguage":"CEL","States":{` + repeat(`"s#":{"Type":"Parallel","Assign":{"v#":1},"Next":"s@",`+
			`"Branches":[{"StartAt":"b#","States":{"b#":{"Type":"Pass","Assign":{"w#":1},"End":true}}}]},`) + `"z":{"Type":"Fail"}}}`, asl.CodeTooManyVariables},
	} {
		t.Run(name, func(t *testing.T) {
			list := check("x.json", []byte(c.text))
			if len(list.Error()) > 1<<20 {
				t.Errorf("the findings take %d bytes", len(list.Error()))
			}
			for _, d := range list {
				if d.Code == c.want {
					return
				}
			}
			t.Errorf("no %s among %d findings", c.want, len(list))
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true}}}`)
	f.Add("StartAt: A\nQueryLanguage: CEL\nStates:\n  A: {Type: Choice, Choices: [{Condition: '{% a %}', Next: A}], Default: A}\n")
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"r","Retry":[{"ErrorEquals":["States.ALL"],"MaxDelaySeconds":1e9}],"Next":"A"}}}`)
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"And":[{"Not":{"Variable":"$","IsNull":true}}],"Next":"A"}]}}}`)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, text string) {
		defer bound(text)()
		doc, list := source.Parse("", []byte(text))
		d, more := asl.Parse(doc)
		if d == nil && !append(list, more...).HasErrors() {
			t.Fatal("neither a tree nor an error")
		}
		for _, each := range more {
			if each.Code == "" || each.Message == "" || each.Severity == "" {
				t.Fatalf("%+v", each)
			}
		}
		if d != nil && !append(list, more...).HasErrors() {
			samePrinted(t, doc, d)
		}
	})
}

// samePrinted prints a definition as JSON and parses it again: to the same, but for places.
func samePrinted(t *testing.T, doc *source.Document, d *asl.Definition) {
	t.Helper()
	printed := doc.Root.AppendJSON(nil)
	again, list := source.Parse("again.json", printed)
	if list.HasErrors() {
		if list[0].Code == source.CodeTooLarge {
			return
		}
		t.Fatalf("%s: %v", printed, list)
	}
	second, found := asl.Parse(again)
	if second == nil || found.HasErrors() {
		t.Fatalf("prints as %s: %v", printed, found)
	}
	node := cmp.Comparer(func(a, b *source.Node) bool {
		return a == b || a != nil && b != nil && bytes.Equal(a.AppendJSON(nil), b.AppendJSON(nil))
	})
	if diff := cmp.Diff(d, second, node, cmpopts.IgnoreTypes(source.Pos{}), cmpopts.EquateEmpty(),
		cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Fatalf("prints as %s:\n%s", printed, diff)
	}
}

func BenchmarkParse100States(b *testing.B) {
	var states strings.Builder
	for i := range 100 {
		fmt.Fprintf(&states, `"State %d": {"Type": "Task", "Resource": "function-%d", "Arguments": {"id": "{%% states.input.id %%}", "n": %d},
  "Assign": {"v%d": "{%% states.result %%}"}, "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 5}],
  "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}], "Next": "State %d"},`+"\n", i, i, i, i, i+1)
	}
	text := []byte(`{"QueryLanguage": "CEL", "StartAt": "State 0", "States": {` + states.String() +
		`"State 100": {"Type": "Pass", "Next": "End"}, "End": {"Type": "Succeed"}}}`)
	for _, file := range []string{"x.json", "x.yaml"} {
		b.Run(strings.TrimPrefix(file, "x."), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if list := check(file, text); len(list) > 0 {
					b.Fatal(list)
				}
			}
		})
	}
}
