// Package cases reads rehearsals of a state machine from a file, with what they are expected to do, runs them, and tells
// where they differ.
//
//	definition: order.asl.yaml
//	cases:
//	  - name: a declined card is final
//	    input: {id: order-1, card: "4242"}
//	    mocks:
//	      ChargeCard: {error: Payment.Declined, cause: no money}
//	    expect:
//	      error: Payment.Declined
//	      path: [Price, ChargeCard, Rejected]
//
// Reading is strict: a field or a state that does not exist, a wrong type, an expression that does not compile is a
// finding with line and column, and all of them are reported together. docs/TESTING.md is the page for users.
package cases

import (
	"path"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Suffix ends the names of case files.
const Suffix = ".test.yaml"

// File is a case file.
type File struct {
	Name       string   // as it was given to Parse
	Definition string   // the file of the definition
	Inputs     []string // all further files that it names
	Machine    *statemachine.Machine
	Cases      []*Case
}

// Case is one rehearsal with what it is expected to do.
type Case struct {
	Name string
	File string // the case file
	Line int    // where the case begins
	// Expects tells whether the case expects anything in its own words; if not, it expects to succeed.
	Expects bool

	machine   *statemachine.Machine
	input     *value.Value
	start     time.Time
	seed      uint64
	maxStates int
	mocks     []mock
	common    []mock // of the file
	expect    expectation

	interventions []rehearsal.Intervention
}

// Open gives the text of a file that a case file names: its definition, or an input. Paths are slashed, and seen from
// where the name of the case file is.
type Open func(path string) ([]byte, error)

// Parse reads a case file and the definition that it is about. The file is nil if the list has errors.
func Parse(name string, text []byte, open Open) (*File, diag.List) {
	return ParseWith(name, text, open, func(string) statemachine.Options { return statemachine.Options{} })
}

// ParseWith is Parse with what a definition is compiled with, such as the schemas of functions.
func ParseWith(name string, text []byte, open Open, options func(definition string) statemachine.Options) (*File, diag.List) {
	doc, list := source.Parse(name, text)
	if doc.Root == nil {
		return nil, list
	}
	r := &reader{doc: doc, list: list, open: open, options: options, file: &File{Name: name}}
	r.read(doc.Root)
	r.list.Sort()
	if r.list.HasErrors() {
		return nil, r.list
	}
	return r.file, r.list
}

// Candidates gives the files in which the definition of a case file is looked for that names none, the first one first.
func Candidates(name string) []string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	stem = strings.TrimSuffix(stem, ".test")
	var files []string
	for _, end := range []string{".asl.yaml", ".asl.yml", ".asl.json", ".yaml", ".yml", ".json"} {
		if file := stem + end; file != name {
			files = append(files, file)
		}
	}
	return files
}

// Find gives the case of a name, nil if there is none.
func (f *File) Find(name string) *Case {
	for _, c := range f.Cases {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Script gives what the case rehearses. Its fields may be changed: Input for another input, Answer for other mocks.
func (c *Case) Script() rehearsal.Script {
	return rehearsal.Script{
		Machine: c.machine, Name: machineName(c.File), Input: c.input, Start: c.start, Seed: c.seed, MaxStates: c.maxStates,
		Answer: c.answer, Interventions: c.interventions,
	}
}

func machineName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".")
	return name
}

// Run rehearses the case and compares what happened with what was expected.
func (c *Case) Run() *Outcome { return c.Compare(rehearsal.Run(c.Script())) }

// Outcome is what became of a case.
type Outcome struct {
	Case     *Case
	Result   *rehearsal.Result
	Failures []Failure // none if it did what was expected
}

// Failure is one way in which a case did not do what was expected.
type Failure struct {
	What   string `json:"what"` // the field of expect, or "rehearsal" if it could not be ended
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"` // may have several lines
}
