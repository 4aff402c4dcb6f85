package awsapi

import (
	"slices"
	"strings"
)

// The kinds of resources that ARNs of the service name.
const (
	kindMachine   = "stateMachine"
	kindExecution = "execution"
	kindExpress   = "express"
	kindActivity  = "activity"
	kindMapRun    = "mapRun"
)

// resource is what an ARN names. Partition, region and account are not looked at: a cluster has one of each.
type resource struct {
	arn  string
	kind string
	name string // of the state machine or activity
	// rest is what follows the name: the version or alias of a state machine, the name of an execution, for Express with
	// its id behind a colon.
	rest string
	// label is that of a distributed Map, behind the name of its machine and a slash.
	label string
}

// parseARN reads an ARN of the service that must name one of some kinds of resources.
func parseARN(arn string, kinds ...string) (resource, error) {
	parts := strings.SplitN(arn, ":", 7)
	switch {
	case parts[0] != "arn":
		return resource{}, invalidARN("Invalid ARN prefix: %s", arn)
	case len(parts) < 7 || parts[1] == "" || parts[2] == "" || parts[6] == "":
		return resource{}, invalidARN("ARN is not well formed: %s", arn)
	case parts[2] != "states":
		return resource{}, invalidARN("Invalid ARN service: %s", parts[2])
	case !slices.Contains(kinds, parts[5]):
		return resource{}, invalidARN("Resource type not valid in this context: %s", parts[5])
	}
	r := resource{arn: arn, kind: parts[5]}
	r.name, r.rest, _ = strings.Cut(parts[6], ":")
	r.name, r.label, _ = strings.Cut(r.name, "/")
	ok := r.name != ""
	switch r.kind {
	case kindMachine:
		ok = ok && !strings.Contains(r.rest, ":") && !strings.HasSuffix(parts[6], ":")
	case kindActivity:
		ok = ok && r.rest == "" && r.label == ""
	case kindMapRun:
		ok = ok && r.rest != "" && r.label != ""
	default:
		ok = ok && r.rest != ""
	}
	if !ok {
		return resource{}, invalidARN("ARN is not well formed: %s", arn)
	}
	return r, nil
}

func invalidARN(format string, args ...any) error {
	return labelled("InvalidArn", "Invalid Arn", format, args...)
}

// unlabelled refuses the ARN of a distributed Map's part of a machine, which few operations take.
func (r resource) unlabelled() error {
	if r.label == "" {
		return nil
	}
	return invalid("This API does not support labeled state machine ARNs: '%s'", r.arn).because("API_DOES_NOT_SUPPORT_LABELED_ARNS")
}

// unqualified refuses the ARN of a version or alias.
func (r resource) unqualified() error {
	if r.rest == "" {
		return nil
	}
	return invalidARN("Resource type not valid in this context: a version or alias of a state machine, %s", r.arn)
}

// machineARN reads the ARN of a state machine without version or alias.
func machineARN(arn string) (resource, error) {
	r, err := parseARN(arn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err == nil {
		err = r.unqualified()
	}
	return r, err
}

// isVersion tells whether what follows the name of a machine is the number of a version.
func isVersion(qualifier string) bool {
	return qualifier != "" && strings.Trim(qualifier, "0123456789") == ""
}
