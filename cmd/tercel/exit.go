package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// The exit codes. docs/CLI.md lists them for users.
const (
	exitOK           = 0
	exitFailure      = 1
	exitUsage        = 2
	exitNotFound     = 3
	exitInvalid      = 4
	exitUnsuccessful = 5
	exitUnreachable  = 6
	exitTimeout      = 7
	exitDenied       = 8
	exitInterrupted  = 130
)

const exitHelp = `Exit codes:
  0  done
  1  it went wrong in a way that has no code of its own; an execution of backtest came out differently
  2  the command line is wrong
  3  what was named does not exist
  4  a definition, a registry file or an input is invalid
  5  the execution ended without success (start --wait, start --watch, watch, run, test-state); a case or the coverage of test fell short
  6  no server answers, or its database is away
  7  the time given with --timeout ran out
  8  the access key is missing, wrong or expired, or does not allow this
  130  interrupted`

var errInterrupted = errors.New("interrupted")

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

// Error gives the message; an empty one is not printed.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap gives the error below.
func (e *exitError) Unwrap() error { return e.err }

// usageError marks an error of the command line.
func usageError(err error) error { return &exitError{exitUsage, err} }

func usagef(format string, args ...any) error { return usageError(fmt.Errorf(format, args...)) }

// silent ends the command with a code when everything has been said already.
func silent(code int) error { return &exitError{code, errors.New("")} }

// args makes a check of positional arguments an error of usage that shows what the command wants.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if err := check(cmd, words); err != nil {
			return usagef("%s does not fit; the usage is: %s", plural(len(words), "argument"), cmd.UseLine())
		}
		return nil
	}
}

// serverCodes gives the exit codes of what the server answers; other codes are general failures.
var serverCodes = map[string]int{
	string(engine.CodeExecutionDoesNotExist):    exitNotFound,
	string(engine.CodeStateMachineDoesNotExist): exitNotFound,
	string(engine.CodeResourceNotFound):         exitNotFound,
	string(engine.CodeActivityDoesNotExist):     exitNotFound,
	string(engine.CodeTaskDoesNotExist):         exitNotFound,
	string(engine.CodeInvalidDefinition):        exitInvalid,
	string(engine.CodeInvalidExecutionInput):    exitInvalid,
	string(engine.CodeInvalidOutput):            exitInvalid,
	string(engine.CodeInvalidName):              exitInvalid,
	string(engine.CodeInvalidArn):               exitInvalid,
	string(engine.CodeInvalidToken):             exitInvalid,
	string(engine.CodeValidation):               exitInvalid,
	string(engine.CodeApprovalDoesNotExist):     exitNotFound,
	string(engine.CodeInvalidForm):              exitInvalid,
	string(engine.CodeNotAnApprover):            exitDenied,
	string(engine.CodeLinkExpired):              exitInvalid,
	api.CodeKeyDoesNotExist:                     exitNotFound,
	api.CodeUnauthenticated:                     exitDenied,
	api.CodeAccessDenied:                        exitDenied,
	api.CodeInvalidJSON:                         exitInvalid,
	api.CodePayloadTooLarge:                     exitInvalid,
	string(engine.CodeServiceUnavailable):       exitUnreachable,
}

// exitCode gives the exit code of an error.
func exitCode(err error) int {
	var own *exitError
	var answer *client.Error
	var gone *client.UnreachableError
	var findings diag.List
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &findings):
		return exitInvalid
	case errors.As(err, &gone):
		return exitUnreachable
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &answer):
		if code, ok := serverCodes[answer.Code]; ok {
			return code
		}
	}
	return exitFailure
}

// report prints an error and gives its exit code.
func (a *app) report(cmd *cobra.Command, err error) int {
	code := exitCode(err)
	if err.Error() == "" {
		return code
	}
	problem := wire.Problem{Code: "", Message: err.Error()}
	var answer *client.Error
	var findings diag.List
	switch {
	case errors.As(err, &findings):
		problem = wire.Problem{Code: string(engine.CodeInvalidDefinition), Message: countFindings(findings), Diagnostics: findings}
	case errors.As(err, &answer):
		problem = answer.Problem
		problem.Message = strings.Replace(err.Error(), answer.Error(), answer.Message, 1)
	case code == exitTimeout && errors.Is(err, context.DeadlineExceeded):
		problem.Message = "the time given with --timeout ran out"
	case errors.Is(err, context.Canceled):
		problem.Message = errInterrupted.Error()
	}
	if a.json {
		text, _ := json.Marshal(problem) //nolint:errchkjson // strings and numbers only
		a.notef("%s\n", text)
		return code
	}
	if len(problem.Diagnostics) > 0 {
		a.notef("%s\n\n", problem.Diagnostics.Error())
	}
	a.notef("tercel: %s\n", problem.Message)
	if code == exitUsage && cmd != nil && !strings.Contains(problem.Message, "--help") {
		a.notef("Run `%s --help` for more.\n", cmd.CommandPath())
	}
	return code
}

// countFindings sums a list of findings up in a line.
func countFindings(found diag.List) string {
	errs, warnings := 0, 0
	for _, d := range found {
		if d.Severity == diag.Error {
			errs++
		} else {
			warnings++
		}
	}
	switch {
	case errs == 0:
		return plural(warnings, "warning")
	case warnings == 0:
		return plural(errs, "error")
	default:
		return plural(errs, "error") + " and " + plural(warnings, "warning")
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
