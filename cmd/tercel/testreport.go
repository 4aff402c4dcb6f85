package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// The report of test as JSON.
type (
	testReport struct {
		Passed   int              `json:"passed"`
		Failed   int              `json:"failed"`
		Invalid  bool             `json:"invalid"`
		Files    []fileReport     `json:"files"`
		Coverage []coverageReport `json:"coverage"`
	}
	fileReport struct {
		File        string       `json:"file"`
		Definition  string       `json:"definition,omitempty"`
		Diagnostics diag.List    `json:"diagnostics,omitempty"`
		Cases       []caseReport `json:"cases"`
	}
	caseReport struct {
		Name     string          `json:"name"`
		Line     int             `json:"line"`
		Passed   bool            `json:"passed"`
		Status   string          `json:"status"`
		Output   json.RawMessage `json:"output,omitempty"`
		Error    *string         `json:"error,omitempty"`
		Cause    *string         `json:"cause,omitempty"`
		Path     string          `json:"path"`
		Seconds  float64         `json:"seconds"` // in virtual time
		Failures []cases.Failure `json:"failures,omitempty"`
	}
	coverageReport struct {
		Definition string         `json:"definition"`
		Percent    float64        `json:"percent"`
		Kinds      []kindReport   `json:"kinds"`
		Uncovered  []missedReport `json:"uncovered"`
	}
	kindReport struct {
		Kind    string `json:"kind"`
		Covered int    `json:"covered"`
		Total   int    `json:"total"`
	}
	missedReport struct {
		Point  string `json:"point"`
		State  string `json:"state"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
	}
)

// wire gives the report as it is printed with --json.
func (r *testRun) wire() testReport {
	report := testReport{
		Passed: r.passed, Failed: r.failed, Invalid: r.invalid, Files: []fileReport{}, Coverage: []coverageReport{},
	}
	for _, t := range r.files {
		f := fileReport{File: t.name, Diagnostics: t.findings, Cases: []caseReport{}}
		if t.file != nil {
			f.Definition = t.file.Definition
		}
		for _, o := range t.outcomes {
			c := caseReport{
				Name: o.Case.Name, Line: o.Case.Line, Passed: o.Passed(), Status: string(o.Result.Status), Error: o.Result.Error,
				Cause: o.Result.Cause, Path: o.Result.Path.String(), Seconds: o.Result.Duration().Seconds(), Failures: o.Failures,
			}
			if o.Result.Output != nil {
				c.Output = o.Result.Output.JSON()
			}
			f.Cases = append(f.Cases, c)
		}
		report.Files = append(report.Files, f)
	}
	for _, definition := range r.definitions {
		report.Coverage = append(report.Coverage, coverageWire(definition, r.coverage[definition]))
	}
	return report
}

func coverageWire(definition string, c *rehearsal.Coverage) coverageReport {
	report := coverageReport{Definition: definition, Percent: c.Percent(), Uncovered: []missedReport{}}
	for _, k := range rehearsal.Kinds {
		covered, total := c.Count(k)
		report.Kinds = append(report.Kinds, kindReport{k.String(), covered, total})
	}
	for _, p := range c.Uncovered() {
		report.Uncovered = append(report.Uncovered, missedReport{p.Point.String(), p.State, p.Line, p.Column})
	}
	return report
}

// The report of test in the XML of JUnit, which build servers read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Error   *junitFailure `xml:"error,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit gives a suite for each case file; a file that cannot be run is a suite with an error.
func (r *testRun) junit() junitSuites {
	var all junitSuites
	for _, t := range r.files {
		s := junitSuite{Name: t.name}
		if t.file == nil {
			s.Tests, s.Errors = 1, 1
			s.Cases = []junitCase{{
				Name: "the case file", Class: t.name, File: t.name,
				Error: &junitFailure{countFindings(t.findings), t.findings.Error()},
			}}
		}
		for _, o := range t.outcomes {
			c := junitCase{Name: o.Case.Name, Class: t.name, File: t.name, Line: o.Case.Line}
			s.Tests++
			if !o.Passed() {
				s.Failures++
				c.Failure = &junitFailure{o.Failures[0].What, o.String()}
			}
			s.Cases = append(s.Cases, c)
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	return all
}

func writeJUnit(file string, r *testRun) error {
	text, err := xml.MarshalIndent(r.junit(), "", "  ")
	if err != nil {
		return fmt.Errorf("making the JUnit report: %w", err)
	}
	if err := os.WriteFile(file, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	return nil
}
