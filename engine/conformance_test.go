package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/history"
)

// recordedRun is an execution of the service that needs something outside.
type recordedRun struct {
	ID         string
	Kind       string
	Definition json.RawMessage
	Input      *string `json:"input_raw"`
	Needs      struct {
		Class  string
		Lambda map[string]struct{ Source, Does string }
	}
	ExecutionARN string `json:"execution_arn"`
	Machine      string `json:"state_machine"`
	Normalised   bool   `json:"events_normalised"`
	Expected     struct {
		Status       *string
		Error, Cause any
		Output       any
		History      []any
	}
}

// TestConformance runs the executions recorded from the service that call functions and services, on an engine, with
// functions standing in for those of AWS Lambda and a server that answers as the services did.
// TERCEL_CONFORMANCE names the folder of the recordings.
func TestConformance(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	b := newBench(t)
	s := newStage(t)
	e := b.start(func(c *engine.Config) {
		c.Account = "111111111111"
		c.Integrations = engine.IntegrationConfig{
			AllowPrivate: true, Endpoints: map[string]string{"": s.URL},
		}
	})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s.engine = e
	total, outcomes, histories, same := 0, 0, 0, 0
	for _, c := range readRuns(t, filepath.Join(dir, "aws-recorded.jsonl")) {
		if c.Kind != "execution" || c.Expected.Status == nil || *c.Expected.Status == "RUNNING" ||
			!slices.Contains([]string{"lambda", "lambda-missing", "services", "sfn", "mock"}, c.Needs.Class) ||
			strings.Contains(c.ID, "item_reader") { // readers of items are not there yet
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			total++
			x := s.play(t, b, e, &c)
			if diff := c.outcome(x); len(diff) > 0 {
				t.Errorf("the outcome differs:\n%s", strings.Join(diff, "\n"))
				return
			}
			outcomes++
			if c.Expected.History == nil || c.Normalised {
				return
			}
			histories++
			if diff := c.history(b, e, x); len(diff) > 0 {
				t.Logf("the history differs:\n%s", strings.Join(diff, "\n"))
				return
			}
			same++
		})
	}
	t.Logf("%d executions with functions and services: %d have the same outcome; %d of %d histories are the same event by event",
		total, outcomes, same, histories)
	if total == 0 || same*100 < 90*histories {
		t.Error("fewer than 90 % of the histories are the same")
	}
}

func readRuns(t *testing.T, file string) []recordedRun {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	var runs []recordedRun
	for lines.Scan() {
		var c recordedRun
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, c)
	}
	return runs
}

// stage stands for the services of AWS. What it answers are the results that the recording has.
type stage struct {
	*httptest.Server
	engine  *engine.Engine
	answers []map[string]any // of the recording's tasks, in order: the details of how each ended
	tokens  chan string      // of the tasks that wait for it
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

var (
	awsCause  = regexp.MustCompile(`^(.*) \(Service: ([^,;]+)[,;] Status Code: (\d+)(?:; Error Code: (\w+))?`)
	taskToken = regexp.MustCompile(`TaskToken[\\": ]+([A-Za-z0-9_-]{40,})`)
)

// serve answers a request with what the recording has for it, and refuses it if that was refused.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	if len(s.answers) == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	next := s.answers[0]
	s.answers = s.answers[1:]
	if token := taskToken.FindSubmatch(body); token != nil {
		s.tokens <- string(token[1])
	}
	if output, ok := next["output"]; ok {
		s.succeed(w, r, output)
		return
	}
	if entries, ok := next["cause"].(map[string]any); ok { // of putEvents: an answer that is a failure
		s.succeed(w, r, entries)
		return
	}
	cause, _ := next["cause"].(string)
	name, _ := next["error"].(string)
	parts := awsCause.FindStringSubmatch(cause)
	if parts == nil {
		s.succeed(w, r, next["cause"])
		return
	}
	code := parts[4]
	if code == "" {
		_, code, _ = strings.Cut(name, ".")
	}
	status := http.StatusBadRequest
	_, _ = fmt.Sscan(parts[3], &status)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws#" + code, "message": parts[1]})
}

func (s *stage) succeed(w http.ResponseWriter, r *http.Request, output any) {
	fields, _ := output.(map[string]any)
	if r.Method == http.MethodPut { // S3, which answers in headers
		for name, header := range map[string]string{
			"ETag": "Etag", "ChecksumCRC32": "X-Amz-Checksum-Crc32", "ChecksumType": "X-Amz-Checksum-Type",
			"ServerSideEncryption": "X-Amz-Server-Side-Encryption",
		} {
			if text, ok := fields[name].(string); ok {
				w.Header().Set(header, text)
			}
		}
		return
	}
	plain := map[string]any{}
	for name, v := range fields {
		if !strings.HasPrefix(name, "Sdk") {
			plain[name] = v
		}
	}
	_ = json.NewEncoder(w).Encode(plain)
}

// play runs a recording.
func (s *stage) play(t *testing.T, b *bench, e *engine.Engine, c *recordedRun) engine.Execution {
	t.Helper()
	namespace := "n" + uuid.NewString()[:8]
	s.answers, s.tokens = nil, make(chan string, 1)
	for _, ev := range c.Expected.History {
		ev, _ := ev.(map[string]any)
		for _, kind := range []string{"taskSubmitted", "taskSucceeded", "taskFailed"} {
			if d, ok := ev[kind+"EventDetails"].(map[string]any); ok {
				s.answers = append(s.answers, d)
			}
		}
	}
	for name, f := range c.Needs.Lambda {
		e.RegisterFunc(name, standIn(f.Source, f.Does))
	}
	if c.Needs.Class == "mock" {
		for _, name := range regexp.MustCompile(`lambda_u001uidx`).FindAllString(string(c.Definition)+*c.Input, -1) {
			e.RegisterFunc(name, standIn("id_function.py", "returns its event"))
		}
	}
	parts := strings.Split(c.ExecutionARN, ":")
	machine := c.Machine
	if machine == "" {
		machine = parts[len(parts)-2]
	}
	input := "{}"
	if c.Input != nil {
		input = *c.Input
	}
	if target := regexp.MustCompile(`stateMachine:([\w-]+)|"state-machine-arn"`).FindStringSubmatch(input); target != nil {
		name := target[1]
		switch name {
		case "":
			name = "state-machine-arn"
		case machine:
			machine += "-parent"
		}
		s.deploy(t, b, namespace, name, `{"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"Arg1": "argument1"}, "End": true}}}`)
	}
	s.deploy(t, b, namespace, machine, string(c.Definition))
	x, _, err := e.StartExecution(b.ctx(), engine.StartRequest{Namespace: namespace, StateMachine: machine, Name: parts[len(parts)-1], Input: []byte(input)})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for token := range s.tokens {
			b.until("the task is submitted", func() bool {
				return slices.ContainsFunc(b.events(e, x.ID), func(ev statemachine.Event) bool {
					_, submitted := ev.Data.(event.TaskSubmitted)
					return submitted
				})
			})
			_ = e.SendTaskFailure(b.ctx(), token, "Failure error", "Failure cause") // what comes of it is compared
		}
	}()
	x = b.wait(e, x.ID)
	close(s.tokens)
	return x
}

func (s *stage) deploy(t *testing.T, b *bench, namespace, name, definition string) {
	t.Helper()
	_, err := s.engine.Deploy(b.ctx(), engine.DeployRequest{Namespace: namespace, Name: name, Definition: []byte(definition)})
	if err != nil {
		t.Fatal(err)
	}
}

// standIn is a function that does what the recorded one did.
func standIn(source, does string) engine.Func {
	raises := func(name, message, trace string) engine.Func {
		return func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
			body, err := json.Marshal(map[string]any{
				"errorMessage": message, "errorType": name, "requestId": uuid.NewString(), "stackTrace": []string{trace},
			})
			if err != nil {
				return nil, err
			}
			return nil, &invoke.TaskError{Name: name, Cause: message, Body: body}
		}
	}
	switch filepath.Base(source) {
	case "raise_exception.py":
		return raises("Exception", "Some exception was raised.",
			"  File \"/var/task/handler.py\", line 2, in handler\n    raise Exception(\"Some exception was raised.\")\n")
	case "raise_custom_exception.py":
		return raises("CustomException", "", "  File \"/var/task/handler.py\", line 9, in handler\n    raise CustomException()\n")
	case "return_bytes_str.py":
		return func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return "HelloWorld!", nil }
	case "wait_60_seconds.py":
		return func(ctx context.Context, _ engine.TaskInfo, _ json.RawMessage) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	case "echo_function.py":
		if strings.Contains(does, "HelloWorld") {
			return func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
				return map[string]string{"Return": "HelloWorld"}, nil
			}
		}
	}
	return func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) { return in, nil }
}

// outcome compares how an execution ended.
func (c *recordedRun) outcome(x engine.Execution) []string {
	if string(x.Status) != *c.Expected.Status {
		return []string{fmt.Sprintf("the status is %s (%s), want %s", x.Status, failure(x), *c.Expected.Status)}
	}
	var diff []string
	for what, pair := range map[string][2]any{"error": {c.Expected.Error, x.Error}, "cause": {c.Expected.Cause, x.Cause}} {
		got, _ := pair[1].(*string)
		if pair[0] != nil && got == nil {
			diff = append(diff, fmt.Sprintf("the %s is missing, want %v", what, pair[0]))
		} else if pair[0] != nil {
			diff = append(diff, alike(what, pair[0], readable(*got))...)
		}
	}
	if x.Output != nil {
		var got any
		_ = json.Unmarshal(x.Output.JSON(), &got)
		diff = append(diff, alike("output", c.Expected.Output, got)...)
	}
	return diff
}

// history compares the events.
func (c *recordedRun) history(b *bench, e *engine.Engine, x engine.Execution) []string {
	page, err := e.History(b.ctx(), x.ID, 0, 0)
	if err != nil {
		return []string{err.Error()}
	}
	view, err := history.View(page.Machine, statemachine.Info{
		ExecutionID: x.ARN, ExecutionName: x.Name, RoleARN: "snf_role_arn", StateMachineID: x.StateMachineARN,
		StateMachine: x.MachineName, Input: x.Input,
	}, b.events(e, x.ID))
	if err != nil {
		return []string{err.Error()}
	}
	var got []any
	for _, ev := range view {
		if !ev.Extra {
			var api any
			_ = json.Unmarshal(ev.API("us-east-1").JSON(), &api)
			got = append(got, api)
		}
	}
	return alike("", c.Expected.History, got)
}

// readable reads a text that is JSON, as the recordings do.
func readable(text string) any {
	var v any
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

// varying are members whose values differ from run to run.
var varying = regexp.MustCompile(`\.(timestamp|roleArn|RoleArn|StartDate|StopDate|EnteredTime|StartTime|requestId|RequestId|MessageId|MD5OfMessageBody|` +
	`x-amzn-RequestId|X-Amzn-Trace-Id|Date|TaskToken|FunctionName|TableName|QueueUrl|Bucket|Key|EventId|DetailType|Content-Length)$|` +
	`\.(AllHttpHeaders|HttpHeaders)\.(x-amz-crc32|Server|connection|Connection)$`)

// alike gives where two values differ, but for what the recordings mask: ARNs, names and ids.
func alike(at string, want, got any) []string {
	if varying.MatchString(at) && got != nil {
		return nil
	}
	if text, ok := got.(string); ok {
		if _, isText := want.(string); !isText {
			got = readable(text)
		}
	}
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
		}
		var diff []string
		for name := range want {
			if _, ok := g[name]; !ok {
				diff = append(diff, fmt.Sprintf("%s.%s is missing, want %v", at, name, want[name]))
				continue
			}
			diff = append(diff, alike(at+"."+name, want[name], g[name])...)
		}
		for name := range g {
			if _, ok := want[name]; !ok && !strings.HasPrefix(name, "Redrive") {
				diff = append(diff, fmt.Sprintf("%s.%s is %v, want none", at, name, g[name]))
			}
		}
		slices.Sort(diff)
		return diff
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return []string{fmt.Sprintf("%s has %v, want %v", at, types(got), types(want))}
		}
		var diff []string
		for i := range want {
			diff = append(diff, alike(fmt.Sprintf("%s[%d]", at, i), want[i], g[i])...)
		}
		return diff
	case string:
		if masked(want, fmt.Sprint(got)) {
			return nil
		}
		if text, ok := got.(string); ok && strings.HasPrefix(want, "{") { // white space does not count
			if w, g := readable(want), readable(text); w != any(want) && g != any(text) {
				return alike(at, w, g)
			}
		}
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
	}
	return nil
}

// types gives the types of the events of a history.
func types(v any) any {
	list, _ := v.([]any)
	var names []any
	for _, ev := range list {
		if ev, ok := ev.(map[string]any); ok && ev["type"] != nil {
			names = append(names, ev["type"])
		}
	}
	if names == nil {
		return v
	}
	return names
}

// masks are the words of the recordings that stand for others.
var masks = regexp.MustCompile(`<[A-Za-z][^<>"\\]{0,60}>|start-date|stop-date|execution-arn|state-machine-arn|sqs_queue_url|` +
	`lambda_function_name|bucket-name|file-key|x-amzn-RequestId|X-Amzn-Trace-Id|^date$|timestamp`)

func masked(want, got string) bool {
	var pattern strings.Builder
	pattern.WriteString("(?s)^")
	last := 0
	for _, at := range masks.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[last:at[0]]) + ".*?")
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(want[last:]) + "$")
	fits, err := regexp.MatchString(pattern.String(), got)
	return err == nil && fits
}
