package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// testFlags are the flags of test.
type testFlags struct {
	run         string
	match       *regexp.Regexp
	coverageMin float64
	junit       string
	registry    string
	known       *registry // what the registry file says
	watch       bool
}

func (a *app) testCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test [FILE|FOLDER]...",
		Short: "Rehearse definitions with mocks, as case files say; needs no server",
		Long: `Runs the cases of case files, in memory and in virtual time: tasks are answered by mocks, and a wait of a year takes
microseconds. Without arguments it takes every *` + cases.Suffix + ` in this folder and those below it.

Prints each case, what went otherwise than expected, and which states, choice branches, catchers and retriers no case
comes by. Exits with 5 if a case failed or the coverage is below --coverage-min, with 4 if a file is invalid.
docs/TESTING.md tells what can stand in a case file.`,
		Example: `  tercel test
  tercel test order` + cases.Suffix + ` --run 'declined|busy' --watch
  tercel test --coverage-min 90 --junit report.xml`,
		RunE: func(cmd *cobra.Command, paths []string) (err error) {
			if f.known, err = a.registry(cmd, f.registry); err != nil {
				return err
			}
			return a.test(cmd.Context(), paths, f)
		},
	}
	registryFlag(cmd, &f.registry)
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "only the cases whose name matches a regular expression")
	flags.Float64Var(&f.coverageMin, "coverage-min", 0, "least coverage of each definition, in percent")
	flags.StringVar(&f.junit, "junit", "", "file to write a JUnit report to")
	flags.BoolVar(&f.watch, "watch", false, "run again whenever a case file or a definition changes")
	return cmd
}

func (a *app) test(ctx context.Context, paths []string, f testFlags) error {
	if f.run != "" {
		match, err := regexp.Compile(f.run)
		if err != nil {
			return usagef("--run is no regular expression: %v", err)
		}
		f.match = match
	}
	switch {
	case f.coverageMin < 0 || f.coverageMin > 100:
		return usagef("--coverage-min must be a number from 0 to 100, not %v", f.coverageMin)
	case f.coverageMin > 0 && f.run != "":
		return usagef("--coverage-min is about all cases, and --run leaves some out; give one of them")
	case f.watch && a.json:
		return usagef("--watch and --json exclude each other")
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if f.watch {
		return a.watchTests(ctx, paths, f)
	}
	files, err := findCaseFiles(paths)
	if err != nil {
		return err
	}
	return a.testFiles(files, f, &openedFiles{})
}

// testFiles runs case files and prints what became of them.
func (a *app) testFiles(files []string, f testFlags, opened *openedFiles) error {
	r := a.rehearse(files, f, opened)
	if f.junit != "" {
		if err := writeJUnit(f.junit, r); err != nil {
			return err
		}
	}
	if a.json {
		if err := a.printJSON(r.wire()); err != nil {
			return err
		}
	} else {
		a.printTests(r)
	}
	low := r.below(f.coverageMin)
	for _, definition := range low {
		a.notef("The coverage of %s is %s %%, which is less than the %s %% asked for.\n", definition,
			cases.PercentText(r.coverage[definition].Percent()), cases.PercentText(f.coverageMin))
	}
	switch {
	case r.invalid:
		return silent(exitInvalid)
	case r.failed > 0, len(low) > 0:
		return silent(exitUnsuccessful)
	case r.passed == 0:
		return &exitError{exitNotFound, errors.New("no case was run; is the expression of --run what you meant?")}
	}
	return nil
}

// testRun is what became of case files.
type testRun struct {
	files          []testedFile
	definitions    []string // in the order in which they came
	coverage       map[string]*rehearsal.Coverage
	passed, failed int
	invalid        bool
}

// testedFile is a case file with its outcomes, or with why it cannot be run.
type testedFile struct {
	name     string
	file     *cases.File // nil if there are findings that are errors
	findings diag.List
	outcomes []*cases.Outcome
}

func (a *app) rehearse(files []string, f testFlags, opened *openedFiles) *testRun {
	r := &testRun{coverage: map[string]*rehearsal.Coverage{}}
	var match func(string) bool
	if f.match != nil {
		match = f.match.MatchString
	}
	for _, name := range files {
		t := testedFile{name: name}
		t.file, t.findings = readCaseFile(name, opened, f.known)
		if t.file == nil {
			r.invalid = true
			r.files = append(r.files, t)
			continue
		}
		t.outcomes = t.file.Run(runtime.GOMAXPROCS(0), match)
		if r.coverage[t.file.Definition] == nil {
			r.coverage[t.file.Definition] = rehearsal.NewCoverage(t.file.Machine)
			r.definitions = append(r.definitions, t.file.Definition)
		}
		for _, o := range t.outcomes {
			r.coverage[t.file.Definition].Add(o.Result)
			if o.Passed() {
				r.passed++
			} else {
				r.failed++
			}
		}
		r.files = append(r.files, t)
	}
	return r
}

// below gives the definitions that have less coverage than asked for.
func (r *testRun) below(percent float64) []string {
	return slices.DeleteFunc(slices.Clone(r.definitions), func(d string) bool { return r.coverage[d].Percent() >= percent })
}

// readCaseFile reads a case file with all that it names.
func readCaseFile(name string, opened *openedFiles, known *registry) (*cases.File, diag.List) {
	text, err := opened.read(name)
	if err != nil {
		return nil, diag.List{{
			Severity: diag.Error, Code: cases.CodeFile, File: name, Message: fmt.Sprintf("reading the case file: %v", bareError(err)),
		}}
	}
	return cases.ParseWith(filepath.ToSlash(name), text, opened.read, known.options)
}

// openedFiles reads files and remembers which.
type openedFiles struct{ names []string }

func (o *openedFiles) read(name string) ([]byte, error) {
	name = filepath.Clean(filepath.FromSlash(name))
	if !slices.Contains(o.names, name) {
		o.names = append(o.names, name)
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", name)
	}
	return text, bareError(err)
}

// bareError takes the operation off the error of a file, which says "open x: permission denied".
func bareError(err error) error {
	if known, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", known.Path, known.Err)
	}
	return err
}

// findCaseFiles gives the case files that paths name, and those in folders and below.
func findCaseFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &exitError{exitNotFound, fmt.Errorf("there is no file or folder %s", path)}
		}
		if err != nil {
			return nil, &exitError{exitNotFound, fmt.Errorf("looking for case files: %w", err)}
		}
		if !info.IsDir() {
			files = append(files, filepath.Clean(path))
			continue
		}
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && file != path && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
				return filepath.SkipDir
			case !entry.IsDir() && isCaseFile(entry.Name()):
				files = append(files, file)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for case files: %w", err)
		}
	}
	slices.Sort(files)
	files = slices.Compact(files)
	if len(files) == 0 {
		return nil, &exitError{exitNotFound, fmt.Errorf(
			"there is no *%s in %s; docs/TESTING.md tells how to write one", cases.Suffix, strings.Join(paths, ", "))}
	}
	return files, nil
}

func isCaseFile(name string) bool {
	return strings.HasSuffix(name, cases.Suffix) || strings.HasSuffix(name, ".test.yml") || strings.HasSuffix(name, ".test.json")
}

func (a *app) printTests(r *testRun) {
	for _, t := range r.files {
		a.printf("%s\n", a.paint(bold, t.name))
		if t.file == nil {
			a.printf("\n%s\n\n", t.findings.Error())
			continue
		}
		for _, o := range t.outcomes {
			a.printTest(o)
		}
	}
	for _, definition := range r.definitions {
		a.printf("\n%s", cases.CoverageText(definition, r.coverage[definition]))
	}
	text := fmt.Sprintf("%s: %d passed, %d failed", plural(r.passed+r.failed, "case"), r.passed, r.failed)
	color := green
	if r.failed > 0 || r.invalid {
		color = red
	}
	if r.invalid {
		text += "; a case file or its definition is invalid"
	}
	a.printf("\n%s\n", a.paint(color, text))
}

func (a *app) printTest(o *cases.Outcome) {
	if o.Passed() {
		a.printf("  %s  %s  %s\n", a.paint(green, "ok  "), o.Case.Name, a.paint(dim, "("+cases.Span(o.Result.Duration())+")"))
		return
	}
	a.printf("  %s  %s\n", a.paint(red, "FAIL"), o.Case.Name)
	a.printf("    %s\n", strings.ReplaceAll(o.String(), "\n", "\n    "))
}
