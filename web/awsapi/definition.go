package awsapi

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// invalidDefinition gives the fault for the findings in a definition.
func invalidDefinition(list diag.List) *fault {
	var problems []string
	for _, d := range list {
		if d.Severity == diag.Error {
			problems = append(problems, "SCHEMA_VALIDATION_FAILED: "+d.Message+" at "+d.Pointer)
		}
	}
	return labelled("InvalidDefinition", "Invalid State Machine Definition", "%s", strings.Join(problems, ", "))
}
