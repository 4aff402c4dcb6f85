package cases_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FuzzParse looks for case files that make the reader or a rehearsal panic or hang.
func FuzzParse(f *testing.F) {
	definition, err := os.ReadFile("../../../examples/order-fulfilment/order.asl.yaml")
	if err != nil {
		f.Fatal(err)
	}
	example, err := os.ReadFile("../../../examples/order-fulfilment/order.test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("cases: [{name: a, mocks: {ChargeCard: [{error: X, once: true}]}, expect: {path: [Price, {Compensate: {each: [A]}}]}}]")
	f.Add("mocks: {\"ChargeCard[*]#3\": {token: {delay: 1w}}}\ncases: [{name: '{% x %}', expect: {check: '{% value %}', duration: 1e9}}]")
	f.Fuzz(func(t *testing.T, text string) {
		file, found := cases.Parse("order.test.yaml", []byte(text), func(path string) ([]byte, error) {
			if path == "order.asl.yaml" {
				return definition, nil
			}
			return nil, errors.New("there is no such file")
		})
		if (file == nil) != found.HasErrors() {
			t.Fatalf("got %v and %v", file, found)
		}
		if file == nil {
			return
		}
		for _, o := range file.Run(1, nil) {
			_ = o.String()
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w1d1.5s": 8*24*time.Hour + 1500*time.Millisecond,
		"100w": 700 * 24 * time.Hour,
	} {
		got, err := cases.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
			continue
		}
		if back, err := cases.ParseDuration(cases.Span(got)); err != nil || back != got {
			t.Errorf("%s is written as %s, which is %v, %v", text, cases.Span(got), back, err)
		}
	}
	for _, text := range []string{"", "1", "s", "-1s", "1.2.3s", "1y", "1s ", "1000000000w", "1e9s", "١s"} {
		if got, err := cases.ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true},
		{"100", "1e2", true},
		{"0.001", "1E-3", true},
		{"-0", "0.0e5", true},
		{"1e400", "10e399", true},
		{"12345678901234567890", "12345678901234567891", false},
		{"0.1", "0.10000000000000000001", false},
		{"-1", "1", false},
		{`"a"`, `"\u0061"`, true},
		{`{"a":1,"b":[2]}`, `{"b":[2.0],"a":1}`, true},
		{`{"a":1}`, `{"b":1}`, false},
		{`[1]`, `[1,2]`, false},
		{"null", "false", false},
		{"true", "true", true},
		{`{"a":1}`, `{"a":1,"b":1}`, false},
	} {
		if got := cases.Equal(value.Trusted([]byte(test.a)), value.Trusted([]byte(test.b))); got != test.want {
			t.Errorf("%s and %s: %v", test.a, test.b, got)
		}
	}
}
