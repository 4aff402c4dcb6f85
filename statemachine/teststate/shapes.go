package teststate

import (
	_ "embed" // the table of shapes
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// shape is the type of a value in an answer of a service.
type shape struct {
	kind    byte // one of the letters of shapes.txt: s n b o t; a any, l list, m map, r structure, e one of the texts
	least   int  // length of a text
	enum    []string
	of      *shape            // element of a list or map
	members map[string]*shape // of a structure
	always  []string          // its members that are always there
	name    string            // of a structure that stands in a line of its own, see resolve
}

//go:embed shapes.txt
var shapesText string

// answers are the shapes of all answers that are known, by service and action.
var answers = sync.OnceValue(func() map[string]*shape {
	table, err := parseShapes(shapesText)
	if err != nil {
		panic("teststate: " + err.Error()) // a mistake in a file that is part of the program
	}
	return table
})

// Shapes gives the actions of services whose answers are known: mocked results of all others are not checked.
func Shapes() []string {
	var names []string
	for name := range answers() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkShape says what of a mocked result is not as the service would answer, "" if nothing is, or nothing is known of it.
func checkShape(resource string, mode Mode, v *value.Value) string {
	if mode == None {
		return ""
	}
	s := answerOf(resource)
	if s == nil {
		return ""
	}
	return s.check("", mode, v)
}

// answerOf gives the shape of what a resource answers, nil if that is not known. What comes with a token is of no shape.
func answerOf(resource string) *shape {
	parts := strings.SplitN(resource, ":", 7)
	if len(parts) != 7 || parts[0] != "arn" || parts[2] != "states" || strings.HasSuffix(resource, ".waitForTaskToken") {
		return nil
	}
	name := parts[5] + ":" + parts[6]
	table := answers()
	if s := table[name]; s != nil {
		return s
	}
	if answeredLater(resource) {
		return nil // the job's, not the call's
	}
	name = strings.TrimPrefix(name, "aws-sdk:")
	if action, ok := strings.CutPrefix(name, "states:"); ok {
		name = "sfn:" + action
	}
	return table[name]
}

// check says what is wrong with a value; field is the name of the member that it is, or is in.
func (s *shape) check(field string, mode Mode, v *value.Value) string {
	mustBe := func(what string) string {
		if field == "" {
			return "The result must be " + what
		}
		return "Field '" + field + "' must be " + what
	}
	switch s.kind {
	case 'r':
		return s.checkStructure(field, mode, v, mustBe)
	case 'l', 'm':
		want, what := value.Array, "an array"
		if s.kind == 'm' {
			want, what = value.Object, "an object"
		}
		if v.Kind() != want {
			return mustBe(what)
		}
		for i := range v.Len() {
			if problem := s.of.check(field, mode, v.At(i)); problem != "" {
				return problem
			}
		}
	case 's', 'o', 't', 'e':
		if v.Kind() != value.String {
			return mustBe("a string")
		}
		if s.kind == 'e' && !slices.Contains(s.enum, v.Text()) {
			return "Field '" + field + "' is not an expected value"
		}
		if len(v.Text()) < s.least {
			return "Field '" + field + "' is smaller than the minimum length"
		}
	case 'n':
		if v.Kind() != value.Number {
			return mustBe("a number")
		}
	case 'b':
		if v.Kind() != value.Bool {
			return mustBe("a boolean")
		}
	}
	return ""
}

func (s *shape) checkStructure(_ string, mode Mode, v *value.Value, mustBe func(string) string) string {
	if v.Kind() != value.Object {
		return mustBe("an object")
	}
	if mode == Strict {
		for _, name := range s.always {
			if v.Get(name) == nil {
				return "Required field '" + name + "' is missing"
			}
		}
	}
	for i, name := range v.Keys() { // members that are not known may be newer than the table
		if m := s.members[name]; m != nil {
			if problem := m.check(name, mode, v.At(i)); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// parseShapes reads the table.
func parseShapes(text string) (map[string]*shape, error) {
	table, named := map[string]*shape{}, map[string]*shape{}
	var refs []*shape
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, members, _ := strings.Cut(line, " ")
		p := &shapeParser{text: members + "}", refs: &refs}
		s := p.structure()
		if p.failed != "" || p.text != "" {
			return nil, fmt.Errorf("line %d of the shapes: %s near %.20q", n+1, p.failed, p.text)
		}
		if after, ok := strings.CutPrefix(name, "@"); ok {
			named[after] = s
		} else {
			table[name] = s
		}
	}
	for _, ref := range refs {
		s := named[ref.name]
		if s == nil {
			return nil, fmt.Errorf("there is no shape @%s", ref.name)
		}
		ref.kind, ref.members, ref.always = s.kind, s.members, s.always
	}
	return table, nil
}

// shapeParser reads one line of the table.
type shapeParser struct {
	text   string // what is left
	refs   *[]*shape
	failed string
}

func (p *shapeParser) fail(what string) *shape {
	if p.failed == "" {
		p.failed = what
	}
	return &shape{kind: 'a'}
}

// until takes the text up to one of the characters, which stay.
func (p *shapeParser) until(chars string) string {
	at := strings.IndexAny(p.text, chars)
	if at < 0 {
		at = len(p.text)
	}
	taken := p.text[:at]
	p.text = p.text[at:]
	return taken
}

func (p *shapeParser) take(c byte) bool {
	if p.text == "" || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

// structure reads members up to the closing brace.
func (p *shapeParser) structure() *shape {
	s := &shape{kind: 'r', members: map[string]*shape{}}
	for p.failed == "" {
		p.text = strings.TrimLeft(p.text, " ")
		if p.take('}') {
			return s
		}
		name, always := strings.CutSuffix(p.until(":}"), "!")
		if !p.take(':') || name == "" {
			return p.fail("a member has no type")
		}
		if always {
			s.always = append(s.always, name)
		}
		s.members[name] = p.shape()
	}
	return s
}

// primitives are the letters of types that are values.
const primitives = "snbot"

func (p *shapeParser) shape() *shape {
	switch {
	case p.take('['):
		s := &shape{kind: 'l', of: p.shape()}
		if !p.take(']') {
			return p.fail("a list is not closed")
		}
		return s
	case p.take('<'):
		s := &shape{kind: 'm', of: p.shape()}
		if !p.take('>') {
			return p.fail("a map is not closed")
		}
		return s
	case p.take('{'):
		return p.structure()
	case p.take('('):
		s := &shape{kind: 'e', enum: strings.Split(p.until(")"), "|")}
		p.take(')')
		return s
	case p.take('@'):
		s := &shape{name: p.until(" ]>}")}
		*p.refs = append(*p.refs, s)
		return s
	}
	word := p.until(" ]>}")
	if word == "any" {
		return &shape{kind: 'a'}
	}
	if word == "" || !strings.ContainsRune(primitives, rune(word[0])) {
		return p.fail("there is no type " + strconv.Quote(word))
	}
	s := &shape{kind: word[0]}
	if word[1:] != "" {
		n, err := strconv.Atoi(word[1:])
		if err != nil {
			return p.fail("a length is no number")
		}
		s.least = n
	}
	return s
}
