package teststate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/teststate"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func mocked(result string) *teststate.Mock { return &teststate.Mock{Result: &result} }

func failing(name, cause string) *teststate.Mock {
	return &teststate.Mock{Error: &teststate.ErrorOutput{Error: &name, Cause: &cause}}
}

// The states that several tests take.
const (
	jsonataTask = `{"Type": "Task", "QueryLanguage": "JSONata", "Resource": "function:f", "Arguments": {"n": "{% $states.input.n + $x %}"},
		"Assign": {"y": "{% $states.result.r %}"}, "Output": "{% $states.result.r * 2 %}", "Next": "B"}`
	celTask = `{"Type": "Task", "QueryLanguage": "CEL", "Resource": "function:f", "Arguments": {"n": "{% states.input.n + x %}"},
		"Output": "{% states.result.r %}", "Next": "B"}`
	guarded = `{"Type": "Task", "Resource": "function:f", "ResultPath": "$.r", "Next": "B",
		"Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "MaxAttempts": 2, "BackoffRate": 2}],
		"Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}, {"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "C"}]}`
	pathMap = `{"Type": "Map", "InputPath": "$.o", "ItemsPath": "$.items", "ItemSelector": {"v.$": "$$.Map.Item.Value", "k.$": "$.k"},
		"MaxConcurrency": 2, "ToleratedFailurePercentage": 50, "ResultSelector": {"n.$": "States.ArrayLength($)"}, "ResultPath": "$.done",
		"ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}, "End": true}`
	batchMap = `{"Type": "Map", "QueryLanguage": "JSONata", "Items": "{% $states.input %}", "ItemBatcher": {"MaxItemsPerBatch": 2},
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}},
		"End": true}`
	readerMap = `{"Type": "Map", "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"},
		"Parameters": {"Bucket": "b", "Key": "k"}}, "ItemSelector": {"v.$": "$$.Map.Item.Value"},
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}},
		"End": true}`
	machine = `{"StartAt": "A", "QueryLanguage": "JSONata", "TimeoutSeconds": 1, "States": {"A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "M"},
		"M": {"Type": "Map", "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Wait", "Seconds": 90,
		"Output": "{% $states.context.State.Name & $string($v) %}", "End": true}}}, "End": true}}}`
)

func TestRun(t *testing.T) {
	input := func(text string) func(*teststate.Request) {
		return func(r *teststate.Request) { r.Input = []byte(text) }
	}
	retried := func(n int) func(*teststate.Request) {
		return func(r *teststate.Request) { r.Configuration = &teststate.Configuration{RetrierRetryCount: n} }
	}
	set := func(text string) func(*teststate.Request) { return func(r *teststate.Request) { r.Variables = &text } }
	named := func(name string) func(*teststate.Request) { return func(r *teststate.Request) { r.StateName = name } }
	for _, c := range []struct {
		name, state string
		mock        *teststate.Mock
		change      []func(*teststate.Request)
		want        string // at the level DEBUG
	}{
		{
			"a Pass in CEL", `{"Type": "Pass", "QueryLanguage": "CEL", "Assign": {"n": "{% states.input.a %}"}, "Output": "{% states.input.a + 1 %}", "Next": "B"}`, nil,
			[]func(*teststate.Request){input(`{"a": 1}`)},
			`{"output":"2","inspectionData":{"input":"{\"a\": 1}","variables":"{\"n\":1}"},"nextState":"B","status":"SUCCEEDED"}`,
		},
		{
			"a Wait is not waited for", `{"Type": "Wait", "SecondsPath": "$.s", "InputPath": "$.x", "Next": "B"}`, nil,
			[]func(*teststate.Request){input(`{"x": {"s": 86400}}`)},
			`{"output":"{\"s\": 86400}","inspectionData":{"input":"{\"x\": {\"s\": 86400}}","afterInputPath":"{\"s\": 86400}"},"nextState":"B","status":"SUCCEEDED"}`,
		},
		{
			"a Choice that nothing matches", `{"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}]}`, nil,
			[]func(*teststate.Request){input(`{"a": 2}`)},
			`{"error":"States.NoChoiceMatched","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). No choice rule of the state matched, and it has no Default.","inspectionData":{"input":"{\"a\": 2}","afterInputPath":"{\"a\": 2}"},"status":"FAILED"}`,
		},
		{
			"a Choice in JSONata", `{"Type": "Choice", "QueryLanguage": "JSONata", "Choices": [{"Condition": "{% $states.input.a = 2 %}", "Next": "B", "Output": "two"}], "Default": "C"}`, nil,
			[]func(*teststate.Request){input(`{"a": 2}`)},
			`{"output":"\"two\"","inspectionData":{"input":"{\"a\": 2}"},"nextState":"B","status":"SUCCEEDED"}`,
		},
		{
			"a Fail with paths", `{"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('no {}', $.c)"}`, nil,
			[]func(*teststate.Request){input(`{"e": "E", "c": "way"}`)},
			`{"error":"E","cause":"no way","inspectionData":{"input":"{\"e\": \"E\", \"c\": \"way\"}","afterInputPath":"{\"e\": \"E\", \"c\": \"way\"}"},"status":"FAILED"}`,
		},
		{
			"a Task in JSONata with variables", jsonataTask, mocked(`{"r": 4}`),
			[]func(*teststate.Request){input(`{"n": 1}`), set(`{"x": 2}`)},
			`{"output":"8","inspectionData":{"input":"{\"n\": 1}","afterArguments":"{\"n\":3}","result":"{\"r\": 4}","variables":"{\"x\":2,\"y\":4}"},"nextState":"B","status":"SUCCEEDED"}`,
		},
		{
			"a Task in CEL with variables", celTask, mocked(`{"r": 4}`),
			[]func(*teststate.Request){input(`{"n": 1}`), set(`{"x": 2}`)},
			`{"output":"4","inspectionData":{"input":"{\"n\": 1}","afterArguments":"{\"n\":3}","result":"{\"r\": 4}","variables":"{\"x\":2}"},"nextState":"B","status":"SUCCEEDED"}`,
		},
		{
			"arguments that cannot be evaluated", jsonataTask, mocked(`{}`), nil,
			`{"error":"States.QueryEvaluationError","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). The JSONata expression '$states.input.n + $x' specified for the field 'Arguments/n' returned nothing (undefined).","inspectionData":{"input":"{}"},"status":"FAILED"}`,
		},
		{
			"an error that is retried", guarded, failing("Busy", "later"),
			[]func(*teststate.Request){retried(1)},
			`{"error":"Busy","cause":"later","inspectionData":{"input":"{}","afterInputPath":"{}","afterParameters":"{}","errorDetails":{"retryBackoffIntervalSeconds":6,"retryIndex":0}},"status":"RETRIABLE"}`,
		},
		{
			"an error whose retries are used up", guarded, failing("Busy", "later"),
			[]func(*teststate.Request){retried(2)},
			`{"output":"{\"e\":{\"Error\":\"Busy\",\"Cause\":\"later\"}}","error":"Busy","cause":"later","inspectionData":{"input":"{}","afterInputPath":"{}","afterParameters":"{}","errorDetails":{"catchIndex":1}},"nextState":"C","status":"CAUGHT_ERROR"}`,
		},
		{
			"a Map in JSONPath", pathMap, mocked(`[1, 2]`),
			[]func(*teststate.Request){input(`{"o": {"items": [1, 2], "k": "z"}}`)},
			`{"output":"{\"o\":{\"items\":[1,2],\"k\":\"z\"},\"done\":{\"n\":2}}","inspectionData":{"input":"{\"o\": {\"items\": [1, 2], \"k\": \"z\"}}","afterInputPath":"{\"items\": [1, 2], \"k\": \"z\"}","afterItemsPath":"[1, 2]","afterItemSelector":"[{\"v\":1,\"k\":\"z\"},{\"v\":2,\"k\":\"z\"}]","afterResultSelector":"{\"n\":2}","afterResultPath":"{\"o\":{\"items\":[1,2],\"k\":\"z\"},\"done\":{\"n\":2}}","maxConcurrency":2,"toleratedFailurePercentage":50},"status":"SUCCEEDED"}`,
		},
		{
			"a Map whose iterations fail too often", pathMap, mocked(`[1]`),
			[]func(*teststate.Request){input(`{"o": {"items": [1, 2, 3], "k": "z"}}`), func(r *teststate.Request) {
				r.Configuration = &teststate.Configuration{MapIterationFailureCount: 2}
			}},
			`{"error":"States.ExceedToleratedFailureThreshold","cause":"The specified tolerated failure threshold was exceeded","inspectionData":{"input":"{\"o\": {\"items\": [1, 2, 3], \"k\": \"z\"}}","afterInputPath":"{\"items\": [1, 2, 3], \"k\": \"z\"}","afterItemsPath":"[1, 2, 3]","afterItemSelector":"[{\"v\":1,\"k\":\"z\"},{\"v\":2,\"k\":\"z\"},{\"v\":3,\"k\":\"z\"}]","maxConcurrency":2,"toleratedFailurePercentage":50},"status":"FAILED"}`,
		},
		{
			"a Map in batches", batchMap, mocked(`["a"]`),
			[]func(*teststate.Request){input(`[1, 2, 3]`)},
			`{"output":"[\"a\"]","inspectionData":{"input":"[1, 2, 3]","afterItemBatcher":"[{\"Items\":[1,2]},{\"Items\":[3]}]","maxConcurrency":0},"status":"SUCCEEDED"}`,
		},
		{
			"a Map that groups what it selects", strings.Replace(batchMap, `"ItemBatcher"`, `"ItemSelector": {"v": "{% $states.context.Map.Item.Value %}"}, "ItemBatcher"`, 1), mocked(`["a"]`),
			[]func(*teststate.Request){input(`[1, 2, 3]`)},
			`{"output":"[\"a\"]","inspectionData":{"input":"[1, 2, 3]","afterItemSelector":"[{\"v\":1},{\"v\":2},{\"v\":3}]","afterItemBatcher":"[{\"Items\":[{\"v\":1},{\"v\":2}]},{\"Items\":[{\"v\":3}]}]","maxConcurrency":0},"status":"SUCCEEDED"}`,
		},
		{
			"a Parallel in JSONata", `{"Type": "Parallel", "QueryLanguage": "JSONata", "Arguments": {"a": "{% $states.input.n %}"}, "Output": "{% $states.result[0] %}",
			"Branches": [{"StartAt": "X", "States": {"X": {"Type": "Pass", "End": true}}}], "End": true}`, mocked(`[5]`),
			[]func(*teststate.Request){input(`{"n": 1}`)},
			`{"output":"5","inspectionData":{"input":"{\"n\": 1}","afterArguments":"{\"a\":1}"},"status":"SUCCEEDED"}`,
		},
		{
			"a Map without items", batchMap, mocked(`[]`),
			[]func(*teststate.Request){input(`[]`)},
			`{"output":"[]","inspectionData":{"input":"[]","afterItemBatcher":"[]","maxConcurrency":0},"status":"SUCCEEDED"}`,
		},
		{
			"a Map whose items are no array", batchMap, mocked(`[]`),
			[]func(*teststate.Request){input(`7`)},
			`{"error":"States.QueryEvaluationError","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). The JSONata expression '$states.input' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for value: 7","inspectionData":{"input":"7"},"status":"FAILED"}`,
		},
		{
			"a Map whose items are read", readerMap, mocked(`[]`),
			[]func(*teststate.Request){func(r *teststate.Request) {
				r.Configuration = &teststate.Configuration{MapItemReaderData: new("{\"a\": 1}\n2\n")}
			}},
			`{"output":"[]","inspectionData":{"input":"{}","afterInputPath":"{}","afterItemSelector":"[{\"v\":{\"a\":1}},{\"v\":2}]","afterResultSelector":"[]","afterResultPath":"[]","maxConcurrency":0},"status":"SUCCEEDED"}`,
		},
		{
			"a state inside a Map of a machine", machine, nil,
			[]func(*teststate.Request){named("In"), set(`{"v": 5}`)},
			`{"output":"\"In5\"","inspectionData":{"input":"{}","variables":"{\"v\":5}"},"status":"SUCCEEDED"}`,
		},
		{
			"a state of a machine goes no further", machine, nil,
			[]func(*teststate.Request){named("A")},
			`{"output":"{}","inspectionData":{"input":"{}","variables":"{\"v\":1}"},"nextState":"M","status":"SUCCEEDED"}`,
		},
		{
			"YAML", "Type: Pass\nResult: {a: 1}\nEnd: true\n", nil, nil,
			`{"output":"{\"a\":1}","inspectionData":{"input":"{}","result":"{\"a\":1}","afterResultSelector":"{\"a\":1}","afterResultPath":"{\"a\":1}"},"status":"SUCCEEDED"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := teststate.Request{Definition: []byte(c.state), Mock: c.mock}
			for _, f := range c.change {
				f(&r)
			}
			r.Level = teststate.Debug
			got, err := teststate.Run(r)
			if err != nil {
				t.Fatal(err)
			}
			if text := show(got); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			r.Level = teststate.Info
			if got, err = teststate.Run(r); err != nil || got.Inspection != nil {
				t.Errorf("at INFO: %s, %v", show(got), err)
			}
		})
	}
}

// TestRunManyItems: of a Map with more items than can be shown, the selector is not shown, and the result is as for others.
func TestRunManyItems(t *testing.T) {
	r := teststate.Request{Definition: []byte(pathMap), Mock: mocked(`[1]`), Level: teststate.Debug}
	r.Input = []byte(`{"o": {"items": [` + strings.Repeat("1,", 5000) + `1], "k": "` + strings.Repeat("z", 10_000) + `"}}`)
	got, err := teststate.Run(r)
	if err != nil || got.Status != teststate.Succeeded || got.Inspection.AfterItemSelector != nil || got.Inspection.AfterItemsPath == nil {
		t.Errorf("%s, %v", got.Status, err)
	}
}

// TestRunCalls: without a mock, the call is made with what the state hands to it, and its outcome is that of the state.
func TestRunCalls(t *testing.T) {
	r := teststate.Request{Definition: []byte(guarded), Level: teststate.Trace, Input: []byte(`{"a": 1}`)}
	var called []string
	r.Call = func(c statemachine.Invoke) teststate.Answer {
		called = append(called, c.Resource+" "+c.Arguments.String())
		return teststate.Answer{Failed: true, Error: "Busy", Exchange: &teststate.Exchange{Request: &teststate.HTTPRequest{Method: "GET"}}}
	}
	got, err := teststate.Run(r)
	if err != nil || got.Status != teststate.Retriable || got.Inspection.Request == nil {
		t.Errorf("%s, %v", show(got), err)
	}
	r.Call = func(statemachine.Invoke) teststate.Answer { return teststate.Answer{Result: value.FromInt(7)} }
	if got, err = teststate.Run(r); err != nil || *got.Output != `{"a":1,"r":7}` {
		t.Errorf("%s, %v", show(got), err)
	}
	if len(called) != 1 || called[0] != `function:f {"a": 1}` {
		t.Errorf("called %q", called)
	}
}

func TestRefusals(t *testing.T) {
	const task = `{"Type": "Task", "Resource": "function:f", "End": true}`
	sqs := strings.Replace(task, "function:f", "arn:aws:states:::sqs:sendMessage", 1)
	start := strings.Replace(task, "function:f", "arn:aws:states:::states:startExecution", 1)
	for _, c := range []struct {
		name, state string
		change      func(*teststate.Request)
		kind        teststate.Kind
		message     string // a part of it
	}{
		{"no definition", ``, nil, teststate.InvalidDefinition, "empty"},
		{"no state", `[]`, nil, teststate.InvalidDefinition, "object"},
		{"an unknown type", `{"Type": "Pas", "End": true}`, nil, teststate.InvalidDefinition, "Pass"},
		{"a machine without a name", machine, nil, teststate.InvalidDefinition, "name the state"},
		{"a mock of nothing", task, func(r *teststate.Request) { r.Mock = &teststate.Mock{} }, teststate.InvalidRequest, "[result, errorOutput]"},
		{"a task without a mock, and nobody to call", task, nil, teststate.InvalidRequest, "only be tested with a mock"},
		{"an activity", strings.Replace(task, "function:f", "activity:a", 1), nil, teststate.InvalidDefinition, "workers"},
		{"a token", strings.Replace(task, "function:f", "function:f.waitForTaskToken", 1), nil, teststate.InvalidDefinition, ".waitForTaskToken"},
		{"an input that is no JSON", `{"Type": "Succeed"}`, func(r *teststate.Request) { r.Input = []byte("{") }, teststate.InvalidInput, ""},
		{"variables that are no object", `{"Type": "Succeed"}`, func(r *teststate.Request) { r.Variables = new("[]") }, teststate.InvalidRequest, "variables must be a JSON object"},
		{"a context without a mock", `{"Type": "Succeed"}`, func(r *teststate.Request) { r.Context = new("{}") }, teststate.InvalidRequest, "mock is specified"},
		{"a context that is no object", task, func(r *teststate.Request) { r.Mock, r.Context = mocked(`1`), new("3") }, teststate.InvalidRequest, "Invalid Context object provided"},
		{"a context with a text", task, func(r *teststate.Request) { r.Mock, r.Context = mocked(`1`), new(`{"State": "x"}`) }, teststate.InvalidRequest, "'State' must be"},
		{"failures of no Map", task, func(r *teststate.Request) {
			r.Mock, r.Configuration = mocked(`1`), &teststate.Configuration{MapIterationFailureCount: 1}
		}, teststate.InvalidRequest, "Map state"},
		{"an unknown cause", batchMap, func(r *teststate.Request) {
			r.Mock, r.Configuration = failing("E", ""), &teststate.Configuration{ErrorCausedByState: "X"}
		}, teststate.InvalidRequest, "inside the state"},
		{"a reader without data", readerMap, func(r *teststate.Request) { r.Mock = mocked(`[]`) }, teststate.InvalidRequest, "ItemReader data must be specified"},
		{"a result of another type", sqs, func(r *teststate.Request) { r.Mock = mocked(`{"MessageId": 1}`) }, teststate.InvalidRequest, "Field 'MessageId' must be a string"},
		{"a result that is no object", sqs, func(r *teststate.Request) { r.Mock = mocked(`1`) }, teststate.InvalidRequest, "must be an object"},
		{"a result that lacks something", start, func(r *teststate.Request) { r.Mock = mocked(`{"ExecutionArn": "a"}`) }, teststate.InvalidRequest, "Required field 'StartDate' is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := teststate.Request{Definition: []byte(c.state)}
			if c.change != nil {
				c.change(&r)
			}
			_, err := teststate.Run(r)
			refusal, ok := errors.AsType[*teststate.Error](err)
			if !ok || refusal.Kind != c.kind || !strings.Contains(refusal.Error(), c.message) {
				t.Errorf("refused with %v\nwant %s: %s", err, c.kind, c.message)
			}
		})
	}
	for _, mode := range []teststate.Mode{teststate.Present, teststate.None} {
		mock := mocked(`{"ExecutionArn": "a"}`)
		mock.Mode = mode
		if _, err := teststate.Run(teststate.Request{Definition: []byte(start), Mock: mock}); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// TestShapes reads the table of shapes, and follows its structures all the way.
func TestShapes(t *testing.T) {
	if n := len(teststate.Shapes()); n < 40 {
		t.Errorf("there are %d shapes", n)
	}
	state := `{"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem", "End": true}`
	for result, want := range map[string]string{
		`{"Item": {"a": {"L": [{"M": {"b": {"BOOL": true}}}]}}, "Newer": 1}`: "",
		`{"Item": {"a": {"L": [{"M": {"b": {"BOOL": "x"}}}]}}}`:              "Mock result schema validation error: Field 'BOOL' must be a boolean",
		`{"Item": {"a": {"SS": {}}}}`:                                        "Mock result schema validation error: Field 'SS' must be an array",
		`{"Item": []}`:                                                       "Mock result schema validation error: Field 'Item' must be an object",
	} {
		got := ""
		if _, err := teststate.Run(teststate.Request{Definition: []byte(state), Mock: mocked(result)}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", result, got, want)
		}
	}
}

// FuzzRun: whatever is tested, it ends with a result or a refusal.
func FuzzRun(f *testing.F) {
	for _, state := range []string{jsonataTask, celTask, guarded, pathMap, batchMap, readerMap, machine, `{"Type": "Succeed"}`} {
		f.Add(state, "", `{"o": {"items": [1, 2], "k": 3}}`, `[1, 2]`, "", `{"x": 1}`, 1)
		f.Add(state, "In", `{"n": 1}`, `{"r": 1}`, "Busy", `{"State": {}}`, 0)
	}
	f.Add(`{"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "End": true}`, "", `{}`, `{"Item": {"a": {"M": 1}}}`, "", `{}`, 0)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, definition, name, input, result, failure, object string, count int) {
		defer bound(definition + input + result)()
		for _, r := range []teststate.Request{
			{Mock: mocked(result), Context: &object},
			{Mock: failing(failure, input), Variables: &object},
			{Call: func(statemachine.Invoke) teststate.Answer {
				return teststate.Answer{Failed: failure != "", Error: failure}
			}},
		} {
			r.Definition, r.StateName, r.Input, r.Level = []byte(definition), name, []byte(input), teststate.Trace
			r.Configuration = &teststate.Configuration{RetrierRetryCount: count, MapIterationFailureCount: count, MapItemReaderData: &input}
			got, err := teststate.Run(r)
			if _, refused := errors.AsType[*teststate.Error](err); err != nil && !refused {
				t.Fatalf("an error of another type: %v", err)
			}
			if err == nil && (got.Status == "" || got.Inspection == nil) {
				t.Fatalf("a result without a status: %s", show(got))
			}
		}
	})
}
