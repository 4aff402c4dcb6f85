package statemachine

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The code of the diagnostics of approvals.
const (
	CodeApproval = "INVALID_APPROVAL"
)

// approvalOutput is the schema of what an approval gives.
const approvalOutput = `{
  "type": "object", "additionalProperties": false, "required": ["decision", "decisions"],
  "properties": {
    "decision": {"type": "string"},
    "by": {"type": "string"},
    "comment": {"type": "string"},
    "form": true,
    "decisions": {"type": "array", "items": {
      "type": "object", "additionalProperties": false, "required": ["by", "at", "decision"],
      "properties": {
        "by": {"type": "string"}, "at": {"type": "string"}, "decision": {"type": "string"},
        "comment": {"type": "string"}, "form": true, "actor": {"type": "string"}
      }
    }},
    "delegations": {"type": "array", "items": {
      "type": "object", "additionalProperties": false, "required": ["from", "to", "at"],
      "properties": {
        "from": {"type": "string"}, "to": {"type": "string"}, "at": {"type": "string"},
        "comment": {"type": "string"}, "actor": {"type": "string"}
      }
    }}
  }
}`

var approvalOutputType = mustType(approvalOutput)

func mustType(text string) *query.Type {
	s, err := schema.Parse([]byte(text))
	if err != nil {
		panic("statemachine: " + err.Error())
	}
	return s.Type()
}

// isApproval tells whether people decide the task.
func (s *taskState) isApproval() bool { return s.resource.name == ApprovalResource }

// approval checks what the definition says of an approval, as far as it is written out and not left to expressions.
func (sc *stateCompiler) approval(node *asl.Task, s *taskState) {
	if !s.isApproval() {
		return
	}
	sc.result = approvalOutputType
	if sc.options.Deployed { // what was accepted goes on; should it ask for what cannot be asked, the state fails
		return
	}
	if s.resource.pattern != RequestResponse && node.ResourceNode != nil {
		sc.report(node.ResourceNode, diag.Error, CodeApproval, "an approval waits for people by itself, without "+
			strings.TrimPrefix(s.resource.text, s.resource.name), `write "Resource": "`+ApprovalResource+`"`)
	}
	if n := sc.base.Node.Get("HeartbeatSeconds"); n != nil {
		sc.report(n, diag.Error, CodeApproval, "an approval has no heartbeat: nobody would send it",
			"leave HeartbeatSeconds out; TimeoutSeconds bounds how long people have")
	}
	args, paths := sc.base.Arguments, sc.base.QueryLanguage == asl.JSONPath
	if paths {
		args = sc.base.Parameters
	}
	switch {
	case args == nil && paths: // the state's input has them
	case args == nil:
		if node.ResourceNode != nil {
			sc.report(node.ResourceNode, diag.Error, CodeApproval, "an approval needs Arguments", "give it at least Title and Approvers")
		}
	case args.Kind != source.Object:
		if !dynamic(args, paths) {
			sc.report(args, diag.Error, CodeApproval, "the arguments of an approval must be an object, but are "+args.Kind.String(),
				"such as {Title: ..., Approvers: [...]}")
		}
	default:
		sc.approvalArguments(args, paths)
	}
}

// approvalArguments checks the members that are written out.
func (sc *stateCompiler) approvalArguments(args *source.Node, paths bool) {
	r := &approvalReader{}
	has := map[string]bool{}
	settled := true // what the members together say is known
	for _, m := range args.Members {
		name := m.Name
		open := dynamic(m.Value, paths)
		if cut, ok := strings.CutSuffix(name, ".$"); ok && paths {
			name, open = cut, true
		}
		has[name] = true
		if _, known := approvalFields[name]; !known {
			g := sc.doc.AtName(m)
			g.Severity, g.Code = diag.Error, CodeApproval
			g.Message, g.Hint = `an approval has no argument "`+name+`"`, unknownApprovalField(name)
			sc.list = append(sc.list, g)
			continue
		}
		if open {
			settled = settled && name != "Approvers" && name != "Quorum" && name != "Rejections"
			continue
		}
		r.member(name, value.Trusted(m.Value.AppendJSON(nil)))
	}
	if !settled {
		r.spec.approvers = nil // how many there are is known when it runs
	}
	hasTimeout := sc.base.Node.Get("TimeoutSeconds") != nil || sc.base.Node.Get("TimeoutSecondsPath") != nil || has["Deadline"]
	r.complete(has["Title"], has["Approvers"], hasTimeout)
	for _, p := range r.problems {
		n := args
		if p.pointer != "" {
			n = schema.NodeAt(args, p.pointer)
		}
		sc.report(n, diag.Error, CodeApproval, p.message, p.hint)
	}
}

// dynamic tells whether a part of a definition is only known when it runs.
func dynamic(n *source.Node, paths bool) bool {
	switch n.Kind {
	case source.Null, source.Bool, source.Number:
	case source.String:
		_, _, wrapped := asl.Unwrap(n.Text)
		return wrapped && !paths
	case source.Array:
		for _, e := range n.Elems {
			if dynamic(e, paths) {
				return true
			}
		}
	case source.Object:
		for _, m := range n.Members {
			if paths && strings.HasSuffix(m.Name, ".$") || dynamic(m.Value, paths) {
				return true
			}
		}
	}
	return false
}
