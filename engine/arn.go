package engine

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// maxName is how long names may be, in characters, as in the Step Functions API.
const maxName = 80

// checkName tells what is wrong with a name of an execution, a state machine or a namespace. The rules are those of the
// Step Functions API.
func checkName(what, name string) error {
	switch {
	case name == "":
		return errorf(CodeInvalidName, "the name of the %s is missing", what)
	case !utf8.ValidString(name):
		return errorf(CodeInvalidName, "the name of the %s is not valid UTF-8", what)
	case utf8.RuneCountInString(name) > maxName:
		return errorf(CodeInvalidName, "the name of the %s has %d characters; at most %d are allowed",
			what, utf8.RuneCountInString(name), maxName)
	}
	for _, r := range name {
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r) {
			return errorf(CodeInvalidName, "the name of the %s, %q, contains %q; white space, control characters and "+
				"any of <>{}[]?*\"#%%\\^|~`$&,;:/ are not allowed", what, name, r)
		}
	}
	return nil
}

func namespaceOr(ns string) string {
	if ns == "" {
		return DefaultNamespace
	}
	return ns
}

// StateMachineARN gives the ARN of a machine.
func (e *Engine) StateMachineARN(name string) string {
	return "arn:aws:states:" + e.cfg.Region + ":" + e.cfg.Account + ":stateMachine:" + name
}

// ExecutionARN gives the ARN of an execution.
func (e *Engine) ExecutionARN(machine, name string) string {
	return "arn:aws:states:" + e.cfg.Region + ":" + e.cfg.Account + ":execution:" + machine + ":" + name
}

// mapRunARN gives the ARN of the map run that began with an event of an execution, as its history has it.
func (e *Engine) mapRunARN(row *ExecutionRow, label string, event int64) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:mapRun:%s/%s:%s-%d", e.cfg.Region, e.cfg.Account, row.MachineName, label, row.Name, event)
}

// arn gives the ARN of an execution. Names of Express executions are not unique, so their ARNs have the id as well.
func (e *Engine) arn(row *ExecutionRow) string {
	if row.Type != TypeExpress {
		return e.ExecutionARN(row.MachineName, row.Name)
	}
	return "arn:aws:states:" + e.cfg.Region + ":" + e.cfg.Account + ":express:" + row.MachineName + ":" + row.Name + ":" + row.ID.String()
}

// expressID gives the id in the ARN of an Express execution.
func expressID(ref string) (uuid.UUID, error) {
	kind, rest, err := statesARN(ref)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(rest[strings.LastIndexByte(rest, ':')+1:])
	if kind != "express" || err != nil {
		return uuid.Nil, errorf(CodeInvalidArn, "%q is not the ARN of an Express execution", ref)
	}
	return id, nil
}

// statesARN splits an ARN of the states service into the kind of its resource and the rest. Region and account are not
// looked at: a cluster has one of each.
func statesARN(arn string) (kind, rest string, err error) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) != 7 || parts[0] != "arn" || parts[2] != "states" || parts[6] == "" {
		return "", "", errorf(CodeInvalidArn, "%q is no ARN of a state machine or an execution; "+
			"it must look like arn:aws:states:us-east-1:000000000000:execution:MACHINE:NAME", arn)
	}
	return parts[5], parts[6], nil
}

// machineRef gives the name of a machine from a name or an ARN.
func machineRef(ref string) (string, error) {
	if !strings.HasPrefix(ref, "arn:") {
		return ref, checkName("state machine", ref)
	}
	kind, name, err := statesARN(ref)
	if err != nil {
		return "", err
	}
	if kind != "stateMachine" {
		return "", errorf(CodeInvalidArn, "%q is the ARN of a %s, not of a state machine", ref, kind)
	}
	return name, nil
}

// executionRef gives machine and name from MACHINE/NAME or an ARN.
func executionRef(ref string) (machine, name string, err error) {
	if strings.HasPrefix(ref, "arn:") {
		kind, rest, err := statesARN(ref)
		if err != nil {
			return "", "", err
		}
		machine, name, ok := strings.Cut(rest, ":")
		if kind != "execution" && kind != "express" || !ok {
			return "", "", errorf(CodeInvalidArn, "%q is not the ARN of an execution", ref)
		}
		return machine, name, nil
	}
	machine, name, ok := strings.Cut(ref, "/")
	if !ok || machine == "" || name == "" {
		return "", "", errorf(CodeExecutionDoesNotExist, "there is no execution %q; give its id, MACHINE/NAME or its ARN", ref)
	}
	return machine, name, nil
}

// functionName gives the name of the function that a resource stands for, and false if it stands for none.
func functionName(resource string) (string, bool) {
	if name, ok := strings.CutPrefix(resource, "function:"); ok {
		return name, name != ""
	}
	// arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
	parts := strings.Split(resource, ":")
	if len(parts) >= 7 && len(parts) <= 8 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function" {
		return parts[6], parts[6] != ""
	}
	return "", false
}

func checkFunctionName(name string) error {
	ok := name != "" && len(name) <= 140
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}
	if !ok {
		return &Error{CodeInvalidName, fmt.Sprintf("%q is no name of a function: use 1 to 140 letters, digits, '-', '_' and '.'", name)}
	}
	return nil
}
