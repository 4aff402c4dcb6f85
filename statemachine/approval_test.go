package statemachine_test

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine"
)

// TestApprovalRefusals: what an approval cannot ask is found at the deploy, with its place, in all languages.
func TestApprovalRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, state, want string }{
		{"good", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Approvers": ["a", "b"], "Quorum": 2}`, ""},
		{"expressions", `"QueryLanguage": "CEL", "Arguments": {"Title": "{% 't' %}", "Approvers": "{% ['a'] %}", "Quorum": 7,
			"Form": {"type": "object", "properties": {"{% 1 %}": "{% 1 %}"}}}`, ""},
		{"paths", `"Parameters": {"Title": "t", "Approvers.$": "$.who", "Quorum": 2, "Data.$": "$"}`, ""},
		{
			"JSONata", `"QueryLanguage": "JSONata", "Arguments": {"Title": "t", "Approvers": ["a"], "Quorum": 2}`,
			"/States/A/Arguments/Quorum: 2 must approve, but only 1 are asked",
		},
		{
			"unknown", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Aprovers": ["a"]}`,
			`/States/A/Arguments: an approval needs Approvers
/States/A/Arguments/Aprovers: an approval has no argument "Aprovers" (did you mean "Approvers"?)`,
		},
		{
			"unknown in paths", `"Parameters": {"Title": "t", "Approvers.$": "$.who", "Dat.$": "$"}`,
			`/States/A/Parameters/Dat.$: an approval has no argument "Dat" (did you mean "Data"?)`,
		},
		{"no arguments", `"QueryLanguage": "CEL"`, "/States/A/Resource: an approval needs Arguments"},
		{
			"no object", `"QueryLanguage": "CEL", "Arguments": [1]`,
			"/States/A/Arguments: the arguments of an approval must be an object, but are array",
		},
		{
			"types", `"QueryLanguage": "CEL", "Arguments": {"Title": " ", "Approvers": ["a", 1, "a", " b"], "ReasonRequired": "yes",
			"Rejections": 0, "Description": 1, "Deadline": "Monday", "RemindAfterSeconds": [-1]}`,
			`/States/A/Arguments/Title: Title is empty
/States/A/Arguments/Approvers/1: an approver must be a text, but is a number
/States/A/Arguments/Approvers/2: the approver "a" is there twice
/States/A/Arguments/Approvers/3: an approver has white space around it: " b"
/States/A/Arguments/ReasonRequired: ReasonRequired must be true or false, but is a string
/States/A/Arguments/Rejections: Rejections must be a whole number from 1 to 1000, but is 0
/States/A/Arguments/Description: Description must be a text, but is a number
/States/A/Arguments/Deadline: Deadline must be a time, but is "Monday"
/States/A/Arguments/RemindAfterSeconds: RemindAfterSeconds must be seconds, more than 0 and at most ten years, but has -1`,
		},
		{
			"a form that is none", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Approvers": ["a"],
			"Form": {"type": "object", "properties": {"n": {"type": "nmber"}}}}`,
			"/States/A/Arguments/Form/properties/n/type: in Form: type is not as JSON Schema has it",
		},
		{
			"a form of a number", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Approvers": ["a"], "Form": {"type": "number"}}`,
			"/States/A/Arguments/Form: Form must be a JSON Schema of an object",
		},
		{
			"no deadline to remind before", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Approvers": ["a"], "RemindBeforeSeconds": 5}`,
			"/States/A/Arguments/RemindBeforeSeconds: there is no deadline to remind before",
		},
		{
			"a heartbeat", `"QueryLanguage": "CEL", "HeartbeatSeconds": 5, "Arguments": {"Title": "t", "Approvers": ["a"]}`,
			"/States/A/HeartbeatSeconds: an approval has no heartbeat: nobody would send it",
		},
		{"a result that has no such member", `"QueryLanguage": "CEL", "Arguments": {"Title": "t", "Approvers": ["a"]},
			"Output": "{% states.result.desicion %}"`, "desicion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, list := statemachine.Compile("a.json", []byte(
				`{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "approval", `+c.state+`, "End": true}}}`))
			var found []string
			for _, d := range list {
				if d.Severity == "ERROR" || d.Code == statemachine.CodeApproval {
					text := d.Pointer + ": " + d.Message
					if strings.HasPrefix(d.Hint, "did you mean") {
						text += " (" + d.Hint + ")"
					}
					found = append(found, text)
				}
			}
			got := strings.Join(found, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestApprovalInExpress: nobody can be waited for in the memory of a process.
func TestApprovalInExpress(t *testing.T) {
	t.Parallel()
	m, list := statemachine.CompileExpress("a.json", []byte(`{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A":
		{"Type": "Task", "Resource": "approval", "Arguments": {"Title": "t", "Approvers": ["a"]}, "End": true}}}`))
	if m != nil || !strings.Contains(list.Error(), "approvals are not there") {
		t.Errorf("it compiles, or says something else: %v", list)
	}
}
