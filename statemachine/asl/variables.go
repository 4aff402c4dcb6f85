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

// scope holds the variables of the flows around a flow: by name, the name of the member that first assigns each.
type scope map[string]*source.Member

// variables sets Assigned and Visible in a flow and in the flows inside it, and reports variables that an inner flow
// assigns although a flow around it does.
func (p *parser) variables(f *Flow, outer scope) {
	own := scope{}
	for _, s := range f.States {
		for _, a := range assignsOf(s) {
			for _, m := range a.Members {
				name := variableName(m.Name, s.Base().QueryLanguage)
				if first, ok := outer[name]; ok {
					p.errorAtName(m, CodeOuterVariable, "choose another name; the inner flow hands its results to the state around it by its output",
						"the variable %q is assigned outside of this flow as well, on line %d", name, first.NamePos.Line)
				}
				if _, ok := own[name]; !ok {
					own[name] = m
				}
			}
		}
	}
	f.Assigned = slices.Sorted(maps.Keys(own))
	visible := own
	if len(outer) > 0 {
		visible = maps.Clone(outer)
		maps.Copy(visible, own)
	}
	names := slices.Sorted(maps.Keys(visible))
	for _, s := range f.States {
		s.Base().Visible = names
		inner := visible
		if m, ok := s.(*Map); ok && m.Mode == Distributed {
			inner = scope{}
		}
		for _, each := range flowsOf(s) {
			p.variables(each, inner)
		}
	}
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
