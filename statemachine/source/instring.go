package source

import (
	"strings"
)

// InString gives the place of a byte of the decoded text of a string node, so that an error inside an expression
// points to the expression's own line and column. Where that cannot be told exactly, it is the place of the node.
func (d *Document) InString(n *Node, byteOffset int) Pos {
	if n.Kind != String || byteOffset < 0 || byteOffset > len(n.Text) {
		return n.Pos
	}
	w := &walker{text: d.text, decoded: n.Text, want: byteOffset, found: -1}
	switch n.style {
	case noString: // not reached: the node is a string
	case jsonQuoted:
		w.at = n.offset + 1
		w.json()
	case yamlPlain, yamlSingle, yamlDouble:
		w.at = d.contentOffset(n.Pos)
		w.flow(n.style)
	case yamlLiteral:
		w.literal(d, d.contentOffset(n.Pos))
	case yamlFolded:
		w.folded(d, d.contentOffset(n.Pos))
	}
	if w.found < 0 {
		return n.Pos
	}
	return d.posAt(w.found)
}

// contentOffset gives where a YAML scalar begins, behind its anchor and tag.
func (d *Document) contentOffset(p Pos) int {
	at := d.offsetOf(p)
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		for at < len(d.text) && strings.IndexByte(" \t\r\n", d.text[at]) < 0 {
			at++
		}
		for at < len(d.text) && strings.IndexByte(" \t\r\n", d.text[at]) >= 0 {
			at++
		}
	}
	return at
}

// walker goes through the written form of a string and its decoded form side by side, up to one byte of the latter.
// Where the two do not fit, it stops without a result: that is the case for rare forms that it does not know.
type walker struct {
	text    string // the file
	at      int    // in text
	decoded string
	done    int // how much of decoded has been met
	want    int // the byte of decoded whose place is asked for
	found   int // its place in text, -1 if not found
}

// emit meets a piece of the decoded text which is written from w.at on in size bytes. It tells whether to go on.
func (w *walker) emit(piece string, size int) bool {
	if !strings.HasPrefix(w.decoded[w.done:], piece) {
		return false
	}
	if w.want < w.done+len(piece) {
		w.found = w.at
		if size == len(piece) {
			w.found += w.want - w.done
		}
		return false
	}
	w.done += len(piece)
	w.at += size
	if w.done == len(w.decoded) {
		if w.want == w.done {
			w.found = w.at
		}
		return false
	}
	return true
}

// json walks through a JSON string.
func (w *walker) json() {
	if w.decoded == "" {
		w.found = w.at
		return
	}
	for w.at < len(w.text) {
		piece, size := w.text[w.at:w.at+1], 1
		if w.text[w.at] == '\\' {
			var char rune
			char, size, _ = decodeEscape(w.text[w.at:])
			piece = string(char)
		}
		if !w.emit(piece, size) {
			return
		}
	}
}

// flow walks through a plain or quoted scalar of YAML, in which line breaks are folded.
func (w *walker) flow(s style) {
	if s != yamlPlain {
		w.at++
	}
	if w.decoded == "" {
		w.found = w.at
		return
	}
	for w.at < len(w.text) {
		var piece string
		size := 1
		switch c := w.text[w.at]; {
		case c == ' ' || c == '\t' || breakAt(w.text, w.at, true) > 0:
			piece, size = foldedSpace(w.text[w.at:])
		case c == '\'' && s == yamlSingle:
			piece, size = "'", 2
		case c == '\\' && s == yamlDouble:
			piece, size = yamlEscape(w.text[w.at:])
		default:
			piece = w.text[w.at : w.at+1]
		}
		if !w.emit(piece, size) {
			return
		}
	}
}

// foldedSpace decodes the white space at the beginning of s: spaces stay, unless there is a line break among them.
func foldedSpace(s string) (piece string, size int) {
	breaks, spaces := 0, 0
	for size < len(s) {
		if n := breakAt(s, size, true); n > 0 {
			breaks++
			size += n
		} else if s[size] == ' ' || s[size] == '\t' {
			size++
		} else {
			break
		}
		if breaks == 0 {
			spaces = size
		}
	}
	switch breaks {
	case 0:
		return s[:spaces], spaces
	case 1:
		return " ", size
	}
	return strings.Repeat("\n", breaks-1), size
}

// yamlEscapes holds what the escapes of one letter stand for in double quotes.
var yamlEscapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// yamlEscape decodes the escape at the beginning of s.
func yamlEscape(s string) (piece string, size int) {
	if len(s) < 2 {
		return "", len(s)
	}
	if text, ok := yamlEscapes[s[1]]; ok {
		return text, 2
	}
	if n := breakAt(s, 1, true); n > 0 {
		size = 1 + n
		for size < len(s) && (s[size] == ' ' || s[size] == '\t') {
			size++
		}
		return "", size
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits == 0 || len(s) < 2+digits {
		return "", 1
	}
	var char rune
	for i := range digits {
		char = char<<4 | rune(strings.IndexByte("0123456789abcdef", s[2+i]|0x20)&0xF)
	}
	return string(char), 2 + digits
}

// literal finds the byte in a block scalar that keeps its lines: each line of the text is a line of the file.
func (w *walker) literal(d *Document, header int) {
	first := d.posAt(header).Line // counted from 1, so this is the index of the line behind the header
	before := w.decoded[:w.want]
	begin := strings.LastIndexByte(before, '\n') + 1
	index := first + strings.Count(before, "\n")
	if index >= len(d.lines) {
		return
	}
	content, _, _ := strings.Cut(w.decoded[begin:], "\n")
	line := d.lines[index]
	if written := d.text[line.start:line.end]; strings.HasSuffix(written, content) {
		w.found = line.start + len(written) - len(content) + w.want - begin
		if content == "" {
			w.found = line.end
		}
	}
}

// folded walks through a block scalar whose lines are joined.
func (w *walker) folded(d *Document, header int) {
	indent := -1
	blanks := 0
	wasIndented := true // so that blank lines before the first line stay as they are
	for i := d.posAt(header).Line; i < len(d.lines); i++ {
		line := d.text[d.lines[i].start:d.lines[i].end]
		if strings.TrimLeft(line, " ") == "" {
			blanks++
			continue
		}
		first := indent < 0
		if first {
			if indent = w.indentOf(line, blanks); indent < 0 {
				return
			}
		}
		if len(line)-len(strings.TrimLeft(line, " ")) < indent {
			return // behind the end of the scalar
		}
		line = line[indent:]
		indented := line[0] == ' ' || line[0] == '\t'
		joint := strings.Repeat("\n", blanks)
		if !first && (indented || wasIndented) {
			joint += "\n"
		} else if !first && blanks == 0 {
			joint = " "
		}
		if joint != "" && !w.emit(joint, 0) {
			return
		}
		w.at = d.lines[i].start + indent
		if !w.emit(line, len(line)) {
			return
		}
		blanks, wasIndented = 0, indented
	}
}

// indentOf gives how far the first line of a block scalar is indented: so far that what follows is how the decoded
// text begins; -1 if it does not.
func (w *walker) indentOf(line string, blanks int) int {
	if blanks > len(w.decoded) {
		return -1
	}
	for i := len(line) - len(strings.TrimLeft(line, " ")); i >= 0; i-- {
		if strings.HasPrefix(w.decoded[blanks:], line[i:]) {
			return i
		}
	}
	return -1
}
