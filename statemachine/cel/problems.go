package cel

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// source finds places in the text of an expression.
type source struct {
	text string
	info *ast.SourceInfo
}

// start gives where the sub-expression of that id starts, in bytes.
func (s *source) start(id int64) int {
	if r, ok := s.info.GetOffsetRange(id); ok {
		return byteOffset(s.text, int(r.Start))
	}
	return 0
}

// field gives where the field that is selected from states starts.
func (s *source) field(states ast.Expr) int {
	at := s.start(states.ID())
	if rest, ok := strings.CutPrefix(s.text[at:], states.AsIdent()); ok {
		at = len(s.text) - len(strings.TrimLeft(rest, ".? \t\r\n"))
	}
	return at
}

// byteOffset turns a count of characters into one of bytes.
func byteOffset(text string, characters int) int {
	at := 0
	for ; characters > 0 && at < len(text); characters-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// lineOffset turns a line, from 1, and a column in characters, from 0, into an offset in bytes.
func lineOffset(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		at += i + 1
	}
	return at + byteOffset(text[at:], max(column, 0))
}

func (s *source) problem(err error) query.Problem {
	if m, ok := errors.AsType[*misuse](err); ok {
		return query.Problem{Message: m.message, Hint: m.hint, Offset: s.start(m.at.ID())}
	}
	return query.Problem{Message: err.Error()}
}

// sorted puts problems in the order of their places and drops those that say the same.
func sorted(problems []query.Problem) []query.Problem {
	slices.SortStableFunc(problems, func(a, b query.Problem) int { return a.Offset - b.Offset })
	return slices.Compact(problems)
}

// syntaxProblems puts the parser's errors into words for people.
func syntaxProblems(text string, errs []*cel.Error) []query.Problem {
	if strings.TrimSpace(text) == "" {
		return []query.Problem{{Message: "the expression is empty", Hint: "write CEL between {% and %}, such as states.input"}}
	}
	var problems []query.Problem
	for _, e := range errs {
		p := query.Problem{Offset: lineOffset(text, e.Location.Line(), e.Location.Column())}
		message := strings.TrimPrefix(e.Message, "Syntax error: ")
		p.Message, p.Hint = syntaxProblem(message)
		problems = append(problems, p)
	}
	problems = sorted(problems)
	// What follows a character that CEL does not know, or an end that comes too early, is an effect of it.
	for i, p := range problems {
		if strings.Contains(p.Message, "is no part of CEL") || strings.Contains(p.Message, "does not end") {
			return problems[:i+1]
		}
	}
	return problems
}

var (
	unexpected = regexp.MustCompile(`^(?:mismatched|extraneous) input '(.*?)' expecting`)
	missing    = regexp.MustCompile(`^missing '(.*)' at '(.*)'`)
	noViable   = regexp.MustCompile(`^no viable alternative at input '(.*)'`)
	unknown    = regexp.MustCompile(`(?s)^token recognition error at: '(.*)'`)
	reserved   = regexp.MustCompile(`^reserved identifier: (.*)`)
)

// syntaxProblem gives the message and the hint for an error of the parser.
func syntaxProblem(message string) (string, string) {
	switch {
	case unexpected.MatchString(message):
		token := unexpected.FindStringSubmatch(message)[1]
		if token == "<EOF>" {
			return "syntax error: the expression ends too early", "a bracket, a quote or an operand is missing"
		}
		return fmt.Sprintf("syntax error: %q does not fit here", token), ""
	case missing.MatchString(message):
		return fmt.Sprintf("syntax error: %q is missing here", missing.FindStringSubmatch(message)[1]), ""
	case noViable.MatchString(message):
		return "syntax error: the expression cannot be read from here on", ""
	case unknown.MatchString(message):
		return unknownToken(unknown.FindStringSubmatch(message)[1])
	case reserved.MatchString(message):
		name := reserved.FindStringSubmatch(message)[1]
		return fmt.Sprintf("%s is a reserved word of CEL", name), "a variable of that name cannot be used in CEL, a field can: a." + name
	case strings.HasPrefix(message, "expression code point size exceeds limit"):
		return fmt.Sprintf("the expression has more than %s characters", thousands(maxSource)), ""
	case strings.Contains(message, "recursion"):
		return "the expression nests too deep", ""
	case strings.Contains(message, "lookahead limit"):
		return "syntax error: the expression cannot be read", ""
	case message == "invalid int literal":
		return "the integer has more than 64 bits", "a double is written with a point or an exponent: 1e20"
	case message == "invalid argument to has() macro":
		return "has() needs a selection", "such as has(states.input.name)"
	default:
		return "syntax error: " + message, ""
	}
}

func unknownToken(token string) (string, string) {
	first := token[:min(1, len(token))]
	message := fmt.Sprintf("syntax error: %q is no part of CEL", strings.TrimSpace(token))
	switch first {
	case "$":
		return message, "names have no $ in CEL: write states.input, and a variable by its name"
	case "=":
		return message, "equality is written =="
	case "&", "|":
		return message, "and is written &&, or is written ||"
	case `"`, "'":
		return "syntax error: the string does not end", "a string ends with the quote it starts with, on the same line"
	}
	return message, ""
}

var (
	noOverload   = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	undeclared   = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	suggestion   = regexp.MustCompile(`(?i)did you mean '?([\w.@]+)`)
	notSelect    = regexp.MustCompile(`^type '(.*)' does not support field selection`)
	notRange     = regexp.MustCompile(`^expression of type '(.*)' cannot be range of a comprehension`)
	typeMismatch = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'`)
)

// checkProblems puts the type checker's errors into words for people.
func (s *source) checkProblems(errs []*cel.Error, common *environment) []query.Problem {
	var problems []query.Problem
	for _, e := range errs {
		p := query.Problem{Message: e.Message, Offset: lineOffset(s.text, e.Location.Line(), e.Location.Column())}
		switch {
		case noOverload.MatchString(e.Message):
			m := noOverload.FindStringSubmatch(e.Message)
			p.Message = fmt.Sprintf("%s cannot be applied to %s", callName(m[1]), operandNames(m[1], m[2]))
			p.Hint = overloadHint(m[1], common)
			if m[1] == operators.Conditional {
				p.Message, p.Hint = "what stands before ? must be a bool", ""
			}
			if m[1] == operators.Index && strings.HasPrefix(m[2], "("+statesType.TypeName()) {
				p.Hint = "a field of states is written states.input"
			}
		case undeclared.MatchString(e.Message) && strings.HasPrefix(s.text[p.Offset:], "{"):
			p.Message = fmt.Sprintf("there is no type %s", undeclared.FindStringSubmatch(e.Message)[1])
			p.Hint = `a map is written {"field": value}`
		case undeclared.MatchString(e.Message):
			name := undeclared.FindStringSubmatch(e.Message)[1]
			p.Message = fmt.Sprintf("there is no function %s", name)
			p.Hint = functionHint(name, e.Message, common)
		case notSelect.MatchString(e.Message):
			t := notSelect.FindStringSubmatch(e.Message)[1]
			p.Message = fmt.Sprintf("%s has no fields", withArticle(typeNames(t)))
		case notRange.MatchString(e.Message):
			t := notRange.FindStringSubmatch(e.Message)[1]
			p.Message = fmt.Sprintf("only a list or a map can be looped over, not %s", withArticle(typeNames(t)))
		case typeMismatch.MatchString(e.Message):
			m := typeMismatch.FindStringSubmatch(e.Message)
			p.Message = fmt.Sprintf("%s is needed here, this is %s", withArticle(typeNames(m[1])), withArticle(typeNames(m[2])))
		}
		problems = append(problems, p)
	}
	return problems
}

// typeNames gives types in a message as CEL's users know them.
func typeNames(s string) string {
	for _, r := range [][2]string{
		{statesType.TypeName(), statesName},
		{"google.protobuf.Timestamp", "timestamp"},
		{"google.protobuf.Duration", "duration"},
		{"optional_type", "optional"},
	} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	if strings.Contains(s, typedPrefix) {
		s = typedName.ReplaceAllString(s, "object")
	}
	return nullableName.ReplaceAllString(s, "$1 or null")
}

// operandNames writes the types that a function was applied to: "string and int" for an operator.
func operandNames(function, types string) string {
	types = typeNames(types)
	if strings.HasSuffix(callName(function), "()") {
		return types
	}
	types = strings.Trim(types, "()")
	if i := strings.LastIndex(types, ", "); i >= 0 && function != operators.Conditional {
		return types[:i] + " and " + types[i+2:]
	}
	return types
}

// overloadHint lists what a function or operator can be applied to.
func overloadHint(name string, common *environment) string {
	f := common.Functions()[name]
	if f == nil {
		return ""
	}
	var forms []string
	for _, o := range f.OverloadDecls() {
		args := make([]string, len(o.ArgTypes()))
		usesUint := false
		for i, a := range o.ArgTypes() {
			args[i] = typeNames(cel.FormatCELType(a))
			usesUint = usesUint || a == types.UintType
		}
		if usesUint { // which JSON does not have
			continue
		}
		form := "(" + strings.Join(args, ", ") + ")"
		if o.IsMemberFunction() && len(args) > 0 {
			form = args[0] + ".(" + strings.Join(args[1:], ", ") + ")"
		}
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	hint := "possible are " + strings.Join(forms, ", ")
	if name == operators.Add {
		hint += "; string(x) makes a string of a number"
	}
	return hint
}

// functionHint says what function may have been meant.
func functionHint(name, message string, common *environment) string {
	if m := suggestion.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("did you mean %s?", m[1])
	}
	if arities, ok := macroForms[name]; ok {
		return "it is written " + arities
	}
	var names []string
	for known := range common.Functions() {
		if strings.Trim(known, "_@") == known {
			names = append(names, known)
		}
	}
	for known := range macroForms {
		names = append(names, known)
	}
	slices.Sort(names)
	if near := diag.Closest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return ""
}

// macroForms says how the macros are written; with other arguments the checker takes them for functions.
var macroForms = map[string]string{
	"has": "has(a.b)", "all": "list.all(x, condition)", "exists": "list.exists(x, condition)",
	"exists_one": "list.exists_one(x, condition)", "existsOne": "list.existsOne(i, x, condition)",
	"map": "list.map(x, value) or list.map(x, condition, value)", "filter": "list.filter(x, condition)",
	"sortBy": "list.sortBy(x, key)", "transformList": "list.transformList(i, x, value)",
	"transformMap": "map.transformMap(k, v, value)", "transformMapEntry": "map.transformMapEntry(k, v, {key: value})",
	"optMap": "a.?b.optMap(x, value)", "optFlatMap": "a.?b.optFlatMap(x, optional)", "bind": "cel.bind(x, value, expression)",
}

// checkTypes finds what type-checks and still cannot be meant.
func checkTypes(src *source, tree *ast.AST, env query.Env) []query.Problem {
	var problems []query.Problem
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		name := e.AsCall().FunctionName()
		if name != operators.Equals && name != operators.NotEquals {
			return
		}
		a, b := tree.GetType(e.AsCall().Args()[0].ID()), tree.GetType(e.AsCall().Args()[1].ID())
		if neverEqual(a, b) {
			problems = append(problems, query.Problem{
				Message: fmt.Sprintf("%s and %s are never equal",
					withArticle(typeNames(cel.FormatCELType(a))), withArticle(typeNames(cel.FormatCELType(b)))),
				Hint:   "convert one of them, with string(x) or double(x) for example",
				Offset: src.start(e.ID()),
			})
		}
	}))
	if t := tree.GetType(tree.Expr().ID()); env.Boolean && !couldBeBool(t) {
		problems = append(problems, query.Problem{
			Message: fmt.Sprintf("a condition must give true or false, this one gives %s", withArticle(typeNames(cel.FormatCELType(t)))),
			Hint:    "compare it with something, such as == or >",
		})
	}
	return problems
}

// neverEqual tells whether values of two types are never equal, as far as one can say without their elements.
func neverEqual(a, b *types.Type) bool {
	known := func(t *types.Type) bool {
		switch t.Kind() {
		case types.BoolKind, types.BytesKind, types.DoubleKind, types.DurationKind, types.IntKind, types.ListKind, types.MapKind,
			types.StringKind, types.TimestampKind, types.UintKind:
			return true
		}
		return false
	}
	numeric := func(t *types.Type) bool {
		return t.Kind() == types.IntKind || t.Kind() == types.DoubleKind || t.Kind() == types.UintKind
	}
	if !known(a) || !known(b) || (numeric(a) && numeric(b)) {
		return false
	}
	return a.Kind() != b.Kind()
}

func couldBeBool(t *types.Type) bool {
	switch t.Kind() {
	case types.BoolKind, types.DynKind, types.AnyKind, types.TypeParamKind, types.ErrorKind:
		return true
	}
	return false
}
