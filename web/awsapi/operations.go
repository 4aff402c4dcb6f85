package awsapi

import (
	"context"
	"reflect"

	"github.com/tercel-workflows/tercel/engine/access"
)

// operation is an operation of the service model.
type operation struct {
	scope   access.Scope // that its caller needs
	audited bool         // it changes something, which the audit records
	waits   bool         // it may take longer than other requests
	// read binds and checks the body, and gives what carries it out and what it is about.
	read func(body []byte) (do func(a *API, ctx context.Context, ns string) (any, error), about string, err error)
}

// does makes an operation of a function from its input to its output.
func does[In, Out any](scope access.Scope, f func(*API, context.Context, string, *In) (Out, error)) *operation {
	type doing = func(a *API, ctx context.Context, ns string) (any, error)
	return &operation{scope: scope, read: func(body []byte) (doing, string, error) {
		in := new(In)
		if err := bind(body, in); err != nil {
			return nil, "", err
		}
		do := func(a *API, ctx context.Context, ns string) (any, error) { return f(a, ctx, ns, in) }
		return do, resourceOf(in), check(in)
	}}
}

// resourceOf gives what an input is about, for the audit: its first member that must be there and may be shown.
func resourceOf(input any) string {
	v := reflect.ValueOf(input).Elem()
	for i := range v.NumField() {
		s, ok := reflect.TypeAssert[*string](v.Field(i))
		tag := v.Type().Field(i).Tag.Get("aws")
		if ok && s != nil && hasRule(tag, "required") && !hasRule(tag, "sensitive") {
			return *s
		}
	}
	return ""
}

// changes marks an operation as one that the audit records.
func (o *operation) changes() *operation { o.audited = true; return o }

// long marks an operation as one that waits.
func (o *operation) long() *operation { o.waits = true; return o }

// empty is the output of an operation that has none.
type empty struct{}

// operations are all operations of the service model, by name.
var operations = map[string]*operation{
	"CreateStateMachine":             does(access.Deploy, (*API).createStateMachine).changes(),
	"UpdateStateMachine":             does(access.Deploy, (*API).updateStateMachine).changes(),
	"DeleteStateMachine":             does(access.Deploy, (*API).deleteStateMachine).changes(),
	"DescribeStateMachine":           does(access.Read, (*API).describeStateMachine),
	"ListStateMachines":              does(access.Read, (*API).listStateMachines),
	"ValidateStateMachineDefinition": does(access.Read, (*API).validateStateMachineDefinition),
	"TestState":                      does(access.Deploy, (*API).testState).changes().long(),

	"PublishStateMachineVersion": does(access.Deploy, (*API).publishStateMachineVersion).changes(),
	"ListStateMachineVersions":   does(access.Read, (*API).listStateMachineVersions),
	"DeleteStateMachineVersion":  does(access.Deploy, (*API).deleteStateMachineVersion).changes(),
	"CreateStateMachineAlias":    does(access.Deploy, (*API).createStateMachineAlias).changes(),
	"UpdateStateMachineAlias":    does(access.Deploy, (*API).updateStateMachineAlias).changes(),
	"DescribeStateMachineAlias":  does(access.Read, (*API).describeStateMachineAlias),
	"ListStateMachineAliases":    does(access.Read, (*API).listStateMachineAliases),
	"DeleteStateMachineAlias":    does(access.Deploy, (*API).deleteStateMachineAlias).changes(),

	"StartExecution":                   does(access.Run, (*API).startExecution).changes(),
	"StartSyncExecution":               does(access.Run, (*API).startSyncExecution).changes().long(),
	"StopExecution":                    does(access.Run, (*API).stopExecution).changes(),
	"RedriveExecution":                 does(access.Run, (*API).redriveExecution).changes(),
	"DescribeExecution":                does(access.Read, (*API).describeExecution),
	"DescribeStateMachineForExecution": does(access.Read, (*API).describeStateMachineForExecution),
	"ListExecutions":                   does(access.Read, (*API).listExecutions),
	"GetExecutionHistory":              does(access.Read, (*API).getExecutionHistory),

	"CreateActivity":    does(access.Deploy, (*API).createActivity).changes(),
	"DeleteActivity":    does(access.Deploy, (*API).deleteActivity).changes(),
	"DescribeActivity":  does(access.Read, (*API).describeActivity),
	"ListActivities":    does(access.Read, (*API).listActivities),
	"GetActivityTask":   does(access.Run, (*API).getActivityTask).long(),
	"SendTaskSuccess":   does(access.Run, (*API).sendTaskSuccess).changes(),
	"SendTaskFailure":   does(access.Run, (*API).sendTaskFailure).changes(),
	"SendTaskHeartbeat": does(access.Run, (*API).sendTaskHeartbeat),

	"DescribeMapRun": does(access.Read, (*API).describeMapRun),
	"ListMapRuns":    does(access.Read, (*API).listMapRuns),
	"UpdateMapRun":   does(access.Run, (*API).updateMapRun).changes(),

	"TagResource":         does(access.Deploy, (*API).tagResource).changes(),
	"UntagResource":       does(access.Deploy, (*API).untagResource).changes(),
	"ListTagsForResource": does(access.Read, (*API).listTagsForResource),
}
