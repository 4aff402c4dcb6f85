package jsonata

import (
	"math"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// text gives the JSON text of a value as $string does: numbers have at most 15 digits, functions are empty strings.
func (r *run) text(v any, pretty bool) string {
	switch c := classOf(v); c {
	case isString:
		s, _ := asText(v)
		return s
	case isFunction, isNothing:
		return ""
	case isNumber:
		f, _ := asNumber(v)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			r.fail("D3001", f)
		}
	default:
	}
	if a, ok := v.(*array); ok && a.outer {
		v = a.at(0)
	}
	w := &writer{r: r, pretty: pretty}
	w.value(v, 0)
	return string(w.b)
}

// writer writes values as JSON.
type writer struct {
	r      *run
	b      []byte
	pretty bool
}

func (w *writer) value(v any, depth int) {
	next := w.r.deeper(depth)
	before := len(w.b)
	switch classOf(v) {
	case isNothing, isNull:
		w.b = append(w.b, "null"...)
	case isBool:
		b, _ := asBool(v)
		w.b = strconv.AppendBool(w.b, b)
	case isNumber:
		f, _ := asNumber(v)
		w.r.finite(f)
		w.b = append(w.b, formatNumber(digits15(f))...)
	case isString:
		s, _ := asText(v)
		w.b = appendQuoted(w.b, s)
	case isFunction:
		w.b = append(w.b, `""`...)
	case isArray:
		a := asArray(v)
		n := a.length()
		w.r.spend(n)
		w.list('[', ']', n, next, func(i int) { w.value(a.at(i), next) })
		return
	case isObject:
		keys, at := members(v)
		w.r.spend(len(keys))
		w.list('{', '}', len(keys), next, func(i int) {
			w.b = append(appendQuoted(w.b, keys[i]), ':')
			if w.pretty {
				w.b = append(w.b, ' ')
			}
			w.value(at(i), next)
		})
		return
	}
	w.r.take(len(w.b) - before)
}

// list writes what stands within brackets.
func (w *writer) list(opening, closing byte, n, depth int, each func(int)) {
	w.b = append(w.b, opening)
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.line(depth)
		each(i)
	}
	if n > 0 {
		w.line(depth - 1)
	}
	w.b = append(w.b, closing)
}

// line starts a line if the text is to be read by people.
func (w *writer) line(depth int) {
	if w.pretty {
		w.r.take(1 + 2*depth)
		w.b = append(append(w.b, '\n'), strings.Repeat("  ", depth)...)
	}
}

// digits15 rounds a number to 15 digits.
func digits15(f float64) float64 {
	if math.Abs(f) < 1e15 && f == math.Trunc(f) {
		return f
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	if err != nil {
		return f
	}
	return short
}

// export gives a value as JSON. What came in goes out as it is; a function is no JSON.
func (r *run) export(v any, depth int) *value.Value {
	if depth > maxDepth {
		r.exhausted(nil, "the result nests too deep: at most "+strconv.Itoa(maxDepth)+" levels are allowed")
	}
	switch v := v.(type) {
	case nil, null:
		return value.NullValue
	case *value.Value:
		if depth+v.Depth() > maxDepth {
			return r.export(nil, maxDepth+1)
		}
		return v
	case bool:
		return value.FromBool(v)
	case float64:
		out, ok := value.FromFloat(v)
		if !ok {
			raise(fault{code: "D1001", pos: -1, value: formatNumber(v)})
		}
		r.takeResult(24)
		return out
	case string:
		r.takeResult(len(v) + 2)
		return value.Trusted(appendQuoted(make([]byte, 0, len(v)+2), v))
	case *array:
		if v.whole != nil {
			return r.export(v.whole, depth)
		}
		r.spend(v.length())
		elems := make([]*value.Value, v.length())
		for i := range elems {
			elems[i] = r.export(v.at(i), depth+1)
		}
		return value.FromArray(elems)
	case *object:
		r.spend(len(v.keys))
		values := make([]*value.Value, len(v.keys))
		for i := range values {
			values[i] = r.export(v.values[i], depth+1)
		}
		return value.FromObject(append([]string(nil), v.keys...), values)
	case *states:
		return r.export(v.whole(), depth)
	default:
		panic(errFunction)
	}
}

// takeResult counts memory of the result.
func (r *run) takeResult(bytes int) {
	if r.bytes -= bytes; r.bytes < 0 {
		r.exhausted(nil, "the result is too large")
	}
}
