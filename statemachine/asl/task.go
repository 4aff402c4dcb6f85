package asl

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Task invokes something: a function, an activity, a service integration.
type Task struct {
	Common
	Resource             string // as written, with its suffix (.sync, .waitForTaskToken)
	ResourceNode         *source.Node
	TimeoutSeconds       *source.Node // literal or expression
	TimeoutSecondsPath   *source.Node // JSONPath
	HeartbeatSeconds     *source.Node
	HeartbeatSecondsPath *source.Node
	Credentials          *source.Node
	Retry                []Retrier
	Catch                []Catcher
}

func decodeTask(o object, c Common) State {
	t := &Task{Common: c}
	t.ResourceNode = o.must("Resource", "Resource names what the task invokes, for example a function")
	t.Resource = o.text("Resource")
	if n := t.ResourceNode; n != nil && n.Kind == source.String && strings.TrimSpace(n.Text) == "" {
		o.p.errorAt(n, CodeInvalidValue, "name what the task invokes, for example a function", "%s is empty", o.of("Resource"))
	}
	t.TimeoutSeconds = o.integer("TimeoutSeconds", 1, maxSeconds)
	t.HeartbeatSeconds = o.integer("HeartbeatSeconds", 1, maxSeconds)
	if !o.evaluated() {
		t.TimeoutSecondsPath = o.path("TimeoutSecondsPath")
		t.HeartbeatSecondsPath = o.path("HeartbeatSecondsPath")
		o.exclusive("TimeoutSeconds", "TimeoutSecondsPath")
		o.exclusive("HeartbeatSeconds", "HeartbeatSecondsPath")
	}
	timeout, hasTimeout := literal(t.TimeoutSeconds)
	heartbeat, hasHeartbeat := literal(t.HeartbeatSeconds)
	if hasTimeout && hasHeartbeat && heartbeat >= timeout {
		o.p.errorAt(t.HeartbeatSeconds, CodeOutOfRange, "a heartbeat that comes as late as the timeout is of no use",
			"HeartbeatSeconds (%s) must be smaller than TimeoutSeconds (%s)", t.HeartbeatSeconds.Text, t.TimeoutSeconds.Text)
	}
	t.Credentials = o.credentials()
	t.Retry = o.retriers()
	t.Catch = o.catchers(&t.Common)
	return t
}

// credentials decodes the role that a task is invoked as.
func (o object) credentials() *source.Node {
	n := o.template("Credentials")
	if n == nil || !o.p.is(n, o.of("Credentials"), source.Object) {
		return n
	}
	if n.Get("RoleArn") == nil && (o.evaluated() || n.Get("RoleArn.$") == nil) {
		o.p.errorAt(n, CodeMissingField, "name the role that the task is invoked as", "%s has no RoleArn", o.of("Credentials"))
	}
	return n
}
