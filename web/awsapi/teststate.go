package awsapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/teststate"
)

// testTimeout is how long the call of a tested state may take, as with the service.
const testTimeout = 5 * time.Minute

// maxTests is how many real calls of tested states a node makes at a time; further ones wait.
const maxTests = 32

type testStateInput struct {
	Definition      *string                 `aws:"required;len=1..1048576;sensitive;any" json:"definition"`
	RoleArn         *string                 `aws:"len=1..256"                            json:"roleArn"`
	Input           *string                 `aws:"len=..262144;sensitive;any"            json:"input"`
	InspectionLevel *string                 `aws:"enum=INFO|DEBUG|TRACE"                 json:"inspectionLevel"`
	RevealSecrets   *bool                   `json:"revealSecrets"`
	Variables       *string                 `aws:"len=..262144;sensitive;any"            json:"variables"`
	StateName       *string                 `aws:"len=1..80;sensitive;any"               json:"stateName"`
	Mock            *mockInput              `json:"mock"`
	Context         *string                 `aws:"len=..262144;sensitive;any"            json:"context"`
	Configuration   *testStateConfiguration `json:"stateConfiguration"`
}

type mockInput struct {
	Result              *string          `aws:"len=..262144;sensitive;any" json:"result"`
	ErrorOutput         *mockErrorOutput `json:"errorOutput"`
	FieldValidationMode *string          `aws:"enum=STRICT|PRESENT|NONE"   json:"fieldValidationMode"`
}

type mockErrorOutput struct {
	Error *string `aws:"len=..256;sensitive;any"   json:"error"`
	Cause *string `aws:"len=..32768;sensitive;any" json:"cause"`
}

type testStateConfiguration struct {
	RetrierRetryCount        *int    `aws:"range=0..2147483647"        json:"retrierRetryCount"`
	ErrorCausedByState       *string `aws:"len=1..80;sensitive;any"    json:"errorCausedByState"`
	MapIterationFailureCount *int    `aws:"range=0..2147483647"        json:"mapIterationFailureCount"`
	MapItemReaderData        *string `aws:"len=..262144;sensitive;any" json:"mapItemReaderData"`
}

func (a *API) testState(ctx context.Context, ns string, in *testStateInput) (*teststate.Result, error) {
	if err := checkRole(in.RoleArn); err != nil {
		return nil, err
	}
	if err := checkJSON(*in.Definition); err != nil {
		return nil, err
	}
	if in.RevealSecrets != nil && *in.RevealSecrets {
		// The service has a permission of its own for it; here, it takes who may change connections and keys.
		if err := a.allowed(ctx, access.Admin, ns); err != nil {
			return nil, err
		}
	}
	request := a.testRequest(in)
	var stopped error // why the call was not made, or not to its end
	request.Call = func(c statemachine.Invoke) teststate.Answer {
		answer, err := a.tryTask(ctx, ns, request, c)
		stopped = err
		return answer
	}
	result, err := teststate.Run(request)
	if stopped != nil {
		return nil, stopped
	}
	if refusal, ok := errors.AsType[*teststate.Error](err); ok {
		return nil, refusedTest(refusal, text(in.Input))
	}
	return result, err
}

// allowed tells whether who asks may do more than what the operation itself needs.
func (a *API) allowed(ctx context.Context, scope access.Scope, ns string) error {
	if principal, ok := access.From(ctx); ok {
		return principal.Require(scope, ns)
	}
	return nil
}

// refusedTest gives the fault for a test that was refused.
func refusedTest(e *teststate.Error, input string) *fault {
	switch {
	case len(e.Findings) > 0:
		return invalidDefinition(e.Findings)
	case e.Kind == teststate.InvalidInput:
		return labelled(string(e.Kind), "Invalid State Machine Execution Input", "%s", jsonProblem(input))
	default:
		return fault400(string(e.Kind), "%s", e.Message)
	}
}

// testRequest gives what is to be tested.
func (a *API) testRequest(in *testStateInput) teststate.Request {
	arn := strings.Split(a.eng.StateMachineARN("test"), ":")
	r := teststate.Request{
		Definition: []byte(*in.Definition), StateName: text(in.StateName), Level: teststate.Level(text(in.InspectionLevel)),
		Context: in.Context, Variables: in.Variables, RevealSecrets: in.RevealSecrets != nil && *in.RevealSecrets,
		RoleARN: text(in.RoleArn), NeedsRole: true, Now: time.Now(), Seed: rand.Uint64(),
		Region: arn[3], Account: arn[4], Machine: uuid.NewString(), Execution: uuid.NewString(),
	}
	if in.Input != nil {
		r.Input = []byte(*in.Input)
	}
	if m := in.Mock; m != nil {
		r.Mock = &teststate.Mock{Result: m.Result, Mode: teststate.Mode(text(m.FieldValidationMode))}
		if m.ErrorOutput != nil {
			r.Mock.Error = &teststate.ErrorOutput{Error: m.ErrorOutput.Error, Cause: m.ErrorOutput.Cause}
		}
	}
	if c := in.Configuration; c != nil {
		r.Configuration = &teststate.Configuration{ErrorCausedByState: text(c.ErrorCausedByState), MapItemReaderData: c.MapItemReaderData}
		if c.RetrierRetryCount != nil {
			r.Configuration.RetrierRetryCount = *c.RetrierRetryCount
		}
		if c.MapIterationFailureCount != nil {
			r.Configuration.MapIterationFailureCount = *c.MapIterationFailureCount
		}
	}
	return r
}

// tryTask makes the call of a state under test. An error means that there is no answer for the one who asked.
func (a *API) tryTask(ctx context.Context, ns string, r teststate.Request, c statemachine.Invoke) (teststate.Answer, error) {
	if err := a.allowed(ctx, access.Run, ns); err != nil {
		return teststate.Answer{}, err
	}
	select {
	case a.tests <- struct{}{}:
		defer func() { <-a.tests }()
	case <-ctx.Done():
		return teststate.Answer{}, ctx.Err()
	}
	callCtx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	if a.cfg.Draining != nil {
		go func() {
			select {
			case <-a.cfg.Draining:
				cancel()
			case <-callCtx.Done():
			}
		}()
	}
	exchange := &invoke.Exchange{Secrets: r.RevealSecrets}
	result, err := a.eng.TryTask(invoke.WithExchange(callCtx, exchange), ns, r.Machine, c)
	answer := teststate.Answer{Result: result, Exchange: shownExchange(exchange)}
	failed, isTask := errors.AsType[*invoke.TaskError](err)
	switch {
	case err == nil:
	case isTask:
		answer.Failed, answer.Error, answer.Cause = true, failed.Name, failed.Cause
	case errors.Is(err, context.DeadlineExceeded):
		answer.Failed, answer.Error = true, statemachine.ErrorTimeout
	default:
		return answer, unavailable("The server is shutting down; try again")
	}
	return answer, nil
}

// shownExchange gives an exchange as the service shows it; nil if there was none.
func shownExchange(x *invoke.Exchange) *teststate.Exchange {
	if x.Request == nil {
		return nil
	}
	protocol := "https"
	if u, err := url.Parse(x.Request.URL); err == nil && u.Scheme != "" {
		protocol = u.Scheme
	}
	shown := &teststate.Exchange{Request: &teststate.HTTPRequest{
		Protocol: protocol, Method: x.Request.Method, URL: x.Request.URL,
		Headers: shownHeaders(x.Request.Header), Body: string(x.Request.Body),
	}}
	if resp := x.Response; resp != nil {
		shown.Response = &teststate.HTTPResponse{
			Protocol: protocol, StatusCode: strconv.Itoa(resp.Status), StatusMessage: http.StatusText(resp.Status),
			Headers: shownHeaders(resp.Header), Body: string(resp.Body),
		}
	}
	return shown
}

func shownHeaders(h http.Header) string {
	var list []string
	for name, values := range h {
		for _, v := range values {
			list = append(list, name+": "+v)
		}
	}
	slices.Sort(list)
	return "[" + strings.Join(list, ", ") + "]"
}
