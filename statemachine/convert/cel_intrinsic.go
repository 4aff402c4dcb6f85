package convert

import (
	"strings"
)

// expression gives a path or a call of an intrinsic function in CEL.
func (s *stateToCEL) expression(src, root string) string {
	text := strings.TrimSpace(src)
	if !strings.HasPrefix(text, "States.") {
		return s.path(text, root)
	}
	name, rest, ok := strings.Cut(text, "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		s.refuse(text + " is no call")
		return ""
	}
	args := splitArguments(rest[:len(rest)-1])
	if name == "States.Format" {
		return s.format(args, root)
	}
	converted := make([]string, len(args))
	for i, a := range args {
		converted[i] = s.argument(a, root)
	}
	return s.call(name, args, converted)
}

// call gives a call of an intrinsic function other than States.Format.
func (s *stateToCEL) call(name string, src, args []string) string {
	list := strings.Join(args, ", ")
	is := func(n int) bool {
		if len(args) != n {
			s.refuse(name + " with this number of arguments has no twin in CEL")
		}
		return len(args) == n
	}
	switch name {
	case "States.Array":
		return "[" + list + "]"
	case "States.ArrayPartition":
		return "partition(" + list + ")"
	case "States.ArrayRange":
		return "range(" + list + ")"
	case "States.ArrayLength":
		return "size(" + list + ")"
	case "States.ArrayUnique":
		return "unique(" + list + ")"
	case "States.ArrayContains":
		if is(2) {
			return "(" + args[1] + " in " + args[0] + ")"
		}
	case "States.ArrayGetItem":
		if is(2) {
			return args[0] + "[" + args[1] + "]"
		}
	case "States.Base64Encode":
		return "base64.encode(bytes(" + list + "))"
	case "States.Base64Decode":
		return "string(base64.decode(" + list + "))"
	case "States.Hash":
		return "hash(" + list + ")"
	case "States.StringToJson":
		return "parseJson(" + list + ")"
	case "States.JsonToString":
		return "toJson(" + list + ")"
	case "States.UUID":
		return "uuid()"
	case "States.JsonMerge":
		if is(3) && args[2] == "false" {
			return "merge(" + args[0] + ", " + args[1] + ")"
		}
		s.refuse("States.JsonMerge with anything but false as its third argument has no twin in CEL")
	case "States.MathAdd":
		if is(2) {
			s.note("States.MathAdd rounds its arguments to whole numbers, + in CEL does not")
			return "(" + args[0] + " + " + args[1] + ")"
		}
	case "States.MathRandom":
		if is(2) {
			return "randomInt(" + list + ")"
		}
	case "States.StringSplit":
		if is(2) && strings.HasPrefix(src[1], "'") && len([]rune(src[1])) == 3 {
			return args[0] + ".split(" + args[1] + ").filter(part, part != \"\")"
		}
		s.refuse("States.StringSplit at more than one character has no twin in CEL")
	default:
		s.refuse(name + " has no twin in CEL")
	}
	return ""
}

// format gives States.Format: its template with %s for each {}.
func (s *stateToCEL) format(args []string, root string) string {
	if len(args) == 0 || !strings.HasPrefix(args[0], "'") || strings.Contains(args[0], `\`) {
		s.refuse("States.Format with a template that has escapes, or is no text, has no twin in CEL")
		return ""
	}
	template := strings.Trim(args[0], "'")
	if strings.Count(template, "{}") != len(args)-1 {
		s.refuse("States.Format has another number of {} than of values")
		return ""
	}
	if len(args) == 1 {
		return quote(template)
	}
	values := make([]string, len(args)-1)
	for i, a := range args[1:] {
		values[i] = s.argument(a, root)
	}
	template = strings.ReplaceAll(strings.ReplaceAll(template, "%", "%%"), "{}", "%s")
	return quote(template) + ".format([" + strings.Join(values, ", ") + "])"
}

// argument gives an argument of an intrinsic function.
func (s *stateToCEL) argument(src, root string) string {
	switch {
	case strings.HasPrefix(src, "'"):
		if strings.Contains(src, `\`) {
			s.refuse("a text with escapes in an intrinsic function is not rewritten")
		}
		return quote(strings.Trim(src, "'"))
	case strings.HasPrefix(src, "$"), strings.HasPrefix(src, "States."):
		return s.expression(src, root)
	default:
		return src // a number, true, false or null
	}
}

// splitArguments splits the text between the brackets of a call at its own commas.
func splitArguments(src string) []string {
	var args []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\':
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			args = append(args, strings.TrimSpace(src[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(src[start:]); last != "" || len(args) > 0 {
		args = append(args, last)
	}
	return args
}
