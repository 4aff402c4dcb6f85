package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// symbols are the characters that mean something in the pictures of $formatNumber.
type symbols struct {
	decimal, grouping, exponent, minus, percent, perMille, zero, digit, pattern string
	infinity, nan                                                               string
}

// symbolsOf gives the symbols, as an option object changes them.
func symbolsOf(options any) symbols {
	s := symbols{
		decimal: ".", grouping: ",", exponent: "e", minus: "-", percent: "%", perMille: "‰", zero: "0", digit: "#",
		pattern: ";", infinity: "Infinity", nan: "NaN",
	}
	for name, field := range map[string]*string{
		"decimal-separator": &s.decimal, "grouping-separator": &s.grouping, "exponent-separator": &s.exponent,
		"minus-sign": &s.minus, "percent": &s.percent, "per-mille": &s.perMille, "zero-digit": &s.zero, "digit": &s.digit,
		"pattern-separator": &s.pattern, "infinity": &s.infinity, "NaN": &s.nan,
	} {
		if text, ok := asText(member(options, name)); ok && text != "" {
			*field = text
		}
	}
	return s
}

// isDigit tells whether a character is one of the ten digits.
func (s *symbols) isDigit(c rune) bool {
	zero, _ := decode(s.zero)
	return c >= zero && c <= zero+9
}

// active tells whether a character means something in a number. The exponent's counts only between digits.
func (s *symbols) active(c string) bool {
	r, _ := decode(c)
	return s.isDigit(r) || c == s.decimal || c == s.grouping || c == s.digit || c == s.pattern
}

// decimalPicture is one of the one or two parts of a picture.
type decimalPicture struct {
	prefix, suffix  string
	whole, fraction []string // characters before and behind the decimal separator
	mantissa        []string
	exponent        []string
	hasExponent     bool
	hasDecimal      bool
	text            string
	scaling         float64 // 1, 100 or 1000
	groups          []int   // digits behind each separator before the decimal one
	every           int     // if they repeat
	fractionGroups  []int   // digits before each separator behind the decimal one
	minWhole        int
	scale           int // digits of the mantissa before the decimal separator, if there is an exponent
	minFraction     int
	maxFraction     int
	minExponent     int
}

// splitDecimal cuts a sub-picture into its parts.
func splitDecimal(text string, s *symbols) *decimalPicture {
	p := &decimalPicture{text: text}
	chars := strings.Split(text, "")
	from := 0
	for from < len(chars) && !s.active(chars[from]) {
		from++
	}
	to := len(chars)
	for to > from && !s.active(chars[to-1]) {
		to--
	}
	p.prefix, p.suffix = strings.Join(chars[:from], ""), strings.Join(chars[to:], "")
	p.mantissa = chars[from:to]
	for i, c := range p.mantissa {
		if c == s.exponent {
			p.hasExponent = true
			p.exponent, p.mantissa = p.mantissa[i+1:], p.mantissa[:i]
			break
		}
	}
	p.whole = p.mantissa
	for i, c := range p.mantissa {
		if c == s.decimal {
			p.hasDecimal = true
			p.whole, p.fraction = p.mantissa[:i], p.mantissa[i+1:]
			break
		}
	}
	return p
}

// problem gives the code of what is wrong with a sub-picture. If several things are, the last rule counts.
func (p *decimalPicture) problem(s *symbols) string {
	percents, perMilles := strings.Count(p.text, s.percent), strings.Count(p.text, s.perMille)
	digits, passive := 0, false
	for _, c := range slices.Concat(p.mantissa, p.exponent) {
		passive = passive || !s.active(c)
	}
	for _, c := range p.mantissa {
		r, _ := decode(c)
		if s.isDigit(r) || c == s.digit {
			digits++
		}
	}
	n := len(p.whole)
	endsGrouped := n > 0 && p.whole[n-1] == s.grouping
	beside := p.hasDecimal && (endsGrouped || len(p.fraction) > 0 && p.fraction[0] == s.grouping)
	code := ""
	for _, rule := range []struct {
		broken bool
		code   string
	}{
		{strings.Count(p.text, s.decimal) > 1, "D3081"},
		{percents > 1, "D3082"},
		{perMilles > 1, "D3083"},
		{percents > 0 && perMilles > 0, "D3084"},
		{digits == 0, "D3085"},
		{passive, "D3086"},
		{beside, "D3087"},
		{!p.hasDecimal && endsGrouped, "D3088"},
		{strings.Contains(p.text, s.grouping+s.grouping), "D3089"},
		{s.follows(p.whole, s.isOptional, s.isMandatory), "D3090"},
		{s.follows(p.fraction, s.isMandatory, s.isOptional), "D3091"},
		{p.hasExponent && percents+perMilles > 0, "D3092"},
		{p.hasExponent && !s.allDigits(p.exponent), "D3093"},
	} {
		if rule.broken {
			code = rule.code
		}
	}
	return code
}

func (s *symbols) isOptional(c string) bool { return c == s.digit }

func (s *symbols) isMandatory(c string) bool {
	r, _ := decode(c)
	return s.isDigit(r)
}

// follows tells whether a character of one kind stands behind one of another.
func (s *symbols) follows(chars []string, kind, behind func(string) bool) bool {
	i := slices.IndexFunc(chars, behind)
	return i >= 0 && slices.ContainsFunc(chars[i:], kind)
}

func (s *symbols) allDigits(chars []string) bool {
	return len(chars) > 0 && !slices.ContainsFunc(chars, func(c string) bool { return !s.isMandatory(c) })
}

// analyse works out sizes and the positions of separators.
func (p *decimalPicture) analyse(s *symbols) {
	p.scaling = 1
	if strings.Contains(p.text, s.percent) {
		p.scaling = 100
	} else if strings.Contains(p.text, s.perMille) {
		p.scaling = 1000
	}
	count := 0
	var separators []separator
	optional := false
	for _, c := range slices.Backward(p.whole) {
		if c == s.grouping {
			p.groups = append(p.groups, count)
			separators = append(separators, separator{digits: count})
			continue
		}
		count++
		if c == s.digit {
			optional = true
		} else {
			p.minWhole++
		}
	}
	p.every = regular(separators)
	count = 0
	for _, c := range p.fraction {
		if c == s.grouping {
			p.fractionGroups = append(p.fractionGroups, count)
			continue
		}
		count++
		if c != s.digit {
			p.minFraction++
		}
	}
	p.maxFraction = count
	p.scale = p.minWhole
	if p.minWhole == 0 && p.maxFraction == 0 {
		if p.hasExponent {
			p.minFraction, p.maxFraction = 1, 1
		} else {
			p.minWhole = 1
		}
	}
	if p.hasExponent && p.minWhole == 0 && optional {
		p.minWhole = 1
	}
	if p.minWhole == 0 && p.minFraction == 0 {
		p.minFraction = 1
	}
	p.minExponent = len(p.exponent)
}

// formatDecimal writes a number by a picture.
func (r *run) formatDecimal(f float64, picture string, options any) string {
	s := symbolsOf(options)
	r.take(64 * (len(picture) + 16))
	texts := strings.Split(picture, s.pattern)
	if len(texts) > 2 {
		r.fail("D3080", picture)
	}
	parts := make([]*decimalPicture, len(texts))
	for i, text := range texts {
		parts[i] = splitDecimal(text, &s)
		if code := parts[i].problem(&s); code != "" {
			r.fail(code, text)
		}
		parts[i].analyse(&s)
	}
	p := parts[0]
	switch {
	case f < 0 && len(parts) == 2:
		p = parts[1]
	case f < 0:
		p.prefix = s.minus + p.prefix
	}
	switch {
	case math.IsNaN(f):
		return p.prefix + s.nan + p.suffix
	case math.IsInf(f, 0):
		return p.prefix + s.infinity + p.suffix
	}
	return p.prefix + p.number(math.Abs(f)*p.scaling, &s) + p.suffix
}

// number writes what stands between prefix and suffix.
func (p *decimalPicture) number(f float64, s *symbols) string {
	exponent := 0
	if p.minExponent > 0 && f != 0 {
		most := math.Pow10(p.scale)
		least := math.Pow10(p.scale - 1)
		for f < least {
			f *= 10
			exponent--
		}
		for f > most {
			f /= 10
			exponent++
		}
	}
	whole, fraction, _ := strings.Cut(fixed(round(f, p.maxFraction), p.maxFraction), ".")
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	whole = strings.Repeat("0", max(0, p.minWhole-len(whole))) + whole
	fraction += strings.Repeat("0", max(0, p.minFraction-len(fraction)))
	var b strings.Builder
	for i, c := range whole {
		b.WriteString(s.digitText(c))
		if left := len(whole) - 1 - i; left > 0 && p.grouped(left) {
			b.WriteString(s.grouping)
		}
	}
	if fraction != "" {
		b.WriteString(s.decimal)
	}
	for i, c := range fraction {
		for _, at := range p.fractionGroups {
			if at == i {
				b.WriteString(s.grouping)
			}
		}
		b.WriteString(s.digitText(c))
	}
	if p.minExponent > 0 {
		b.WriteString(s.exponent)
		if exponent < 0 {
			b.WriteString(s.minus)
			exponent = -exponent
		}
		digits := strconv.Itoa(exponent)
		for _, c := range strings.Repeat("0", max(0, p.minExponent-len(digits))) + digits {
			b.WriteString(s.digitText(c))
		}
	}
	return b.String()
}

func (s *symbols) digitText(c rune) string {
	zero, _ := decode(s.zero)
	return string(zero + c - '0')
}

// grouped tells whether a separator stands before the last so many digits.
func (p *decimalPicture) grouped(digits int) bool {
	if p.every > 0 {
		return digits%p.every == 0
	}
	return slices.Contains(p.groups, digits)
}

// fixed writes a number without an exponent.
func fixed(f float64, places int) string { return strconv.FormatFloat(f, 'f', places, 64) }
