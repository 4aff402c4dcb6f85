package awsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/engine/invoke"
)

// TestTestState has AWS's client test states with mocks.
func TestTestState(t *testing.T) {
	s := newServer(t)
	const task = `{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f", "Payload.$": "$.p"},
		"ResultSelector": {"r.$": "$.Payload"}, "ResultPath": "$.r", "Next": "B",
		"Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 4}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}]}`
	in := func(mock *types.MockInput) *sfn.TestStateInput {
		return &sfn.TestStateInput{Definition: aws.String(task), Input: aws.String(`{"p":1}`), InspectionLevel: types.InspectionLevelDebug, Mock: mock}
	}
	out, err := s.TestState(s.ctx, in(&types.MockInput{Result: aws.String(`{"Payload":{"x":2}}`)}))
	if err != nil {
		t.Fatal(err)
	}
	d := out.InspectionData
	same(t, "status", out.Status, types.TestExecutionStatusSucceeded)
	same(t, "output", aws.ToString(out.Output), `{"p":1,"r":{"r":{"x":2}}}`)
	same(t, "next", aws.ToString(out.NextState), "B")
	same(t, "afterInputPath", aws.ToString(d.AfterInputPath), `{"p":1}`)
	same(t, "afterParameters", aws.ToString(d.AfterParameters), `{"FunctionName":"f","Payload":1}`)
	same(t, "result", aws.ToString(d.Result), `{"Payload":{"x":2}}`)
	same(t, "afterResultSelector", aws.ToString(d.AfterResultSelector), `{"r":{"x":2}}`)
	same(t, "afterResultPath", aws.ToString(d.AfterResultPath), `{"p":1,"r":{"r":{"x":2}}}`)

	busy := &types.MockInput{ErrorOutput: &types.MockErrorOutput{Error: aws.String("Busy"), Cause: aws.String("later")}}
	if out, err = s.TestState(s.ctx, in(busy)); err != nil {
		t.Fatal(err)
	}
	same(t, "status", out.Status, types.TestExecutionStatusRetriable)
	same(t, "backoff", aws.ToInt32(out.InspectionData.ErrorDetails.RetryBackoffIntervalSeconds), 4)
	last := in(busy)
	last.StateConfiguration = &types.TestStateConfiguration{RetrierRetryCount: aws.Int32(3)}
	if out, err = s.TestState(s.ctx, last); err != nil {
		t.Fatal(err)
	}
	same(t, "status", out.Status, types.TestExecutionStatusCaughtError)
	same(t, "output", aws.ToString(out.Output), `{"Error":"Busy","Cause":"later"}`)
	same(t, "catcher", aws.ToInt32(out.InspectionData.ErrorDetails.CatchIndex), 0)

	for _, c := range []struct {
		change        func(*sfn.TestStateInput)
		code, message string
	}{
		{func(in *sfn.TestStateInput) { in.Definition = aws.String("") }, "ValidationException", ""},
		{func(in *sfn.TestStateInput) { in.Definition = aws.String("{") }, "InvalidDefinition", ""},
		{
			func(in *sfn.TestStateInput) { in.Definition = aws.String(`{"Type": "Task", "End": true}`) }, "InvalidDefinition",
			"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /'",
		},
		{
			func(in *sfn.TestStateInput) { in.StateName = aws.String("") }, "ValidationException",
			"1 validation error detected: Value at 'stateName' failed to satisfy constraint: Member must have length greater than or equal to 1",
		},
		{func(in *sfn.TestStateInput) { in.InspectionLevel = "ALL" }, "ValidationException", ""},
		{func(in *sfn.TestStateInput) { in.Input = aws.String("{'a'}") }, "InvalidExecutionInput", ""},
		{func(in *sfn.TestStateInput) { in.RoleArn = aws.String("role") }, "InvalidArn", "Invalid Role Arn: 'role'"},
		{func(in *sfn.TestStateInput) { in.Mock = nil }, "ValidationException", "RoleArn must be specified when testing a Task state"},
	} {
		bad := in(busy)
		c.change(bad)
		_, err := s.TestState(s.ctx, bad)
		refused(t, err, c.code, c.message)
	}
}

// TestTestStateCalls has states call functions of the registry.
func TestTestStateCalls(t *testing.T) {
	s := newServer(t)
	s.engine.RegisterFunc("double", func(_ context.Context, task engine.TaskInfo, in json.RawMessage) (any, error) {
		if string(in) == "0" {
			return nil, &invoke.TaskError{Name: "Zero", Cause: "cannot be doubled in " + task.State}
		}
		return string(in) + string(in), nil
	})
	test := func(resource, input string) *sfn.TestStateOutput {
		t.Helper()
		out, err := s.TestState(s.ctx, &sfn.TestStateInput{
			Definition: aws.String(`{"Type": "Task", "Resource": "` + resource + `", "End": true}`),
			Input:      aws.String(input), RoleArn: aws.String(role),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	lambda := "arn:aws:lambda:us-east-1:" + account + ":function:double"
	same(t, "output", aws.ToString(test(lambda, `1`).Output), `"11"`)
	failed := test("function:double", `0`)
	same(t, "status", failed.Status, types.TestExecutionStatusFailed)
	same(t, "error", aws.ToString(failed.Error)+": "+aws.ToString(failed.Cause), "Zero: cannot be doubled in StateName")
	same(t, "error", aws.ToString(test("arn:aws:lambda:us-east-1:"+account+":function:none", `0`).Error), "Lambda.ResourceNotFoundException")
	same(t, "status", test("arn:aws:states:::none:such", `{}`).Status, types.TestExecutionStatusFailed)
	if out, err := s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: s.create("m", passMachine)}); err != nil || len(out.Executions) > 0 {
		t.Errorf("executions: %v, %v", out, err)
	}
}

// TestTestStateTrace shows the request and the response of an http:invoke, and secrets only to those who may see them.
func TestTestStateTrace(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"got": ` + string(body) + `}`))
	}))
	defer endpoint.Close()
	s := startServer(t, access.Config{Exposed: true}, func(c *engine.Config) {
		c.Integrations.AllowPrivate = true
		c.Integrations.Getenv = func(name string) string {
			if name == "TERCEL_SECRET_KEY" {
				return "hush"
			}
			return ""
		}
	})
	connection := invoke.ConnectionConfig{
		APIKey: &invoke.APIKeyAuth{Header: "X-Key", ValueSecret: "KEY"}, Query: map[string]string{"tenant": "hidden"}, Body: map[string]string{"more": "veiled"},
	}
	if err := s.engine.PutConnection(s.ctx, engine.DefaultNamespace, "shop", connection); err != nil {
		t.Fatal(err)
	}
	client := func(name string, scopes ...access.Scope) *sfn.Client {
		made, err := s.access.Create(s.ctx, access.NewKey{Name: name, Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return s.client(made.ID, made.AWSSecret)
	}
	in := &sfn.TestStateInput{
		Definition: aws.String(`{"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": {"ApiEndpoint": "` + endpoint.URL + `/orders",
			"Method": "POST", "QueryParameters": {"page": "2"}, "RequestBody.$": "$", "Authentication": {"ConnectionArn": "connection:shop"}},
			"ResultSelector": {"status.$": "$.StatusCode"}, "End": true}`),
		Input: aws.String(`{"a":1}`), RoleArn: aws.String(role), InspectionLevel: types.InspectionLevelTrace,
	}
	caller := client("caller", access.Deploy, access.Run)
	out, err := caller.TestState(s.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	req, resp := out.InspectionData.Request, out.InspectionData.Response
	if req == nil || resp == nil {
		t.Fatalf("%s: %s: no request or response", aws.ToString(out.Error), aws.ToString(out.Cause))
	}
	same(t, "output", aws.ToString(out.Output), `{"status":200}`)
	same(t, "request", aws.ToString(req.Method)+" "+aws.ToString(req.Url)+" "+aws.ToString(req.Body), "POST "+endpoint.URL+`/orders?page=2 {"a":1}`)
	same(t, "response", aws.ToString(resp.StatusCode)+" "+aws.ToString(resp.StatusMessage)+" "+aws.ToString(resp.Body), `200 OK {"got": {"a":1,"more":"veiled"}}`)
	if strings.Contains(aws.ToString(req.Headers), "hush") || !strings.Contains(aws.ToString(req.Headers), "Range: bytes=0-262144") {
		t.Errorf("headers: %s", aws.ToString(req.Headers))
	}

	in.RevealSecrets = true
	_, err = caller.TestState(s.ctx, in)
	refused(t, err, "AccessDeniedException", "")
	if out, err = client("admin", access.Admin).TestState(s.ctx, in); err != nil {
		t.Fatal(err)
	}
	req = out.InspectionData.Request
	same(t, "request", aws.ToString(req.Url)+" "+aws.ToString(req.Body), endpoint.URL+`/orders?page=2&tenant=hidden {"a":1,"more":"veiled"}`)
	if !strings.Contains(aws.ToString(req.Headers), "X-Key: hush") {
		t.Errorf("headers: %s", aws.ToString(req.Headers))
	}

	// Who may deploy only can test with mocks.
	in.RevealSecrets = false
	deployer := client("deployer", access.Deploy)
	_, err = deployer.TestState(s.ctx, in)
	refused(t, err, "AccessDeniedException", "")
	in.Mock = &types.MockInput{Result: aws.String(`{"StatusCode": 418}`)}
	if out, err = deployer.TestState(s.ctx, in); err != nil || aws.ToString(out.Output) != `{"status":418}` {
		t.Errorf("%v", errors.Join(err, errors.New(aws.ToString(out.Output))))
	}
}

// TestConformanceTestState sends the calls of TestState that were recorded from the service, and compares what became of each; the
// data of the answers is compared in package teststate.
func TestConformanceTestState(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE names no folder of recordings")
	}
	s := newServer(t)
	s.engine.RegisterFunc("lambda_func_u001uidx", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) { return "HelloWorld!", nil })
	total := 0
	for _, c := range readRecorded(t, filepath.Join(dir, "aws-recorded.jsonl")) {
		if c.Kind != "teststate" {
			continue
		}
		total++
		body, err := json.Marshal(c.Params)
		if err != nil {
			t.Fatal(err)
		}
		answer := s.raw("AWSStepFunctions.TestState", string(body))
		var got map[string]any
		if err := json.Unmarshal(answer.body, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"__type": nil, "message": nil, "status": nil, "error": nil, "cause": nil, "nextState": nil}
		if e := c.Expected.Error; e == nil {
			for name := range want {
				want[name] = c.Expected.Response[name]
			}
		} else if want["__type"], want["message"] = e.Code, e.Message; e.Code == "" { // the recorded client refuses it itself
			want["__type"], want["message"] = "ValidationException", got["message"]
		}
		for name, v := range want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", c.ID, name, got[name], v)
			}
		}
	}
	if t.Logf("%d calls of TestState", total); total == 0 {
		t.Error("there are no recordings of TestState")
	}
}
