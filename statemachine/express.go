package statemachine

import (
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// ExpressTimeout is how long an Express execution may run, as in the service.
const ExpressTimeout = expressSeconds * time.Second

const expressSeconds = 300

// The codes of the diagnostics that only Express machines get.
const (
	CodeExpressUnsupported = "NOT_SUPPORTED_BY_EXPRESS"
	CodeExpressTooLong     = "EXPRESS_TOO_LONG"
)

// CompileExpress is Compile for a machine of the type EXPRESS. What its executions, which live in the memory of one
// process, cannot do is an error; they end after ExpressTimeout if the definition does not end them earlier.
func CompileExpress(file string, src []byte) (*Machine, diag.List) {
	return CompileWith(file, src, Options{Express: true})
}

// express reports what an Express execution cannot do, or cannot end with.
func (c *compiler) express(def *asl.Definition) {
	if n := def.TimeoutSeconds; n != nil && literalInt(n) > expressSeconds {
		c.expressTooLong(n, "TimeoutSeconds is "+n.Text)
	}
	walkStates(&def.Flow, func(s asl.State) {
		switch s := s.(type) {
		case *asl.Task:
			c.expressTask(s)
		case *asl.Wait:
			if s.Seconds != nil && literalInt(s.Seconds) >= expressSeconds {
				c.expressTooLong(s.Seconds, "the state waits for "+s.Seconds.Text+" seconds")
			}
		case *asl.Map:
			if s.Mode == asl.Distributed {
				c.notInExpress(s.Node, "a distributed Map is not there in a state machine of the type EXPRESS",
					`write "Mode": "INLINE", or deploy the state machine as STANDARD`)
			}
		}
	})
}

// expressTask reports a task that waits for somebody who may take longer than the process lives.
func (c *compiler) expressTask(t *asl.Task) {
	if t.ResourceNode == nil {
		return
	}
	const standard = "deploy the state machine as STANDARD, or move the task into a STANDARD one"
	r := parseResource(t.Resource)
	switch {
	case r.pattern == WaitForTaskToken, r.pattern == Sync, r.pattern == Sync2:
		c.notInExpress(t.ResourceNode, strings.TrimPrefix(r.text, r.name)+" is not there in a state machine of the type EXPRESS", standard)
	case (&taskState{resource: r}).isApproval():
		c.notInExpress(t.ResourceNode, "approvals are not there in a state machine of the type EXPRESS", standard)
	case (&taskState{resource: r}).isActivity():
		c.notInExpress(t.ResourceNode, "activities are not there in a state machine of the type EXPRESS", standard)
	}
}

func (c *compiler) notInExpress(n *source.Node, message, hint string) {
	g := c.doc.AtNode(n)
	g.Severity, g.Code, g.Message, g.Hint = diag.Error, CodeExpressUnsupported, message, hint
	c.list = append(c.list, g)
}

func (c *compiler) expressTooLong(n *source.Node, what string) {
	g := c.doc.AtNode(n)
	g.Severity, g.Code = diag.Warning, CodeExpressTooLong
	g.Message = what + ", but an execution of the type EXPRESS ends with States.Timeout after " +
		strconv.Itoa(expressSeconds) + " seconds"
	g.Hint = "deploy the state machine as STANDARD if it has to take longer"
	c.list = append(c.list, g)
}
