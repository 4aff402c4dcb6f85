package cel

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// EvaluationError is the ASL error name of an expression that could not be evaluated.
const EvaluationError = "States.QueryEvaluationError"

// fault is why an expression has no value. As all errors in CEL it is a value, since || and && may do without it; so it
// keeps what it saw and is put into words only when it is the result.
type fault struct {
	message string
	at      ast.Expr  // the sub-expression that failed; nil if not known yet
	args    []ref.Val // what the arguments of at were; nil if the message says it
}

func (f *fault) Error() string { return f.message }

// newFault gives an error as a value.
func newFault(format string, args ...any) ref.Val {
	return types.WrapErr(&fault{message: fmt.Sprintf(format, args...)})
}

// faultAt gives an error whose message says all but the line.
func faultAt(at ast.Expr, format string, args ...any) ref.Val {
	return types.WrapErr(&fault{message: fmt.Sprintf(format, args...), at: at})
}

// blame says where an error comes from, unless that is known. The arguments may be changed afterwards.
func blame(err *types.Err, at ast.Expr, function string, args []ref.Val) ref.Val {
	var f *fault
	if errors.As(err.Unwrap(), &f) && f.at != nil {
		return err
	}
	seen := make([]ref.Val, len(args))
	copy(seen, args)
	return types.WrapErr(&fault{message: reason(err.String(), function, args), at: at, args: seen})
}

// reason puts cel-go's words for an error into ours.
func reason(message, function string, args []ref.Val) string {
	if m := conversion.FindStringSubmatch(message); m != nil && len(args) > 0 {
		return notConverted(args[0], typeNames(m[1]))
	}
	if message == "optional.none() dereference" {
		return noValue
	}
	if !strings.HasPrefix(message, "no such overload") {
		return message
	}
	found := make([]string, len(args))
	for i, a := range args {
		found[i] = typeName(a)
	}
	return fmt.Sprintf("%s cannot be applied to %s", callName(function), strings.Join(found, " and "))
}

var conversion = regexp.MustCompile(`^type conversion error from '.*' to '(.*)'$`)

// notConverted is the message for a conversion that does not work.
func notConverted(v ref.Val, to string) string {
	message := describe(v) + " cannot be converted to " + withArticle(to)
	if to == "duration" {
		message += "; durations are written 90s, 1.5h or 1h30m"
	}
	return message
}

// typeName names the type of a value as CEL does.
func typeName(v ref.Val) string {
	switch t := v.Type().TypeName(); t {
	case "google.protobuf.Timestamp":
		return "timestamp"
	case "google.protobuf.Duration":
		return "duration"
	case "null_type":
		return "null"
	case "optional_type":
		return "an optional value"
	default:
		return t
	}
}

// callName gives the name of a function as people write it: an operator without its underscores.
func callName(function string) string {
	switch function {
	case "_[_]", "_[?_]":
		return "[]"
	case "_?_:_":
		return "?:"
	case "-_", "!_":
		return function[:1]
	case "@in":
		return "in"
	case "@sortByAssociatedKeys":
		return "sortBy()"
	case "math.@max":
		return "math.greatest()"
	case "math.@min":
		return "math.least()"
	}
	if name := strings.Trim(function, "_"); name != function {
		return name
	}
	return function + "()"
}

// explain gives the error of an evaluation as the state machine and its reader take it.
func (p *program) explain(err error) *query.Error {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{message: err.Error()}
	}
	var b strings.Builder
	b.WriteString(f.message)
	if f.at == nil {
		return &query.Error{Name: EvaluationError, Message: b.String()}
	}
	if f.args != nil {
		fmt.Fprintf(&b, ` in "%s"`, clip(p.text(f.at)))
	}
	if line := p.line(f.at); line > 0 {
		fmt.Fprintf(&b, " on line %d of the expression", line)
	}
	if seen := p.seen(f); seen != "" {
		fmt.Fprintf(&b, " (%s)", seen)
	}
	return &query.Error{Name: EvaluationError, Message: b.String()}
}

// seen lists the arguments that are not literals, and what they were.
func (p *program) seen(f *fault) string {
	var parts []string
	exprs := operands(f.at)
	for i, v := range f.args {
		if i >= len(exprs) || v == nil || isError(v) || isLiteral(exprs[i]) {
			continue
		}
		parts = append(parts, clip(p.text(exprs[i]))+" is "+describe(v))
	}
	return strings.Join(parts, ", ")
}

// isLiteral tells whether an expression says itself what its value is.
func isLiteral(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return true
	case ast.ListKind:
		return !slices.ContainsFunc(e.AsList().Elements(), func(e ast.Expr) bool { return !isLiteral(e) })
	case ast.MapKind:
		return !slices.ContainsFunc(e.AsMap().Entries(), func(e ast.EntryExpr) bool {
			return !isLiteral(e.AsMapEntry().Key()) || !isLiteral(e.AsMapEntry().Value())
		})
	}
	return false
}

// operands gives the expressions whose values a call computes with.
func operands(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() {
			return append([]ast.Expr{c.Target()}, c.Args()...)
		}
		return e.AsCall().Args()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ComprehensionKind:
		return []ast.Expr{e.AsComprehension().IterRange()}
	}
	return nil
}

// text gives the source of a sub-expression, in CEL's own layout.
func (p *program) text(e ast.Expr) string {
	text, err := parser.Unparse(e, p.info)
	if err != nil {
		return "…"
	}
	return strings.Join(strings.Fields(text), " ")
}

// line gives the line of a sub-expression, 0 if the expression has but one.
func (p *program) line(e ast.Expr) int {
	if len(p.info.LineOffsets()) <= 1 {
		return 0
	}
	return p.info.GetStartLocation(e.ID()).Line()
}

// clipAt is how many characters of a value or an expression a message shows.
const clipAt = 80

func clip(s string) string {
	if utf8.RuneCountInString(s) <= clipAt {
		return s
	}
	runes := []rune(s)
	return string(runes[:clipAt-1]) + "…"
}

// noValue is the message for an empty optional where a value is needed.
const noValue = "there is no value (optional.none()); orValue() gives one"

// typed gives a value in a message, with its type.
func typed(v ref.Val) string {
	if v == types.NullValue {
		return "null"
	}
	return withArticle(typeName(v)) + " " + describe(v)
}

// describe gives a value in a message: as JSON, and only so much of it as a line holds.
func describe(v ref.Val) string {
	switch v := v.(type) {
	case *scalar:
		return clip(string(v.json.JSON()))
	case types.String:
		if len(v) > 8*clipAt {
			v = v[:8*clipAt]
		}
		return clip(string(value.AppendString(nil, string(v))))
	case types.Timestamp, types.Duration:
		return typeName(v) + " " + string(v.ConvertToType(types.StringType).(types.String))
	case types.Bytes:
		return plural(len(v), "byte")
	case *types.Err:
		return "an error"
	case *types.Optional:
		if !v.HasValue() {
			return "optional.none()"
		}
		return "optional " + describe(v.GetValue())
	case *list:
		if small := clipJSON(v); small != "" {
			return small
		}
		return "a list of " + plural(v.len(), "element")
	case *object:
		if small := clipJSON(v); small != "" {
			return small
		}
		return "a map of " + plural(v.len(), "entry")
	case ref.Type:
		return "the type " + v.TypeName()
	}
	if j, err := toJSON(v); err == nil {
		return string(j.JSON())
	}
	return fmt.Sprint(v.Value())
}

// clipJSON gives the JSON of a list or object that is small, "" of one that is not.
func clipJSON(v ref.Val) string {
	if weight(v) > clipAt {
		return ""
	}
	if j, err := toJSON(v); err == nil {
		return string(j.JSON())
	}
	return ""
}

// plural counts things: 1 element, 1,000 elements.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		noun = stem + "ie"
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
