package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// A function of the registry may be named as AWS Lambda's are. Then its results and failures take the form that Lambda's
// have, so that retriers and catchers written for those match: the cause is the whole error object, and what went wrong
// on the way has the names of Lambda's service.

// lambdaForm tells how a task names its function.
type lambdaForm uint8

const (
	notLambda    lambdaForm = iota // function:NAME
	lambdaARN                      // arn:aws:lambda:REGION:ACCOUNT:function:NAME
	lambdaInvoke                   // arn:aws:states:::lambda:invoke: arguments and result are those of Lambda's Invoke
	lambdaSDK                      // arn:aws:states:::aws-sdk:lambda:invoke: the same, and a failure of the function is a result
)

// The kinds of lambda:invoke, as its InvocationType spells them.
const (
	invokeEvent  = "Event"
	invokeDryRun = "DryRun"
)

// lambdaCall is a call in one of Lambda's forms.
type lambdaCall struct {
	form      lambdaForm
	function  string // its name
	qualifier string
	kind      string
	payload   *value.Value
}

// address finds out which function of the registry a task is for, and in which of Lambda's forms; nil for none of them.
// The resource that it gives is the one to look up.
func address(c *statemachine.Invoke) (resource string, call *lambdaCall, err error) {
	if service, action, ok := integrationName(c.Resource); ok {
		switch {
		case service == "lambda" && action == "invoke":
			call, err = lambdaArguments(c.Arguments, lambdaInvoke)
		case service == "aws-sdk" && action == "lambda:invoke":
			call, err = lambdaArguments(c.Arguments, lambdaSDK)
		default:
			return c.Resource, nil, nil
		}
		if err != nil {
			return c.Resource, nil, err
		}
		return "function:" + call.function, call, nil
	}
	name, ok := functionName(c.Resource)
	if !ok || !strings.HasPrefix(c.Resource, "arn:") {
		return c.Resource, nil, nil
	}
	call = &lambdaCall{form: lambdaARN, function: name}
	if parts := strings.Split(c.Resource, ":"); len(parts) == 8 {
		call.qualifier = parts[7]
	}
	return "function:" + name, call, nil
}

// integrationName gives the service and the action of a resource such as arn:aws:states:::sqs:sendMessage.
func integrationName(resource string) (service, action string, ok bool) {
	parts := strings.SplitN(resource, ":", 7)
	if len(parts) != 7 || parts[0] != "arn" || parts[2] != "states" || parts[3] != "" || parts[4] != "" {
		return "", "", false
	}
	return parts[5], parts[6], true
}

func lambdaArguments(arguments *value.Value, form lambdaForm) (*lambdaCall, error) {
	call := &lambdaCall{form: form}
	name := invoke.TextOf(arguments, "FunctionName")
	if name == "" {
		return nil, invoke.Unusable(arguments, "The field 'FunctionName' is required but was missing")
	}
	call.function, call.qualifier = splitFunctionName(name)
	if q := invoke.TextOf(arguments, "Qualifier"); q != "" {
		call.qualifier = q
	}
	call.kind = invoke.TextOf(arguments, "InvocationType")
	switch call.kind {
	case "", "RequestResponse", invokeEvent, invokeDryRun:
	default:
		return nil, invoke.Unusable(arguments, "The value for the field 'InvocationType' must be Event, RequestResponse or DryRun")
	}
	if call.payload = arguments.Get("Payload"); call.payload == nil {
		call.payload = value.Trusted([]byte("{}"))
	}
	return call, nil
}

// splitFunctionName takes what Lambda takes for a name: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME and ARNs.
func splitFunctionName(text string) (name, qualifier string) {
	if at := strings.LastIndex(text, ":function:"); at >= 0 {
		text = text[at+len(":function:"):]
	} else {
		text = strings.TrimPrefix(text, "function:")
	}
	name, qualifier, _ = strings.Cut(text, ":")
	return name, qualifier
}

// version is what the call says that it ran.
func (l *lambdaCall) version() string {
	if _, err := strconv.Atoi(l.qualifier); err == nil {
		return l.qualifier
	}
	return "$LATEST"
}

// result gives the result of a task from that of its function.
func (l *lambdaCall) result(result *value.Value, call *invoke.Invocation) *value.Value {
	switch l.form {
	case notLambda, lambdaARN:
		return result
	case lambdaInvoke, lambdaSDK:
	}
	status := http.StatusOK
	switch l.kind {
	case invokeEvent:
		status, result = http.StatusAccepted, value.FromString("")
	case invokeDryRun:
		status, result = http.StatusNoContent, value.FromString("")
	}
	var o value.Members
	o.Text("ExecutedVersion", l.version())
	if l.form == lambdaSDK {
		o.Set("Payload", value.FromString(result.String()))
		o.Set("StatusCode", value.FromInt(int64(status)))
		return o.Object()
	}
	o.Set("Payload", result)
	l.metadata(&o, status, len(result.JSON()), call)
	o.Set("StatusCode", value.FromInt(int64(status)))
	return o.Object()
}

// metadata adds what the SDK of the service's own caller would tell of the answer.
func (l *lambdaCall) metadata(o *value.Members, status, length int, call *invoke.Invocation) {
	id := uuid.NewString()
	invoke.SDKMetadata(o, status, id, []invoke.Header{
		{Name: "X-Amz-Executed-Version", Value: l.version()},
		{Name: "x-amzn-Remapped-Content-Length", Value: "0"},
		{Name: "Connection", Value: "keep-alive"},
		{Name: "x-amzn-RequestId", Value: id},
		{Name: "Content-Length", Value: strconv.Itoa(length)},
		{Name: "Date", Value: time.Now().UTC().Format(http.TimeFormat)},
		{Name: "X-Amzn-Trace-Id", Value: traceID(call.TraceContext)},
		{Name: "Content-Type", Value: "application/json"},
	})
}

// traceID gives a trace in the form of AWS X-Ray: that of a traceparent, if there is one.
func traceID(traceparent string) string {
	trace := strings.ReplaceAll(uuid.NewString(), "-", "")
	if parts := strings.Split(traceparent, "-"); len(parts) == 4 && len(parts[1]) == 32 {
		trace = parts[1]
	}
	return "Root=1-" + trace[:8] + "-" + trace[8:] + ";Sampled=0"
}

// errLambdaNotFound is what a task gets whose function nobody registered.
const errLambdaNotFound = "Lambda.ResourceNotFoundException"

// lambdaNames are Lambda's names for what went wrong on the way to a function.
var lambdaNames = map[string]string{
	invoke.ErrUnreachable:     "Lambda.SdkClientException",
	invoke.ErrInvalidResponse: "Lambda.ServiceException",
	"HTTP.429":                "Lambda.TooManyRequestsException",
	"HTTP.500":                "Lambda.ServiceException",
	"HTTP.502":                "Lambda.ServiceException",
	"HTTP.503":                "Lambda.ServiceException",
	"HTTP.504":                "Lambda.ServiceException",
	invoke.ErrCommandDisabled: "Lambda.AWSLambdaException",
	invoke.ErrCommandStart:    "Lambda.AWSLambdaException",
}

// runtimeNames are the names that Lambda gives to the end of a function that did not answer.
var runtimeNames = map[string]string{
	invoke.ErrTimeout:       "Sandbox.Timedout",
	invoke.ErrCommandExit:   "Runtime.ExitError",
	invoke.ErrCommandKilled: "Runtime.ExitError",
	invoke.ErrPanicked:      "Runtime.ExitError",
}

// failure gives the error of a task from that of its function.
func (l *lambdaCall) failure(err error, arn string) error {
	var task *invoke.TaskError
	if !errors.As(err, &task) {
		return err
	}
	if strings.HasPrefix(task.Name, "States.") || task.Name == invoke.ErrInvalidInput || task.Name == invoke.ErrInvalidResult {
		return err // the engine's own
	}
	if task.Name == invoke.ErrNotRegistered {
		return invoke.ServiceError(errLambdaNotFound, "AWSLambda", http.StatusNotFound, "ResourceNotFoundException",
			"Function not found: "+arn+":"+l.latest())
	}
	if name, ok := lambdaNames[task.Name]; ok {
		return &invoke.TaskError{Name: name, Cause: task.Cause}
	}
	name := task.Name
	if known, ok := runtimeNames[name]; ok {
		name = known
	}
	return &invoke.TaskError{Name: name, Cause: l.cause(task, name)}
}

func (l *lambdaCall) latest() string {
	if l.qualifier == "" {
		return "$LATEST"
	}
	return l.qualifier
}

// cause is the error object, as the function gave it or as Lambda would have made it.
func (l *lambdaCall) cause(task *invoke.TaskError, name string) string {
	if len(task.Body) > 0 {
		var compact bytes.Buffer
		if l.form == lambdaARN || json.Compact(&compact, task.Body) != nil {
			return string(task.Body)
		}
		return compact.String()
	}
	var o value.Members
	o.Set("errorMessage", value.FromString(task.Cause))
	o.Text("errorType", name)
	o.Text("requestId", uuid.NewString())
	return o.Object().String()
}

// functionFailed is the result of aws-sdk:lambda:invoke whose function failed: the SDK takes it for an answer.
func (l *lambdaCall) functionFailed(err error) *value.Value {
	var task *invoke.TaskError
	if l.form != lambdaSDK || !errors.As(err, &task) || strings.HasPrefix(task.Name, "Lambda.") || strings.HasPrefix(task.Name, "States.") {
		return nil
	}
	var o value.Members
	o.Text("ExecutedVersion", l.version())
	o.Text("FunctionError", "Unhandled")
	o.Set("Payload", value.FromString(task.Cause))
	o.Set("StatusCode", value.FromInt(http.StatusOK))
	return o.Object()
}
