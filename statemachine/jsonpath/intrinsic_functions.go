package jsonpath

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/bits"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// function is one intrinsic function.
type function struct {
	name        string
	usage       string // how it is written, for hints
	least, most int    // how many arguments it takes
	template    bool   // its first argument is a template, whose escapes it reads itself
	// do computes the result; nil without an error means that it does not take these arguments.
	do func(*run, []*value.Value) (*value.Value, error)
}

// intrinsicFunctions are all 18.
var intrinsicFunctions = []*function{
	{"States.Array", "States.Array($.a, $.b)", 0, math.MaxInt, false, array},
	{"States.ArrayPartition", "States.ArrayPartition($.array, 4)", 2, 2, false, arrayPartition},
	{"States.ArrayContains", "States.ArrayContains($.array, $.value)", 2, 2, false, arrayContains},
	{"States.ArrayRange", "States.ArrayRange(1, 9, 2)", 3, 3, false, arrayRange},
	{"States.ArrayGetItem", "States.ArrayGetItem($.array, 0)", 2, 2, false, arrayGetItem},
	{"States.ArrayLength", "States.ArrayLength($.array)", 1, 1, false, arrayLength},
	{"States.ArrayUnique", "States.ArrayUnique($.array)", 1, 1, false, arrayUnique},
	{"States.Base64Encode", "States.Base64Encode($.text)", 1, 1, false, base64Encode},
	{"States.Base64Decode", "States.Base64Decode($.text)", 1, 1, false, base64Decode},
	{"States.Hash", "States.Hash($.text, 'SHA-256')", 2, 2, false, hashText},
	{"States.JsonMerge", "States.JsonMerge($.a, $.b, false)", 3, 3, false, jsonMerge},
	{"States.StringToJson", "States.StringToJson($.text)", 1, 1, false, stringToJSON},
	{"States.JsonToString", "States.JsonToString($.value)", 1, 1, false, jsonToString},
	{"States.MathRandom", "States.MathRandom(1, 100)", 2, 3, false, mathRandom},
	{"States.MathAdd", "States.MathAdd($.count, 1)", 2, 2, false, mathAdd},
	{"States.StringSplit", "States.StringSplit($.text, ',')", 2, 2, false, stringSplit},
	{"States.UUID", "States.UUID()", 0, 0, false, uuid},
	{"States.Format", "States.Format('Hello {}', $.name)", 1, math.MaxInt, true, format},
}

var functionsByName, intrinsicNames = func() (map[string]*function, []string) {
	byName := make(map[string]*function, len(intrinsicFunctions))
	names := make([]string, len(intrinsicFunctions))
	for i, f := range intrinsicFunctions {
		byName[f.name], names[i] = f, f.name
	}
	return byName, names
}()

// draw gives random bits from the scope.
func (r *run) draw() (uint64, error) {
	if r.scope == nil || r.scope.Random == nil {
		return 0, runtimeError("There is no source of random numbers")
	}
	return r.scope.Random(), nil
}

// mathRandom gives an integer from the first argument on, below the second. With a seed it is always the same one.
func mathRandom(r *run, args []*value.Value) (*value.Value, error) {
	start, ok1 := integer(args[0])
	end, ok2 := integer(args[1])
	if !ok1 || !ok2 || start >= end {
		return nil, nil
	}
	var drawn uint64
	if len(args) == 3 {
		seed, ok := args[2].Float()
		if !ok {
			return nil, nil
		}
		drawn = mix(math.Float64bits(math.Trunc(seed) + 0)) // + 0 makes 0 of -0
	} else {
		var err error
		if drawn, err = r.draw(); err != nil {
			return nil, err
		}
	}
	offset, _ := bits.Mul64(drawn, uint64(end-start))
	return value.FromInt(start + int64(offset)), nil
}

// mix makes well-mixed bits of a seed; it is the finisher of SplitMix64, by Vigna.
func mix(seed uint64) uint64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// mathAdd rounds both arguments, halves upwards, and adds them.
func mathAdd(_ *run, args []*value.Value) (*value.Value, error) {
	sum := int64(0)
	for _, a := range args {
		f, ok := a.Float()
		if !ok {
			return nil, nil
		}
		f = math.Floor(f + 0.5)
		if f < math.MinInt32 || f > math.MaxInt32 {
			return nil, nil
		}
		sum += int64(f)
	}
	if sum < math.MinInt32 || sum > math.MaxInt32 {
		return nil, nil
	}
	return value.FromInt(sum), nil
}

// uuid gives a random UUID, of version 4.
func uuid(r *run, _ []*value.Value) (*value.Value, error) {
	var b [16]byte
	for _, half := range [][]byte{b[:8], b[8:]} {
		drawn, err := r.draw()
		if err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint64(half, drawn)
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return value.FromString(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]), nil
}

// jsonMerge adds the members of the second object to the first. Only merging one level deep is offered.
func jsonMerge(_ *run, args []*value.Value) (*value.Value, error) {
	a, b := args[0], args[1]
	if a.Kind() != value.Object || b.Kind() != value.Object || args[2].Kind() != value.Bool || args[2].Bool() {
		return nil, nil
	}
	keys := append([]string(nil), a.Keys()...)
	values := append([]*value.Value(nil), a.Elems()...)
	at := make(map[string]int, len(keys))
	for i, key := range keys {
		at[key] = i
	}
	for i, key := range b.Keys() {
		if j, ok := at[key]; ok {
			values[j] = b.At(i)
			continue
		}
		keys, values = append(keys, key), append(values, b.At(i))
	}
	return value.FromObject(keys, values), nil
}

func stringToJSON(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.String {
		return nil, nil
	}
	v, err := value.Parse([]byte(args[0].Text()))
	if err != nil {
		return nil, nil //nolint:nilerr // the service does not say what is wrong with the text
	}
	return v, nil
}

// jsonToString gives the text of a value, without white space.
func jsonToString(_ *run, args []*value.Value) (*value.Value, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, args[0].JSON()); err != nil {
		return nil, nil //nolint:nilerr // a value is valid JSON
	}
	return value.FromString(b.String()), nil
}

// format puts the arguments into a template, where {} stands for the next one.
func format(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.String {
		return nil, nil
	}
	var b []byte
	rest := args[1:]
	template := args[0].Text()
	for i := 0; i < len(template); i++ {
		switch c := template[i]; c {
		case '\\':
			if i++; i == len(template) || strings.IndexByte(`'{}\`, template[i]) < 0 {
				return nil, badArguments(`Invalid template in States.Format: a backslash is written \\`)
			}
			b = append(b, template[i])
		case '{':
			if i+1 == len(template) || template[i+1] != '}' {
				return nil, badArguments("Invalid template in States.Format: matching '}' not found for '{'.")
			}
			i++
			if len(rest) == 0 {
				return nil, mismatchedArguments
			}
			b = appendPlain(b, rest[0])
			rest = rest[1:]
		case '}':
			return nil, badArguments("Invalid template in States.Format: matching '{' not found for '}'.")
		default:
			b = append(b, c)
		}
		if len(b) > maxBytes {
			return nil, limitError("bytes in a result", maxBytes)
		}
	}
	if len(rest) > 0 {
		return nil, mismatchedArguments
	}
	return value.FromString(string(b)), nil
}

const mismatchedArguments = badArguments(
	"Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.")

// appendPlain appends a value as the service puts it into text: text without quotes, arrays as [a, b], and objects as
// {name=value}.
func appendPlain(b []byte, v *value.Value) []byte {
	switch v.Kind() {
	case value.String, value.Number:
		return append(b, v.Text()...)
	case value.Array:
		b = append(b, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendPlain(b, e)
		}
		return append(b, ']')
	case value.Object:
		b = append(b, '{')
		for i, key := range v.Keys() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, key...), '=')
			b = appendPlain(b, v.At(i))
		}
		return append(b, '}')
	default:
		return v.Append(b)
	}
}
