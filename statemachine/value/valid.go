package value

import "unicode/utf8"

// valid tells whether text is one JSON value in UTF-8 that nests at most MaxDepth deep, and how deep it does. It is
// several times as fast as json.Valid, which Parse asks only for what is wrong.
func valid(text []byte) (depth int, ok bool) {
	c := checker{text: text}
	end := c.value(skipBlank(text, 0), 0)
	if end < 0 || skipBlank(text, end) != len(text) {
		return 0, false
	}
	return c.deepest, true
}

type checker struct {
	text    []byte
	deepest int
}

// skipBlank is skipSpace for text that may end.
func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// The methods give the index behind what starts at i, -1 if it is not valid.

func (c *checker) value(i, depth int) int {
	if i >= len(c.text) {
		return -1
	}
	switch b := c.text[i]; {
	case b == '"':
		return c.str(i)
	case b == '{':
		return c.object(i, depth+1)
	case b == '[':
		return c.array(i, depth+1)
	case b == '-' || b >= '0' && b <= '9':
		return c.number(i)
	case b == 't':
		return c.word(i, "true")
	case b == 'f':
		return c.word(i, "false")
	case b == 'n':
		return c.word(i, "null")
	default:
		return -1
	}
}

func (c *checker) word(i int, word string) int {
	end := i + len(word)
	if end > len(c.text) || string(c.text[i:end]) != word {
		return -1
	}
	return end
}

func (c *checker) array(i, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	c.deepest = max(c.deepest, depth)
	i = skipBlank(c.text, i+1)
	if i < len(c.text) && c.text[i] == ']' {
		return i + 1
	}
	for {
		if i = c.value(i, depth); i < 0 {
			return -1
		}
		if i = skipBlank(c.text, i); i >= len(c.text) {
			return -1
		}
		switch c.text[i] {
		case ',':
			i = skipBlank(c.text, i+1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func (c *checker) object(i, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	c.deepest = max(c.deepest, depth)
	i = skipBlank(c.text, i+1)
	if i < len(c.text) && c.text[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(c.text) || c.text[i] != '"' {
			return -1
		}
		if i = c.str(i); i < 0 {
			return -1
		}
		if i = skipBlank(c.text, i); i >= len(c.text) || c.text[i] != ':' {
			return -1
		}
		if i = c.value(skipBlank(c.text, i+1), depth); i < 0 {
			return -1
		}
		if i = skipBlank(c.text, i); i >= len(c.text) {
			return -1
		}
		switch c.text[i] {
		case ',':
			i = skipBlank(c.text, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

func (c *checker) str(i int) int {
	b := c.text
	for i++; i < len(b); {
		switch ch := b[i]; {
		case ch == '"':
			return i + 1
		case ch == '\\':
			if i = c.escape(i); i < 0 {
				return -1
			}
		case ch < ' ':
			return -1
		case ch < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				return -1
			}
			i += size
		}
	}
	return -1
}

func (c *checker) escape(i int) int {
	if i+1 >= len(c.text) {
		return -1
	}
	switch c.text[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(c.text) {
			return -1
		}
		for _, h := range c.text[i+2 : i+6] {
			if (h < '0' || h > '9') && (h|0x20 < 'a' || h|0x20 > 'f') {
				return -1
			}
		}
		return i + 6
	default:
		return -1
	}
}

func (c *checker) number(i int) int {
	b := c.text
	if b[i] == '-' {
		i++
	}
	start := i
	i = c.digits(i)
	if i == start || b[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		fraction := i + 1
		if i = c.digits(fraction); i == fraction {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exponent := i
		if i = c.digits(i); i == exponent {
			return -1
		}
	}
	return i
}

func (c *checker) digits(i int) int {
	for i < len(c.text) && c.text[i] >= '0' && c.text[i] <= '9' {
		i++
	}
	return i
}
