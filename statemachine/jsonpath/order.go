package jsonpath

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// compareText orders text as Java does, by UTF-16 code units: characters beyond U+FFFF come before U+E000.
func compareText(a, b string) int {
	for {
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			return cmp.Compare(utf16Rank(x), utf16Rank(y))
		}
		a, b = a[n:], b[m:]
	}
}

// utf16Rank maps characters to numbers in the order of their UTF-16 code units.
func utf16Rank(r rune) rune {
	switch {
	case r >= 0x10000:
		return r - 0x10000 + 0xD800
	case r >= 0xE000:
		return r + 0x100000
	default:
		return r
	}
}

// containsText tells whether one text is in the other.
func containsText(v, part *value.Value) bool {
	return v.Kind() == value.String && part.Kind() == value.String && strings.Contains(v.Text(), part.Text())
}

// sizeOf gives the length of a text, an array or an object.
func sizeOf(v *value.Value) (int, bool) {
	switch v.Kind() {
	case value.String:
		return utf8.RuneCountInString(v.Text()), true
	case value.Array, value.Object:
		return v.Len(), true
	default:
		return 0, false
	}
}

// parseNumber gives the number that a text is, nil if it is none.
func parseNumber(s string) *value.Value {
	if s == "" || (s[0] != '-' && (s[0] < '0' || s[0] > '9')) || !json.Valid([]byte(s)) || strings.TrimSpace(s) != s {
		return nil
	}
	return value.FromNumber(s)
}

// compareNumbers orders numbers exactly, however many digits they have.
func compareNumbers(a, b *value.Value) int {
	s, t := a.Text(), b.Text()
	x, err1 := strconv.ParseInt(s, 10, 64)
	y, err2 := strconv.ParseInt(t, 10, 64)
	if err1 == nil && err2 == nil {
		return cmp.Compare(x, y)
	}
	return newDecimal(s).compare(newDecimal(t))
}

// decimal is a number as 0.digits times ten to the power of exponent. Zero has no digits.
type decimal struct {
	negative bool
	digits   string // without zeros at the beginning and the end
	exponent int64
}

// maxExponent is where exponents are cut off. No two numbers that people compare differ beyond it.
const maxExponent = 1 << 50

// newDecimal reads a valid JSON number.
func newDecimal(s string) decimal {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], strings.TrimPrefix(s[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	whole = strings.TrimLeft(whole, "0")
	d.exponent = int64(len(whole))
	d.digits = whole + fraction
	if whole == "" {
		d.digits = strings.TrimLeft(fraction, "0")
		d.exponent = -int64(len(fraction) - len(d.digits))
	}
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		return decimal{}
	}
	if exponent != "" {
		e, err := strconv.ParseInt(exponent, 10, 64)
		if err != nil || e > maxExponent || e < -maxExponent {
			e = maxExponent
			if exponent[0] == '-' {
				e = -maxExponent
			}
		}
		d.exponent += e
	}
	return d
}

func (d decimal) compare(o decimal) int {
	if order := cmp.Compare(d.sign(), o.sign()); order != 0 || d.digits == "" {
		return order
	}
	order := cmp.Compare(d.exponent, o.exponent)
	if order == 0 {
		order = cmp.Compare(d.digits, o.digits)
	}
	return order * d.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

// appendKey appends a text that two values have in common if and only if they are equal: members in the order of their
// names, and numbers by their value.
func appendKey(b []byte, v *value.Value) []byte {
	switch v.Kind() {
	case value.Number:
		d := newDecimal(v.Text())
		if d.negative && d.digits != "" {
			b = append(b, '-')
		}
		b = append(append(b, d.digits...), 'e')
		return strconv.AppendInt(b, d.exponent, 10)
	case value.String:
		return value.AppendString(b, v.Text())
	case value.Array:
		b = append(b, '[')
		for _, e := range v.Elems() {
			b = append(appendKey(b, e), ',')
		}
		return append(b, ']')
	case value.Object:
		b = append(b, '{')
		for _, key := range sortedKeys(v) {
			b = append(value.AppendString(b, key), ':')
			b = append(appendKey(b, v.Get(key)), ',')
		}
		return append(b, '}')
	default:
		return v.Append(b)
	}
}
