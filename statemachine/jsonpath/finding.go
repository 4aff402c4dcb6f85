package jsonpath

import (
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// The codes of findings. They are those of the asl package where it has a code for the same thing.
const (
	CodeInvalidPath       = "INVALID_PATH"
	CodeInvalidIntrinsic  = "INVALID_INTRINSIC_FUNCTION"
	CodeUnquotedText      = "UNQUOTED_TEXT_IN_FILTER"
	CodeWrongType         = "WRONG_TYPE"
	CodeInvalidValue      = "INVALID_VALUE"
	CodeMissingField      = "MISSING_FIELD"
	CodeUnknownField      = "UNKNOWN_FIELD"
	CodeConflictingFields = "CONFLICTING_FIELDS"
	CodeTooDeep           = "NESTED_TOO_DEEP"
)

// Finding is something wrong in a payload template or a rule.
type Finding struct {
	Code    string
	Message string
	Hint    string // how to mend it, may be empty
	Warning bool   // the service accepts it, but it hardly means what it says
	Node    *source.Node
	Member  *source.Member // not nil if the finding is about the name of this member, whose value is Node
	Offset  int            // of the finding in Node.Text, in bytes; -1 if it is about the whole value or its name
}

func findingAt(n *source.Node, code, hint, message string) Finding {
	return Finding{Code: code, Message: message, Hint: hint, Node: n, Offset: -1}
}

func findingAtName(m *source.Member, code, hint, message string) Finding {
	return Finding{Code: code, Message: message, Hint: hint, Node: m.Value, Member: m, Offset: -1}
}

// findings makes findings of the problems of an expression; what is put before their messages.
func findings(n *source.Node, code, what string, problems []query.Problem) []Finding {
	list := make([]Finding, len(problems))
	for i, p := range problems {
		list[i] = Finding{Code: code, Message: what + p.Message, Hint: p.Hint, Node: n, Offset: p.Offset}
	}
	return list
}

// noteFindings makes warnings of the notes of paths.
func noteFindings(n *source.Node, paths []*Path) []Finding {
	var list []Finding
	for _, p := range paths {
		for _, f := range findings(n, CodeUnquotedText, "", p.Notes()) {
			f.Warning = true
			list = append(list, f)
		}
	}
	return list
}
