package jsonata

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// dateParser reads times by a picture.
type dateParser struct {
	re    *regexp.Regexp
	parts []*datePart // of the groups of re
}

// parser makes the regular expression that a picture's texts match.
func (r *run) parser(p *datePicture) *dateParser {
	if p.parser != nil {
		return p.parser
	}
	d := &dateParser{}
	var b strings.Builder
	b.WriteString("(?i)^")
	for i := range p.parts {
		part := &p.parts[i]
		if part.component == 0 {
			b.WriteString(regexp.QuoteMeta(part.literal))
			continue
		}
		b.WriteString("(" + r.partRegex(part) + ")")
		d.parts = append(d.parts, part)
	}
	b.WriteString("$")
	r.take(64 * b.Len())
	re, err := regexp.Compile(b.String())
	if err != nil {
		r.fail("D3132", shown(err.Error()))
	}
	d.re = re
	p.parser = d
	return d
}

var wordsRegex = func() string {
	all := make([]string, 0, len(wordValues))
	for word := range wordValues {
		all = append(all, word)
	}
	// The longest first, for a word may start with another one.
	sort.Slice(all, func(i, j int) bool {
		if len(all[i]) != len(all[j]) {
			return len(all[i]) > len(all[j])
		}
		return all[i] < all[j]
	})
	return `(?:` + strings.Join(all, "|") + `|and|[\-, ])+`
}()

// partRegex gives the regular expression of a component.
func (r *run) partRegex(part *datePart) string {
	switch {
	case part.component == 'Z' || part.component == 'z':
		prefix := ""
		if part.component == 'z' {
			prefix = "GMT"
		}
		return prefix + `(?:[-+][0-9]{1,2}(?::?[0-9]{2})?|Z)`
	case part.names && part.component == 'P':
		return "am|pm"
	case part.names && (part.component == 'C' || part.component == 'E'):
		return "ISO"
	case part.names:
		return "[a-z]+"
	case part.number == nil:
		return "am|pm|ISO"
	}
	switch p := part.number; p.as {
	case inLetters:
		return "[a-z]+"
	case inRoman:
		return "[mdclxvi]*"
	case inWords:
		return wordsRegex
	default:
		count := "+"
		if p.width > 0 {
			count = "{" + strconv.Itoa(min(p.width, 100)) + "}"
		}
		// The first of the family may be no digit 0, so all are spelled as a range.
		digits := "[" + string(p.zero) + "-" + string(p.zero+9) + "]" + count
		if p.ordinal {
			digits += "(?:th|st|nd|rd)"
		}
		return digits
	}
}

// parseDate reads a time; false if the text does not match the picture.
func (r *run) parseDate(s, picture string) (float64, bool) {
	p := r.datePicture(picture)
	d := r.parser(p)
	r.spend(len(s))
	groups := d.re.FindStringSubmatch(s)
	if groups == nil {
		return 0, false
	}
	got := map[byte]int{}
	for i, part := range d.parts {
		n, ok := r.readPart(groups[i+1], part)
		if !ok {
			return 0, false
		}
		got[part.component] = n
	}
	if len(got) == 0 {
		return 0, false
	}
	return r.assemble(got), true
}

// readPart reads the number of a component.
func (r *run) readPart(s string, part *datePart) (int, bool) {
	switch {
	case part.component == 'Z' || part.component == 'z':
		return readZone(strings.TrimPrefix(strings.ToUpper(s), "GMT")), true
	case part.component == 'P':
		if strings.EqualFold(s, "pm") {
			return 1, true
		}
		return 0, true
	case part.component == 'C' || part.component == 'E':
		return 0, true
	case part.names:
		return r.readName(s, part)
	}
	f, ok := part.number.parse(s)
	if !ok || f > 1e9 {
		return 0, false
	}
	return int(f), true
}

// readZone reads a time zone, in minutes.
func readZone(s string) int {
	digits := strings.ReplaceAll(strings.TrimLeft(s, "+-"), ":", "")
	if len(digits) <= 2 {
		digits += "00"
	}
	if strings.HasPrefix(s, "-") {
		digits = "-" + digits
	}
	return zoneOffset(digits)
}

func (r *run) readName(s string, part *datePart) (int, bool) {
	var names []string
	switch part.component {
	case 'M', 'x':
		names = monthNames
	case 'F':
		names = dayNames
	default:
		r.fail("D3133", string(part.component))
	}
	for i, name := range names {
		if part.most > 0 && part.most < len(name) {
			name = name[:part.most]
		}
		if name != "" && strings.EqualFold(name, s) {
			return i, true
		}
	}
	return 0, false
}

// assemble makes a time of its components. Those before the first that is given are those of now, those behind the last
// are the least; one that is missing between is an error.
func (r *run) assemble(got map[byte]int) float64 {
	has := func(c byte) bool { _, ok := got[c]; return ok }
	order := "YMD"
	switch {
	case has('d') && !has('M') && !has('D'):
		order = "Yd"
	case has('X') && has('x') && has('w'), has('x') || has('w'):
		order = "XxwF"
	case has('X') || has('W'):
		order = "XWF"
	}
	if has('P') || has('h') {
		order += "Ph"
	} else {
		order += "H"
	}
	order += "msf"
	started, ended := false, false
	for i := range len(order) {
		c := order[i]
		switch {
		case has(c) && ended:
			r.fail("D3136", shown("there is "+string(c)+", but not what comes before it"))
		case has(c):
			started = true
		case started:
			ended = true
			got[c] = least(c)
		default:
			got[c] = r.current(c)
		}
	}
	if order[0] == 'X' {
		r.fail("D3136", shown("weeks alone do not make a date"))
	}
	var month time.Month
	var day int
	if strings.HasPrefix(order, "Yd") {
		month, day = 1, got['d']
	} else {
		month, day = time.Month(got['M']), got['D']
	}
	hour := got['H']
	if has('P') && has('h') {
		hour = got['h'] % 12
		if got['P'] == 1 {
			hour += 12
		}
	}
	t := time.Date(got['Y'], month, day, hour, got['m'], got['s'], got['f']*1_000_000, time.UTC)
	return float64(t.UnixMilli() - int64(got['Z']+got['z'])*60_000)
}

// current gives a component of the time of the evaluation.
func (r *run) current(c byte) int {
	if c == 'P' {
		return r.now.UTC().Hour() / 12
	}
	return component(r.now.UTC(), c)
}

// least gives the first value of a component.
func least(c byte) int {
	switch c {
	case 'M', 'D', 'd', 'F', 'x', 'w', 'W':
		return 1
	default:
		return 0
	}
}

var isoText = regexp.MustCompile(
	`^(\d{4})(?:-([01]\d)(?:-([0-3]\d))?)?(?:T([0-2]\d):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?([+-][0-2]\d:?[0-5]\d|Z)?)?$`)

// parseISO reads a time in the format of ISO 8601.
func parseISO(s string) (float64, bool) {
	m := isoText.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	field := func(i, missing int) int {
		if n, size := leadingNumber(m[i], 9); size > 0 {
			return n
		}
		return missing
	}
	year, month, day := field(1, 0), field(2, 1), field(3, 1)
	hour, minute, second := field(4, 0), field(5, 0), field(6, 0)
	nanos, _ := leadingNumber((m[7] + "000000000")[:9], 9)
	if month < 1 || month > 12 || day < 1 || hour > 24 || hour == 24 && minute+second+nanos > 0 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day && hour < 24 {
		return 0, false
	}
	return float64(t.UnixMilli() - int64(readZone(strings.TrimPrefix(m[8], "Z")))*60_000), true
}
