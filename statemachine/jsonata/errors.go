package jsonata

import (
	"strconv"
	"strings"
)

// Error is what is wrong with an expression, or what went wrong when it was evaluated.
type Error struct {
	Code     string // the code of JSONata, such as T2001; its first letter: S syntax, T types, D evaluation, U limits
	Position int    // in the source, in bytes, where the part begins that failed; -1 if it is not known
	Token    string // the operator, name or function that failed, may be empty
	Value    string // what it failed on, shortened, may be empty
	Message  string // what is wrong, without the code
}

// Error gives the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// messages say what a code means. {{token}} and {{value}} stand for what the error is about; {{index}} is the number
// of an argument and {{type}} what was expected.
var messages = map[string]string{
	"S0101": "the string has no closing quote",
	"S0102": "the number {{token}} is out of range",
	"S0103": "\\{{token}} is no escape of a string",
	"S0104": "\\u must be followed by 4 hexadecimal digits",
	"S0105": "the quoted name has no closing backtick",
	"S0106": "the comment has no closing */",
	"S0201": "the expression ends before {{token}}, which cannot follow here",
	"S0202": "expected {{value}} instead of {{token}}",
	"S0203": "expected {{value}} before the end of the expression",
	"S0204": "unknown operator {{token}}",
	"S0205": "unexpected token {{token}}",
	"S0206": "unknown kind of expression: {{token}}",
	"S0207": "the expression ends where an operand is needed",
	"S0208": "parameter {{value}} of a function definition must be a variable (start with $), not {{token}}",
	"S0209": "a predicate cannot follow a grouping expression in a step",
	"S0210": "each step can have only one grouping expression",
	"S0211": "{{token}} cannot start an expression",
	"S0212": "the left side of := must be a variable name (start with $)",
	"S0213": "the literal value {{value}} cannot be a step of a path",
	"S0214": "the right side of {{token}} must be a variable name (start with $)",
	"S0215": "a context variable binding must precede any predicates on a step",
	"S0216": "a context variable binding must precede the order-by of a step",
	"S0217": "the parent of {{token}} cannot be derived: nothing is above it here",
	"S0301": "a regular expression cannot be empty",
	"S0302": "the regular expression has no closing /",
	"S0303": "the regular expression {{token}} is not supported: {{value}}",
	"S0401": "a type parameter can only follow a function or an array, not {{value}}",
	"S0402": "a choice of types cannot contain parameterized types: {{value}}",
	"T0410": "argument {{index}} of {{token}} does not match its signature: {{value}}",
	"T0411": "the context value {{value}} is not of a type that argument {{index}} of {{token}} can take",
	"T0412": "argument {{index}} of {{token}} must be an array of {{type}}, not {{value}}",
	"T1003": "the key of an object must be a string, not {{value}}",
	"T1005": "attempted to invoke a non-function; did you mean ${{token}}?",
	"T1006": "Attempted to invoke a non-function",
	"T1007": "attempted to partially apply a non-function; did you mean ${{token}}?",
	"T1008": "attempted to partially apply a non-function",
	"T1010": "the matcher given to function {{token}} does not return the object of a match",
	"T2001": "the left side of {{token}} must be a number, not {{value}}",
	"T2002": "the right side of {{token}} must be a number, not {{value}}",
	"T2003": "the left side of the range operator (..) must be an integer, not {{value}}",
	"T2004": "the right side of the range operator (..) must be an integer, not {{value}}",
	"T2006": "the right side of ~> must be a function, not {{value}}",
	"T2007": "the values of an order-by must be of one type: {{value}}",
	"T2008": "an order-by must give numbers or strings, not {{value}}",
	"T2009": "the values on both sides of {{token}} must be of the same type: {{value}}",
	"T2010": "both sides of {{token}} must be numbers or strings: {{value}}",
	"T2011": "the insert/update clause of a transform must be an object, not {{value}}",
	"T2012": "the delete clause of a transform must be a string or an array of strings, not {{value}}",
	"T2013": "a transform cannot copy its input: $clone is no function",
	"D1001": "the number {{value}} is out of range",
	"D1002": "only a number can be negated, not {{value}}",
	"D1004": "the regular expression {{value}} matches a string of length zero",
	"D1009": "several key expressions of the object give the key {{value}}",
	"D2014": "the range operator (..) gives too many values: {{value}}, at most 1e7 are allowed",
	"D3001": "{{value}} is no finite number and has no text",
	"D3010": "the second argument of function {{token}} cannot be an empty string",
	"D3011": "the fourth argument of function {{token}} must not be negative, it is {{value}}",
	"D3012": "the replacement function of {{token}} must give a string, not {{value}}",
	"D3020": "the third argument of function {{token}} must not be negative, it is {{value}}",
	"D3030": "{{value}} cannot be made a number",
	"D3040": "the third argument of function {{token}} must not be negative, it is {{value}}",
	"D3050": "the function given to {{token}} must take at least two arguments",
	"D3060": "the square root of the negative number {{value}} is no number",
	"D3061": "the power function gives no number: {{value}}",
	"D3070": "without a comparison function, {{token}} sorts an array of strings or of numbers only",
	"D3080": "the picture {{value}} must have at most two sub-pictures",
	"D3081": "the sub-picture {{value}} must have at most one decimal separator",
	"D3082": "the sub-picture {{value}} must have at most one percent character",
	"D3083": "the sub-picture {{value}} must have at most one per-mille character",
	"D3084": "the sub-picture {{value}} must not have both a percent and a per-mille character",
	"D3085": "the mantissa of the sub-picture {{value}} needs at least one digit or optional digit",
	"D3086": "the sub-picture {{value}} has a passive character between two active ones",
	"D3087": "the sub-picture {{value}} has a grouping separator beside the decimal separator",
	"D3088": "the integer part of the sub-picture {{value}} ends in a grouping separator",
	"D3089": "the sub-picture {{value}} has two grouping separators side by side",
	"D3090": "the integer part of the sub-picture {{value}} has an optional digit behind a mandatory one",
	"D3091": "the fractional part of the sub-picture {{value}} has a mandatory digit behind an optional one",
	"D3092": "the sub-picture {{value}} has an exponent separator and a percent or per-mille character",
	"D3093": "the exponent of the sub-picture {{value}} must be digits only, and at least one",
	"D3100": "the radix of function {{token}} must be between 2 and 36, it is {{value}}",
	"D3110": "{{value}} is no timestamp in the format of ISO 8601",
	"D3120": "syntax error in the expression passed to function {{token}}: {{value}}",
	"D3121": "the expression passed to function {{token}} failed: {{value}}",
	"D3130": "formatting or parsing an integer as a sequence from {{value}} is not supported",
	"D3131": "all digits of the integer picture {{value}} must be of the same group",
	"D3132": "unknown component {{value}} in a date/time picture",
	"D3133": "the component {{value}} of a date/time picture has no name",
	"D3134": "a time zone in a date/time picture cannot have {{value}} digits",
	"D3135": "a [ in the date/time picture has no closing ]",
	"D3136": "the date/time picture lacks a component that is needed to make a timestamp: {{value}}",
	"D3137": "{{value}}",
	"D3138": "the $single() function expected exactly 1 matching result, instead it matched more",
	"D3139": "the $single() function expected exactly 1 matching result, instead it matched 0",
	"D3140": "{{value}} cannot be passed to function {{token}}: it has a malformed sequence of characters",
	"D3141": "{{value}}",
	"U1001": "{{value}}",
}

// fault is an Error that is being made.
type fault struct {
	code  string
	pos   int
	token string
	value string // for D3137, D3141 and U1001 the message itself
	index int
	typ   string
}

// raise ends what is being done with an error. Compile and Eval recover it.
func raise(f fault) {
	if f.index > 0 && f.token == "" {
		f.token = "the function"
	}
	text, ok := messages[f.code]
	if !ok {
		text = f.value
	}
	text = strings.NewReplacer("{{token}}", f.token, "{{value}}", f.value, "{{index}}", strconv.Itoa(f.index),
		"{{type}}", f.typ).Replace(text)
	panic(&Error{Code: f.code, Position: f.pos, Token: f.token, Value: f.value, Message: text})
}

// rescue turns a raised error into an error. Everything else that panics goes on.
func rescue(err *error) { //nolint:gocritic // deferred, it sets the error that is returned
	switch caught := recover().(type) {
	case nil:
	case *Error:
		*err = caught
	default:
		panic(caught)
	}
}
