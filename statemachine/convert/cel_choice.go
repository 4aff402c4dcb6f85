package convert

import (
	"regexp"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// relations are the ends of the names of comparisons, and their operators.
var relations = map[string]string{
	"Equals": "==", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">=",
}

const timestampPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`

// test gives a rule of a Choice, or a test inside of one, as a condition.
func (s *stateToCEL) test(n *source.Node) string {
	for _, m := range n.Members {
		switch m.Name {
		case "And", "Or":
			parts := make([]string, len(m.Value.Elems))
			for i, e := range m.Value.Elems {
				parts[i] = s.test(e)
			}
			return "(" + strings.Join(parts, map[string]string{"And": " && ", "Or": " || "}[m.Name]) + ")"
		case "Not":
			return "!" + s.test(m.Value)
		}
	}
	variable := n.Get("Variable")
	if variable == nil || variable.Kind != source.String {
		s.refuse("a rule has no Variable")
		return ""
	}
	for _, m := range n.Members {
		switch m.Name {
		case "Variable", "Next", "Assign", "Output", "Comment":
			continue
		}
		return "(" + s.comparison(variable.Text, m) + ")"
	}
	s.refuse("a rule has no comparison")
	return ""
}

func (s *stateToCEL) comparison(variable string, m *source.Member) string {
	if m.Name == "IsPresent" {
		return s.present(variable, m.Value.Bool)
	}
	v := s.path(variable, s.root)
	name, twin := strings.CutSuffix(m.Name, "Path")
	var other string
	if twin {
		other = s.path(m.Value.Text, s.root)
	} else {
		other = s.literal(m.Value)
	}
	not := ""
	if m.Value.Kind == source.Bool && !m.Value.Bool {
		not = "!"
	}
	switch name {
	case "IsNull":
		return not + "(" + v + " == null)"
	case "IsString", "IsBoolean", "IsNumeric", "IsTimestamp":
		return not + "(" + isOf(strings.TrimPrefix(name, "Is"), v) + ")"
	case "StringMatches":
		return isOf("String", v) + " && " + v + ".matches(" + quote(globPattern(m.Value.Text)) + ")"
	}
	for _, kind := range []string{"String", "Numeric", "Boolean", "Timestamp"} {
		relation, ok := strings.CutPrefix(name, kind)
		operator := relations[relation]
		if !ok || operator == "" {
			continue
		}
		guard := isOf(kind, v)
		if twin {
			guard += " && " + isOf(kind, other)
		}
		if kind == "Timestamp" {
			s.note("a day or hour that does not exist, such as the 32nd, fails; JSONPath takes it for no timestamp")
			return guard + " && timestamp(" + v + ") " + operator + " timestamp(" + other + ")"
		}
		if operator == "==" && !twin {
			return v + " == " + other
		}
		return guard + " && " + v + " " + operator + " " + other
	}
	s.refuse(m.Name + " has no twin in CEL")
	return ""
}

// isOf gives a test of a value's type.
func isOf(kind, v string) string {
	switch kind {
	case "String":
		return "type(" + v + ") == string"
	case "Boolean":
		return "type(" + v + ") == bool"
	case "Numeric":
		return "type(" + v + ") in [int, uint, double]"
	default:
		return "type(" + v + ") == string && " + v + ".matches(" + quote(timestampPattern) + ")"
	}
}

// present gives IsPresent, which looks at each step whether there is one.
func (s *stateToCEL) present(variable string, want bool) string {
	at := s.base(variable, s.root)
	steps := s.steps(variable)
	if len(steps) == 0 {
		s.refuse("IsPresent of a whole input or variable has no twin in CEL")
		return ""
	}
	var tests []string
	for _, each := range steps {
		switch each.kind {
		case nameStep:
			tests = append(tests, "type("+at+") == map && "+quote(each.name)+" in "+at)
		case indexStep:
			tests = append(tests, "type("+at+") == list && size("+at+") > "+each.index)
		default:
			s.refuse("IsPresent of a path with several results has no twin in CEL")
		}
		at = s.follow(variable, at, []step{each})
	}
	all := strings.Join(tests, " && ")
	if !want {
		return "!(" + all + ")"
	}
	return all
}

// globPattern gives the regular expression for a pattern of StringMatches, in which * stands for anything.
func globPattern(glob string) string {
	var b strings.Builder
	b.WriteString("^(?s:")
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return b.String() + ")$"
}
