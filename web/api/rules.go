package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine/access"
)

// rule says what a route asks of its caller, and what the audit calls it.
type rule struct {
	action string // spelt as the Step Functions API spells it, where that has it
	// scope is what a key needs. Routes without one are open: for probes, and for those that prove a right by themselves, such as
	// by a signed link.
	scope    access.Scope
	changes  bool   // each call is recorded
	cluster  bool   // it is about the whole cluster: keys that are bound to a namespace are refused
	resource string // with the names of the path's parameters in braces
}

// rules has every route of the API, as its method and its pattern. A route that is not here is answered with an error, and
// TestEveryRouteHasARule fails.
var rules = map[string]rule{
	"GET /openapi.json": {action: "GetOpenAPI"},
	"GET /healthz":      {action: "GetHealth"},
	"GET /readyz":       {action: "GetReadiness"},
	"GET /version":      {action: "GetVersion", scope: access.Read},
	"POST /validate":    {action: "ValidateStateMachineDefinition", scope: access.Read},

	"GET /state-machines":           {action: "ListStateMachines", scope: access.Read},
	"GET /state-machines/{name}":    {action: "DescribeStateMachine", scope: access.Read, resource: "state-machine/{name}"},
	"PUT /state-machines/{name}":    {action: "DeployStateMachine", scope: access.Deploy, changes: true, resource: "state-machine/{name}"},
	"DELETE /state-machines/{name}": {action: "DeleteStateMachine", scope: access.Deploy, changes: true, resource: "state-machine/{name}"},
	"POST /state-machines/{name}/executions": {
		action: "StartExecution", scope: access.Run, changes: true, resource: "state-machine/{name}",
	},
	"POST /state-machines/{name}/executions:sync": {
		action: "StartSyncExecution", scope: access.Run, changes: true, resource: "state-machine/{name}",
	},

	"GET /functions":           {action: "ListFunctions", scope: access.Read},
	"GET /functions/{name}":    {action: "DescribeFunction", scope: access.Read, resource: "function/{name}"},
	"PUT /functions/{name}":    {action: "PutFunction", scope: access.Deploy, changes: true, resource: "function/{name}"},
	"DELETE /functions/{name}": {action: "DeleteFunction", scope: access.Deploy, changes: true, resource: "function/{name}"},

	"GET /connections":           {action: "ListConnections", scope: access.Read},
	"GET /connections/{name}":    {action: "DescribeConnection", scope: access.Read, resource: "connection/{name}"},
	"PUT /connections/{name}":    {action: "PutConnection", scope: access.Deploy, changes: true, resource: "connection/{name}"},
	"DELETE /connections/{name}": {action: "DeleteConnection", scope: access.Deploy, changes: true, resource: "connection/{name}"},

	"GET /executions":               {action: "ListExecutions", scope: access.Read},
	"GET /executions/{id}":          {action: "DescribeExecution", scope: access.Read, resource: "execution/{id}"},
	"GET /executions/{id}/history":  {action: "GetExecutionHistory", scope: access.Read, resource: "execution/{id}"},
	"GET /executions/{id}/wait":     {action: "WaitForExecution", scope: access.Read, resource: "execution/{id}"},
	"GET /executions/{id}/events":   {action: "WatchExecution", scope: access.Read, resource: "execution/{id}"},
	"POST /executions/{id}/stop":    {action: "StopExecution", scope: access.Run, changes: true, resource: "execution/{id}"},
	"POST /executions/{id}/redrive": {action: "RedriveExecution", scope: access.Run, changes: true, resource: "execution/{id}"},

	"GET /activities":           {action: "ListActivities", scope: access.Read},
	"GET /activities/{name}":    {action: "DescribeActivity", scope: access.Read, resource: "activity/{name}"},
	"PUT /activities/{name}":    {action: "CreateActivity", scope: access.Deploy, changes: true, resource: "activity/{name}"},
	"DELETE /activities/{name}": {action: "DeleteActivity", scope: access.Deploy, changes: true, resource: "activity/{name}"},
	// Not recorded: what a worker takes is in the history of its execution, and most polls take nothing.
	"POST /activities/{name}/poll": {action: "GetActivityTask", scope: access.Run, resource: "activity/{name}"},

	// Whoever has a callback URL may do what it was made for.
	"POST " + CallbackRoute: {action: "Callback", changes: true},

	// A task token is a proof of its own, so that a key may answer tasks of other namespaces whose token it was given.
	"POST /tasks/success":   {action: "SendTaskSuccess", scope: access.Run, changes: true},
	"POST /tasks/failure":   {action: "SendTaskFailure", scope: access.Run, changes: true},
	"POST /tasks/heartbeat": {action: "SendTaskHeartbeat", scope: access.Run, changes: true},

	"GET /approvals":                {action: "ListApprovals", scope: access.Read},
	"GET /approvals/{id}":           {action: "DescribeApproval", scope: access.Read, resource: "approval/{id}"},
	"POST /approvals/{id}/decide":   {action: "DecideApproval", scope: access.Decide, changes: true, resource: "approval/{id}"},
	"POST /approvals/{id}/delegate": {action: "DelegateApproval", scope: access.Decide, changes: true, resource: "approval/{id}"},
	"POST /approvals/{id}/links":    {action: "CreateApprovalLink", scope: access.Admin, changes: true, resource: "approval/{id}"},
	"GET /notifications":            {action: "DescribeNotifications", scope: access.Read},
	"PUT /notifications":            {action: "PutNotifications", scope: access.Deploy, changes: true},

	"GET /keys":         {action: "ListKeys", scope: access.Admin, cluster: true},
	"POST /keys":        {action: "CreateKey", scope: access.Admin, cluster: true, changes: true},
	"DELETE /keys/{id}": {action: "RevokeKey", scope: access.Admin, cluster: true, changes: true, resource: "key/{id}"},
	"GET /audit":        {action: "ListAudit", scope: access.Admin, cluster: true},
}

// ruleOf gives the rule of the route that a request took.
func ruleOf(r *http.Request) (rule, bool) {
	method := r.Method
	if method == http.MethodHead { // served by the GET of its route
		method = http.MethodGet
	}
	found, ok := rules[method+" "+strings.TrimPrefix(chi.RouteContext(r.Context()).RoutePattern(), "/api/v1")]
	return found, ok
}

// about gives the resource of a rule for a request.
func (u rule) about(r *http.Request) string {
	text := u.resource
	params := chi.RouteContext(r.Context()).URLParams
	for i, key := range params.Keys {
		if name := "{" + key + "}"; strings.Contains(text, name) {
			value, err := pathParam(r, key)
			if err != nil {
				value = params.Values[i] // as it came; the handler refuses it
			}
			text = strings.ReplaceAll(text, name, value)
		}
	}
	return text
}
