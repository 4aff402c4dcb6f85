package cel

import (
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// scalar is a JSON number or string whose CEL value could not give its text back: 1.10, 1e400, "\ud800". It goes through
// an expression as it is, and is cooked, to the CEL value it embeds, when something computes with it.
type scalar struct {
	ref.Val
	json *value.Value
}

// cooked gives a value as functions and operators take it.
func cooked(v ref.Val) ref.Val {
	if s, ok := v.(*scalar); ok {
		return s.Val
	}
	return v
}

// fromJSON gives the CEL value of a JSON value, reading no more of it than its kind and, of a scalar, its text.
func fromJSON(v *value.Value) ref.Val {
	switch v.Kind() {
	case value.Null:
		return types.NullValue
	case value.Bool:
		return types.Bool(v.Bool())
	case value.String:
		text := v.Text()
		if v.Size() == len(text)+len(`""`) {
			return types.String(text)
		}
		return &scalar{Val: types.String(text), json: v}
	case value.Number:
		return fromNumber(v)
	case value.Array:
		return &list{json: v}
	default:
		return &object{json: v}
	}
}

// fromNumber gives an int for an integer that fits one, and a double for any other number.
func fromNumber(v *value.Value) ref.Val {
	digits := v.JSON()
	if i, ok := smallInt(digits); ok {
		return types.Int(i)
	}
	text := v.Text()
	if isInteger(text) && text != "-0" {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return types.Int(i)
		}
	}
	f, ok := v.Float()
	if !ok {
		return &scalar{Val: beyondDouble(text), json: v}
	}
	if plainDecimal(text) {
		return types.Double(f)
	}
	if canonical, ok := value.FromFloat(f); ok && string(canonical.JSON()) == text {
		return types.Double(f)
	}
	return &scalar{Val: types.Double(f), json: v}
}

// cookedNumber gives what cooked gives of fromNumber, without a scalar in between.
func cookedNumber(v *value.Value) ref.Val {
	digits := v.JSON()
	if i, ok := smallInt(digits); ok {
		return types.Int(i)
	}
	if len(digits) >= 18 { // it may be an integer that fits, or not
		return cooked(fromNumber(v))
	}
	f, ok := v.Float()
	if !ok {
		return beyondDouble(v.Text())
	}
	return types.Double(f)
}

func beyondDouble(text string) ref.Val {
	return newFault("the number %s is beyond the range of a double", clip(text))
}

// smallInt reads the integers that surely fit, without a copy.
func smallInt(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 18 || (len(digits) > 1 && digits[0] == '-' && digits[1] == '0') {
		return 0, false
	}
	i, negative := 0, digits[0] == '-'
	if negative {
		i++
	}
	n := int64(0)
	for ; i < len(digits); i++ {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// plainDecimal tells whether a number that is no int is surely written as a double's result would be: with at most 15
// digits, which any double gives back, no zero at the end and no exponent.
func plainDecimal(text string) bool {
	return len(text) <= 16 && text[len(text)-1] != '0' && !strings.ContainsAny(text, "eE") &&
		!strings.HasPrefix(text, "0.0000") && !strings.HasPrefix(text, "-0.0")
}

// isInteger tells whether the digits of a number are those of an integer.
func isInteger(digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// number gives an int or double as a float64.
func number(v ref.Val) (float64, bool) {
	switch v := v.(type) {
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	case types.Double:
		return float64(v), true
	}
	return 0, false
}

// integer gives an int, or a double or uint that is one.
func integer(v ref.Val) (int64, bool) {
	switch v := v.(type) {
	case types.Int:
		return int64(v), true
	case types.Uint:
		return int64(v), v <= math.MaxInt64
	case types.Double:
		f := float64(v)
		return int64(f), f == math.Trunc(f) && math.Abs(f) <= 1<<53
	}
	return 0, false
}
