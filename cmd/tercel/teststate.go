package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine/teststate"
)

// testStateFlags are the flags of test-state.
type testStateFlags struct {
	state, input, level    string
	result, failure, mode  string
	variables, context     string
	errorState, readerData string
	retries, mapFailures   int
	seed                   uint64
}

func (a *app) testStateCommand() *cobra.Command {
	var f testStateFlags
	cmd := &cobra.Command{
		Use:   "test-state FILE",
		Short: "Test one state with a mock, and show what each of its fields gives; needs no server",
		Long: `Runs one state of a definition by itself, as the operation TestState of the AWS Step Functions API does: with an input, and with a
mocked result or error for a Task, Map or Parallel. FILE holds a machine, and --state names one of its states at whatever level; or
FILE holds a single state, and there is no --state. Waits are not waited for, and nothing is invoked.

At the level DEBUG, what each field of the state gave is shown. The result of a task for a service is held against what that
service answers (--validation STRICT, PRESENT or NONE). Exits with 5 if the state fails and nothing retries or catches it.`,
		Example: `  tercel test-state order.asl.yaml --state Charge --input '{"amount": 3}' --mock-result '{"payment": "p1"}'
  tercel test-state order.asl.yaml --state Charge --mock-error 'Gateway.Busy: try later' --retrier-retry-count 2
  tercel test-state order.asl.yaml --state EachItem --input @input.json --mock-result '[1, 2]' --inspection-level DEBUG`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			r, err := a.testStateRequest(cmd, words[0], f)
			if err != nil {
				return err
			}
			return a.testState(r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.state, "state", "", "name of the state; without, the file holds a single state")
	flags.StringVarP(&f.input, "input", "i", "", "input: JSON, @FILE, or - for the standard input; {} if there is none")
	flags.StringVar(&f.level, "inspection-level", string(teststate.Info), "INFO, DEBUG or TRACE")
	flags.StringVar(&f.result, "mock-result", "", "result of the task, the map or the branches: JSON, or @FILE")
	flags.StringVar(&f.failure, "mock-error", "", "NAME or NAME: CAUSE: an error in its place")
	flags.StringVar(&f.mode, "validation", string(teststate.Strict), "how the result is checked: STRICT, PRESENT or NONE")
	flags.StringVar(&f.variables, "variables", "", "workflow variables: a JSON object, or @FILE")
	flags.StringVar(&f.context, "context", "", "members of the Context Object, with a mock: a JSON object, or @FILE")
	flags.IntVar(&f.retries, "retrier-retry-count", 0, "retries that there were before")
	flags.IntVar(&f.mapFailures, "map-iteration-failure-count", 0, "iterations of a Map that failed")
	flags.StringVar(&f.errorState, "error-caused-by-state", "", "state inside a Map or Parallel that the error comes from")
	flags.StringVar(&f.readerData, "map-item-reader-data", "", "what the ItemReader of a Map read: JSON or JSON lines, or @FILE")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of random numbers")
	return cmd
}

// testStateRequest makes a request of the command line.
func (a *app) testStateRequest(cmd *cobra.Command, file string, f testStateFlags) (teststate.Request, error) {
	r := teststate.Request{
		File: file, StateName: f.state, Level: teststate.Level(strings.ToUpper(f.level)), Now: time.Now(), Seed: f.seed,
		Configuration: &teststate.Configuration{
			RetrierRetryCount: f.retries, MapIterationFailureCount: f.mapFailures, ErrorCausedByState: f.errorState,
		},
	}
	switch r.Level {
	case teststate.Info, teststate.Debug, teststate.Trace:
	default:
		return r, usagef("--inspection-level is INFO, DEBUG or TRACE, not %q", f.level)
	}
	var err error
	if r.Definition, err = a.readFile(file); err != nil {
		return r, &exitError{exitNotFound, fmt.Errorf("reading the definition: %w", bareError(err))}
	}
	input, err := a.readInput(f.input)
	if err != nil {
		return r, err
	}
	r.Input = input
	if r.Mock, err = a.testStateMock(cmd, f); err != nil {
		return r, err
	}
	for _, flag := range []struct {
		name, text string
		into       **string
	}{
		{"variables", f.variables, &r.Variables},
		{"context", f.context, &r.Context},
		{"map-item-reader-data", f.readerData, &r.Configuration.MapItemReaderData},
	} {
		if cmd.Flags().Changed(flag.name) {
			text, err := a.textOrFile(flag.text)
			if err != nil {
				return r, err
			}
			*flag.into = &text
		}
	}
	return r, nil
}

// textOrFile gives a text, or that of a file if it is @FILE.
func (a *app) textOrFile(text string) (string, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	read, err := a.readFile(name)
	if err != nil {
		return "", &exitError{exitNotFound, bareError(err)}
	}
	return string(read), nil
}

func (a *app) testStateMock(cmd *cobra.Command, f testStateFlags) (*teststate.Mock, error) {
	mode := teststate.Mode(strings.ToUpper(f.mode))
	switch mode {
	case teststate.Strict, teststate.Present, teststate.None:
	default:
		return nil, usagef("--validation is STRICT, PRESENT or NONE, not %q", f.mode)
	}
	result, failure := cmd.Flags().Changed("mock-result"), cmd.Flags().Changed("mock-error")
	switch {
	case result && failure:
		return nil, usagef("--mock-result and --mock-error exclude each other")
	case result:
		text, err := a.textOrFile(f.result)
		if err != nil {
			return nil, err
		}
		if err := checkJSON([]byte(text)); err != nil {
			return nil, &exitError{exitInvalid, fmt.Errorf("the mocked result is not valid JSON: %w%s", err, hintForInput(f.result))}
		}
		return &teststate.Mock{Result: &text, Mode: mode}, nil
	case failure:
		name, cause, _ := strings.Cut(f.failure, ":")
		name, cause = strings.TrimSpace(name), strings.TrimSpace(cause)
		return &teststate.Mock{Error: &teststate.ErrorOutput{Error: &name, Cause: &cause}, Mode: mode}, nil
	}
	return nil, nil //nolint:nilnil // there is none
}

// testState runs a test and shows how it went.
func (a *app) testState(r teststate.Request) error {
	out, err := teststate.Run(r)
	if refusal, ok := errors.AsType[*teststate.Error](err); ok {
		return refusedTest(refusal)
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(out)
	} else {
		a.printStateTest(out)
	}
	if err == nil && out.Status == teststate.Failed {
		return silent(exitUnsuccessful)
	}
	return err
}

// refusedTest says what to do about a test that was refused.
func refusedTest(e *teststate.Error) error {
	switch {
	case len(e.Findings) > 0:
		return e.Findings
	case e.NeedsMock:
		return &exitError{exitInvalid, fmt.Errorf("%s\ngive the result of the state with --mock-result, or an error with --mock-error", e.Message)}
	case e.NeedsName:
		return &exitError{exitInvalid, fmt.Errorf("%s with --state", e.Message)}
	}
	return &exitError{exitInvalid, errors.New(e.Message)}
}

// printStateTest shows how a test went, and what the fields gave, in the order in which data passes them.
func (a *app) printStateTest(out *teststate.Result) {
	line := func(name, text string) { a.printf("%-20s %s\n", name, text) }
	if in := out.Inspection; in != nil {
		v := reflect.ValueOf(in).Elem()
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			switch field := v.Field(i); {
			case field.IsNil():
			case field.Elem().Kind() == reflect.Struct:
				text, err := json.Marshal(field.Interface())
				if err == nil {
					line(name, string(text))
				}
			default:
				line(name, fmt.Sprint(field.Elem().Interface()))
			}
		}
	}
	line("status", string(out.Status))
	if out.Error != nil {
		line("error", *out.Error)
	}
	if out.Cause != nil {
		line("cause", *out.Cause)
	}
	if out.NextState != "" {
		line("next", out.NextState)
	}
	if out.Output != nil {
		line("output", *out.Output)
	}
}
