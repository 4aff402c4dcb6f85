package teststate_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/teststate"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// recorded is a call of TestState as the service answered it.
type recorded struct {
	ID     string
	Kind   string
	Params struct {
		Definition         string
		StateName          *string
		Input              *string
		RoleARN            string `json:"roleArn"`
		InspectionLevel    string
		RevealSecrets      bool
		Context, Variables *string
		Mock               *recordedMock
		StateConfiguration *recordedConfiguration
	}
	Expected struct {
		Response map[string]any
		Refusal  *struct{ Code, Message, Type string } `json:"error_response"`
	}
}

type recordedMock struct {
	Result              *string
	ErrorOutput         *struct{ Error, Cause *string }
	FieldValidationMode string
}

type recordedConfiguration struct {
	RetrierRetryCount        int
	ErrorCausedByState       string
	MapIterationFailureCount int
	MapItemReaderData        *string
}

// TestConformance runs the calls of TestState recorded from the service. TERCEL_CONFORMANCE names the folder of the
// recordings. The function of those without a mock answered "HelloWorld!".
func TestConformance(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	f, err := os.Open(filepath.Join(dir, "aws-recorded.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	total, same := 0, 0
	for lines.Scan() {
		var kind struct{ Kind string }
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			t.Fatal(err)
		}
		if kind.Kind != "teststate" {
			continue
		}
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		total++
		t.Run(c.ID, func(t *testing.T) {
			checkRecorded(t, c)
			if !t.Failed() {
				same++
			}
		})
	}
	t.Logf("%d of %d calls of TestState are answered as the service does", same, total)
	if total == 0 {
		t.Error("there are no recordings of TestState")
	}
}

func (c *recorded) request() teststate.Request {
	p := c.Params
	r := teststate.Request{
		File: "definition.json", Definition: []byte(p.Definition), Level: teststate.Level(p.InspectionLevel),
		Context: p.Context, Variables: p.Variables, RevealSecrets: p.RevealSecrets, RoleARN: p.RoleARN, NeedsRole: true,
		Account: "111111111111", Region: "us-east-1", Machine: "7e5a", Execution: "9f3b",
		Call: func(statemachine.Invoke) teststate.Answer {
			return teststate.Answer{Result: value.FromString("HelloWorld!")}
		},
	}
	if p.StateName != nil {
		r.StateName = *p.StateName
	}
	if p.Input != nil {
		r.Input = []byte(*p.Input)
	}
	if m := p.Mock; m != nil {
		r.Mock = &teststate.Mock{Result: m.Result, Mode: teststate.Mode(m.FieldValidationMode)}
		if m.ErrorOutput != nil {
			r.Mock.Error = &teststate.ErrorOutput{Error: m.ErrorOutput.Error, Cause: m.ErrorOutput.Cause}
		}
	}
	if s := p.StateConfiguration; s != nil {
		r.Configuration = &teststate.Configuration{
			RetrierRetryCount: s.RetrierRetryCount, ErrorCausedByState: s.ErrorCausedByState,
			MapIterationFailureCount: s.MapIterationFailureCount, MapItemReaderData: s.MapItemReaderData,
		}
	}
	return r
}

func checkRecorded(t *testing.T, c recorded) {
	t.Helper()
	want := c.Expected.Refusal
	if want != nil && want.Type == "ParamValidationError" {
		t.Skip("the client refuses it before it is sent; the length of stateName is checked in package awsapi")
	}
	got, err := teststate.Run(c.request())
	switch {
	case want != nil:
		refusal, ok := errors.AsType[*teststate.Error](err)
		if !ok || string(refusal.Kind) != want.Code || refusal.Message != want.Message {
			t.Errorf("refused with %v\nwant %s: %s", err, want.Code, want.Message)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var response any
	if err := json.Unmarshal(text, &response); err != nil {
		t.Fatal(err)
	}
	delete(c.Expected.Response, "ResponseMetadata")
	if diff := differ("", response, any(c.Expected.Response)); len(diff) > 0 {
		t.Errorf("the answer differs:\n%s", strings.Join(diff, "\n"))
	}
}

var placeholder = regexp.MustCompile(`<[a-z]+(:\d+)?>`)

// differ compares an answer with a recording, in which texts that hold objects are unfolded and names that are made up are
// placeholders.
func differ(path string, got, want any) []string {
	switch want := want.(type) {
	case map[string]any:
		g := unfold(got)
		object, ok := g.(map[string]any)
		if !ok {
			return []string{path + ": not an object: " + show(got)}
		}
		var diff []string
		for key := range object {
			if _, ok := want[key]; !ok {
				diff = append(diff, path+"."+key+": too much: "+show(object[key]))
			}
		}
		for key, v := range want {
			if _, ok := object[key]; !ok {
				diff = append(diff, path+"."+key+": missing, want "+show(v))
				continue
			}
			diff = append(diff, differ(path+"."+key, object[key], v)...)
		}
		return diff
	case string:
		text, ok := got.(string)
		if ok && (want == "date" && strings.Contains(text, "T") || placeholder.MatchString(want) && masked(want).MatchString(text)) {
			return nil
		}
	}
	if !reflect.DeepEqual(got, want) && !reflect.DeepEqual(unmask(got), unmask(want)) {
		return []string{path + ": " + show(got) + "\n  want " + show(want)}
	}
	return nil
}

func unfold(v any) any {
	text, ok := v.(string)
	var o any
	if ok && json.Unmarshal([]byte(text), &o) == nil {
		return o
	}
	return v
}

func masked(want string) *regexp.Regexp {
	var b strings.Builder
	at := 0
	for _, loc := range placeholder.FindAllStringIndex(want, -1) {
		b.WriteString(regexp.QuoteMeta(want[at:loc[0]]) + ".+?")
		at = loc[1]
	}
	return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(want[at:]) + "$")
}

// unmask makes ids that are masked in recordings alike.
func unmask(v any) string {
	text := show(v)
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|<uuid:\d+>`).ReplaceAllString(text, "ID")
}

func show(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
