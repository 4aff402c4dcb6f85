package awsapi

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// patterns are the regular expressions of the service model, by the name that constraints use: as they are shown in
// messages, and what they mean.
var patterns = map[string]struct {
	shown string
	fits  func(string) bool
}{
	// The service's own begins with a look-ahead, which Go's regular expressions do not have.
	"alias": {`^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`, func(s string) bool {
		return aliasLetters.MatchString(s) && strings.Trim(s, "0123456789") != ""
	}},
	"token": {`[!-~]+`, func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r < '!' || r > '~' }) < 0 }},
	"ascii": {`\p{ASCII}*`, func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }},
}

var aliasLetters = regexp.MustCompile(`^[a-zA-Z0-9_\-.]+$`)

// check checks an input against the constraints in the tags `aws` of its fields, and reports all that are not met in one
// ValidationException, in the words of the service. A tag lists constraints, separated by semicolons:
//
//	required         the member must be there
//	len=1..80        bounds of the length of a text, in characters, or of a list; either may be left out
//	range=0..1000    bounds of a number
//	enum=A|B         the values that are allowed
//	pattern=alias    one of patterns
//	each=1..128      bounds of the length of the texts in a list
//	sensitive        the value is not shown
//	any              a text may hold U+0000, which the database has no column for elsewhere
func check(input any) error {
	v := violations{}
	v.structure("", reflect.ValueOf(input).Elem())
	if len(v) == 0 {
		return nil
	}
	noun := "errors"
	if len(v) == 1 {
		noun = "error"
	}
	return invalid("%d validation %s detected: %s", len(v), noun, strings.Join(v, "; "))
}

type violations []string

func (v *violations) structure(path string, s reflect.Value) {
	for i := range s.NumField() {
		f := s.Type().Field(i)
		v.member(join(path, memberName(f)), s.Field(i), f.Tag.Get("aws"))
	}
}

func (v *violations) member(path string, m reflect.Value, tag string) {
	if m.Kind() == reflect.Pointer || m.Kind() == reflect.Slice {
		if m.IsNil() {
			if hasRule(tag, "required") {
				v.add("Value null", path, "Member must not be null")
			}
			return
		}
	}
	if m.Kind() == reflect.Pointer {
		m = m.Elem()
	}
	shown := show(m, tag)
	for rule := range strings.SplitSeq(tag, ";") {
		name, arg, _ := strings.Cut(rule, "=")
		if failure := violated(name, arg, m); failure != "" {
			v.add(shown, path, failure)
		}
	}
	switch m.Kind() {
	case reflect.String:
		if strings.IndexByte(m.String(), 0) >= 0 && !hasRule(tag, "any") {
			v.add(shown, path, "Member must not contain the character U+0000")
		}
	case reflect.Struct:
		v.structure(path, m)
	case reflect.Slice:
		for i := range m.Len() {
			v.element(path+"."+strconv.Itoa(i+1)+".member", m.Index(i), tag)
		}
	default:
	}
}

// element checks an element of a list; each=... in the tag of the list is the constraint of its texts.
func (v *violations) element(path string, m reflect.Value, tag string) {
	if m.Kind() == reflect.Struct {
		v.structure(path, m)
		return
	}
	for rule := range strings.SplitSeq(tag, ";") {
		if each, ok := strings.CutPrefix(rule, "each="); ok {
			v.member(path, m, "len="+each)
		}
	}
}

func (v *violations) add(shown, path, failure string) {
	*v = append(*v, fmt.Sprintf("%s at '%s' failed to satisfy constraint: %s", shown, path, failure))
}

func hasRule(tag, rule string) bool {
	for r := range strings.SplitSeq(tag, ";") {
		if r == rule {
			return true
		}
	}
	return false
}

// show gives a value as messages have it.
func show(m reflect.Value, tag string) string {
	if hasRule(tag, "sensitive") {
		return "Value"
	}
	switch m.Kind() {
	case reflect.Struct:
		return "Value"
	default:
		return fmt.Sprintf("Value '%v'", m.Interface())
	}
}

// violated says how a value does not meet a constraint, or "".
func violated(rule, arg string, m reflect.Value) string {
	switch rule {
	case "len":
		n := m.Len()
		if m.Kind() == reflect.String {
			n = utf8.RuneCountInString(m.String())
		}
		return outside("length", float64(n), arg)
	case "range":
		if m.CanInt() {
			return outside("value", float64(m.Int()), arg)
		}
		return outside("value", m.Float(), arg)
	case "enum":
		for value := range strings.SplitSeq(arg, "|") {
			if m.String() == value {
				return ""
			}
		}
		return "Member must satisfy enum value set: [" + strings.ReplaceAll(arg, "|", ", ") + "]"
	case "pattern":
		if p := patterns[arg]; !p.fits(m.String()) {
			return "Member must satisfy regular expression pattern: " + p.shown
		}
	}
	return ""
}

// outside says how a number is outside of bounds such as 1..80, or "".
func outside(what string, n float64, bounds string) string {
	low, high, _ := strings.Cut(bounds, "..")
	if limit, err := strconv.ParseFloat(low, 64); err == nil && n < limit {
		return "Member must have " + what + " greater than or equal to " + low
	}
	if limit, err := strconv.ParseFloat(high, 64); err == nil && n > limit {
		return "Member must have " + what + " less than or equal to " + high
	}
	return ""
}
