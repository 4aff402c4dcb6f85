package jsonata

import "math"

// found is one match: where it stands, in bytes, and the texts of its groups.
type found struct {
	text       string
	start, end int
	groups     []any
	object     any // what a matcher written in JSONata gave, or nil
}

// matches gives the matches of a matcher in a text, one after the other.
type matches struct {
	r    *run
	text string

	re    *pattern
	batch [][]int // what the last search found
	taken int     // how many of them have been given
	asked int     // how many it was asked for

	fn   callable // a matcher written in JSONata
	next callable // what gives its next match
	done bool
}

// matchesOf starts matching.
func (r *run) matchesOf(matcher callable, text string) *matches {
	r.take(len(text))
	m := &matches{r: r, text: text}
	if re, ok := matcher.(*pattern); ok {
		m.re = re
	} else {
		m.fn = matcher
	}
	return m
}

// take gives the next match.
func (m *matches) take() (found, bool) {
	m.r.spend(1)
	switch {
	case m.done:
		return found{}, false
	case m.re != nil:
		return m.matchRegex()
	default:
		return m.matchFunction()
	}
}

func (m *matches) matchRegex() (found, bool) {
	if m.taken == len(m.batch) && !m.search() {
		m.done = true
		return found{}, false
	}
	at := m.batch[m.taken]
	m.taken++
	if at[0] == at[1] {
		m.r.fail("D1004", shown("/"+m.re.source+"/"))
	}
	f := found{text: m.r.piece(m.text[at[0]:at[1]]), start: at[0], end: at[1], groups: []any{}}
	for i := 2; i < len(at); i += 2 {
		if at[i] < 0 {
			f.groups = append(f.groups, nil)
		} else {
			f.groups = append(f.groups, m.r.piece(m.text[at[i]:at[i+1]]))
		}
	}
	m.r.take(cell * len(f.groups))
	return f, true
}

// search finds more matches. A search starts from the beginning of the text, for it must see what stands before a match
// (^ and \b); so each finds eight times as many as the one before.
func (m *matches) search() bool {
	n := 8 * m.taken
	if m.taken == 0 {
		n = 1
	} else if len(m.batch) < m.asked {
		return false
	}
	m.asked = n
	m.r.spend(len(m.text) / 16)
	m.r.take(min(n, len(m.text)) * (cell + 16*(1+m.re.re.NumSubexp())))
	m.batch = m.re.re.FindAllStringSubmatchIndex(m.text, n)
	return m.taken < len(m.batch)
}

func (m *matches) matchFunction() (found, bool) {
	var v any
	if m.next == nil {
		v = m.r.again(m.fn, m.text)
	} else {
		v = m.r.again(m.next)
	}
	if v == nil {
		m.done = true
		return found{}, false
	}
	start, ok1 := asNumber(member(v, "start"))
	end, ok2 := asNumber(member(v, "end"))
	groups := asArray(member(v, "groups"))
	next, ok3 := member(v, "next").(callable)
	if !ok1 && !ok2 && groups == nil && !ok3 {
		m.r.fail("T1010", nil)
	}
	if !ok3 {
		m.done = true
	}
	m.next = next
	text, _ := asText(member(v, "match"))
	f := found{text: text, object: v, groups: []any{}}
	f.start = m.byteAt(start)
	f.end = max(f.start, m.byteAt(end))
	if groups != nil {
		for i := range groups.length() {
			f.groups = append(f.groups, groups.at(i))
		}
	}
	return f, true
}

// byteAt gives the byte at which a position in UTF-16 code units stands.
func (m *matches) byteAt(units float64) int {
	if math.IsNaN(units) || units <= 0 {
		return 0
	}
	i := 0
	for n := 0.0; i < len(m.text) && n < units; n++ {
		c, size := decode(m.text[i:])
		if c > 0xFFFF {
			n++
		}
		i += size
	}
	return i
}

// nextMatch is the function that gives the match behind one.
type nextMatch struct{ matches *matches }

func (*nextMatch) arity() int { return 0 }

// matchObject applies a regular expression as a function.
func (r *run) matchObject(p *pattern, args []any) any {
	if len(args) == 0 {
		return nil
	}
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	return r.matchesOf(p, s).asObject()
}

// object gives the next match as the object that matchers give, nothing if there is none.
func (m *matches) asObject() any {
	f, ok := m.take()
	if !ok {
		return nil
	}
	return &object{
		keys: []string{"match", "start", "end", "groups", "next"},
		values: []any{
			f.text, float64(units(m.text[:f.start])), float64(units(m.text[:f.end])), &array{items: f.groups},
			&nextMatch{matches: m},
		},
	}
}
