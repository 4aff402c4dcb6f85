package jsonata

import (
	"math"
	"strings"
	"time"
)

var (
	dayNames   = []string{"", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	monthNames = []string{
		"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
		"December",
	}
)

// maxMillis is how far from 1970 a time may lie, as in JavaScript.
const maxMillis = 8.64e15

// formatDate writes a time by a picture.
func (r *run) formatDate(millis float64, picture, zone string) string {
	if math.IsNaN(millis) || math.Abs(millis) > maxMillis {
		r.fail("D3110", millis)
	}
	offset := zoneOffset(zone)
	t := time.UnixMilli(int64(millis) + int64(offset)*60_000).UTC()
	var b strings.Builder
	parts := r.datePicture(picture).parts
	for i := range parts {
		part := &parts[i]
		if part.component == 0 {
			b.WriteString(part.literal)
		} else {
			b.WriteString(r.formatPart(t, offset, part))
		}
	}
	return b.String()
}

// zoneOffset reads a time zone such as -0530, in minutes.
func zoneOffset(zone string) int {
	sign := 1
	if strings.HasPrefix(zone, "-") {
		sign = -1
	}
	n, _ := leadingNumber(strings.TrimLeft(zone, "+-"), 4)
	return sign * (n/100*60 + n%100)
}

// weekday gives the day of the week as ISO 8601 counts: Monday is 1.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// thursday gives the Thursday of a time's week. A week belongs to the year and the month in which its Thursday lies.
func thursday(t time.Time) time.Time { return t.AddDate(0, 0, 4-weekday(t)) }

// component gives the number of a component.
func component(t time.Time, c byte) int {
	switch c {
	case 'Y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'D':
		return t.Day()
	case 'd':
		return t.YearDay()
	case 'F':
		return weekday(t)
	case 'W':
		_, week := t.ISOWeek()
		return week
	case 'w':
		return (thursday(t).Day()-1)/7 + 1
	case 'X':
		year, _ := t.ISOWeek()
		return year
	case 'x':
		return int(thursday(t).Month())
	case 'H':
		return t.Hour()
	case 'h':
		return (t.Hour()+11)%12 + 1
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	default:
		return t.Nanosecond() / 1_000_000
	}
}

func (r *run) formatPart(t time.Time, offset int, part *datePart) string {
	switch part.component {
	case 'P':
		name := "am"
		if t.Hour() >= 12 {
			name = "pm"
		}
		if part.letters == upperCase {
			name = strings.ToUpper(name)
		}
		return name
	case 'Z', 'z':
		return r.formatZone(offset, part)
	case 'C', 'E':
		return "ISO"
	}
	n := component(t, part.component)
	if part.names {
		return r.formatName(n, part)
	}
	if part.yearFrom > 0 {
		n %= int(math.Pow10(min(part.yearFrom, 9)))
	}
	return r.formatInteger(float64(n), part.number)
}

func (r *run) formatName(n int, part *datePart) string {
	var name string
	switch part.component {
	case 'M', 'x':
		name = monthNames[n]
	case 'F':
		name = dayNames[n]
	default:
		r.fail("D3133", string(part.component))
	}
	switch part.letters {
	case upperCase:
		name = strings.ToUpper(name)
	case lowerCase:
		name = strings.ToLower(name)
	case titleCase:
	}
	if part.most > 0 && part.most < len(name) {
		name = name[:part.most]
	}
	return name
}

func (r *run) formatZone(offset int, part *datePart) string {
	sign := "+"
	minutes := offset
	if offset < 0 {
		sign, minutes = "-", -offset
	}
	if offset == 0 && part.modifier == 't' {
		return "Z"
	}
	var s string
	if part.number == nil {
		part.number = r.integerPicture(presentations['Z'])
	}
	number := float64(minutes/60*100 + minutes%60)
	switch p := part.number; {
	case p.every > 0 || p.mandatory == 3 || p.mandatory == 4:
		s = r.formatInteger(number, p)
	case p.mandatory == 1 || p.mandatory == 2:
		s = r.formatInteger(float64(minutes/60), p)
		if minutes%60 != 0 {
			s += ":" + r.formatInteger(float64(minutes%60), &integerPicture{zero: '0', mandatory: 2})
		}
	default:
		r.fail("D3134", float64(p.mandatory))
	}
	s = sign + s
	if part.component == 'z' {
		s = "GMT" + s
	}
	return s
}
