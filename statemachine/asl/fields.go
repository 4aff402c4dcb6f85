package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// field says which states have a field.
type field struct {
	types     []string
	languages []string // nil for all
	instead   string   // the field that serves its purpose in the other query languages
}

// The state types, in the order of the specification.
var stateTypes = []string{"Task", "Parallel", "Map", "Pass", "Wait", "Choice", "Succeed", "Fail"}

var (
	jsonPathOnly = []string{JSONPath}
	expressions  = []string{JSONata, CEL} // the languages of {% %}

	workers   = []string{"Task", "Parallel", "Map"}                           // the states that can fail
	shapers   = []string{"Task", "Parallel", "Map", "Pass"}                   // those with a result
	passers   = []string{"Task", "Parallel", "Map", "Pass", "Wait"}           // those that go on by Next or End
	assigners = []string{"Task", "Parallel", "Map", "Pass", "Wait", "Choice"} // those that set variables
	filters   = append(slices.Clone(assigners), "Succeed")                    // those that choose an output
)

// stateFields holds all fields that states can have.
var stateFields = map[string]field{
	"Type":          {types: stateTypes},
	"Comment":       {types: stateTypes},
	"QueryLanguage": {types: stateTypes},
	"Next":          {types: passers},
	"End":           {types: passers},

	"Assign":         {types: assigners},
	"Arguments":      {types: []string{"Task", "Parallel"}, languages: expressions, instead: "Parameters"},
	"Output":         {types: filters, languages: expressions, instead: "OutputPath, ResultSelector or ResultPath"},
	"InputPath":      {types: filters, languages: jsonPathOnly, instead: "expressions of states.input"},
	"OutputPath":     {types: filters, languages: jsonPathOnly, instead: "Output"},
	"Parameters":     {types: shapers, languages: jsonPathOnly, instead: "Arguments"},
	"ResultSelector": {types: workers, languages: jsonPathOnly, instead: "Output"},
	"ResultPath":     {types: shapers, languages: jsonPathOnly, instead: "Output"},

	"Retry": {types: workers},
	"Catch": {types: workers},

	"Resource":             {types: []string{"Task"}},
	"Credentials":          {types: []string{"Task"}},
	"TimeoutSeconds":       {types: []string{"Task"}},
	"TimeoutSecondsPath":   {types: []string{"Task"}, languages: jsonPathOnly, instead: "TimeoutSeconds"},
	"HeartbeatSeconds":     {types: []string{"Task"}},
	"HeartbeatSecondsPath": {types: []string{"Task"}, languages: jsonPathOnly, instead: "HeartbeatSeconds"},

	"Result": {types: []string{"Pass"}, languages: jsonPathOnly, instead: "Output"},

	"Seconds":       {types: []string{"Wait"}},
	"SecondsPath":   {types: []string{"Wait"}, languages: jsonPathOnly, instead: "Seconds"},
	"Timestamp":     {types: []string{"Wait"}},
	"TimestampPath": {types: []string{"Wait"}, languages: jsonPathOnly, instead: "Timestamp"},

	"Choices": {types: []string{"Choice"}},
	"Default": {types: []string{"Choice"}},

	"Branches": {types: []string{"Parallel"}},

	"ItemProcessor":                  {types: []string{"Map"}},
	"Iterator":                       {types: []string{"Map"}},
	"Items":                          {types: []string{"Map"}, languages: expressions, instead: "ItemsPath"},
	"ItemsPath":                      {types: []string{"Map"}, languages: jsonPathOnly, instead: "Items"},
	"ItemSelector":                   {types: []string{"Map"}},
	"ItemBatcher":                    {types: []string{"Map"}},
	"ItemReader":                     {types: []string{"Map"}},
	"ResultWriter":                   {types: []string{"Map"}},
	"Label":                          {types: []string{"Map"}},
	"MaxConcurrency":                 {types: []string{"Map"}},
	"MaxConcurrencyPath":             {types: []string{"Map"}, languages: jsonPathOnly, instead: "MaxConcurrency"},
	"ToleratedFailureCount":          {types: []string{"Map"}},
	"ToleratedFailureCountPath":      {types: []string{"Map"}, languages: jsonPathOnly, instead: "ToleratedFailureCount"},
	"ToleratedFailurePercentage":     {types: []string{"Map"}},
	"ToleratedFailurePercentagePath": {types: []string{"Map"}, languages: jsonPathOnly, instead: "ToleratedFailurePercentage"},

	"Error":     {types: []string{"Fail"}},
	"ErrorPath": {types: []string{"Fail"}, languages: jsonPathOnly, instead: "Error"},
	"Cause":     {types: []string{"Fail"}},
	"CausePath": {types: []string{"Fail"}, languages: jsonPathOnly, instead: "Cause"},
}

// insteadOf says what serves the purpose of a field on a state type that has no such field.
var insteadOf = map[string]string{
	"Choice.Next":         "a Choice goes on by the Next of its rules, and by Default",
	"Choice.End":          "a Choice goes on by the Next of its rules, and by Default",
	"Succeed.Next":        "a Succeed state ends its flow; use a Pass state to go on",
	"Succeed.End":         "a Succeed state always ends its flow; remove End",
	"Fail.Next":           "a Fail state ends its flow; use a Pass state to go on",
	"Fail.End":            "a Fail state always ends its flow; remove End",
	"Map.Arguments":       "use Items and ItemSelector",
	"Pass.Arguments":      "use Output",
	"Pass.Retry":          "a Pass state calls nothing that could fail",
	"Map.Branches":        "a Map has one ItemProcessor",
	"Parallel.Items":      "use a Map state to run the same steps for each item",
	"Wait.TimeoutSeconds": "use Seconds",
}

// fieldsOf lists the fields of a state type in a query language, sorted.
func fieldsOf(stateType, language string) []string {
	var names []string
	for name, f := range stateFields {
		if slices.Contains(f.types, stateType) && (f.languages == nil || slices.Contains(f.languages, language)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stateFields reports the members of a state that it cannot have.
func (o object) stateFields(stateType string) {
	for _, m := range o.node.Members {
		f, exists := stateFields[m.Name]
		switch {
		case !exists:
			o.unknown(m, fieldsOf(stateType, o.language))
		case !slices.Contains(f.types, stateType):
			o.p.errorAtName(m, CodeFieldNotAllowed, notAllowedHint(m.Name, stateType, f),
				"a %s state has no field %s", stateType, m.Name)
		case f.languages != nil && !slices.Contains(f.languages, o.language):
			o.otherLanguage(m, f.languages, f.instead)
		}
	}
}

func notAllowedHint(name, stateType string, f field) string {
	if hint, ok := insteadOf[stateType+"."+name]; ok {
		return hint
	}
	return fmt.Sprintf("%s belongs to %s states", name, strings.Join(f.types, ", "))
}

// otherLanguage reports a field that exists in other query languages only.
func (o object) otherLanguage(m *source.Member, languages []string, instead string) {
	hint := fmt.Sprintf(`set "QueryLanguage": %q on the state`, languages[len(languages)-1])
	if instead != "" {
		hint = fmt.Sprintf("use %s, or %s", instead, hint)
	}
	if languages[0] == JSONPath && instead != "" {
		hint = "use " + instead
	}
	o.p.errorAtName(m, CodeFieldOfOtherLanguage, hint, "%s is a field of %s, but %s is written in %s", m.Name,
		strings.Join(languages, " and "), o.what, o.language)
}

// allowed tells whether a state of that type and query language may have a field.
func allowed(name, stateType, language string) bool {
	f := stateFields[name]
	return slices.Contains(f.types, stateType) && (f.languages == nil || slices.Contains(f.languages, language))
}
