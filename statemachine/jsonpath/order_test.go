package jsonpath

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func TestCompareNumbers(t *testing.T) {
	// In ascending order; those in one group are equal.
	groups := [][]string{
		{"-1e401"},
		{"-1e400", "-10e399"},
		{"-12345678901234567891"},
		{"-12345678901234567890", "-12345678901234567890.0"},
		{"-2"},
		{"-1.5", "-15e-1", "-0.15e1"},
		{"0", "-0", "0.0", "0e99999", "-0.000"},
		{"1e-99999999999999999999"},
		{"0.001", "1e-3"},
		{"0.01"},
		{"0.1", "0.10", "1E-1"},
		{"1", "1.0", "10e-1", "1e0", "1e+0"},
		{"9"},
		{"10", "1e1"},
		{"9007199254740993"},
		{"9007199254740994"},
		{"12345678901234567890", "1.2345678901234567890e19"},
		{"1e400"},
		{"1e401", "0.1e402"},
		{"1e99999999999999999999"},
	}
	for i, group := range groups {
		for j, other := range groups {
			for _, a := range group {
				for _, b := range other {
					want := 0
					if i != j {
						want = map[bool]int{true: -1, false: 1}[i < j]
					}
					if got := compareNumbers(value.FromNumber(a), value.FromNumber(b)); got != want {
						t.Errorf("compare(%s, %s) = %d, want %d", a, b, got, want)
					}
					same := bytes.Equal(appendKey(nil, value.FromNumber(a)), appendKey(nil, value.FromNumber(b)))
					if same != (i == j) {
						t.Errorf("the keys of %s and %s are the same: %t", a, b, same)
					}
				}
			}
		}
	}
}

func TestCompareText(t *testing.T) {
	// The order of Java, which compares UTF-16 code units: U+1F600 is written D83D DE00.
	sorted := []string{"", "A", "Z", "a", "aa", "b", "ä", "\ud7ff", "\U0001F600", "\U0001F601", "\U0010FFFF", "\ue000", "\ufffd"}
	if !slices.IsSortedFunc(sorted, compareText) {
		t.Error("not sorted")
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := compareText(a, b); (got == 0) != (i == j) || (got < 0) != (i < j) {
				t.Errorf("compare(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	for text, valid := range map[string]bool{
		"2016-03-14T01:59:00Z":                 true,
		"2016-03-14T01:59:00.123456789Z":       true,
		"2016-03-14T01:59:00+00:00":            true,
		"2016-03-14T01:59:00.5-07:30":          true,
		"2016-02-29T23:59:59Z":                 true,
		"2015-02-29T23:59:59Z":                 false,
		"2016-03-14T01:59:00":                  false,
		"2016-03-14 01:59:00Z":                 false,
		"2016-03-14t01:59:00Z":                 false,
		"2016-03-14T01:59:00z":                 false,
		"2016-03-14T01:59:00,5Z":               false,
		"2016-03-14T01:59:00.Z":                false,
		"2016-03-14T01:59Z":                    false,
		"2016-03-14":                           false,
		"2016-03-14T01:59:00+0000":             false,
		"2016-03-14T01:59:00+00":               false,
		"2016-3-14T01:59:00Z":                  false,
		"2016-13-14T01:59:00Z":                 false,
		"2016-03-14T24:00:00Z":                 false,
		"2016-03-14T01:59:00Z ":                false,
		"2016-03-14T01:59:00+24:00":            false,
		"":                                     false,
		"2016-03-14T01:59:00ZZZZZZ":            false,
		"2016-03-14T01:59:00.123456789+01:00Z": false,
	} {
		if _, ok := ParseTimestamp(text); ok != valid {
			t.Errorf("ParseTimestamp(%q): %t, want %t", text, ok, valid)
		}
	}
}

func TestStringMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "anything", true},
		{"a*", "a", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*.log", "x.log", true},
		{"*.log", "x.log.gz", false},
		{"foo*.log", "foo23.log", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "acb", false},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{`a\\*`, `a\b`, true},
		{`a\\\*`, `a\*`, true},
		{`a\b`, `a\b`, true},
		{`a\`, `a\`, true},
		{"ä*", "äö", true},
		{"?", "x", false},
	} {
		if got := parseGlob(test.pattern).matches(test.text); got != test.want {
			t.Errorf("%q matches %q: %t, want %t", test.text, test.pattern, got, test.want)
		}
	}
}

// TestEvalItems checks how ItemsPath fails where it is a Reference Path, and where it is not.
func TestEvalItems(t *testing.T) {
	input := value.Trusted([]byte(`{"a": {"l": [1, 2]}}`))
	for src, want := range map[string]string{
		"$.a.l":    "[1,2]",
		"$.a.l[*]": "[1,2]",
		"$.b[*]":   "[]",
		"$.a.m":    `States.ReferencePathConflict: Unable to apply step "m" to input {"l": [1, 2]}`,
		"$.a.l[9]": `States.ReferencePathConflict: Unable to apply step "9" to input [1, 2]`,
		"$nope":    "States.Runtime: Invalid path '$nope' : The variable 'nope' has not been assigned",
	} {
		p, problems := ParsePath(src)
		if p == nil {
			t.Fatal(problems)
		}
		v, err := p.EvalItems(input, nil)
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = value.FromArray(v.Elems()).String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}

// TestObserver checks that each expression of a template is shown where it stands.
func TestObserver(t *testing.T) {
	doc, list := source.Parse("x.json", []byte(`{"Parameters": {"a.$": "$.x", "l": [1, {"b.$": "States.Array($.y)"}], "c": 5}}`))
	if list.HasErrors() {
		t.Fatal(list)
	}
	tmpl, findings := CompileTemplate(doc.Root.Get("Parameters"))
	if tmpl == nil {
		t.Fatal(findings)
	}
	var seen []string
	scope := &query.Scope{Observe: func(location, src string, v *value.Value, err error) {
		seen = append(seen, location+" "+src+" "+v.String())
	}}
	if _, err := tmpl.Eval(value.Trusted([]byte(`{"x": 1, "y": 2}`)), scope); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Parameters/a $.x 1", "Parameters/l/1/b States.Array($.y) [2]"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
	if paths := tmpl.Paths(); len(paths) != 2 || paths[0].Source() != "$.x" || paths[1].Source() != "$.y" {
		t.Errorf("paths %v", paths)
	}
}

// TestSeededRandom checks that a seed gives the same number again, that another gives another, and that all numbers of a
// range come up.
func TestSeededRandom(t *testing.T) {
	drawn := map[string]int{}
	for seed := range int64(200) {
		in, problems := ParseIntrinsic("States.MathRandom(-2, 3, " + value.FromInt(seed).String() + ")")
		if in == nil {
			t.Fatal(problems)
		}
		first, err := in.Eval(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := in.Eval(nil, nil); err != nil || first.String() != second.String() {
			t.Errorf("seed %d gives %v and %v, %v", seed, first, second, err)
		}
		drawn[first.String()]++
	}
	for _, n := range []string{"-2", "-1", "0", "1", "2"} {
		if drawn[n] < 20 {
			t.Errorf("%s came up %d times of 200", n, drawn[n])
		}
		delete(drawn, n)
	}
	if len(drawn) > 0 {
		t.Errorf("beyond the range: %v", drawn)
	}
}

// TestLookupConcurrently evaluates one path in many goroutines, for the race detector.
func TestLookupConcurrently(t *testing.T) {
	p, problems := ParsePath("$.l[?(@.a =~ /x.*/)].a")
	if p == nil {
		t.Fatal(problems)
	}
	input := value.Trusted([]byte(`{"l": [{"a": "xy"}, {"a": "z"}]}`))
	done := make(chan string)
	for range 8 {
		go func() {
			v, err := p.Eval(input, nil)
			if err != nil {
				done <- err.Error()
				return
			}
			done <- v.String()
		}()
	}
	for range 8 {
		if got := <-done; got != `["xy"]` {
			t.Error(got)
		}
	}
}
