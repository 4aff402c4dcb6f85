package cel

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

const (
	maxResult = 16 << 20  // bytes of JSON that an expression may give
	treeUpTo  = 256 << 10 // bytes up to which a result is a tree of values; above, it is text, which takes less memory
)

// result gives the JSON value of an expression's result, or why it has none.
func result(v ref.Val) (*value.Value, error) {
	if weight(v) > maxResult {
		return nil, tooLarge("the result")
	}
	j, err := toJSON(v)
	if err != nil {
		return nil, err
	}
	if d := j.Depth(); d > value.MaxDepth {
		return nil, &fault{message: fmt.Sprintf("the result nests %d deep, at most %d are allowed", d, value.MaxDepth)}
	}
	return j, nil
}

func tooLarge(what string) error {
	return &fault{message: fmt.Sprintf("%s has more than %s bytes of JSON", what, thousands(maxResult))}
}

// toJSON gives the JSON value of a CEL value. What came in as JSON comes out as it was. The caller has seen that the
// value's weight is bearable.
func toJSON(v ref.Val) (*value.Value, error) {
	switch c := v.(type) {
	case *scalar:
		return c.json, nil
	case *list:
		if c.json != nil {
			return c.json, nil
		}
	case *object:
		if c.json != nil {
			return c.json, nil
		}
	case types.Null:
		return value.NullValue, nil
	case types.Bool:
		return value.FromBool(bool(c)), nil
	case types.String:
		return value.FromString(string(c)), nil
	case *types.Optional:
		if c.HasValue() {
			return toJSON(c.GetValue())
		}
	}
	if isContainer(v) && weight(v) <= treeUpTo {
		return tree(v)
	}
	text, err := appendJSON(make([]byte, 0, min(weight(v), maxResult)), v)
	if err != nil {
		return nil, err
	}
	return value.Trusted(text), nil
}

// tree gives a built list or object as a value whose elements are values.
func tree(v ref.Val) (*value.Value, error) {
	var vals []ref.Val
	var names []string
	switch v := v.(type) {
	case *list:
		vals = v.elems
	case *object:
		vals = v.vals
		var err error
		if names, err = v.names(); err != nil {
			return nil, err
		}
	}
	elems := make([]*value.Value, len(vals))
	for i, e := range vals {
		j, err := toJSON(e)
		if err != nil {
			return nil, err
		}
		elems[i] = j
	}
	if names != nil {
		return value.FromObject(names, elems), nil
	}
	return value.FromArray(elems), nil
}

// appendJSON appends the text of a value.
func appendJSON(b []byte, v ref.Val) ([]byte, error) {
	switch v := v.(type) {
	case *scalar:
		return append(b, v.json.JSON()...), nil
	case types.Null:
		return append(b, "null"...), nil
	case types.Bool:
		return strconv.AppendBool(b, bool(v)), nil
	case types.Int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case types.Uint:
		return strconv.AppendUint(b, uint64(v), 10), nil
	case types.Double:
		if f, ok := value.FromFloat(float64(v)); ok {
			return f.Append(b), nil
		}
		return nil, &fault{message: fmt.Sprintf("the number %v cannot be written in JSON", float64(v))}
	case types.String:
		return value.AppendString(b, string(v)), nil
	case types.Bytes:
		return value.AppendString(b, base64.StdEncoding.EncodeToString(v)), nil
	case types.Timestamp:
		return value.AppendString(b, v.UTC().Format(time.RFC3339Nano)), nil
	case types.Duration:
		return value.AppendString(b, string(v.ConvertToType(types.StringType).(types.String))), nil
	case *list:
		return appendList(b, v)
	case *object:
		return appendObject(b, v)
	case *types.Optional:
		if v.HasValue() {
			return appendJSON(b, v.GetValue())
		}
		return nil, &fault{message: noValue}
	case *types.Err:
		return nil, v
	case ref.Type:
		return value.AppendString(b, v.TypeName()), nil
	}
	return nil, &fault{message: fmt.Sprintf("a value of type %s cannot be written in JSON", v.Type().TypeName())}
}

func appendList(b []byte, l *list) ([]byte, error) {
	if l.json != nil {
		return l.json.Append(b), nil
	}
	b = append(b, '[')
	for i, e := range l.elems {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendElement(b, e); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendObject(b []byte, o *object) ([]byte, error) {
	if o.json != nil {
		return o.json.Append(b), nil
	}
	names, err := o.names()
	if err != nil {
		return nil, err
	}
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(value.AppendString(b, name), ':')
		if b, err = appendElement(b, o.vals[i]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendElement stops a text that outgrows its bound: weight only estimates it.
func appendElement(b []byte, v ref.Val) ([]byte, error) {
	if len(b) > maxResult {
		return nil, tooLarge("the value")
	}
	return appendJSON(b, v)
}

// names gives the keys as JSON names them.
func (o *object) names() ([]string, error) {
	names := make([]string, len(o.keys))
	onlyText := true
	for i, k := range o.keys {
		name, isText := keyText(k)
		names[i], onlyText = name, onlyText && isText
	}
	if onlyText {
		return names, nil
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return nil, &fault{message: fmt.Sprintf("two keys of a map are %q in JSON", name)}
		}
		seen[name] = true
	}
	return names, nil
}

// keyText gives the JSON name for a key, and whether it was a string already.
func keyText(k ref.Val) (string, bool) {
	switch k := k.(type) {
	case types.String:
		return string(k), true
	case types.Int:
		return strconv.FormatInt(int64(k), 10), false
	case types.Uint:
		return strconv.FormatUint(uint64(k), 10), false
	default:
		return strconv.FormatBool(bool(k.(types.Bool))), false
	}
}
