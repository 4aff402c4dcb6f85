package source

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// An offending line that is longer than excerptFrom characters is shown as an excerpt around the column.
const (
	excerptFrom   = 140
	excerptBefore = 70
	excerptAfter  = 50
)

// maxPointerShown is the length from which a diagnostic has the pointer of a value around its own.
const maxPointerShown = 4096

// At begins a diagnostic at a place: it fills File, Line, Column, Pointer and the source line, and leaves the rest to
// the caller.
func (d *Document) At(p Pos, pointer string) diag.Diagnostic {
	if len(pointer) > maxPointerShown {
		pointer = pointer[:strings.LastIndexByte(pointer[:maxPointerShown], '/')]
	}
	g := diag.Diagnostic{File: d.File, Line: p.Line, Column: p.Column, Pointer: pointer}
	if p.Line >= 1 && p.Line <= len(d.lines) {
		line := d.lines[p.Line-1]
		g.Source, g.SourceColumn = excerpt(d.text[line.start:line.end], p.Column)
	}
	return g
}

// AtNode begins a diagnostic at a node, see [Document.At].
func (d *Document) AtNode(n *Node) diag.Diagnostic { return d.At(n.Pos, n.Pointer) }

// AtName begins a diagnostic at the name of a member.
func (d *Document) AtName(m *Member) diag.Diagnostic { return d.At(m.NamePos, m.Value.Pointer) }

// problem is an error of this package, which has no pointer yet.
func (d *Document) problem(p Pos, code, message, hint string) diag.Diagnostic {
	g := d.At(p, "")
	g.Severity, g.Code, g.Message, g.Hint = diag.Error, code, message, hint
	return g
}

// excerpt gives what of a line is shown, and the column in it if that is another one. It reads no more of the line
// than up to the end of the excerpt, since a definition may be one line of megabytes.
func excerpt(line string, column int) (shown string, at int) {
	if utf8.RuneCountInString(line[:min(len(line), excerptFrom*utf8.UTFMax)]) <= excerptFrom {
		return printable(line), 0
	}
	here := 0
	for i := 1; i < column && here < len(line); i++ {
		for here++; here < len(line) && !utf8.RuneStart(line[here]); here++ {
		}
	}
	from, before := here, 0
	for ; from > 0 && before < excerptBefore; before++ {
		_, size := utf8.DecodeLastRuneInString(line[:from])
		from -= size
	}
	to := here
	for after := before - excerptBefore; to < len(line) && after < excerptAfter; after++ {
		_, size := utf8.DecodeRuneInString(line[to:])
		to += size
	}
	shown, at = printable(line[from:to]), before+1
	if from > 0 {
		shown = "..." + shown
		at += len("...")
	}
	if to < len(line) {
		shown += "..."
	}
	return shown, at
}

// printable replaces control characters one by one, since they could change the reader's terminal.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, line)
}

// childPointer gives the pointer of a member or an element of the value at parent.
func childPointer(parent, name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return parent + "/" + name
}
