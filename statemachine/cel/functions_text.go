package cel

import (
	"crypto/md5"  //nolint:gosec // the language offers it, for checksums
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

var textFunctions = []function{
	{name: "join", do: join},
	{name: "matches", prepare: prepareMatches},
	{name: "hash", signatures: []string{"(dyn, string) string"}, do: hash, raw: true},
}

// guards charge functions of cel-go's for more than reading their arguments, or refuse what would be too large.
var guards = map[string]impl{
	"replace":          guardReplace,
	"format":           guardFormat,
	"strings.quote":    guardText(2),
	"base64.encode":    guardText(2),
	"string":           guardText(1),
	"charAt":           guardText(4), // these make a slice of the string's characters
	"indexOf":          guardText(4),
	"lastIndexOf":      guardText(4),
	"substring":        guardText(4),
	"split":            guardSplit,
	"regex.extract":    guardRegex,
	"regex.extractAll": guardRegex,
	"regex.replace":    guardRegexReplace,
	"sets.contains":    guardPairs,
	"sets.equivalent":  guardPairs,
	"sets.intersects":  guardPairs,
	"hasOnly":          guardPairs,
	"hasAny":           guardPairs,
	"hasAll":           guardPairs,
	"hasExactly":       guardPairs,
	"optional.unwrap":  guardDeep,
	"unwrapOpt":        guardDeep,
	"hasValue":         guardDeep,
	"getDate":          guardZone,
	"getDayOfMonth":    guardZone,
	"getDayOfWeek":     guardZone,
	"getDayOfYear":     guardZone,
	"getFullYear":      guardZone,
	"getHours":         guardZone,
	"getMilliseconds":  guardZone,
	"getMinutes":       guardZone,
	"getMonth":         guardZone,
	"getSeconds":       guardZone,
}

// join puts the strings of a list into one.
func join(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	separator := types.String("")
	if len(args) == 2 {
		var ok bool
		if separator, ok = args[1].(types.String); !ok {
			return types.NoSuchOverloadErr()
		}
	}
	r.charge(l.len())
	size := len(separator) * max(0, l.len()-1)
	for i := range l.len() {
		s, ok := cooked(l.at(i)).(types.String)
		if !ok {
			return newFault("join() needs strings, element %d is %s; string(x) makes one", i, describe(l.at(i)))
		}
		if size += len(s); size > maxText {
			break
		}
	}
	if refused := r.chargeText(size); refused != nil {
		return refused
	}
	var b strings.Builder
	b.Grow(size)
	for i := range l.len() {
		if i > 0 {
			b.WriteString(string(separator))
		}
		b.WriteString(string(cooked(l.at(i)).(types.String)))
	}
	return types.String(b.String())
}

// texts gives the strings of arguments, "" for one that is no string.
func texts(args []ref.Val) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if s, ok := a.(types.String); ok {
			out[i] = string(s)
		}
	}
	return out
}

func guardText(factor int) impl {
	return func(r *run, args []ref.Val) ref.Val {
		r.charge(factor * bulk(args[0]))
		return nil
	}
}

func guardSplit(r *run, args []ref.Val) ref.Val {
	t := texts(args)
	r.charge(2*strings.Count(t[0], t[1]) + len(t[0])/unitBytes)
	return nil
}

// zoneCost is what looking a time zone up takes.
const zoneCost = 300

// guardZone charges the functions of timestamps that are given a time zone.
func guardZone(r *run, args []ref.Val) ref.Val {
	if len(args) == 2 {
		r.charge(zoneCost)
	}
	return nil
}

func guardReplace(r *run, args []ref.Val) ref.Val {
	t := texts(args)
	if len(t) < 3 {
		return nil
	}
	r.charge(len(t[0]) / unitBytes)
	return r.chargeText(len(t[0]) + strings.Count(t[0], t[1])*max(0, len(t[2])-len(t[1])))
}

func guardFormat(r *run, args []ref.Val) ref.Val {
	text, ok := args[0].(types.String)
	if !ok || len(args) != 2 {
		return nil
	}
	r.charge(len(text) / unitBytes)
	// A binary or hexadecimal number or a quoted string is up to eight times as long as what it is made of.
	return r.chargeText(8*strings.Count(string(text), "%") + len(text) + 2*weight(args[1]))
}

func guardPairs(r *run, args []ref.Val) ref.Val {
	if len(args) != 2 {
		return nil
	}
	// Each element of one list may be compared with each of the other.
	r.charge(deep(args[0])*max(1, bulk(args[1])) + deep(args[1])*max(1, bulk(args[0])))
	r.charge(bulk(args[0]) * bulk(args[1]))
	return nil
}

func guardDeep(r *run, args []ref.Val) ref.Val {
	for _, a := range args {
		r.charge(deep(a))
	}
	return nil
}

// maxPattern is how many instructions a regular expression may be compiled to.
const maxPattern = 1000

// chargeRegex takes the units of matching a pattern against a text, a multiple of it: the time is at worst proportional
// to the product of the text's length and the pattern's instructions.
func chargeRegex(r *run, text, pattern string) ref.Val {
	r.charge(20 + len(pattern))
	size, err := patternSize(pattern)
	if err != nil {
		return newFault("%v", err)
	}
	r.charge(matchCost(text, size))
	return nil
}

func matchCost(text string, instructions int) int { return instructions * (len(text) + 8) / 8 }

// patternSize gives the instructions of a regular expression.
func patternSize(pattern string) (int, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("the regular expression %s does not parse: %w", describe(types.String(pattern)), err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, fmt.Errorf("the regular expression %s does not compile: %w", describe(types.String(pattern)), err)
	}
	if len(program.Inst) > maxPattern {
		return 0, fmt.Errorf("the regular expression %s is too large: repetitions count as often as they may repeat",
			describe(types.String(pattern)))
	}
	return len(program.Inst), nil
}

func guardRegex(r *run, args []ref.Val) ref.Val {
	t := texts(args)
	if refused := chargeRegex(r, t[0], t[1]); refused != nil {
		return refused
	}
	r.charge(len(t[0])) // there may be a match at each character
	return nil
}

func guardRegexReplace(r *run, args []ref.Val) ref.Val {
	t := texts(args)
	if refused := chargeRegex(r, t[0], t[1]); refused != nil {
		return refused
	}
	pattern, err := regexp.Compile(t[1])
	if err != nil {
		return newFault("%v", err)
	}
	size := len(t[0])
	references := strings.Count(t[2], `\`)
	for _, m := range pattern.FindAllStringIndex(t[0], -1) {
		r.charge(1)
		if size += len(t[2]) + references*(m[1]-m[0]); size > maxText {
			break
		}
	}
	return r.chargeText(size)
}

// prepareMatches makes matches(text, pattern); a pattern that is a literal is compiled with the expression.
func prepareMatches(args []node) (impl, error) {
	literal, ok := args[1].(*constant)
	if !ok {
		return matches, nil
	}
	text, ok := literal.v.(types.String)
	if !ok {
		return matches, nil
	}
	size, err := patternSize(string(text))
	if err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(string(text))
	if err != nil {
		return nil, err
	}
	return func(r *run, args []ref.Val) ref.Val {
		s, ok := args[0].(types.String)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		r.charge(matchCost(string(s), size))
		return types.Bool(pattern.MatchString(string(s)))
	}, nil
}

func matches(r *run, args []ref.Val) ref.Val {
	s, ok1 := args[0].(types.String)
	p, ok2 := args[1].(types.String)
	if !ok1 || !ok2 {
		return types.NoSuchOverloadErr()
	}
	if refused := chargeRegex(r, string(s), string(p)); refused != nil {
		return refused
	}
	pattern, err := regexp.Compile(string(p))
	if err != nil {
		return newFault("%v", err)
	}
	return types.Bool(pattern.MatchString(string(s)))
}

// hash gives the digest of a string's or of bytes, in hexadecimal; of any other value, that of its JSON.
func hash(r *run, args []ref.Val) ref.Val {
	algorithm, ok := cooked(args[1]).(types.String)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	var data []byte
	switch v := cooked(args[0]).(type) {
	case types.String:
		data = []byte(v)
	case types.Bytes:
		data = v
	default:
		text, err := jsonText(r, args[0])
		if err != nil {
			return types.WrapErr(err)
		}
		data = text
	}
	r.charge(len(data) / unitBytes)
	var sum []byte
	switch strings.ToUpper(string(algorithm)) {
	case "MD5":
		s := md5.Sum(data) //nolint:gosec // see the import
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum(data) //nolint:gosec // see the import
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256(data)
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384(data)
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512(data)
		sum = s[:]
	default:
		return newFault("hash() knows MD5, SHA-1, SHA-256, SHA-384 and SHA-512, not %s", describe(algorithm))
	}
	return types.String(hex.EncodeToString(sum))
}
