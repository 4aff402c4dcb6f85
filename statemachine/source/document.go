package source

import (
	"bytes"
	"fmt"
	"path"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// The limits of a definition file.
const (
	MaxBytes = 4 << 20 // the size of the file
	MaxDepth = 200     // how deep arrays and objects nest
)

// maxPointerBytes bounds the pointers of all values together: each holds the names of all values around it, so that
// long names and many values could fill the memory.
const maxPointerBytes = 64 << 20

// maxFindings is how many findings are reported of one file. Behind that many, further ones help nobody.
const maxFindings = 100

// The codes of the diagnostics of this package.
const (
	CodeEmpty        = "EMPTY_DEFINITION"
	CodeTooLarge     = "DEFINITION_TOO_LARGE"
	CodeTooDeep      = "NESTED_TOO_DEEP"
	CodeEncoding     = "INVALID_UTF8"
	CodeJSON         = "INVALID_JSON"
	CodeYAML         = "INVALID_YAML"
	CodeYAMLValue    = "YAML_VALUE_NOT_JSON"
	CodeYAMLAlias    = "YAML_ALIAS"
	CodeDuplicateKey = "DUPLICATE_KEY"
)

// Document is a definition file that was read.
type Document struct {
	File string // the name the caller gave
	Root *Node  // nil if the file is so broken that no tree came out

	text  string // the whole file, without a byte order mark
	lines []span // without their line breaks
}

// span is a range of bytes in Document.text.
type span struct{ start, end int }

// Parse reads a definition. A file whose name ends in .json is JSON, one that ends in .yaml or .yml is YAML; of any
// other, one whose first character is { or [ is JSON, and all else is YAML. It gives every problem that it finds, in order of place; the document is never nil, its Root is nil only if
// nothing can be made of the file. A file that has problems but also a Root may be parsed further to find more.
func Parse(file string, data []byte) (*Document, diag.List) {
	d := &Document{File: file}
	if len(data) > MaxBytes {
		return d, diag.List{{
			Severity: diag.Error, Code: CodeTooLarge, File: file,
			Message: fmt.Sprintf("the definition has %d bytes, at most %d are allowed", len(data), MaxBytes),
			Hint:    "move data out of the definition, or split it into several state machines",
		}}
	}
	var list diag.List
	if encoding := utf16Name(data); encoding != "" {
		return d, diag.List{{
			Severity: diag.Error, Code: CodeEncoding, File: file, Line: 1, Column: 1,
			Message: "the file is encoded as " + encoding, Hint: "save it as UTF-8",
		}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	d.text = strings.ToValidUTF8(string(data), string(utf8.RuneError))
	isJSON := looksLikeJSON(file, d.text)
	d.lines = splitLines(d.text, !isJSON)
	if at := firstInvalid(data); at >= 0 {
		list = append(list, d.problem(d.posAt(at), CodeEncoding, "the file is not valid UTF-8 from here",
			"save it as UTF-8"))
	}
	if strings.TrimSpace(d.text) == "" {
		return d, diag.List{{
			Severity: diag.Error, Code: CodeEmpty, File: file, Line: 1, Column: 1,
			Message: "the definition is empty",
			Hint: "a definition is an object with StartAt and States, " +
				`for example {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`,
		}}
	}
	if isJSON {
		list = append(list, readJSON(d)...)
	} else {
		list = append(list, readYAML(d)...)
	}
	list.Sort()
	return d, list
}

func looksLikeJSON(file, text string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".json":
		return true
	case ".yaml", ".yml":
		return false
	}
	text = strings.TrimLeft(text, " \t\r\n")
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

// utf16Name names the encoding if the file is UTF-16, which Windows editors write: by its byte order mark, or by the
// zero byte beside its first character.
func utf16Name(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), len(data) > 1 && data[0] != 0 && data[1] == 0:
		return "UTF-16 (little endian)"
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), len(data) > 1 && data[0] == 0 && data[1] != 0:
		return "UTF-16 (big endian)"
	}
	return ""
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// splitLines finds the lines. YAML has more line breaks than JSON: a lone carriage return, NEL, LS and PS.
func splitLines(text string, yaml bool) []span {
	var lines []span
	start := 0
	for i := 0; i < len(text); {
		size := breakAt(text, i, yaml)
		if size == 0 {
			i++
			continue
		}
		lines = append(lines, span{start, i})
		i += size
		start = i
	}
	return append(lines, span{start, len(text)})
}

// breakAt gives the length of the line break at i, 0 if there is none.
func breakAt(text string, i int, yaml bool) int {
	switch c := text[i]; {
	case c == '\n':
		return 1
	case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
		return 2
	case !yaml || c == '\t' || (c >= ' ' && c < utf8.RuneSelf):
		return 0
	case c == '\r':
		return 1
	case strings.HasPrefix(text[i:], "\u0085"):
		return 2
	case strings.HasPrefix(text[i:], "\u2028"), strings.HasPrefix(text[i:], "\u2029"):
		return 3
	}
	return 0
}

// posAt gives the place of a byte of the text.
func (d *Document) posAt(offset int) Pos {
	i := sort.Search(len(d.lines), func(i int) bool { return d.lines[i].start > offset }) - 1
	return Pos{i + 1, utf8.RuneCountInString(d.text[d.lines[i].start:min(offset, len(d.text))]) + 1}
}

// offsetOf gives the byte of the text at a place; behind the end of a line it is the line's end.
func (d *Document) offsetOf(p Pos) int {
	if p.Line < 1 || p.Line > len(d.lines) {
		return len(d.text)
	}
	line := d.lines[p.Line-1]
	at := line.start
	for column := 1; column < p.Column && at < line.end; column++ {
		_, size := utf8.DecodeRuneInString(d.text[at:line.end])
		at += size
	}
	return at
}
