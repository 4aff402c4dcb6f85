package awsapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recorded is a case recorded from the service: calls of the API, and what it answered.
type recorded struct {
	ID         string
	Kind       string
	Op         string
	Definition *string `json:"definition_raw"`
	Params     map[string]any
	Calls      []recordedCall
	Needs      struct{ Class string }
	Expected   struct {
		Response map[string]any
		Error    *recordedError `json:"error_response"`
	}
	Transforms []struct{ Regex, Replacement string }
}

type recordedCall struct {
	I      int
	Op     string
	Params map[string]any
	Expect []struct {
		Path  []any
		Value any
		Error *recordedError
	}
	ExpectError any            `json:"expect_error"`
	IDs         map[string]any `json:"resp_ids"`
}

type recordedError struct{ Code, Message, Type string }

// TestConformanceTraces replays the calls of the API that were recorded from the service, each case on a server of its
// own. TERCEL_CONFORMANCE names the folder of the recordings.
func TestConformanceTraces(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	total := map[string]int{}
	for _, c := range readRecorded(t, filepath.Join(dir, "aws-recorded.jsonl")) {
		if c.Needs.Class != "pure" || !slices.Contains([]string{"api_trace", "create_error", "validate"}, c.Kind) {
			continue
		}
		total[c.Kind]++
		t.Run(c.Kind+"/"+c.ID, func(t *testing.T) {
			p := &replay{server: newServer(t), c: c, ids: map[string]string{}, bound: map[string]string{}}
			switch c.Kind {
			case "validate":
				c.Params["definition"] = *c.Definition
				p.same("the answer", c.Expected.Response, p.call("ValidateStateMachineDefinition", c.Params, nil))
			case "create_error":
				c.Params["definition"] = *c.Definition
				if c.Expected.Error.Code == "StateMachineAlreadyExists" {
					p.create(c.Params["name"].(string), passMachine) //nolint:forcetypeassert // as recorded
				}
				p.call(c.Op, c.Params, c.Expected.Error)
			default:
				p.trace()
			}
		})
	}
	t.Logf("replayed: %v", total)
}

func readRecorded(t *testing.T, file string) (cases []recorded) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c recorded
		// The members that are read only for some kinds have other types in others.
		var kind struct{ Kind string }
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains([]string{"api_trace", "create_error", "validate", "teststate"}, kind.Kind) {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// replay is a case that is played again.
type replay struct {
	*server

	c     recorded
	ids   map[string]string // of the recording, to those of this run
	bound map[string]string // what placeholders stand for
}

// trace makes the calls one after the other.
func (p *replay) trace() {
	p.t.Helper()
	for _, call := range p.c.Calls {
		if strings.HasPrefix(call.Op, "@") {
			if arn, ok := call.Params["execution_arn"].(string); ok {
				p.end(new(p.mapped(arn)))
			}
			continue
		}
		var want *recordedError
		for _, e := range call.Expect {
			if e.Error != nil {
				want = e.Error
			}
		}
		if want != nil && (want.Type == "ParamValidationError" || strings.HasPrefix(want.Message, "Parameter validation failed")) {
			continue // the client's own, which never reaches a server
		}
		got := p.call(call.Op, call.Params, want)
		for key, recorded := range call.IDs {
			now, ok := got[key].(string)
			was, isText := recorded.(string)
			if ok && isText && (key == "nextToken" || strings.HasPrefix(was, "arn:aws:states:")) {
				p.ids[was] = now
			}
		}
		if want != nil {
			continue
		}
		for _, e := range call.Expect {
			if limit, ok := call.Params["maxResults"].(float64); ok && len(e.Path) > 1 {
				if at, ok := e.Path[1].(float64); ok && at >= limit {
					continue // of a later page, which the recording has put behind the first
				}
			}
			p.same(fmt.Sprintf("call %d, %s %v", call.I, call.Op, e.Path), e.Value, dig(got, e.Path))
		}
	}
}

// dig gives what is at a path.
func dig(v any, path []any) any {
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			name, _ := step.(string)
			v = at[name]
		case []any:
			i, _ := step.(float64)
			if int(i) >= len(at) {
				return nil
			}
			v = at[int(i)]
		default:
			return nil
		}
	}
	return v
}

// mapped puts the names of this run in the place of those of the recording.
func (p *replay) mapped(text string) string {
	for _, was := range slices.SortedFunc(maps.Keys(p.ids), func(a, b string) int { return len(b) - len(a) }) {
		text = strings.ReplaceAll(text, was, p.ids[was])
	}
	return text
}

// call makes a call, which must end as it was recorded.
func (p *replay) call(op string, params map[string]any, want *recordedError) map[string]any {
	p.t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.raw("AWSStepFunctions."+op, p.mapped(string(body)))
	if a.status != 200 {
		kind, message, err := a.typed()
		switch {
		case err != nil || want == nil:
			p.t.Fatalf("%s: status %d: %s, %v", op, a.status, a.body, err)
		case kind != want.Code:
			p.t.Errorf("%s: %s: %s, want %s: %s", op, kind, message, want.Code, want.Message)
		default:
			p.same(op, want.Message, message)
		}
		return nil
	}
	if want != nil {
		p.t.Errorf("%s: no error, want %s: %s", op, want.Code, want.Message)
	}
	var out map[string]any
	if err := json.Unmarshal(a.body, &out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

var mask = regexp.MustCompile(`<[A-Za-z][^<>"\\]{0,60}>|datetime|^timestamp$|snf_role_arn|state_machine_alias_base_name-\d|activity_arn`)

// same compares a value with the recording, which masks what changes from run to run.
func (p *replay) same(what string, want, got any) {
	p.t.Helper()
	if w, ok := want.(map[string]any); ok {
		g, ok := got.(map[string]any)
		if text, isText := got.(string); isText { // the recording shows texts that are JSON as what they say
			ok = json.Unmarshal([]byte(text), &g) == nil
		}
		if !ok {
			p.t.Errorf("%s is %v, want %v", what, got, want)
			return
		}
		for key := range w {
			if key != "ResponseMetadata" {
				p.same(what+"."+key, w[key], g[key])
			}
		}
		for key := range g {
			if _, ok := w[key]; !ok {
				p.t.Errorf("%s.%s is %v, want none", what, key, g[key])
			}
		}
		return
	}
	if w, ok := want.([]any); ok {
		g, _ := got.([]any)
		if len(w) != len(g) {
			p.t.Errorf("%s has %d elements, want %d", what, len(g), len(w))
			return
		}
		for i := range w {
			p.same(fmt.Sprint(what, "[", i, "]"), w[i], g[i])
		}
		return
	}
	if text, ok := want.(string); ok {
		if !p.fits(text, got) {
			p.t.Errorf("%s is %v, want %v", what, got, want)
		}
		return
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		p.t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// fits tells whether a value is what a recorded text says. A placeholder with a number stands for the same everywhere.
func (p *replay) fits(want string, got any) bool {
	text := fmt.Sprint(got)
	text = strings.NewReplacer("arn:aws:", "arn:<partition>:", "us-east-1", "<region>", ":"+account+":", ":111111111111:").Replace(text)
	var pattern strings.Builder
	var marks []string
	last := 0
	for _, at := range mask.FindAllStringIndex(want, -1) {
		found := want[at[0]:at[1]]
		if found == "<partition>" || found == "<region>" {
			continue
		}
		pattern.WriteString(regexp.QuoteMeta(want[last:at[0]]) + "(.*)")
		marks = append(marks, found)
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(want[last:]))
	found := regexp.MustCompile("(?s)^" + pattern.String() + "$").FindStringSubmatch(text)
	if found == nil {
		return false
	}
	for i, mark := range marks {
		if !strings.HasSuffix(mark, "idx>") {
			continue
		}
		if was, ok := p.bound[mark]; ok && was != found[i+1] {
			return false
		}
		p.bound[mark] = found[i+1]
	}
	return true
}
