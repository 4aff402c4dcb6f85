// Package asltest tests state machines with go test, without a server: executions are rehearsed in memory and in virtual
// time, with mocks for their tasks.
//
// Case files, which `tercel test` runs as well, become subtests:
//
//	func TestMachines(t *testing.T) { asltest.Run(t, "machines/*.test.yaml") }
//
// Or a test is written in Go:
//
//	m := asltest.Load(t, "order.asl.yaml")
//	r := asltest.Rehearse(t, asltest.Script{
//		Machine: m,
//		Input:   map[string]any{"id": "order-1"},
//		Mocks: asltest.Mocks{
//			"Charge": asltest.InTurn(asltest.Fail("Gateway.Busy", "try later"), asltest.Return(charged)),
//			"Ship":   asltest.After(time.Hour, asltest.Return("shipped")),
//		},
//	})
//	if r.Path.String() != "Charge > Ship" { ... }
//
// It is for tests only: unlike the packages around it, it reads files.
package asltest

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// Run runs the cases of all files that the patterns of filepath.Glob match, each as a parallel subtest named by its file
// and its name, and logs the coverage of each definition. A pattern that matches nothing fails the test.
func Run(t *testing.T, patterns ...string) {
	t.Helper()
	RunCovered(t, 0, patterns...)
}

// RunCovered is Run, and fails the test if the cases cover less than a percentage of a definition; see
// rehearsal.Coverage. Coverage is not looked at if -run chooses some of the subtests.
func RunCovered(t *testing.T, percent float64, patterns ...string) {
	t.Helper()
	s := &suite{coverage: map[string]*rehearsal.Coverage{}}
	for _, name := range glob(t, patterns) {
		s.run(t, name)
	}
	for _, definition := range s.order {
		c := s.coverage[definition]
		t.Log(cases.CoverageText(definition, c))
		if s.ran == s.known && c.Percent() < percent {
			t.Errorf("the cases cover %s %% of %s, which is less than %s %%", cases.PercentText(c.Percent()), definition,
				cases.PercentText(percent))
		}
	}
}

// suite is case files in the course of being run.
type suite struct {
	order    []string // definitions
	known    int      // cases
	mu       sync.Mutex
	ran      int
	coverage map[string]*rehearsal.Coverage
}

func (s *suite) run(t *testing.T, name string) {
	t.Helper()
	f := parse(t, name)
	if f == nil {
		return
	}
	s.known += len(f.Cases)
	if s.coverage[f.Definition] == nil {
		s.order = append(s.order, f.Definition)
		s.coverage[f.Definition] = rehearsal.NewCoverage(f.Machine)
	}
	t.Run(filepath.Base(name), func(t *testing.T) {
		for _, c := range f.Cases {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				o := c.Run()
				s.mu.Lock()
				defer s.mu.Unlock()
				s.ran++
				s.coverage[f.Definition].Add(o.Result)
				for _, failed := range o.Failures {
					t.Error(failed.String())
				}
			})
		}
	})
}

func glob(t *testing.T, patterns []string) []string {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		switch {
		case err != nil:
			t.Errorf("the pattern %q: %v", pattern, err)
		case len(found) == 0:
			t.Errorf("no case file matches %q", pattern)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// parse reads a case file. What is wrong with it fails the test, and gives nil.
func parse(t *testing.T, name string) *cases.File {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Errorf("reading the case file: %v", err)
		return nil
	}
	f, found := cases.Parse(filepath.ToSlash(name), text, func(path string) ([]byte, error) {
		return os.ReadFile(filepath.FromSlash(path))
	})
	if f == nil {
		t.Errorf("the case file is invalid:\n%s", found.Error())
	}
	return f
}

// Load reads and compiles a definition. What is wrong with it ends the test.
func Load(tb testing.TB, file string) *statemachine.Machine {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("reading the definition: %v", err)
	}
	m, found := statemachine.Compile(filepath.ToSlash(file), text)
	if m == nil {
		tb.Fatalf("the definition is invalid:\n%s", found.Error())
	}
	return m
}
