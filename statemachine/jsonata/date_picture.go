package jsonata

import (
	"strconv"
	"strings"
)

// datePicture says how a time is written, as the picture strings of XPath do.
type datePicture struct {
	parts  []datePart
	parser *dateParser // made when it is first needed
}

// datePart is a component of a time, such as [Y0001], or the text between two.
type datePart struct {
	literal   string
	component byte // 0 for a literal
	names     bool // by name, not by number
	letters   letterCase
	number    *integerPicture
	modifier  byte // the second presentation modifier: a t c o
	least     int  // width, 0 if it is not given
	most      int
	yearFrom  int // how many of the last digits of a year are written, 0 for all
}

// presentations are those of components that do not say theirs.
var presentations = map[byte]string{
	'Y': "1", 'M': "1", 'D': "1", 'd': "1", 'F': "n", 'W': "1", 'w': "1", 'X': "1", 'x': "1", 'H': "1", 'h': "1", 'P': "n",
	'm': "01", 's': "01", 'f': "1", 'Z': "01:01", 'z': "01:01", 'C': "n", 'E': "n",
}

// isoPicture is the format of ISO 8601, which is used if no picture is given.
const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

// datePicture reads a picture.
func (r *run) datePicture(picture string) *datePicture {
	if p := r.pictures[picture]; p != nil {
		return p
	}
	r.take(16 * len(picture))
	p := &datePicture{}
	literal := ""
	for i := 0; i < len(picture); {
		rest := picture[i:]
		switch {
		case strings.HasPrefix(rest, "[["), strings.HasPrefix(rest, "]]"):
			literal += rest[:1]
			i += 2
		case rest[0] != '[':
			literal += rest[:1]
			i++
		default:
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				r.fail("D3135", nil)
			}
			p.add(datePart{literal: literal})
			literal = ""
			p.add(r.datePart(strings.Join(strings.Fields(rest[1:end]), "")))
			i += end + 1
		}
	}
	p.add(datePart{literal: literal})
	if r.pictures == nil {
		r.pictures = map[string]*datePicture{}
	}
	r.pictures[picture] = p
	return p
}

// add appends a part. A number right behind another one fixes how many digits the first has.
func (p *datePicture) add(part datePart) {
	if part.component == 0 && part.literal == "" {
		return
	}
	if n := len(p.parts); n > 0 && part.number != nil {
		if last := p.parts[n-1].number; last != nil && last.as == inDigits {
			last.width = last.mandatory
		}
	}
	p.parts = append(p.parts, part)
}

// datePart reads what stands within brackets.
func (r *run) datePart(marker string) datePart {
	if marker == "" {
		r.fail("D3132", "")
	}
	part := datePart{component: marker[0]}
	how := marker[1:]
	if i := strings.LastIndexByte(how, ','); i >= 0 {
		least, most, _ := strings.Cut(how[i+1:], "-")
		part.least, part.most = width(least), width(most)
		how = how[:i]
	}
	ordinal := ""
	if n := len(how); n > 1 && strings.IndexByte("atco", how[n-1]) >= 0 {
		part.modifier = how[n-1]
		if part.modifier == 'o' {
			ordinal = ";o"
		}
		how = how[:n-1]
	}
	if how == "" {
		how = presentations[part.component]
	}
	if presentations[part.component] == "" {
		r.fail("D3132", marker[:1])
	}
	switch {
	case how[0] == 'n':
		part.names = true
	case how[0] == 'N':
		part.names, part.letters = true, upperCase
		if strings.HasPrefix(how, "Nn") {
			part.letters = titleCase
		}
	case strings.IndexByte("YMDdFWwXxHhmsf", part.component) >= 0:
		part.number = r.integerPicture(how + ordinal)
		r.widths(&part)
	case part.component == 'Z' || part.component == 'z':
		part.number = r.integerPicture(how)
	}
	return part
}

// width reads a width; * and what is no number mean none.
func width(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1000 {
		return 0
	}
	return n
}

func (r *run) widths(part *datePart) {
	n := part.number
	if n.mandatory < part.least {
		n.mandatory = part.least
	}
	if part.component != 'Y' {
		return
	}
	if part.most > 0 {
		part.yearFrom = part.most
		n.mandatory = part.most
	} else if digits := n.mandatory + n.optional; n.as == inDigits && digits >= 2 {
		part.yearFrom = digits
	}
}
