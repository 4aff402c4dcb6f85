package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Action is one action of a service as a task can call it. It is an invoke.Invoker.
type Action struct {
	client    *Client
	service   *service
	name      string // as in the resource: sendMessage
	optimized *optimized
}

// optimized is what the optimized integration of a service has that its AWS SDK integration has not.
type optimized struct {
	service  string   // the service, as its own name for the SDK integration
	actions  []string // those that there are
	prefix   string   // before the names of errors
	causes   string   // the service in causes
	unnamed  string   // the name of errors that the service's model does not have
	modelled []string // the errors that the model has, where others are unnamed; empty: all but the common ones
	texts    []string // members that are texts: other values are sent as their JSON
	metadata bool     // the result has SdkHttpMetadata
	before   func(*invoke.Invocation, *value.Value) *value.Value
	after    func(*value.Value) error
}

// The optimized integrations by their names in resources.
var optimizedServices = map[string]*optimized{
	"dynamodb": {
		service: "dynamodb", actions: []string{"getItem", "putItem", "updateItem", "deleteItem"},
		prefix: "DynamoDB.", causes: "AmazonDynamoDBv2", unnamed: "AmazonDynamoDBException", metadata: true,
		modelled: []string{
			"ConditionalCheckFailedException", "InternalServerErrorException", "ItemCollectionSizeLimitExceededException",
			"ProvisionedThroughputExceededException", "ReplicatedWriteConflictException", "RequestLimitExceededException",
			"ResourceNotFoundException", "ThrottlingException", "TransactionConflictException", "InvalidEndpointException",
		},
	},
	"sqs": {
		service: "sqs", actions: []string{"sendMessage"}, prefix: "SQS.", causes: "AmazonSQS", unnamed: "AmazonSQSException",
		texts: []string{"MessageBody"}, metadata: true,
	},
	"sns": {
		service: "sns", actions: []string{"publish"}, prefix: "SNS.", causes: "AmazonSNS", unnamed: "AmazonSNSException",
		texts: []string{"Message"}, metadata: true,
	},
	"events": {
		service: "eventbridge", actions: []string{"putEvents"}, prefix: "EventBridge.", causes: "AmazonCloudWatchEvents",
		unnamed: "AmazonEventBridgeException", before: addOrigin, after: failedEntries,
	},
}

// Find gives the action that a resource names; nil if there is no such service or action here. Service and action are what
// stands behind arn:aws:states:::.
func (c *Client) Find(name, action string) *Action {
	if name != "aws-sdk" {
		o := optimizedServices[name]
		if o == nil || !slices.Contains(o.actions, action) {
			return nil
		}
		return &Action{client: c, service: services[o.service], name: action, optimized: o}
	}
	name, action, ok := strings.Cut(action, ":")
	s := services[name]
	switch {
	case !ok, s == nil, action == "", strings.ContainsAny(action, ":./ "):
		return nil
	case s.protocol == query && !slices.Contains([]string{"publish"}, action):
		return nil
	case s.protocol == restS3 && s3Actions[action] == nil:
		return nil
	}
	return &Action{client: c, service: s, name: action}
}

// Invoke calls the action.
func (a *Action) Invoke(ctx context.Context, call *invoke.Invocation) (*value.Value, error) {
	arguments := call.Arguments
	if arguments.Kind() != value.Object {
		return nil, invoke.Unusable(arguments, "The parameters must be an object")
	}
	if a.optimized != nil {
		arguments = asTexts(arguments, a.optimized.texts)
		if a.optimized.before != nil {
			arguments = a.optimized.before(call, arguments)
		}
	}
	var made request
	var err error
	switch a.service.protocol {
	case json10, json11:
		made = a.jsonRequest(arguments)
	case query:
		made = a.queryRequest(arguments)
	case restS3:
		made, err = s3Actions[a.name].request(arguments)
	}
	if err != nil {
		return nil, invoke.Unusable(arguments, err.Error())
	}
	got, err := a.client.send(ctx, a.service, made)
	if err != nil {
		return nil, a.unreached(ctx, err)
	}
	if got.status >= http.StatusMultipleChoices {
		return nil, a.refused(got)
	}
	result, err := a.result(got)
	if err != nil {
		return nil, a.unreached(ctx, err)
	}
	if n := len(result.JSON()); call.MaxResult > 0 && n > call.MaxResult {
		return nil, &invoke.TaskError{Name: invoke.ErrDataLimit, Cause: fmt.Sprintf("the result has %d bytes; at most %d are allowed", n, call.MaxResult)}
	}
	return result, nil
}

// unreached is the error of a request that was not answered.
func (a *Action) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	prefix := a.service.errorPrefix() + "."
	if a.optimized != nil {
		prefix = a.optimized.prefix
	}
	if _, named := errors.AsType[*invoke.TaskError](err); named {
		return err
	}
	cause := err.Error()
	if forbidden, ok := errors.AsType[*invoke.ForbiddenError](err); ok {
		cause = forbidden.Error()
	}
	return &invoke.TaskError{Name: prefix + "SdkClientException", Cause: cause}
}

// result gives the result of the task.
func (a *Action) result(got *answer) (*value.Value, error) {
	var v *value.Value
	var err error
	switch a.service.protocol {
	case restS3:
		return s3Actions[a.name].result(got)
	case query:
		v, err = queryResult(got.body, a.name)
	case json10, json11:
		v, err = a.jsonResult(got.body)
	}
	if err != nil || a.optimized == nil {
		return v, err
	}
	if a.optimized.after != nil {
		if err := a.optimized.after(v); err != nil {
			return nil, err
		}
	}
	if a.optimized.metadata {
		v = withMetadata(v, got)
	}
	return v, nil
}

// withMetadata adds what the answer says of itself, in the place that the service has for it.
func withMetadata(v *value.Value, got *answer) *value.Value {
	var o value.Members
	for i, key := range v.Keys() {
		o.Set(key, v.At(i))
	}
	var headers []invoke.Header
	for _, name := range []string{"x-amzn-RequestId", "Connection", "Content-Length", "Date", "Content-Type", "x-amz-crc32", "Server"} {
		text := got.header.Get(name)
		if name == "Connection" && text == "" {
			text = "keep-alive"
			name = "connection"
		}
		if text != "" {
			headers = append(headers, invoke.Header{Name: name, Value: text})
		}
	}
	invoke.SDKMetadata(&o, got.status, got.requestID(), headers)
	return o.Object()
}

// asTexts makes members that are texts out of what they are given as.
func asTexts(arguments *value.Value, names []string) *value.Value {
	if len(names) == 0 {
		return arguments
	}
	return mapMembers(arguments, func(key string, v *value.Value) *value.Value {
		if !slices.Contains(names, key) || v.Kind() == value.String {
			return v
		}
		return value.FromString(v.String())
	})
}

// mapMembers gives an object with each member's value changed.
func mapMembers(object *value.Value, change func(key string, v *value.Value) *value.Value) *value.Value {
	var o value.Members
	for i, key := range object.Keys() {
		o.Set(key, change(key, object.At(i)))
	}
	return o.Object()
}

// addOrigin completes events as the service does: details are texts, and the resources name execution and state machine.
func addOrigin(call *invoke.Invocation, arguments *value.Value) *value.Value {
	return mapMembers(arguments, func(key string, v *value.Value) *value.Value {
		if key != "Entries" || v.Kind() != value.Array {
			return v
		}
		var entries []*value.Value
		for _, entry := range v.Elems() {
			entries = append(entries, entryWithOrigin(call, entry))
		}
		return value.FromArray(entries)
	})
}

func entryWithOrigin(call *invoke.Invocation, entry *value.Value) *value.Value {
	if entry.Kind() != value.Object {
		return entry
	}
	var o value.Members
	resources := []*value.Value{}
	for i, key := range entry.Keys() {
		v := entry.At(i)
		switch {
		case key == "Resources" && v.Kind() == value.Array:
			resources = append(resources, v.Elems()...)
			continue
		case key == "Detail" && v.Kind() != value.String:
			v = value.FromString(v.String())
		}
		o.Set(key, v)
	}
	prefix, _, _ := strings.Cut(call.ExecutionARN, ":execution:")
	resources = append(resources, value.FromString(call.ExecutionARN), value.FromString(prefix+":stateMachine:"+call.StateMachine))
	o.Set("Resources", value.FromArray(resources))
	return o.Object()
}

// failedEntries is the error of a putEvents of which some events were refused.
func failedEntries(result *value.Value) error {
	n := result.Get("FailedEntryCount")
	if n == nil {
		return nil
	}
	if count, ok := n.Int(); !ok || count == 0 {
		return nil
	}
	return &invoke.TaskError{Name: "EventBridge.FailedEntry", Cause: result.String()}
}
