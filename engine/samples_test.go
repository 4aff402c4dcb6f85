package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
)

// The definitions in testdata/samples have the shape that CDK and SAM give to the patterns that people know from Step
// Functions. They run here as they are, with functions standing in for those of AWS Lambda.

// sample deploys a definition of testdata/samples under its name.
func (b *bench) sample(e *engine.Engine, name string) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "samples", name+".asl.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.deploy(e, name, string(text))
}

func TestSampleSaga(t *testing.T) {
	b := newBench(t)
	var undone []string
	step := func(result string) engine.Func {
		return func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
			return map[string]string{"id": result}, nil
		}
	}
	undo := func(what string) engine.Func {
		return func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
			undone = append(undone, what)
			return map[string]string{"undone": what}, nil
		}
	}
	b.fn("reserve-hotel", step("h-1"))
	b.fn("reserve-flight", step("f-1"))
	b.fn("charge-card", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		return nil, &invoke.TaskError{Name: "CardDeclined", Cause: "no money"}
	})
	b.fn("release-hotel", undo("hotel"))
	b.fn("release-flight", undo("flight"))
	e := b.start()
	b.sample(e, "saga")
	cause := b.failed(b.run(e, "saga", `{"trip": "t-1"}`), "TripFailed")
	if cause != "The trip was not booked" || strings.Join(undone, ",") != "flight,hotel" {
		t.Errorf("the cause is %q; undone were %q", cause, undone)
	}
}

func TestSampleHumanApproval(t *testing.T) {
	b := newBench(t)
	tokens := make(chan string, 1)
	b.fn("send-approval-mail", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		var asked struct {
			Token string `json:"taskToken"`
		}
		err := json.Unmarshal(in, &asked)
		tokens <- asked.Token
		return nil, err
	})
	e := b.start(func(c *engine.Config) { c.ParkAfter = -1 })
	b.sample(e, "human-approval")
	for answer, want := range map[string]string{"Approved": "granted", "Rejected": "refused"} {
		x := b.begin(e, "human-approval", `{"expense": 120}`)
		token := <-tokens
		b.parked(e, x.ID)
		if err := e.SendTaskSuccess(b.ctx(), token, []byte(`{"Status": "`+answer+`"}`)); err != nil {
			t.Fatal(err)
		}
		if got := b.wait(e, x.ID).Output.Get("decision").Text(); got != want {
			t.Errorf("%s: the decision is %q, want %q", answer, got, want)
		}
	}
}

func TestSampleJobPoller(t *testing.T) {
	b := newBench(t)
	b.fn("submit-job", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return "job-7", nil })
	var asked atomic.Int32
	b.fn("job-status", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		switch asked.Add(1) {
		case 1: // the retrier that CDK adds takes it
			return nil, &invoke.TaskError{Name: "HTTP.503", Cause: "later"}
		case 2:
			return "RUNNING", nil
		}
		return "SUCCEEDED", nil
	})
	e := b.start()
	b.sample(e, "job-poller")
	b.succeeded(b.run(e, "job-poller", `{"wait": 1}`), `{"wait":1,"guid":"job-7","status":"SUCCEEDED"}`)
}

func TestSampleNested(t *testing.T) {
	b := newBench(t)
	b.fn("price", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		var line struct{ Quantity int }
		err := json.Unmarshal(in, &line)
		return line.Quantity * 10, err
	})
	e := b.start()
	b.sample(e, "nested-line")
	b.sample(e, "nested")
	x := b.run(e, "nested", `{"lines": [{"Quantity": 1}, {"Quantity": 2}, {"Quantity": 3}]}`)
	b.succeeded(x, `[10,20,30]`)
}

func TestSampleDistributedMap(t *testing.T) {
	b := newBench(t)
	b.fn("resize", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		if strings.Contains(string(in), "broken") {
			return nil, errors.New("this is no image")
		}
		return map[string]json.RawMessage{"resized": in}, nil
	})
	e := b.start()
	b.sample(e, "distributed-map")
	x := b.run(e, "distributed-map", `{"images": ["a.png", "broken.png", "c.png", "d.png"]}`)
	if x.Status != engine.Succeeded {
		t.Fatal(failure(x))
	}
}

func TestSampleCallbackThroughQueue(t *testing.T) {
	b := newBench(t)
	s := newStage(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	e := b.start(func(c *engine.Config) {
		c.Integrations = engine.IntegrationConfig{AllowPrivate: true, Endpoints: map[string]string{"": s.URL}}
	})
	s.engine, s.tokens = e, make(chan string, 1)
	s.answers = []map[string]any{{"output": map[string]any{"MessageId": "m-1"}}, {"output": map[string]any{"MessageId": "m-2"}}}
	b.sample(e, "callback")
	x := b.begin(e, "callback", `{"order": 7}`)
	token := <-s.tokens
	if err := e.SendTaskSuccess(b.ctx(), token, []byte(`"done"`)); err != nil {
		t.Fatal(err)
	}
	if x := b.wait(e, x.ID); x.Status != engine.Succeeded || x.Output.Get("MessageId").Text() != "m-2" {
		t.Errorf("%s: %s, %s", x.Status, x.Output, failure(x))
	}
}

func TestUnknownResources(t *testing.T) {
	b := newBench(t)
	b.fn("charge", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return 1, nil })
	e := b.start()
	for resource, want := range map[string]struct{ code, hint, name, cause string }{
		"arn:aws:lambda:us-east-1:123456789012:function:charge:live": {name: ""},
		"arn:aws:lambda:us-east-1:123456789012:function:chargee": {
			"UNKNOWN_FUNCTION", `did you mean "charge"?`, "Lambda.ResourceNotFoundException",
			"Function not found: arn:aws:lambda:us-east-1:000000000000:function:chargee:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException;",
		},
		"arn:aws:states:::sqs:sendMesage":                 {"UNKNOWN_RESOURCE", "did you mean arn:aws:states:::sqs:sendMessage?", "Function.Unsupported", "is no resource"},
		"arn:aws:states:::ecs:runTask.sync":               {"UNKNOWN_RESOURCE", "there are lambda:invoke", "Function.Unsupported", "is no resource"},
		"arn:aws:states:::aws-sdk:dynamodbb:getItem":      {"UNKNOWN_RESOURCE", "aws-sdk:dynamodb", "Function.Unsupported", "is no resource"},
		"arn:aws:states:::lambda:invoke.waitForTaskToken": {name: "States.Runtime", cause: "'FunctionName' is required"},
	} {
		result, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "m", Definition: []byte(task(resource, ""))})
		if err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
		warnings := result.Warnings.Error()
		if len(result.Warnings) == 0 {
			warnings = ""
		}
		if !strings.Contains(warnings, want.code) || !strings.Contains(warnings, want.hint) || want.code == "" && warnings != "" {
			t.Errorf("%s: the warnings are %s", resource, warnings)
		}
		x := b.run(e, "m", "{}")
		if want.name == "" {
			b.succeeded(x, "1")
			continue
		}
		if cause := b.failed(x, want.name); !strings.Contains(cause, want.cause) {
			t.Errorf("%s: the cause is %s", resource, cause)
		}
	}
}

// An http:invoke of a running server reaches what the operator allows, and nothing else.
func TestHTTPInvokeIsGuarded(t *testing.T) {
	b := newBench(t)
	s := newStage(t)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Header.Get("X-Key"))) })
	definition := `{"QueryLanguage": "JSONata", "StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "arn:aws:states:::http:invoke",
		"Arguments": {"ApiEndpoint": "` + s.URL + `", "Method": "GET", "Authentication": {"ConnectionArn": "crm"}},
		"Output": "{% $states.result.ResponseBody %}", "End": true}}}`
	closed, open := b.start(), b.start(func(c *engine.Config) {
		c.Integrations = engine.IntegrationConfig{AllowPrivate: true, Getenv: func(name string) string {
			return map[string]string{"TERCEL_SECRET_CRM_KEY": "42"}[name]
		}}
	})
	b.deploy(open, "call", definition)
	b.failed(b.run(open, "call", "{}"), "Events.ConnectionResource.NotFound")
	connection := invoke.ConnectionConfig{APIKey: &invoke.APIKeyAuth{Header: "X-Key", ValueSecret: "crm-key"}}
	if err := open.PutConnection(b.ctx(), "", "crm", connection); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.run(open, "call", "{}"), `"42"`)
	connection.APIKey.ValueSecret = "other"
	if err := open.PutConnection(b.ctx(), "", "crm", connection); err != nil {
		t.Fatal(err)
	}
	b.failed(b.run(open, "call", "{}"), "Events.ConnectionResource.InvalidConnectionState")
	b.deploy(closed, "plain", strings.Replace(definition, `, "Authentication": {"ConnectionArn": "crm"}`, "", 1))
	cause := b.failed(b.run(closed, "plain", "{}"), "States.Http.Socket")
	if !strings.Contains(cause, "is not a public one") {
		t.Errorf("the cause is %s", cause)
	}
}
