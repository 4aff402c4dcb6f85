// Package diag describes what is wrong with a state machine definition: where it is, what it is, and how to mend it.
//
// Every stage that reads a definition (source, asl, the query languages, the compiler) appends to one [List], so that
// a person sees all problems of a file at once.
package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Severity tells whether a definition can be deployed in spite of a diagnostic.
type Severity string

// The severities, spelt as the Step Functions API spells them (ValidateStateMachineDefinition).
const (
	Error   Severity = "ERROR"
	Warning Severity = "WARNING"
)

// Diagnostic is one finding in a definition.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`           // a stable upper-case identifier such as MISSING_TRANSITION_TARGET
	Message  string   `json:"message"`        // what is wrong, in one sentence
	Hint     string   `json:"hint,omitempty"` // how to mend it; empty if the message says it
	File     string   `json:"file,omitempty"` // the name the caller gave the definition
	Line     int      `json:"line,omitempty"` // from 1; 0 if the finding has no place
	Column   int      `json:"column,omitempty"`
	Pointer  string   `json:"pointer"`          // RFC 6901, from the root of the definition
	Source   string   `json:"source,omitempty"` // the offending line, without its line break
	// SourceColumn is the column within Source. It differs from Column where Source is an excerpt of a long line; 0
	// means that it does not.
	SourceColumn int `json:"sourceColumn,omitempty"`
}

// String gives the first line of the diagnostic: file:line:column, severity, message and code.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		b.WriteString(d.File + ":")
	}
	if d.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", d.Line, d.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "%s: %s [%s]", strings.ToLower(string(d.Severity)), d.Message, d.Code)
	return b.String()
}

// Detail gives the whole diagnostic for a terminal: the first line, the pointer, the offending line with a caret
// under the column, and the hint.
func (d Diagnostic) Detail() string {
	var b strings.Builder
	b.WriteString(d.String())
	if d.Pointer != "" {
		fmt.Fprintf(&b, "\n    at %s", d.Pointer)
	}
	if d.Source != "" {
		column := d.Column
		if d.SourceColumn > 0 {
			column = d.SourceColumn
		}
		fmt.Fprintf(&b, "\n    %s\n    %s^", d.Source, caretIndent(d.Source, column))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n    hint: %s", d.Hint)
	}
	return b.String()
}

// caretIndent gives the white space that puts a caret under the column, keeping tabs as they are in the line above.
func caretIndent(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// List is a set of diagnostics. The zero value is an empty list.
type List []Diagnostic

// HasErrors tells whether any diagnostic forbids a deploy.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Sort orders the list by line, column and pointer, keeping the order of findings at the same place.
func (l List) Sort() {
	sort.SliceStable(l, func(i, j int) bool {
		if l[i].Line != l[j].Line {
			return l[i].Line < l[j].Line
		}
		if l[i].Column != l[j].Column {
			return l[i].Column < l[j].Column
		}
		return l[i].Pointer < l[j].Pointer
	})
}

// Error makes a List usable as an error: every finding in detail, a blank line between two.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, d := range l {
		parts[i] = d.Detail()
	}
	return strings.Join(parts, "\n\n")
}
