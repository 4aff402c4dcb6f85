package teststate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// test is a test that was found to be in order.
type test struct {
	*Request
	machine *statemachine.Machine
	state   asl.State
	base    *asl.Common
	input   *value.Value
	result  *value.Value // of the mock, nil if it has none
	trial   statemachine.Trial
}

func refuse(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error { return refuse(InvalidRequest, format, args...) }

func (e *Error) needingMock() *Error { e.NeedsMock = true; return e }

// prepare checks a request, in the order of the service: the definition, the state, the mock, then what the state is given.
func prepare(r *Request) (*test, error) {
	t := &test{Request: r}
	r.Level = cmp.Or(r.Level, Info)
	if r.Configuration == nil {
		r.Configuration = &Configuration{}
	}
	variables, err := object("variables", r.Variables, func(problem string) *Error { return invalid("Invalid variables provided: %s", problem) })
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return t.compile(variables) }, t.checkMock, t.checkCall, t.checkConfiguration, t.readContext, t.readInput, t.readItems,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// compile compiles the definition and finds the state.
func (t *test) compile(variables *value.Value) error {
	// The state is taken as it stands: what is known of functions and of the rest of the machine is no part of the test.
	options := statemachine.Options{Deployed: true}
	t.trial = statemachine.Trial{State: t.StateName, Variables: map[string]*value.Value{}}
	if variables != nil {
		options.Variables = variables.Keys()
		for i, name := range variables.Keys() {
			t.trial.Variables[name] = variables.At(i)
		}
	}
	compile := statemachine.CompileWith
	if t.StateName == "" {
		compile = statemachine.CompileState
		t.trial.State = statemachine.TrialState
	}
	m, findings := compile(t.File, t.Definition, options)
	if m == nil && t.StateName == "" {
		if whole, _ := statemachine.Compile(t.File, t.Definition); whole != nil {
			return &Error{Kind: InvalidDefinition, Message: "The definition is a state machine; name the state to be tested", NeedsName: true}
		}
	}
	if m == nil {
		return &Error{Kind: InvalidDefinition, Findings: findings}
	}
	t.machine = m
	if t.state = m.State(t.trial.State); t.state == nil {
		return invalid("State not found in definition")
	}
	t.base = t.state.Base()
	return nil
}

// checkMock checks the mock against the state.
func (t *test) checkMock() error {
	mock := t.Mock
	switch t.state.(type) {
	case *asl.Map, *asl.Parallel:
		if mock == nil {
			return refuse(InvalidDefinition, "TestState API does not support Map or Parallel states. "+
				"Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]").needingMock()
		}
	case *asl.Task:
	default:
		if mock != nil {
			return invalid("State type '%s' is not supported when a mock is specified", t.base.Type)
		}
	}
	switch {
	case mock == nil:
		return nil
	case t.RevealSecrets:
		return invalid("TestState does not support RevealSecrets when a mock is specified.")
	case mock.Result != nil && mock.Error != nil:
		return invalid("A test mock should have only one of the following fields: [result, errorOutput].")
	case mock.Result == nil && mock.Error == nil:
		return invalid("A test mock should have one of the following fields: [result, errorOutput].")
	case mock.Result == nil:
		return nil
	}
	v, err := value.Parse([]byte(*mock.Result))
	if err != nil {
		return invalid("Mocked result must be valid JSON")
	}
	t.result = v
	return t.checkResult()
}

// checkResult checks that a mocked result is one that the state could have.
func (t *test) checkResult() error {
	switch state := t.state.(type) {
	case *asl.Parallel:
		switch {
		case t.result.Kind() != value.Array:
			return invalid("Mocked result must be an array.")
		case t.result.Len() != len(state.Branches):
			return invalid("Mocked result must contain the same number of items as number of Parallel branches.")
		}
	case *asl.Map:
		switch {
		case state.ResultWriter != nil && t.result.Kind() != value.Object:
			return invalid("Mocked result must be a JSON object.")
		case state.ResultWriter == nil && t.result.Kind() != value.Array:
			return invalid("Mocked result must be an array.")
		}
	case *asl.Task:
		if problem := checkShape(state.Resource, cmp.Or(t.Mock.Mode, Strict), t.result); problem != "" {
			return invalid("Mock result schema validation error: %s", problem)
		}
	}
	return nil
}

// answeredLater tells whether a Task is one whose result comes with its token, or with the end of a job.
func answeredLater(resource string) bool {
	for _, suffix := range []string{".sync", ".sync:2", ".waitForTaskToken"} {
		if strings.HasSuffix(resource, suffix) {
			return true
		}
	}
	return false
}

// checkCall checks that a Task without a mock can be called.
func (t *test) checkCall() error {
	task, ok := t.state.(*asl.Task)
	if !ok || t.Mock != nil {
		return nil
	}
	_, activity := statemachine.ActivityName(task.Resource)
	switch {
	case t.NeedsRole && t.RoleARN == "":
		return invalid("RoleArn must be specified when testing a Task state")
	case activity || task.Resource == statemachine.ApprovalResource:
		return refuse(InvalidDefinition, "TestState API does not support tasks of workers and people unless a mock is specified").needingMock()
	case answeredLater(task.Resource):
		return refuse(InvalidDefinition,
			"TestState API does not support '.sync' or '.waitForTaskToken' integration patterns unless a mock is specified").needingMock()
	case t.Call == nil:
		return invalid("A Task state can only be tested with a mock here").needingMock()
	}
	return nil
}

// checkConfiguration checks that the configuration is one for such a state.
func (t *test) checkConfiguration() error {
	c := t.Configuration
	m, isMap := t.state.(*asl.Map)
	_, isParallel := t.state.(*asl.Parallel)
	switch {
	case c.RetrierRetryCount < 0 || c.MapIterationFailureCount < 0:
		return invalid("Counts in the state configuration must not be negative")
	case (c.MapIterationFailureCount > 0 || c.MapItemReaderData != nil) && !isMap:
		return invalid("mapIterationFailureCount and mapItemReaderData can only be specified for a Map state")
	case c.MapItemReaderData != nil && m.ItemReader == nil:
		return invalid("mapItemReaderData can only be specified for a Map state with an ItemReader")
	case c.ErrorCausedByState == "":
		return nil
	case !isMap && !isParallel || t.Mock == nil || t.Mock.Error == nil:
		return invalid("errorCausedByState can only be specified with a mocked error of a Map or Parallel state")
	case !slices.Contains(statesIn(t.state), c.ErrorCausedByState):
		return invalid("errorCausedByState must name a state inside the state under test")
	}
	return nil
}

// statesIn gives the names of all states inside a Map or Parallel.
func statesIn(s asl.State) []string {
	var flows []asl.Flow
	switch s := s.(type) {
	case *asl.Map:
		flows = []asl.Flow{s.Processor}
	case *asl.Parallel:
		flows = s.Branches
	}
	var names []string
	for _, fl := range flows {
		for _, inner := range fl.States {
			names = append(append(names, inner.Base().Name), statesIn(inner)...)
		}
	}
	return names
}

// readContext reads the Context Object.
func (t *test) readContext() error {
	bad := func(problem string) *Error { return invalid("Invalid Context object provided: %s", problem) }
	context, err := object("Context", t.Context, bad)
	if err != nil || context == nil {
		return err
	}
	if t.Mock == nil {
		return invalid("Context can only be specified when a mock is specified").needingMock()
	}
	for i, key := range context.Keys() {
		if context.At(i).Kind() != value.Object {
			return bad("'" + key + "' must be a JSON object")
		}
	}
	task, isTask := t.state.(*asl.Task)
	later := isTask && answeredLater(task.Resource)
	if isTask && !later {
		_, later = statemachine.ActivityName(task.Resource)
	}
	if context.Get("Task") != nil && !later {
		return bad("Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
	}
	t.trial.Context = context
	return nil
}

// object reads a text that holds a JSON object; nil for no text.
func object(what string, text *string, bad func(string) *Error) (*value.Value, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	v, err := value.Parse([]byte(*text))
	if err != nil {
		return nil, bad(what + " is not valid JSON: " + err.Error())
	}
	if v.Kind() != value.Object {
		return nil, bad(what + " must be a JSON object")
	}
	return v, nil
}

func (t *test) readInput() error {
	if t.input = value.Trusted([]byte("{}")); t.Input == nil {
		return nil
	}
	v, err := value.Parse(t.Input)
	if err != nil {
		return refuse(InvalidInput, "%v", err)
	}
	t.input = v
	return nil
}
