package source

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// errGiveUp says that the reader cannot find its way any further; what is wrong has been reported.
var errGiveUp = errors.New("the rest of the file cannot be read")

// jsonReader reads JSON. It accepts what it must report if it can tell what was meant, so that one reading finds as
// many problems as possible.
type jsonReader struct {
	doc      *Document
	text     string
	at       int // the next byte
	cursor   cursor
	list     diag.List
	comments bool // a comment has been reported
	pointers int  // the bytes of all pointers
}

// readJSON reads the document's text and sets its Root.
func readJSON(d *Document) diag.List {
	r := &jsonReader{doc: d, text: d.text, cursor: newCursor(d)}
	root, err := r.value("", 1)
	if err == nil {
		r.skipSpace()
		if r.at < len(r.text) {
			r.report(r.at, "there is more after the end of the definition",
				"a definition is one JSON object; remove what follows it, or the bracket that closes it too early")
		}
		d.Root = root
	}
	return r.list
}

// report adds an INVALID_JSON error at a byte of the text.
func (r *jsonReader) report(at int, message, hint string) {
	if len(r.list) < maxFindings {
		r.list = append(r.list, r.doc.problem(r.cursor.pos(at), CodeJSON, message, hint))
	}
}

// giveUp reports and ends the reading.
func (r *jsonReader) giveUp(at int, message, hint string) error {
	r.report(at, message, hint)
	return errGiveUp
}

// peek gives the next byte that is not white space, 0 at the end.
func (r *jsonReader) peek() byte {
	r.skipSpace()
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jsonReader) skipSpace() {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			r.at++
		case c == '#', c == '/' && strings.HasPrefix(r.text[r.at:], "//"), strings.HasPrefix(r.text[r.at:], "/*"):
			r.skipComment()
		case strings.HasPrefix(r.text[r.at:], "\u00a0"):
			r.report(r.at, "a no-break space (U+00A0) stands between the values", "replace it by an ordinary space")
			r.at += len("\u00a0")
		default:
			return
		}
	}
}

func (r *jsonReader) skipComment() {
	if !r.comments {
		r.comments = true
		r.report(r.at, "JSON has no comments", "use the Comment field, or write the definition as YAML")
	}
	rest := r.text[r.at:]
	ending, width := "\n", 0
	if strings.HasPrefix(rest, "/*") {
		ending, width = "*/", len("*/")
	}
	if i := strings.Index(rest, ending); i >= 0 {
		r.at += i + width
	} else {
		r.at = len(r.text)
	}
}

// value reads one value.
func (r *jsonReader) value(pointer string, depth int) (*Node, error) {
	c := r.peek()
	start := r.at
	n := &Node{Pos: r.cursor.pos(start), Pointer: pointer, offset: start}
	if r.pointers += len(pointer); r.pointers > maxPointerBytes {
		r.list = append(r.list, r.doc.problem(n.Pos, CodeTooLarge, messageLongNames, hintLongNames))
		return nil, errGiveUp
	}
	if depth > MaxDepth {
		g := r.doc.problem(n.Pos, CodeTooDeep, fmt.Sprintf("the definition nests more than %d deep", MaxDepth), "flatten it")
		r.list = append(r.list, g)
		return nil, errGiveUp
	}
	var err error
	switch {
	case c == '{':
		err = r.object(n, depth)
	case c == '[':
		err = r.array(n, depth)
	case c == '"':
		n.Kind, n.style = String, jsonQuoted
		n.Text, n.exact, err = r.str()
	case c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9'):
		n.Kind, n.Text = Number, r.number()
	case r.misquoted():
		n.Kind = String
		n.Text, err = r.skipMisquoted()
	case isWordByte(c):
		r.word(n)
	case start == len(r.text):
		err = r.giveUp(start, "the file ends where a value is expected", "the end of the file may have been cut off")
	case c == ',' || c == ']' || c == '}' || c == ':':
		r.report(start, "a value is missing before this "+quoteByte(c), "")
	default:
		err = r.giveUp(start, "a value cannot begin with "+quoteChar(r.text[start:]), "")
	}
	return n, err
}

// What is said of a definition whose pointers take too much memory.
const (
	messageLongNames = "the definition holds too many values for the length of the names around them"
	hintLongNames    = "shorten the names, or move data out of the definition"
)

func (r *jsonReader) array(n *Node, depth int) error {
	n.Kind = Array
	r.at++
	for r.peek() != ']' {
		e, err := r.value(fmt.Sprintf("%s/%d", n.Pointer, len(n.Elems)), depth+1)
		if err != nil {
			return err
		}
		n.Elems = append(n.Elems, e)
		if err := r.separator(n, ']'); err != nil {
			return err
		}
	}
	r.at++
	return nil
}

func (r *jsonReader) object(n *Node, depth int) error {
	n.Kind = Object
	r.at++
	var names nameSet
	for r.peek() != '}' {
		m := &Member{NamePos: r.cursor.pos(r.at)}
		at := r.at
		var err error
		if m.Name, err = r.name(n); err != nil {
			return err
		}
		if m.Value, err = r.value(childPointer(n.Pointer, m.Name), depth+1); err != nil {
			return err
		}
		if first := names.add(n, m); first != nil {
			r.duplicate(at, m, first)
		}
		if err := r.separator(n, '}'); err != nil {
			return err
		}
	}
	r.at++
	return nil
}

func (r *jsonReader) duplicate(at int, m, first *Member) {
	if len(r.list) < maxFindings {
		r.list = append(r.list, duplicateKey(r.doc, r.doc.posAt(at), m, first))
	}
}

// duplicateKey is the diagnostic for a name that an object has twice.
func duplicateKey(d *Document, p Pos, m, first *Member) diag.Diagnostic {
	g := d.problem(p, CodeDuplicateKey,
		fmt.Sprintf("%q is written twice in the same object, first on line %d", shorten(m.Name), first.NamePos.Line),
		"remove one of the two, or give it another name")
	g.Pointer = d.At(p, m.Value.Pointer).Pointer
	return g
}

// name reads a member's name and the colon behind it.
func (r *jsonReader) name(object *Node) (string, error) {
	var name string
	var err error
	start := r.at
	switch c := r.peek(); {
	case c == '"':
		name, _, err = r.str()
	case r.misquoted():
		name, err = r.skipMisquoted()
	case isWordByte(c):
		for r.at < len(r.text) && isWordByte(r.text[r.at]) {
			r.at++
		}
		name = r.text[start:r.at]
		r.report(start, fmt.Sprintf("the name %s is not in double quotes", shorten(name)), fmt.Sprintf("write %q", shorten(name)))
	case start == len(r.text):
		err = r.unclosed(object)
	default:
		err = r.giveUp(start, "a name in double quotes is expected here, not "+quoteChar(r.text[start:]), "")
	}
	if err != nil {
		return "", err
	}
	switch c := r.peek(); c {
	case ':':
		r.at++
	case '=':
		r.report(r.at, "a colon is expected here, not '='", "")
		r.at++
	default:
		return "", r.giveUp(r.at, fmt.Sprintf("a colon is missing behind the name %q", shorten(name)), "")
	}
	return name, nil
}

// separator reads what stands between two values of an object or array, up to the next value or the closing bracket.
func (r *jsonReader) separator(n *Node, closing byte) error {
	c := r.peek()
	switch {
	case c == closing:
		return nil
	case c == ',':
		comma := r.at
		r.at++
		next := r.peek()
		for ; next == ','; next = r.peek() {
			r.report(r.at, "a value is missing between two commas", "remove one of the commas")
			r.at++
		}
		if next == closing {
			r.report(comma, "a comma stands behind the last value", "remove the comma")
		} else if r.at == len(r.text) {
			return r.unclosed(n)
		}
		return nil
	case r.at == len(r.text):
		return r.unclosed(n)
	case c == '"' || c == '{' || c == '[' || isWordByte(c):
		r.report(r.at, "a comma is missing before this value", "")
		return nil
	case c == '}' || c == ']':
		return r.giveUp(r.at, fmt.Sprintf("this %s does not close what line %d, column %d opened with %s", quoteByte(c),
			n.Pos.Line, n.Pos.Column, quoteByte(r.text[n.offset])), "")
	}
	return r.giveUp(r.at, fmt.Sprintf("a comma or %s is expected here, not %s", quoteByte(closing), quoteChar(r.text[r.at:])), "")
}

func (r *jsonReader) unclosed(n *Node) error {
	return r.giveUp(len(r.text), fmt.Sprintf("the file ends before the %s that began on line %d, column %d is closed",
		n.Kind, n.Pos.Line, n.Pos.Column), "the end of the file may have been cut off")
}

// cursor turns byte offsets that mostly grow into places, without counting a long line again for each.
type cursor struct {
	doc    *Document
	offset int
	at     Pos
}

func newCursor(d *Document) cursor { return cursor{doc: d, at: Pos{1, 1}} }

func (c *cursor) pos(offset int) Pos {
	if offset < c.offset {
		return c.doc.posAt(offset)
	}
	for c.at.Line < len(c.doc.lines) && c.doc.lines[c.at.Line].start <= offset {
		c.offset = c.doc.lines[c.at.Line].start
		c.at = Pos{c.at.Line + 1, 1}
	}
	c.at.Column += utf8.RuneCountInString(c.doc.text[c.offset:offset])
	c.offset = offset
	return c.at
}

// nameSet finds duplicate names; small objects need no map.
type nameSet map[string]*Member

// add appends the member to the object, or gives the member that has its name already.
func (s *nameSet) add(object *Node, m *Member) (first *Member) {
	const mapFrom = 12
	if len(object.Members) < mapFrom {
		first = object.Member(m.Name)
	} else {
		if *s == nil {
			*s = make(nameSet, 2*mapFrom)
			for _, each := range object.Members {
				(*s)[each.Name] = each
			}
		}
		first = (*s)[m.Name]
	}
	if first != nil {
		return first
	}
	if *s != nil {
		(*s)[m.Name] = m
	}
	object.Members = append(object.Members, m)
	return nil
}

func quoteByte(c byte) string { return "'" + string(rune(c)) + "'" }

// quoteChar quotes the first character of a text.
func quoteChar(text string) string {
	r, _ := utf8.DecodeRuneInString(text)
	return fmt.Sprintf("%q", r)
}
