package jsonata

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func TestLanguage(t *testing.T) {
	for src, want := range map[string]string{
		"$states.input.c":                        `"text"`,
		"$states.result.ok[0]":                   `1`,
		"$states.context.Execution.Id":           `"arn:1"`,
		"$states.errorOutput":                    "undefined",
		"$exists($states.errorOutput)":           `false`,
		"$keys($states)":                         `["input","result","context"]`,
		"$states.*.Execution.Id":                 `"arn:1"`,
		"$type($states)":                         `"object"`,
		"$states.input.h":                        `12345678901234567890`,
		"$states.input.b":                        `2.50`,
		"{'x': $states.input.b, 'y': $two}":      `{"x":2.50,"y":2}`,
		"$two + $states.input.a":                 `3`,
		"$doesNotExist":                          "undefined",
		"$":                                      "undefined",
		"$$":                                     "undefined",
		"$now()":                                 `"2026-03-04T05:06:07.089Z"`,
		"$uuid() = $uuid()":                      `false`,
		"$eval('1')":                             "States.QueryEvaluationError: T1006: Attempted to invoke a non-function",
		"$nope()":                                "States.QueryEvaluationError: T1006: Attempted to invoke a non-function",
		"$sum":                                   "States.QueryEvaluationError: unsupported result type: the result is a function, or contains one",
		"[function($x) { $x }]":                  "States.QueryEvaluationError: unsupported result type: the result is a function, or contains one",
		"$states.input.a / 0":                    "States.QueryEvaluationError: D1001: the number Infinity is out of range",
		"$states.input.c + 1":                    `States.QueryEvaluationError: T2001: the left side of + must be a number, not "text"`,
		"($states := {'mine': 1}; $states.mine)": `1`,
		"$states ~> |input.e|{'y': 5}, 'x'| ~> $lookup('input') ~> $lookup('e')": `{"y":5}`,
		"$string($states.input.e)":                    `"{\"y\":1,\"x\":2}"`,
		"$count($states.input.**) > 10":               `true`,
		"$states.input.d[3].k":                        `true`,
		"$sort($states.input.d[$type($) = 'number'])": `[1]`,
	} {
		p, problems := New().Compile(src, query.Env{Result: true, ErrorOutput: true})
		if p == nil {
			t.Errorf("%s: %v", src, problems)
			continue
		}
		v, err := p.Eval(testScope())
		got := "undefined"
		if err != nil {
			got = err.Error()
		} else if v != nil {
			got = v.String()
		}
		if got != want {
			t.Errorf("%s gives %s, want %s", src, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	for src, want := range map[string]string{
		"$states.inptu":                             "8: $states has no field inptu | did you mean $states.input?",
		"1 + $states.zzzzzzz.a":                     "12: $states has no field zzzzzzz | there are $states.input, $states.context",
		"$states.result":                            "8: $states.result is not there in this field | it is there once the state has done its work: in Output and Assign of a Task, Parallel or Map state",
		"$x.($states.errorOutput.Error)":            "12: $states.errorOutput is not there in this field | it is there in Output and Assign of a catcher (Catch)",
		"1 +":                                       "3: S0207: the expression ends where an operand is needed | the operator before the end needs a right side",
		"$contains('a', /(?<=x)y/)":                 "15: S0303: the regular expression /(?<=x)y/ is not supported: look-ahead and look-behind ((?<=) are not available, for they may take very long; match more and take a group of it | ",
		strings.Repeat("(", 500):                    "400: U1001: the expression nests too deep | ",
		"a." + strings.Repeat("a.", 60_000) + "1":   "120002: S0213: the literal value 1 cannot be a step of a path | ",
		strings.Repeat("%+", 1_000) + "%":           "2000: U1001: the expression has too many % | ",
		strings.Repeat("/a{900}/+", 100) + "1":      "162: S0303: the regular expression /a{900}/ is not supported: with those before it, it is too large | ",
		strings.Repeat("x", maxSource+1):            "0: U1001: the expression is longer than 128 KiB | ",
		"'\xff'":                                    "1: S0205: unexpected token that is not valid UTF-8 | ",
		"/((a{30}){30}bcdefghij){1000}/":            "0: S0303: the regular expression /((a{30}){30}bcdefghij){1000}/ is not supported: invalid repeat count | ",
		"/(" + strings.Repeat("a", 99) + "){1000}/": "0: S0303: the regular expression /(" + strings.Repeat("a", 99) + "){1000}/ is not supported: it is too large | ",
	} {
		p, problems := New().Compile(src, query.Env{})
		if p != nil || len(problems) != 1 {
			t.Errorf("%.50s: a program: %t, problems: %v", src, p != nil, problems)
			continue
		}
		if got := fmt.Sprintf("%d: %s | %s", problems[0].Offset, problems[0].Message, problems[0].Hint); got != want {
			t.Errorf("%.50s\ngives %s\n want %s", src, got, want)
		}
	}
}

// TestTogether evaluates one program from several goroutines: what one binds the others do not see.
func TestTogether(t *testing.T) {
	p, problems := New().Compile("($f := function($a, $b) { ($c := $a; $d := $b; $e := $c + $d) }; "+
		"$sum([1..50].($f($, $two) + $number($fromMillis($ * 86400000, '[D]')))))", query.Env{})
	if p == nil {
		t.Fatal(problems)
	}
	want, err := p.Eval(testScope())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				got, err := p.Eval(testScope())
				if err != nil || got.String() != want.String() {
					t.Errorf("gives %v, %v, want %v", got, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestNoRandom(t *testing.T) {
	expr, err := Compile("$random()")
	if err != nil {
		t.Fatal(err)
	}
	_, err = expr.Eval(nil, Bindings{}, Options{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "U1001" {
		t.Errorf("gives %v", err)
	}
}

// TestDeterministic checks that limits end an evaluation at the same place each time, whatever the machine does.
func TestDeterministic(t *testing.T) {
	expr, err := Compile("$map([1..1000], function($n) { $n * 2 })")
	if err != nil {
		t.Fatal(err)
	}
	least := 0
	for step := 1 << 20; step > 0; step /= 2 {
		if _, err := expr.Eval(nil, Bindings{}, Options{Limits: Limits{Steps: least + step}}); err != nil {
			least += step
		}
	}
	for range 3 {
		if _, err := expr.Eval(nil, Bindings{}, Options{Limits: Limits{Steps: least}}); err == nil {
			t.Errorf("%d steps suffice", least)
		}
		if _, err := expr.Eval(nil, Bindings{}, Options{Limits: Limits{Steps: least + 1}}); err != nil {
			t.Errorf("%d steps do not suffice: %v", least+1, err)
		}
	}
}

func TestSurrogates(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"a", "b", -1},
		{"b", "a", 1},
		{"a", "a", 0},
		{"a", "ab", -1},
		{"ab", "a", 1},
		{"\U0001F600", "\uFF5E", -1}, // a surrogate pair stands before U+FF5E
		{"\uFF5E", "\U0001F600", 1},
	} {
		if got := compareText(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
	for _, raw := range []string{`"\ud83d"`, `"\ude00x"`, `"a\ud83d\ude00b"`, `"\ud83d\ud83d\ude00"`, `"é\ud83d"`, `"\"\\\/\b\f\n\r\t"`} {
		s := textOf(value.Trusted([]byte(raw)))
		again := textOf(value.Trusted(appendQuoted(nil, s)))
		if s != again {
			t.Errorf("%s is %q, and after writing it %q", raw, s, again)
		}
	}
	if got := units("a\U0001F600\xed\xa0\xbd"); got != 4 {
		t.Errorf("%d units", got)
	}
	if got := join("\xed\xa0\xbd", "\xed\xb8\x80"); got != "\U0001F600" {
		t.Errorf("joined %q", got)
	}
}

func TestRound(t *testing.T) {
	for _, test := range []struct {
		f         float64
		precision int
		want      float64
	}{
		{0.5, 0, 0},
		{1.5, 0, 2},
		{-0.5, 0, 0},
		{1.005, 2, 1},
		{1.015, 2, 1.02},
		{125, -1, 120},
		{1e300, 10, 1e300},
		{5e-324, 5, 0},
		{math.MaxFloat64, 0, math.MaxFloat64},
	} {
		if got := round(test.f, test.precision); got != test.want {
			t.Errorf("round(%v, %d) = %v, want %v", test.f, test.precision, got, test.want)
		}
	}
}

// TestWords writes and reads numbers in every way that reads back.
func TestWords(t *testing.T) {
	r := &run{options: &defaults, steps: 1 << 30, bytes: 1 << 40}
	for _, picture := range []string{"w", "W", "Ww", "w;o", "I", "i", "a", "A", "0", "#,##0", "0;o", "#:##0", "٠"} {
		p := r.integerPicture(picture)
		for n := 1.0; n < 5e5; n = n*1.7 + 1 {
			n = math.Floor(n)
			if p.as == inRoman && n > 5000 {
				break
			}
			text := r.formatInteger(n, p)
			if got, ok := p.parse(text); !ok || got != n {
				t.Errorf("%s: %v is written %q and read %v, %t", picture, n, text, got, ok)
			}
		}
	}
}
