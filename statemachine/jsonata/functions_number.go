package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

var numberFunctions = []definition{
	{"number", "<(nsb)-:n>", toNumber},
	{"floor", "<n-:n>", number1(func(_ *run, f float64) any { return math.Floor(f) })},
	{"ceil", "<n-:n>", number1(func(_ *run, f float64) any { return math.Ceil(f) })},
	{"round", "<n-n?:n>", roundTo},
	{"abs", "<n-:n>", number1(func(_ *run, f float64) any { return math.Abs(f) })},
	{"sqrt", "<n-:n>", number1(func(r *run, f float64) any {
		if f < 0 {
			r.fail("D3060", f)
		}
		return math.Sqrt(f)
	})},
	{"power", "<n-n:n>", power},
	{"formatNumber", "<n-so?:s>", func(r *run, args []any) any {
		f, ok := asNumber(args[0])
		picture, _ := asText(args[1])
		if !ok {
			return nil
		}
		return r.made(r.formatDecimal(f, picture, args[2]))
	}},
	{"formatBase", "<n-n?:s>", formatBase},
	{"formatInteger", "<n-s:s>", func(r *run, args []any) any {
		f, ok := asNumber(args[0])
		picture, _ := asText(args[1])
		if !ok {
			return nil
		}
		r.finite(f)
		return r.formatInteger(f, r.integerPicture(picture))
	}},
	{"parseInteger", "<s-s:n>", func(r *run, args []any) any {
		s, ok := asText(args[0])
		picture, _ := asText(args[1])
		if !ok {
			return nil
		}
		f, ok := r.integerPicture(picture).parse(s)
		if !ok {
			r.fail("D3030", s)
		}
		return f
	}},
	{"random", "<n?:n>", random},
}

var (
	decimalText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)
	basedText   = regexp.MustCompile(`^(0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+)$`)
)

func toNumber(r *run, args []any) any {
	v := args[0]
	switch classOf(v) {
	case isNothing, isNumber:
		return v
	case isBool:
		if b, _ := asBool(v); b {
			return 1.0
		}
		return 0.0
	default:
	}
	s, _ := asText(v)
	switch {
	case decimalText.MatchString(s):
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case basedText.MatchString(s):
		base := map[byte]float64{'x': 16, 'o': 8, 'b': 2}[s[1]|0x20]
		f := 0.0
		for _, c := range strings.ToLower(s[2:]) {
			f = f*base + float64(strings.IndexRune("0123456789abcdef", c))
		}
		if !math.IsInf(f, 0) {
			return f
		}
	}
	r.failAt("D3030", v, 1)
	return nil
}

func roundTo(_ *run, args []any) any {
	f, ok := asNumber(args[0])
	if !ok {
		return nil
	}
	precision, _ := asNumber(args[1])
	return round(f, int(math.Max(-400, math.Min(400, precision))))
}

// round rounds to a number of decimal places, a half to the even neighbour.
func round(f float64, precision int) float64 {
	shifted := shift(f, precision)
	if math.IsInf(shifted, 0) {
		return f // so large that it has no decimal places
	}
	out := shift(math.RoundToEven(shifted), -precision)
	if out == 0 {
		return 0 // not -0
	}
	return out
}

// shift moves the decimal point, in the decimal digits of the number, so that 4.525 becomes 452.5 and nothing beside.
func shift(f float64, places int) float64 {
	if places == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	e, err := strconv.Atoi(exponent)
	if err != nil {
		return f
	}
	moved, err := strconv.ParseFloat(digits+"e"+strconv.Itoa(e+places), 64)
	if err != nil && !math.IsInf(moved, 0) {
		return f
	}
	return moved
}

func power(r *run, args []any) any {
	base, ok := asNumber(args[0])
	if !ok {
		return nil
	}
	exponent, ok := asNumber(args[1])
	if !ok {
		exponent = math.NaN()
	}
	out := math.Pow(base, exponent)
	if math.IsInf(out, 0) || math.IsNaN(out) {
		r.fail("D3061", shown(formatNumber(base)+" to the power of "+formatNumber(exponent)))
	}
	return out
}

func formatBase(r *run, args []any) any {
	f, ok := asNumber(args[0])
	if !ok {
		return nil
	}
	r.finite(f)
	f = round(f, 0)
	radix := 10.0
	if base, ok := asNumber(args[1]); ok {
		radix = round(base, 0)
	}
	if !(radix >= 2 && radix <= 36) {
		r.fail("D3100", radix)
	}
	if math.Abs(f) < 1<<63 {
		return strconv.FormatInt(int64(f), int(radix))
	}
	return bigText(f, int(radix))
}

// random gives a number from 0 to 1, without 1. With a seed it is always the same for the same seed.
func random(r *run, args []any) any {
	seed, ok := asNumber(args[0])
	if !ok {
		return unit(r.random())
	}
	if !integer(seed) {
		r.fail("D3030", seed)
	}
	return unit(mix(uint64(int64(seed))))
}

// unit makes a number from 0 to 1 of random bits.
func unit(bits uint64) float64 { return float64(bits>>11) / (1 << 53) }

// mix makes well-mixed bits of a seed; it is the finisher of SplitMix64, by Vigna.
func mix(seed uint64) uint64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
