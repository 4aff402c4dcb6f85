package awsapi

import (
	"context"
	"regexp"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// The codes of findings that the service has.
const (
	codeSchema     = "SCHEMA_VALIDATION_FAILED"
	codeTarget     = "MISSING_TRANSITION_TARGET"
	codeDuplicate  = "DUPLICATE_STATE_NAME"
	codeNoJSON     = "INVALID_JSON_DESCRIPTION"
	maxDiagnostics = 100
)

type validateInput struct {
	Definition *string `aws:"required;len=1..1048576;sensitive;any" json:"definition"`
	Type       *string `aws:"enum=STANDARD|EXPRESS"                 json:"type"`
	Severity   *string `aws:"enum=ERROR|WARNING"                    json:"severity"`
	MaxResults *int    `aws:"range=0..100"                          json:"maxResults"`
}

type validateOutput struct {
	Result      string       `json:"result"`
	Diagnostics []diagnostic `json:"diagnostics"`
	Truncated   bool         `json:"truncated"`
}

// diagnostic is a finding as the service gives it.
type diagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

func (a *API) validateStateMachineDefinition(_ context.Context, _ string, in *validateInput) (*validateOutput, error) {
	kind := engine.TypeStandard
	if in.Type != nil {
		kind = *in.Type
	}
	out := &validateOutput{Result: "OK", Diagnostics: []diagnostic{}}
	for _, d := range a.findings(kind, *in.Definition) {
		if d.Severity == string(diag.Error) {
			out.Result = "FAIL"
		} else if text(in.Severity) != string(diag.Warning) {
			continue
		}
		out.Diagnostics = append(out.Diagnostics, d)
	}
	limit := maxDiagnostics
	if in.MaxResults != nil && *in.MaxResults > 0 {
		limit = *in.MaxResults
	}
	if len(out.Diagnostics) > limit {
		out.Diagnostics, out.Truncated = out.Diagnostics[:limit], true
	}
	return out, nil
}

// findings gives what is wrong with a definition.
func (a *API) findings(kind, definition string) []diagnostic {
	if d := noJSON(definition); d != nil {
		return []diagnostic{*d}
	}
	return diagnostics(a.eng.ValidateAs(kind, "", []byte(definition)))
}

// noJSON tells that a definition is no JSON, which is all that the service takes; nil if it is.
func noJSON(definition string) *diagnostic {
	problem := jsonProblem(definition)
	if problem == "" {
		return nil
	}
	return &diagnostic{Severity: string(diag.Error), Code: codeNoJSON, Message: problem}
}

// checkJSON refuses a definition that is no JSON.
func checkJSON(definition string) error {
	if d := noJSON(definition); d != nil {
		return labelled("InvalidDefinition", "Invalid State Machine Definition", "%s: %s", d.Code, d.Message)
	}
	return nil
}

// invalidDefinition gives the fault for the findings in a definition.
func invalidDefinition(list diag.List) *fault {
	var problems []string
	for _, d := range diagnostics(list) {
		if d.Severity != string(diag.Error) {
			continue
		}
		if d.Code == codeSchema && strings.HasSuffix(d.Location, "/Credentials") && d.Message == "These fields are required: [RoleArn]" {
			d.Message = "The field 'RoleArn' is required but was missing"
		}
		problems = append(problems, d.Code+": "+d.Message+" at "+d.Location)
	}
	return labelled("InvalidDefinition", "Invalid State Machine Definition", "%s", strings.Join(problems, ", "))
}

// diagnostics gives findings in the codes and, where they are known, the words of the service. Fields that are missing
// in one place are one finding there, and one at the same place of which another one tells more is left out.
func diagnostics(list diag.List) []diagnostic {
	var out []diagnostic
	missing := map[string]int{}
	for _, d := range list {
		t := translate(d)
		if m := requiredField.FindStringSubmatch(t.Message); m != nil {
			if at, ok := missing[t.Location]; ok {
				out[at].Message = strings.TrimSuffix(out[at].Message, "]") + ", " + m[1] + "]"
				continue
			}
			missing[t.Location] = len(out)
		}
		if last := len(out) - 1; d.Code == "INVALID_PATH" && last >= 0 && out[last].Location == t.Location {
			out[last] = t
			continue
		}
		out = append(out, t)
	}
	return out
}

var (
	requiredField  = regexp.MustCompile(`^These fields are required: \[(\w+)\]$`)
	hasNo          = regexp.MustCompile(`^.* has no (\w+)$`)
	leadsTo        = regexp.MustCompile(`^(.*) leads to the state "(.*)", which does not exist$`)
	noPathTo       = regexp.MustCompile(`^no path leads to the state "(.*)"$`)
	cannotBe       = regexp.MustCompile(`cannot be JSONPath, because the machine is (\w+)$`)
	mustBeJSONPath = regexp.MustCompile(`^(The value for the field '.*' must be a valid JSONPath or a valid intrinsic function call): `)
)

// translate gives one finding as the service would, or in our own words where its are not known.
func translate(d diag.Diagnostic) diagnostic {
	t := diagnostic{Severity: string(d.Severity), Code: codeSchema, Message: capital(d.Message), Location: d.Pointer}
	if t.Location == "" {
		t.Location = "/"
	}
	if d.Severity == diag.Warning {
		t.Code = d.Code
	}
	matched := func(re *regexp.Regexp, code string) []string {
		m := re.FindStringSubmatch(d.Message)
		if m != nil && d.Code == code {
			return m
		}
		return nil
	}
	switch {
	case matched(hasNo, "MISSING_FIELD") != nil:
		t.Message = "These fields are required: [" + matched(hasNo, "MISSING_FIELD")[1] + "]"
	case matched(leadsTo, "MISSING_TRANSITION_TARGET") != nil:
		m := matched(leadsTo, "MISSING_TRANSITION_TARGET")
		t.Code, t.Message = codeTarget, "Missing '"+m[1]+"' target: "+m[2]
	case matched(noPathTo, "UNREACHABLE_STATE") != nil:
		t.Code, t.Message = codeTarget, `State "`+matched(noPathTo, "UNREACHABLE_STATE")[1]+`" is not reachable.`
	case matched(cannotBe, "INVALID_QUERY_LANGUAGE") != nil:
		t.Message = "'QueryLanguage' can not be 'JSONPath' if set to '" + matched(cannotBe, "INVALID_QUERY_LANGUAGE")[1] +
			"' for whole state machine"
		t.Location = strings.TrimSuffix(t.Location, "/QueryLanguage")
	case matched(mustBeJSONPath, "INVALID_PATH") != nil:
		t.Message = matched(mustBeJSONPath, "INVALID_PATH")[1]
	case d.Code == codeDuplicate:
		t.Code = codeDuplicate
	case d.Hint != "":
		t.Message += ": " + d.Hint
	}
	return t
}
