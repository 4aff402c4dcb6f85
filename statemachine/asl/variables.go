package asl

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// The words that CEL keeps for itself; a variable of that name could not be read.
var celReserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"namespace", "null", "package", "return", "true", "var", "void", "while",
}

// assign decodes an Assign field.
func (o object) assign() *source.Node {
	n := o.get("Assign")
	if n == nil || !o.p.is(n, o.of("Assign"), source.Object) {
		return nil
	}
	o.template("Assign")
	for _, m := range n.Members {
		if problem, hint := nameProblem(variableName(m.Name, o.language), o.language); problem != "" {
			o.p.errorAtName(m, CodeVariableName, hint, "%q %s", variableName(m.Name, o.language), problem)
		}
	}
	return n
}

// variableName gives the variable that a member of Assign sets.
func variableName(key, language string) string {
	if language == JSONPath {
		return strings.TrimSuffix(key, ".$")
	}
	return key
}

func nameProblem(name, language string) (problem, hint string) {
	const shape = "a name begins with a letter, followed by letters, digits and underscores"
	if name == "" {
		return "is no name of a variable", shape
	}
	if utf8.RuneCountInString(name) > maxNameLength {
		return "is too long for a variable", "at most 80 characters are allowed"
	}
	if name == "states" {
		return "cannot be a variable, because expressions find their input under this name", "choose another name"
	}
	if language == CEL {
		if slices.Contains(celReserved, name) {
			return "cannot be a variable, because CEL reserves the word", "choose another name"
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return "is no name of a variable in CEL", "use the letters a to z and A to Z, digits and underscores"
		}
	}
	for i, r := range name {
		if unicode.IsLetter(r) || r == '_' || (i > 0 && (unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r))) {
			continue
		}
		return "is no name of a variable", shape
	}
	return "", ""
}

// scope holds the variables that a flow assigns, by name, with the first member that assigns each.
type scope struct {
	own     map[string]*source.Member
	outer   *scope   // of the flow around it, nil if that is not seen
	visible []string // the names of its own and of all scopes around it
}

// lookup gives the member that assigns a variable in the scope or around it, or nil.
func (s *scope) lookup(name string) *source.Member {
	for ; s != nil; s = s.outer {
		if m, ok := s.own[name]; ok {
			return m
		}
	}
	return nil
}

// maxMerged bounds the lists of visible variables, which grow with the number of flows times that of the variables
// around them.
const maxMerged = 2_000_000

// variables sets Assigned and Visible in a flow and in the flows inside it, and reports variables that an inner flow
// assigns although a flow around it does.
func (p *parser) variables(f *Flow, outer *scope) {
	own := &scope{own: map[string]*source.Member{}, outer: outer}
	for _, s := range f.States {
		p.assigned(s, own)
	}
	f.Assigned = slices.Sorted(maps.Keys(own.own))
	own.visible = p.visible(f, outer)
	for _, s := range f.States {
		s.Base().Visible = own.visible
		inner := own
		if m, ok := s.(*Map); ok && m.Mode == Distributed {
			inner = nil
		}
		for _, each := range flowsOf(s) {
			p.variables(each, inner)
		}
	}
}

// assigned adds the variables that a state assigns.
func (p *parser) assigned(s State, to *scope) {
	for _, a := range assignsOf(s) {
		for _, m := range a.Members {
			name := variableName(m.Name, s.Base().QueryLanguage)
			if first := to.outer.lookup(name); first != nil {
				p.errorAtName(m, CodeOuterVariable,
					"choose another name; the inner flow hands its results to the state around it by its output",
					"the variable %q is assigned outside of this flow as well, on line %d", name, first.NamePos.Line)
			}
			if _, ok := to.own[name]; !ok {
				to.own[name] = m
			}
		}
	}
}

// visible gives the names that a flow's states see: its own and those around it.
func (p *parser) visible(f *Flow, outer *scope) []string {
	switch {
	case outer == nil:
		return f.Assigned
	case len(f.Assigned) == 0:
		return outer.visible
	}
	if before := p.merged; before <= maxMerged {
		if p.merged += len(outer.visible) + len(f.Assigned); p.merged > maxMerged {
			p.errorAt(f.Node, CodeTooManyVariables, "assign fewer variables, or keep values in the state's output",
				"the definition has too many variables in flows inside of flows")
		}
	}
	if p.merged > maxMerged {
		return outer.visible
	}
	names := slices.Concat(outer.visible, f.Assigned)
	slices.Sort(names)
	return slices.Compact(names)
}

// assignsOf gives all Assign objects of a state: its own, and those of its rules and catchers.
func assignsOf(s State) []*source.Node {
	all := []*source.Node{s.Base().Assign}
	var catchers []Catcher
	switch s := s.(type) {
	case *Choice:
		for _, r := range s.Choices {
			all = append(all, r.Assign)
		}
	case *Task:
		catchers = s.Catch
	case *Parallel:
		catchers = s.Catch
	case *Map:
		catchers = s.Catch
	}
	for _, c := range catchers {
		all = append(all, c.Assign)
	}
	return slices.DeleteFunc(all, func(n *source.Node) bool { return n == nil })
}
