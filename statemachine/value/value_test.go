package value

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"
)

func mustParse(t testing.TB, text string) *Value {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parsing %s: %v", text, err)
	}
	return v
}

func TestParseKeepsTheText(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `-0`, `1e400`, `12345678901234567890`, `1.10`, `"\u0000\ud800\/"`, `[ 1 , 2 ]`, `{"b":1,"a":{"b":[]}}`,
		`{"a":1,"a":2}`, "\"\u2028é😀\"", strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
	} {
		v := mustParse(t, " \n"+text+"\t")
		if got := string(v.JSON()); got != text {
			t.Errorf("%s comes out as %s", text, got)
		}
		if got := v.Size(); got != len(text) {
			t.Errorf("%s has size %d, want %d", text, got, len(text))
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "not valid JSON: it is empty",
		" \n ":                   "not valid JSON: it is empty",
		"{\"a\": 1,\n \"b\": x}": "not valid JSON at line 2, column 7: invalid character 'x' looking for beginning of value",
		"[1,]":                   "not valid JSON at line 1, column 4: invalid character ']' looking for beginning of value",
		"1 2":                    "not valid JSON at line 1, column 3: invalid character '2' after top-level value",
		"\"a\xff\"":              "not valid UTF-8",
		"\"é\n\"":                `not valid JSON at line 1, column 3: invalid character '\n' in string literal`,
		"01":                     "not valid JSON at line 1, column 2: invalid character '1' after top-level value",
		"NaN":                    "not valid JSON at line 1, column 1: invalid character 'N' looking for beginning of value",
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1): "nested 513 deep, at most 512 are allowed",
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%.40q\n  gives %v\n  want  %s", text, err, want)
		}
	}
}

func TestAccess(t *testing.T) {
	v := mustParse(t, `{"n": null, "t": true, "f": false, "i": -7, "d": 2.50, "s": "a\"\n\u00e9\ud83d\ude00\ud800x\/", "a": [1, [2], {}], "o": {"k": "v"}, "i": 8}`)
	if got := strings.Join(v.Keys(), ","); got != "n,t,f,i,d,s,a,o" {
		t.Errorf("keys %s", got)
	}
	if got, ok := v.Get("i").Int(); !ok || got != 8 {
		t.Errorf("of duplicate members the last one counts, got %d", got)
	}
	if got := v.Get("s").Text(); got != "a\"\né😀\ufffdx/" {
		t.Errorf("text %q", got)
	}
	if got := v.Get("d").Text(); got != "2.50" {
		t.Errorf("digits %s", got)
	}
	if !v.Get("t").Bool() || v.Get("f").Bool() || v.Get("n").Bool() || !v.Get("n").IsNull() || v.Get("f").IsNull() {
		t.Error("booleans or null")
	}
	a := v.Get("a")
	if a.Len() != 3 || a.At(1).At(0).String() != "2" || len(a.Elems()) != 3 || a.Keys() != nil || a.Get("x") != nil {
		t.Error("array")
	}
	if v.Get("o").Key(0) != "k" || v.Get("o").At(0).Text() != "v" || v.Get("missing") != nil || v.Get("t").Len() != 0 {
		t.Error("object")
	}
	if (*Value)(nil).Get("x") != nil {
		t.Error("a value that is not there has no members")
	}
}

func TestLargeObject(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{`)
	for i := range 100 {
		if i > 0 {
			text.WriteString(",")
		}
		text.WriteString(`"k` + strings.Repeat("x", i%50) + `": ` + string(rune('0'+i%10)))
	}
	text.WriteString("}")
	v := mustParse(t, text.String())
	if v.Len() != 50 {
		t.Errorf("%d members, want 50", v.Len())
	}
	if got := v.Get("kxxx").String(); got != "3" {
		t.Errorf("got %s, want the last of the duplicates, 3", got)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]struct {
		i      int64
		isInt  bool
		f      float64
		isReal bool
	}{
		`7`:                   {7, true, 7, true},
		`-0`:                  {0, true, math.Copysign(0, -1), true},
		`5.0`:                 {5, true, 5, true},
		`1e3`:                 {1000, true, 1000, true},
		`2.5`:                 {0, false, 2.5, true},
		`9223372036854775807`: {math.MaxInt64, true, 9223372036854775807, true},
		`9223372036854775808`: {0, false, 9223372036854775808, true},
		`1e400`:               {0, false, 0, false},
		`"7"`:                 {0, false, 0, false},
	} {
		v := mustParse(t, text)
		if i, ok := v.Int(); ok != want.isInt || (ok && i != want.i) {
			t.Errorf("%s as int: %d, %t", text, i, ok)
		}
		if f, ok := v.Float(); ok != want.isReal || (ok && f != want.f) {
			t.Errorf("%s as float: %g, %t", text, f, ok)
		}
	}
}

func TestFromFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -2.5: "-2.5", 0.1: "0.1", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-6: "0.000001", 1e-7: "1e-7",
		1.5e-10: "1.5e-10", 5e-324: "5e-324", math.MaxFloat64: "1.7976931348623157e+308", 123456789012345680: "123456789012345680",
	} {
		v, ok := FromFloat(f)
		if !ok || v.String() != want {
			t.Errorf("%g gives %v, want %s", f, v, want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, ok := FromFloat(f); ok {
			t.Errorf("%g is no JSON", f)
		}
	}
	if v, _ := FromFloat(math.Copysign(0, -1)); v.String() != "0" {
		t.Errorf("-0 gives %s", v)
	}
}

func TestBuild(t *testing.T) {
	inner := mustParse(t, `{"z":  [1.10]}`)
	v := FromObject([]string{"b\"", "a\n", "\u0001é"}, []*Value{
		FromArray([]*Value{NullValue, TrueValue, FalseValue, FromInt(-1), FromUint(math.MaxUint64), FromNumber("1e400"), inner}),
		FromString("x\xff\u2028\"\\\t\r\x00"),
		FromArray(nil),
	})
	want := `{"b\"":[null,true,false,-1,18446744073709551615,1e400,{"z":[1.10]}],"a\n":"x` + "\ufffd\u2028" + `\"\\\t\r\u0000","\u0001é":[]}`
	if got := v.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if v.Size() != len(want)+2 || v.Depth() != 4 || !json.Valid(v.JSON()) {
		t.Errorf("size %d of %d, depth %d", v.Size(), len(want), v.Depth())
	}
	if !bytes.Equal(v.Settled().JSON(), v.JSON()) || v.Settled().Get("a\n") != v.Get("a\n") {
		t.Error("a settled value is the same value")
	}
}

func TestDepth(t *testing.T) {
	for text, want := range map[string]int{`1`: 0, `"[["`: 0, `[]`: 1, `[1,{"a":[2]}]`: 3, `{"a":"[[[["}`: 1} {
		v := mustParse(t, text)
		if got := v.Depth(); got != want {
			t.Errorf("%s is %d deep, want %d", text, got, want)
		}
		if got := Trusted([]byte(text)).Depth(); got != want {
			t.Errorf("%s, trusted, is %d deep, want %d", text, got, want)
		}
	}
	if got := mustParse(t, `[1,{"a":[2]}]`).At(1).Depth(); got != 2 {
		t.Errorf("an element is %d deep, want 2", got)
	}
}

func TestConcurrentReaders(t *testing.T) {
	v := mustParse(t, `{"a": {"b": [1, {"c": "text"}]}}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := v.Get("a").Get("b").At(1).Get("c").Text(); got != "text" {
				t.Errorf("got %q", got)
			}
			if v.Depth() != 4 {
				t.Errorf("depth %d", v.Depth())
			}
		})
	}
	wg.Wait()
}
