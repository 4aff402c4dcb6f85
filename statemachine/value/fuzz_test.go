package value

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
)

// FuzzParse holds Parse against encoding/json: they accept the same texts, and see the same values in them.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`null`, `[1, 2.50, -0, 1e400, "a\u0000\ud800\ud83d\ude00\/", true, {}]`, `{"b": 1, "a": [[]], "b": {"c": "d"}}`, "\xff", `{"a":}`,
		` {"a" : [ 1 , { "b":"]}\\\"" } ] } `, `"\ud800\u0041"`, `{"\u0061":1,"a":2}`,
	} {
		f.Add([]byte(text))
	}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer bound(string(text))()
		v, err := Parse(text)
		valid := json.Valid(text) && utf8.Valid(text)
		if (err == nil) != valid && depth(text) <= MaxDepth {
			t.Fatalf("%q: error %v, valid %t", text, err, valid)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(v.JSON(), bytes.TrimSpace(text)) {
			t.Errorf("%q comes out as %q", text, v.JSON())
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := native(v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, want %#v", text, got, want)
		}
		built := rebuild(v)
		again, err := Parse(built.JSON())
		if err != nil {
			t.Fatalf("what was built of %q does not parse: %q: %v", text, built.JSON(), err)
		}
		// Of duplicate members the one that does not count may be the deepest.
		if built.Size() < len(built.JSON()) || built.Depth() > v.Depth() || again.Depth() != built.Depth() {
			t.Errorf("%q: size %d of %d, depth %d of %d", text, built.Size(), len(built.JSON()), built.Depth(), v.Depth())
		}
		if !reflect.DeepEqual(native(again), want) {
			t.Errorf("%q is built as %q", text, built.JSON())
		}
	})
}

// native gives a value as encoding/json decodes it.
func native(v *Value) any {
	switch v.Kind() {
	case Bool:
		return v.Bool()
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		elems := make([]any, v.Len())
		for i, e := range v.Elems() {
			elems[i] = native(e)
		}
		return elems
	case Object:
		members := make(map[string]any, v.Len())
		for i, k := range v.Keys() {
			members[k] = native(v.At(i))
			if !reflect.DeepEqual(native(v.Get(k)), members[k]) {
				panic("Get and At differ for " + k)
			}
		}
		return members
	default:
		return nil
	}
}

// rebuild makes the same value anew, down to its leaves.
func rebuild(v *Value) *Value {
	switch v.Kind() {
	case Bool:
		return FromBool(v.Bool())
	case Number:
		return FromNumber(v.Text())
	case String:
		return FromString(v.Text())
	case Array:
		elems := make([]*Value, v.Len())
		for i, e := range v.Elems() {
			elems[i] = rebuild(e)
		}
		return FromArray(elems)
	case Object:
		values := make([]*Value, v.Len())
		for i := range values {
			values[i] = rebuild(v.At(i))
		}
		return FromObject(v.Keys(), values)
	default:
		return NullValue
	}
}

// FuzzString holds AppendString against encoding/json.
func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\x00\u2028é\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		quoted := AppendString(nil, s)
		if len(quoted) != quotedSize(s) {
			t.Errorf("%q has %d bytes, reckoned were %d", s, len(quoted), quotedSize(s))
		}
		var want string
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, string(quoted)).Text(); got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}
