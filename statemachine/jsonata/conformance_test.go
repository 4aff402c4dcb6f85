package jsonata

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// suiteCase is a case of the reference's own test suite.
type suiteCase struct {
	ID        string
	Expr      string
	Dataset   *string
	Data      json.RawMessage
	Bindings  map[string]json.RawMessage
	Result    json.RawMessage
	Undefined bool `json:"undefinedResult"`
	Unordered bool
	Code      string
	Error     struct{ Code, Token, Message string }
	Token     string
	Depth     int
}

// TestSuite runs the cases of the reference's suite, from the folder that TERCEL_CONFORMANCE names.
func TestSuite(t *testing.T) {
	dir := os.Getenv("TERCEL_CONFORMANCE")
	if dir == "" {
		t.Skip("TERCEL_CONFORMANCE does not name the folder of the cases")
	}
	text, err := os.ReadFile(filepath.Join(dir, "jsonata-datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var datasets map[string]json.RawMessage
	if err := json.Unmarshal(text, &datasets); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "jsonata-cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	ran, passed := 0, 0
	for lines.Scan() {
		var c suiteCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		// encoding/json has no lone surrogates; the expression that holds one is decoded here.
		c.Expr = textOf(value.Trusted(slices.Clone(lines.Bytes())).Get("expr"))
		ran++
		if t.Run(c.ID, func(t *testing.T) { runCase(t, c, datasets) }) {
			passed++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d cases pass", passed, ran)
	if ran < 1000 {
		t.Errorf("ran %d cases only", ran)
	}
}

func runCase(t *testing.T, c suiteCase, datasets map[string]json.RawMessage) {
	var input *value.Value
	if c.Dataset != nil {
		input = value.Trusted(datasets[*c.Dataset])
	} else if c.Data != nil {
		input = value.Trusted(c.Data)
	}
	drawn := uint64(0)
	bindings := Bindings{
		Lookup: func(name string) *value.Value {
			if raw, ok := c.Bindings[name]; ok {
				return value.Trusted(raw)
			}
			return nil
		},
		Now:    time.Unix(1_700_000_000, 0),
		Random: func() uint64 { drawn++; return mix(drawn) },
	}
	limits := DefaultLimits
	if c.Depth > 0 {
		limits.Depth = c.Depth
	}
	var got *value.Value
	expr, err := Compile(c.Expr)
	if err == nil {
		got, err = expr.Eval(input, bindings, Options{Eval: true, Limits: limits})
	}
	code, token := c.Code, c.Token
	if c.Error.Code != "" {
		code, token = c.Error.Code, c.Error.Token
	}
	if code != "" {
		var e *Error
		if !errors.As(err, &e) || e.Code != code || token != "" && e.Token != token || c.Error.Message != "" && e.Message != c.Error.Message {
			t.Errorf("%s\ngives %v, %v, want error %s %s %s", c.Expr, got, err, code, token, c.Error.Message)
		}
		return
	}
	if err != nil {
		t.Errorf("%s\n%v, want %s", c.Expr, err, c.Result)
		return
	}
	if c.Undefined || got == nil {
		if got != nil || !c.Undefined {
			t.Errorf("%s\ngives %v, want %s", c.Expr, got, c.Result)
		}
		return
	}
	want := value.Trusted(c.Result)
	if !sameJSON(got, want) && !(c.Unordered && sameElements(got, want)) {
		t.Errorf("%s\ngives %v\n want %v", c.Expr, got, want)
	}
}

// sameJSON compares values; the order of an object's members does not count.
func sameJSON(a, b *value.Value) bool {
	r := &run{options: &Options{}, steps: 1 << 30, bytes: 1 << 40}
	return r.equal(a, b, 0)
}

func sameElements(a, b *value.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	rest := slices.Clone(b.Elems())
	for _, e := range a.Elems() {
		at := slices.IndexFunc(rest, func(o *value.Value) bool { return sameJSON(e, o) })
		if at < 0 {
			return false
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return true
}
