package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// runFlags are the flags of run.
type runFlags struct {
	input, inputFile   string
	mocks              mockFlags
	mockFile, caseName string
	start              string
	seed               uint64
	maxStates          int
	registry           string
	trace, quiet       bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Rehearse one execution of a definition with mocks; needs no server",
		Long: `Runs one execution of a definition in memory and in virtual time, and shows each state with the expressions in it and
what they gave. Nothing is invoked: tasks are answered by --mock, or as a case of a case file says. A --mock for the same
state again is for its next call; the last one repeats. A task that waits for its token gets the result with the token.

--trace shows the inputs and outputs of states as well, --quiet only the output of the execution. Exits with 5 if the execution
ends without success.`,
		Example: `  tercel run order.asl.yaml --input @input.json --mock 'Charge={"payment": "p1"}'
  tercel run order.asl.yaml --mock-error 'Charge=Gateway.Busy: try later' --mock 'Charge={"payment": "p1"}'
  tercel run --mock-file order` + cases.Suffix + ` --case 'a declined card is final' --trace`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			known, err := a.registry(cmd, f.registry)
			if err != nil {
				return err
			}
			return a.rehearseOne(words, f, known)
		},
	}
	registryFlag(cmd, &f.registry)
	flags := cmd.Flags()
	flags.StringVarP(&f.input, "input", "i", "", "input: JSON, @FILE, or - for the standard input; {} if there is none")
	flags.StringVar(&f.inputFile, "input-file", "", "file that holds the input")
	flags.Var(mockFlag{&f.mocks, false}, "mock", "STATE=JSON: the result of a task; repeat it for other states and further calls")
	flags.Var(mockFlag{&f.mocks, true}, "mock-error", "STATE=NAME or STATE=NAME: CAUSE: an error of a task")
	flags.StringVar(&f.mockFile, "mock-file", "", "case file to take mocks from")
	flags.StringVar(&f.caseName, "case", "", "name of the case in it; its input, start and seed are taken too")
	flags.StringVar(&f.start, "start", "", "virtual time of the start, such as 2026-01-31T12:00:00Z")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of random numbers")
	flags.IntVar(&f.maxStates, "max-states", 0, "how many states may be entered before it is taken for endless; 100,000 without")
	flags.BoolVar(&f.trace, "trace", false, "show inputs and outputs of states too")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but the output")
	return cmd
}

// mockFlags are the answers given on the command line, in order.
type mockFlags []mockFlagValue

type mockFlagValue struct {
	state  string
	answer rehearsal.Answer
}

// mockFlag is --mock or --mock-error; both add to the same list.
type mockFlag struct {
	list    *mockFlags
	isError bool
}

// String implements pflag.Value.
func (mockFlag) String() string { return "" }

// Type implements pflag.Value.
func (m mockFlag) Type() string {
	if m.isError {
		return "STATE=NAME"
	}
	return "STATE=JSON"
}

// Set implements pflag.Value.
func (m mockFlag) Set(text string) error {
	state, rest, ok := strings.Cut(text, "=")
	if !ok || state == "" {
		return fmt.Errorf("write %s", m.Type())
	}
	if m.isError {
		name, cause, _ := strings.Cut(rest, ":")
		*m.list = append(*m.list, mockFlagValue{state, rehearsal.Answer{
			Failed: true, Error: strings.TrimSpace(name), Cause: strings.TrimSpace(cause),
		}})
		return nil
	}
	if err := checkJSON([]byte(rest)); err != nil {
		return fmt.Errorf("the result of %s is not valid JSON: %w%s", state, err, hintForInput(rest))
	}
	v, err := value.Parse([]byte(strings.TrimSpace(rest)))
	if err != nil {
		return err
	}
	*m.list = append(*m.list, mockFlagValue{state, rehearsal.Answer{Result: v}})
	return nil
}

// rehearseOne rehearses one execution and shows it.
func (a *app) rehearseOne(words []string, f runFlags, known *registry) error {
	script, err := a.script(words, f, known)
	if err != nil {
		return err
	}
	r := rehearsal.Run(script)
	switch {
	case a.json:
		err = a.printJSON(runWire(r))
	case f.quiet:
		if r.Output != nil {
			a.printf("%s\n", r.Output)
		}
	default:
		t := &tracePrinter{app: a, start: r.Started, all: f.trace}
		t.path(r.Path, "")
		a.printRunEnd(r)
	}
	switch {
	case err != nil:
		return err
	case r.Problem != nil:
		return &exitError{exitFailure, r.Problem}
	case r.Status != statemachine.Succeeded && (f.quiet || a.json):
		return &exitError{exitUnsuccessful, fmt.Errorf("the execution ended as %s: %s", r.Status, failureText(r))}
	case r.Status != statemachine.Succeeded:
		return silent(exitUnsuccessful)
	}
	return nil
}

func failureText(r *rehearsal.Result) string {
	switch {
	case r.Error == nil && r.Cause == nil:
		return "neither error nor cause"
	case r.Cause == nil:
		return *r.Error
	case r.Error == nil:
		return *r.Cause
	}
	return *r.Error + ": " + *r.Cause
}

// script makes the script of what the command line names.
func (a *app) script(words []string, f runFlags, r *registry) (rehearsal.Script, error) {
	var s rehearsal.Script
	if f.mockFile == "" && f.caseName != "" {
		return s, usagef("--case needs --mock-file")
	}
	if f.mockFile == "" && len(words) == 0 {
		return s, usagef("which definition? Name its file, or a case with --mock-file and --case")
	}
	if f.mockFile != "" {
		c, err := findCase(f.mockFile, f.caseName, r)
		if err != nil {
			return s, err
		}
		s = c.Script()
	}
	if len(words) == 1 {
		m, err := a.compile(words[0], r.options(words[0]))
		if err != nil {
			return s, err
		}
		s.Machine = m
		s.Name, _, _ = strings.Cut(filepath.Base(words[0]), ".")
	}
	if err := a.scriptInput(&s, f); err != nil {
		return s, err
	}
	if f.start != "" {
		at, err := time.Parse(time.RFC3339Nano, f.start)
		if err != nil {
			return s, usagef("--start must be a date and time such as 2026-01-31T12:00:00Z, not %q", f.start)
		}
		s.Start = at
	}
	if f.seed != 0 {
		s.Seed = f.seed
	}
	if f.maxStates != 0 {
		s.MaxStates = f.maxStates
	}
	s.Trace = true
	s.Answer = f.mocks.over(s.Answer)
	return s, f.mocks.check(s.Machine)
}

// compile reads a definition that has to be in order.
func (a *app) compile(file string, options statemachine.Options) (*statemachine.Machine, error) {
	text, err := a.readFile(file)
	if err != nil {
		return nil, &exitError{exitNotFound, fmt.Errorf("reading the definition: %w", bareError(err))}
	}
	m, found := statemachine.CompileWith(file, text, options)
	if m == nil {
		return nil, found
	}
	return m, nil
}

func (a *app) scriptInput(s *rehearsal.Script, f runFlags) error {
	raw, err := a.startInput(startFlags{input: f.input, inputFile: f.inputFile})
	if err != nil {
		return err
	}
	if raw == nil {
		return nil
	}
	v, err := value.Parse(raw)
	if err != nil {
		return &exitError{exitInvalid, fmt.Errorf("the input: %w", err)}
	}
	s.Input = v
	return nil
}

// findCase reads a case file for one of its cases. The name may be left out if there is only one.
func findCase(file, name string, r *registry) (*cases.Case, error) {
	f, found := readCaseFile(file, &openedFiles{}, r)
	if f == nil {
		return nil, found
	}
	if name == "" && len(f.Cases) == 1 {
		return f.Cases[0], nil
	}
	if c := f.Find(name); c != nil {
		return c, nil
	}
	names := make([]string, len(f.Cases))
	for i, c := range f.Cases {
		names[i] = "  " + c.Name
	}
	message := fmt.Sprintf("there is no case %q in %s", name, file)
	if name == "" {
		message = fmt.Sprintf("which case of %s? Name it with --case", file)
	}
	return nil, &exitError{exitNotFound, fmt.Errorf("%s; there are\n%s", message, strings.Join(names, "\n"))}
}

// over gives a mock that answers as the command line says, and otherwise as another one does.
func (l mockFlags) over(otherwise func(*rehearsal.Call) (rehearsal.Answer, error)) func(*rehearsal.Call) (rehearsal.Answer, error) {
	answers := map[string][]rehearsal.Answer{}
	for _, m := range l {
		answers[m.state] = append(answers[m.state], m.answer)
	}
	return func(c *rehearsal.Call) (rehearsal.Answer, error) {
		list := answers[c.State]
		switch {
		case len(list) > 0:
			answer := list[min(c.Number, len(list)-1)]
			if c.Pattern == statemachine.WaitForTaskToken && !answer.Failed {
				return rehearsal.Answer{Token: &answer}, nil
			}
			return answer, nil
		case otherwise != nil:
			return otherwise(c)
		}
		return rehearsal.Answer{}, fmt.Errorf("%s was reached, and there is no mock for it; add --mock '%s={...}'\nIt invokes %s with %s",
			c, c.State, c.Resource, shorten(string(c.Arguments.JSON()), 200))
	}
}

// check refuses mocks of what is no task.
func (l mockFlags) check(m *statemachine.Machine) error {
	tasks := map[string]bool{}
	var names []string
	for _, p := range rehearsal.NewCoverage(m).Places {
		if p.Type == "Task" && p.Kind == rehearsal.State {
			tasks[p.State] = true
			names = append(names, p.State)
		}
	}
	for _, mock := range l {
		if !tasks[mock.state] {
			return usageError(errors.New(unknownTask(mock.state, names)))
		}
	}
	return nil
}

// runWire gives a rehearsal as it is printed with --json.
func runWire(r *rehearsal.Result) any {
	type expression struct {
		Location   string          `json:"location"`
		Expression string          `json:"expression"`
		Value      json.RawMessage `json:"value,omitempty"`
		Error      string          `json:"error,omitempty"`
	}
	type call struct {
		Resource  string          `json:"resource"`
		Arguments json.RawMessage `json:"arguments"`
		Seconds   float64         `json:"seconds"` // since the start
	}
	type visit struct {
		State       string          `json:"state"`
		Type        string          `json:"type"`
		Depth       int             `json:"depth"`
		Entered     time.Time       `json:"entered"`
		Exited      *time.Time      `json:"exited,omitempty"`
		Input       json.RawMessage `json:"input"`
		Output      json.RawMessage `json:"output,omitempty"`
		Expressions []expression    `json:"expressions,omitempty"`
		Calls       []call          `json:"calls,omitempty"`
	}
	visits := []visit{}
	r.Path.Walk(func(v *rehearsal.Visit, depth int) {
		w := visit{State: v.State, Type: v.Type, Depth: depth, Entered: v.Entered, Input: v.Input.JSON()}
		if !v.Exited.IsZero() {
			w.Exited, w.Output = &v.Exited, v.Output.JSON()
		}
		for _, e := range v.Expressions {
			x := expression{Location: e.Location, Expression: e.Source}
			if e.Err != nil {
				x.Error = e.Err.Error()
			} else if e.Value != nil {
				x.Value = e.Value.JSON()
			}
			w.Expressions = append(w.Expressions, x)
		}
		for _, c := range v.Calls {
			w.Calls = append(w.Calls, call{c.Resource, c.Arguments.JSON(), c.At.Seconds()})
		}
		visits = append(visits, w)
	})
	out := map[string]any{
		"status": r.Status, "path": r.Path.String(), "seconds": r.Duration().Seconds(), "states": visits,
	}
	if r.Output != nil {
		out["output"] = json.RawMessage(r.Output.JSON())
	}
	if r.Error != nil {
		out["error"] = *r.Error
	}
	if r.Cause != nil {
		out["cause"] = *r.Cause
	}
	return out
}
