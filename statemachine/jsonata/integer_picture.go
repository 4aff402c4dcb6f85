package jsonata

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// numbering is how an integer is written.
type numbering uint8

const (
	inDigits numbering = iota
	inLetters
	inRoman
	inWords
)

// letterCase is the case of words, letters and names.
type letterCase uint8

const (
	lowerCase letterCase = iota
	upperCase
	titleCase
)

// integerPicture says how an integer is written, as the picture strings of XPath do.
type integerPicture struct {
	as         numbering
	letters    letterCase
	ordinal    bool
	zero       rune // the digit for 0
	mandatory  int  // digits at least
	optional   int
	separators []separator // from the right
	every      int         // if the separators repeat: how many digits stand between them
	width      int         // digits to read, if what follows are digits too; 0 for as many as there are
}

// separator stands behind so many digits, counted from the right.
type separator struct {
	digits int
	char   string
}

// zeros are the digits 0 of the decimal digit families that pictures may use.
var zeros = []rune{
	0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
	0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
	0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
}

// zeroOf gives the digit 0 of the family of a digit.
func zeroOf(c rune) (rune, bool) {
	for _, z := range zeros {
		if c >= z && c <= z+9 {
			return z, true
		}
	}
	return 0, false
}

// integerPicture reads a picture.
func (r *run) integerPicture(picture string) *integerPicture {
	r.spend(len(picture))
	p := &integerPicture{zero: '0'}
	primary := picture
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		primary = picture[:i]
		p.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch primary {
	case "A":
		p.as, p.letters = inLetters, upperCase
	case "a":
		p.as = inLetters
	case "I":
		p.as, p.letters = inRoman, upperCase
	case "i":
		p.as = inRoman
	case "W":
		p.as, p.letters = inWords, upperCase
	case "Ww":
		p.as, p.letters = inWords, titleCase
	case "w":
		p.as = inWords
	default:
		r.digitPicture(p, primary)
	}
	return p
}

// digitPicture reads a picture of digits.
func (r *run) digitPicture(p *integerPicture, primary string) {
	chars := []rune(primary)
	count := 0
	for _, c := range slices.Backward(chars) {
		zero, isDigit := zeroOf(c)
		switch {
		case isDigit && p.mandatory > 0 && zero != p.zero:
			r.fail("D3131", shown(primary))
		case isDigit:
			p.zero = zero
			p.mandatory++
			count++
		case c == '#':
			p.optional++
			count++
		default:
			p.separators = append(p.separators, separator{digits: count, char: string(c)})
		}
	}
	if p.mandatory == 0 {
		r.fail("D3130", shown(primary))
	}
	p.every = regular(p.separators)
}

// regular tells how many digits stand between separators if they repeat: all are the same, and there is one at every
// multiple of that number.
func regular(separators []separator) int {
	if len(separators) == 0 {
		return 0
	}
	factor := 0
	at := map[int]bool{}
	for _, s := range separators {
		if s.char != separators[0].char {
			return 0
		}
		factor = gcd(factor, s.digits)
		at[s.digits] = true
	}
	for i := 1; i <= len(separators); i++ {
		if !at[i*factor] {
			return 0
		}
	}
	return factor
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// formatInteger writes an integer.
func (r *run) formatInteger(f float64, p *integerPicture) string {
	f = math.Floor(f)
	negative := f < 0
	f = math.Abs(f)
	var s string
	switch p.as {
	case inLetters:
		s = letterNumber(f, p.letters)
	case inRoman:
		r.take(int(min(f/1000, maxResult*64)) + 16)
		s = roman(f)
		if p.letters == lowerCase {
			s = strings.ToLower(s)
		}
	case inWords:
		s = words(f, p.ordinal)
		switch p.letters {
		case upperCase:
			s = strings.ToUpper(s)
		case lowerCase:
			s = strings.ToLower(s)
		case titleCase:
		}
	default:
		s = r.inDigits(f, p)
	}
	if negative {
		s = "-" + s
	}
	r.take(len(s))
	return s
}

// inDigits writes an integer in digits.
func (r *run) inDigits(f float64, p *integerPicture) string {
	s := bigText(f, 10)
	r.take(8 * p.mandatory)
	if missing := p.mandatory - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	ordinal := ""
	if p.ordinal {
		ordinal = ordinalSuffix(s)
	}
	chars := make([]string, len(s))
	for i := range chars {
		chars[i] = string(p.zero + rune(s[i]-'0'))
	}
	var b strings.Builder
	for i, c := range chars {
		b.WriteString(c)
		b.WriteString(p.separatorAt(len(chars) - 1 - i))
	}
	return b.String() + ordinal
}

// separatorAt gives what stands before the last so many digits.
func (p *integerPicture) separatorAt(digits int) string {
	if digits == 0 {
		return ""
	}
	if p.every > 0 {
		if digits%p.every == 0 {
			return p.separators[0].char
		}
		return ""
	}
	out := ""
	for _, s := range p.separators {
		if s.digits == digits {
			out = s.char + out
		}
	}
	return out
}

func ordinalSuffix(digits string) string {
	n := len(digits)
	if n > 1 && digits[n-2] == '1' {
		return "th"
	}
	switch digits[n-1] {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	default:
		return "th"
	}
}

// bigText writes an integer of any size in a radix.
func bigText(f float64, radix int) string {
	i, _ := big.NewFloat(f).Int(nil)
	return i.Text(radix)
}

// letterNumber counts a, b … z, aa, ab and so on.
func letterNumber(f float64, c letterCase) string {
	first := byte('a')
	if c == upperCase {
		first = 'A'
	}
	var b []byte
	for f > 0 {
		b = append(b, first+byte(math.Mod(f-1, 26)))
		f = math.Floor((f - 1) / 26)
	}
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

var romans = []struct {
	value float64
	text  string
}{
	{1000, "M"},
	{900, "CM"},
	{500, "D"},
	{400, "CD"},
	{100, "C"},
	{90, "XC"},
	{50, "L"},
	{40, "XL"},
	{10, "X"},
	{9, "IX"},
	{5, "V"},
	{4, "IV"},
	{1, "I"},
}

func roman(f float64) string {
	var b strings.Builder
	for _, n := range romans {
		for f >= n.value {
			b.WriteString(n.text)
			f -= n.value
		}
	}
	return b.String()
}

// parse reads an integer.
func (p *integerPicture) parse(s string) (float64, bool) {
	switch p.as {
	case inLetters:
		return parseLetters(s)
	case inRoman:
		return parseRoman(strings.ToUpper(s))
	case inWords:
		return parseWords(s)
	default:
		return p.parseDigits(s)
	}
}

func (p *integerPicture) parseDigits(s string) (float64, bool) {
	if p.ordinal && len(s) > 2 {
		s = s[:len(s)-2]
	}
	for _, sep := range p.separators {
		s = strings.ReplaceAll(s, sep.char, "")
	}
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" {
		return 0, false
	}
	f := 0.0
	for _, c := range s {
		if c < p.zero || c > p.zero+9 {
			return 0, false
		}
		f = f*10 + float64(c-p.zero)
	}
	if negative {
		f = -f
	}
	return f, !math.IsInf(f, 0)
}

func parseLetters(s string) (float64, bool) {
	f := 0.0
	for _, c := range strings.ToLower(s) {
		if c < 'a' || c > 'z' {
			return 0, false
		}
		f = f*26 + float64(c-'a'+1)
	}
	return f, !math.IsInf(f, 0)
}

var romanDigits = map[rune]float64{'M': 1000, 'D': 500, 'C': 100, 'L': 50, 'X': 10, 'V': 5, 'I': 1}

func parseRoman(s string) (float64, bool) {
	f, most := 0.0, 0.0
	for s != "" {
		c, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		digit, ok := romanDigits[c]
		if !ok {
			return 0, false
		}
		if digit < most {
			f -= digit
		} else {
			most = digit
			f += digit
		}
	}
	return f, true
}
