package jsonata

import (
	"math"
	"regexp"
	"strings"
)

var (
	units20 = []string{
		"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Thirteen",
		"Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen",
	}
	ordinals20 = []string{
		"Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh",
		"Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth",
	}
	tens       = []string{"", "", "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}
	magnitudes = []string{"Thousand", "Million", "Billion", "Trillion"}
)

// words writes an integer in English.
func words(f float64, ordinal bool) string {
	return wordsBehind("", "", f, ordinal)
}

// wordsBehind writes an integer behind a text: small numbers follow with one connector, hundreds and more with another.
func wordsBehind(small, large string, f float64, ordinal bool) string {
	switch {
	case f < 20 && ordinal:
		return small + ordinals20[int(f)]
	case f < 20:
		return small + units20[int(f)]
	case f < 100:
		ten, rest := tens[int(f/10)], math.Mod(f, 10)
		if rest > 0 {
			return small + ten + wordsBehind("-", "-", rest, ordinal)
		}
		if ordinal {
			return small + strings.TrimSuffix(ten, "y") + "ieth"
		}
		return small + ten
	case f < 1000:
		return large + units20[int(f/100)] + " Hundred" + remainder(math.Mod(f, 100), ordinal)
	}
	size := 0
	factor := 1.0
	for size < len(magnitudes) && f >= factor*1000 {
		factor *= 1000
		size++
	}
	count := math.Floor(f / factor)
	rest := f - count*factor
	return large + wordsBehind("", "", count, false) + " " + magnitudes[size-1] + remainder(rest, ordinal)
}

func remainder(rest float64, ordinal bool) string {
	switch {
	case rest > 0:
		return wordsBehind(" and ", ", ", rest, ordinal)
	case ordinal:
		return "th"
	default:
		return ""
	}
}

// wordValues are what words stand for, in small letters.
var wordValues = func() map[string]float64 {
	m := map[string]float64{"hundred": 100, "hundredth": 100}
	for i := range units20 {
		m[strings.ToLower(units20[i])] = float64(i)
		m[strings.ToLower(ordinals20[i])] = float64(i)
	}
	for i, ten := range tens[2:] {
		ten = strings.ToLower(ten)
		m[ten] = float64(10 * (i + 2))
		m[strings.TrimSuffix(ten, "y")+"ieth"] = float64(10 * (i + 2))
	}
	factor := 1.0
	for _, name := range magnitudes {
		factor *= 1000
		m[strings.ToLower(name)] = factor
		m[strings.ToLower(name)+"th"] = factor
	}
	return m
}()

var betweenWords = regexp.MustCompile(`,\s|\sand\s|[\s\-]`)

// parseWords reads an integer in English.
func parseWords(s string) (float64, bool) {
	parts := []float64{0}
	for _, word := range betweenWords.Split(strings.ToLower(s), -1) {
		v, ok := wordValues[word]
		if !ok {
			return 0, false
		}
		last := len(parts) - 1
		switch {
		case v >= 100:
			parts[last] *= v
		case parts[last] >= 1000:
			parts = append(parts, v)
		default:
			parts[last] += v
		}
	}
	f := 0.0
	for _, part := range parts {
		f += part
	}
	return f, !math.IsInf(f, 0)
}
