package cel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// maxHeap is what an evaluation may hold in memory, whatever it does.
const maxHeap = 64 << 20

// doubled nests cel.bind so that a value is put together with itself, n times over: two to the n times as large.
func doubled(n int, start, step, use string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cel.bind(v0, %s, ", start)
	for i := range n {
		fmt.Fprintf(&b, "cel.bind(v%d, %s, ", i+1, strings.ReplaceAll(step, "$", fmt.Sprintf("v%d", i)))
	}
	b.WriteString(strings.ReplaceAll(use, "$", fmt.Sprintf("v%d", n)))
	b.WriteString(strings.Repeat(")", n+1))
	return b.String()
}

// TestLimits evaluates what would take very long or very much memory. All of it must end in an error, with less than
// maxHeap on the heap.
func TestLimits(t *testing.T) {
	const (
		tooMuch  = "cost units"
		tooLong  = "the string would have"
		tooLarge = "has more than 16,777,216 bytes"
	)
	list := func(n int, use string) string { return doubled(n, "[1]", "[$, $]", use) }
	text := func(n int, use string) string { return doubled(n, "'0123456789abcdef'", "$ + $", use) }
	for name, test := range map[string]struct{ src, want string }{
		"range":               {`range(1, 10000000, 1)`, tooMuch},
		"range overflow":      {`range(-9223372036854775807, 9223372036854775807, 1)`, tooMuch},
		"lists.range":         {`lists.range(10000000)`, tooMuch},
		"loop":                {`range(1, 900000).all(x, x > 0)`, tooMuch},
		"loops in loops":      {`range(1, 4000).all(x, range(1, 4000).all(y, x + y > 0))`, tooMuch},
		"map":                 {`range(1, 900000).map(x, {"a": x, "b": [x]})`, tooMuch},
		"map of strings":      {`range(1, 300000).map(x, states.input.text)`, tooMuch},
		"map of new strings":  {`range(1, 300000).map(x, states.input.text + string(x))`, tooMuch},
		"large result":        {`range(1, 990000)`, ""},
		"text":                {text(24, "$"), tooLong},
		"text in a list":      {text(17, "[$ + 'a', $ + 'b', $ + 'c', $ + 'd', $ + 'e', $ + 'f', $ + 'g', $ + 'h', $ + 'i']"), tooMuch},
		"text many times":     {text(17, "[$, $, $, $, $, $, $, $, $]"), tooLarge},
		"substring":           {text(17, "$.substring(1).substring(1).substring(1).substring(1).substring(1)"), tooMuch},
		"split":               {text(17, "$.split('')"), tooMuch},
		"reverse":             {text(18, "$.reverse().reverse().reverse()"), tooMuch},
		"quote":               {text(17, "[strings.quote($ + '1'), strings.quote($ + '2'), strings.quote($ + '3')]"), tooMuch},
		"bytes":               {text(17, "[bytes($ + '1'), bytes($ + '2'), bytes($ + '3'), bytes($ + '4')]"), tooMuch},
		"base64":              {text(14, "base64.encode(bytes($ + '1')) + base64.encode(bytes($ + '2'))"), ""},
		"replace":             {text(12, "$.replace('0', $)"), tooLong},
		"replace nothing":     {text(12, "$.replace('', $)"), tooLong},
		"join":                {text(12, "range(1, 10000).map(x, $).join(',')"), tooLong},
		"join separator":      {text(12, "range(1, 10000).map(x, '').join($)"), tooLong},
		"format":              {text(12, "'"+strings.Repeat("%s", 100)+"'.format(["+strings.Repeat("$, ", 99)+"$])"), tooLong},
		"format a list":       {list(26, "'%s'.format([$])"), tooLong},
		"matches":             {text(16, "$.matches('(0|1|2|3|4|5|6|7|8|9|a|b|c|d|e|f){1,200}x')"), tooMuch},
		"matches large":       {text(16, "$.matches('((a|bc){1,30}){1,30}' + '')"), "too large"},
		"matches again":       {`range(1, 100000).map(x, states.input.text.matches("x+" + "y"))`, tooMuch},
		"regex.replace":       {text(12, "regex.replace($, '0', $)"), tooLong},
		"regex.replace group": {text(12, `regex.replace($, '(.*)', '\\1`+strings.Repeat(`\\1`, 200)+`')`), tooLong},
		"regex.extractAll":    {text(16, "regex.extractAll($, '.')"), tooMuch},
		"toJson":              {list(26, "toJson($)"), tooLong},
		"toJson text":         {text(18, "toJson(toJson($))"), tooLong},
		"hash":                {list(26, "hash($, 'MD5')"), tooLong},
		"result":              {list(26, "$"), tooLarge},
		"result in a map":     {list(26, "{'a': $}"), tooLarge},
		"equal":               {list(26, "cel.bind(w, [$, 1], [$, 1] == w)"), tooMuch},
		"in":                  {list(26, "[$, 2] in [[$, 1], [$, 2]]"), tooMuch},
		"unique":              {list(26, "unique([[$], [$]])"), tooMuch},
		"unique lists":        {`unique(range(1, 4000).map(x, [x]))`, tooMuch},
		"sets":                {`sets.contains(range(1, 4000), range(1, 4000).map(x, -x))`, tooMuch},
		"sets deep":           {list(26, "sets.contains([$], [$])"), tooMuch},
		"hasAll":              {`range(1, 4000).hasAll(range(1, 4000))`, tooMuch},
		"flatten":             {list(24, "$.flatten(30)"), tooMuch},
		"sort":                {`range(1, 150000).sortBy(x, -x)`, tooMuch},
		"deepMerge":           {doubled(24, "{'k': 1}", "{'a': $, 'b': $}", "deepMerge($, cel.bind(w, $, w))"), tooMuch},
		"optional":            {list(26, "optional.of($).hasValue($)"), tooMuch},
		"concatenation":       {doubled(24, "[1]", "$ + $", "$"), tooMuch},
		"transformMap":        {`range(1, 150000).transformMapEntry(i, x, {string(x): x})`, tooMuch},
		"quantifier":          {`range(1, 1000000).exists(x, x / 0 > 1)`, tooMuch},
		"deep":                {"[" + strings.Repeat("[", 100) + "states.input.deep" + strings.Repeat("]", 100) + "]", "nests"},
		"percentile":          {`percentile(range(1, 400000), 50)`, tooMuch},
		"uuids":               {`range(1, 900000).map(x, uuid())`, tooMuch},
		"times":               {`range(1, 900000).map(x, formatTime(now(), "YYYY", "Europe/Paris"))`, tooMuch},
		"parseJson":           {`range(1, 300000).map(x, parseJson(states.input.json))`, tooMuch},
	} {
		t.Run(name, func(t *testing.T) {
			p, problems := New().Compile(test.src, query.Env{})
			if p == nil {
				t.Fatal(problems)
			}
			scope := &query.Scope{Random: func() uint64 { return 1 }, Input: limitsInput(t)}
			var err error
			peak := peakHeap(func() { _, err = p.Eval(scope) })
			t.Logf("%d MB: %v", peak>>20, err)
			if peak > maxHeap {
				t.Errorf("the heap grew by %d MB", peak>>20)
			}
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func limitsInput(t *testing.T) *value.Value {
	long := strings.Repeat("x", 1000)
	v, err := value.Parse(fmt.Appendf(nil, `{"text": %q, "deep": %s1%s, "json": %q}`,
		long, strings.Repeat("[", value.MaxDepth-1), strings.Repeat("]", value.MaxDepth-1), `[1,2,"`+long+`"]`))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// peakHeap gives by how much what is alive on the heap grows at most while f runs.
func peakHeap(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, done, peak := heap(), make(chan struct{}), make(chan uint64)
	go func() {
		highest := before
		for {
			highest = max(highest, heap())
			select {
			case <-done:
				peak <- highest
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	f()
	close(done)
	return <-peak - before
}

// TestParserLimits compiles what a parser may choke on.
func TestParserLimits(t *testing.T) {
	for name, src := range map[string]string{
		"brackets":  strings.Repeat("[", maxSource),
		"parens":    strings.Repeat("(", 15_000) + "1" + strings.Repeat(")", 15_000),
		"minus":     strings.Repeat("-", maxSource-1) + "x",
		"not":       strings.Repeat("!", maxSource-4) + "true",
		"long":      strings.Repeat("1 + ", 100_000) + "1",
		"terms":     strings.Repeat("1+", maxSource/2-1) + "1",
		"either":    strings.Repeat("x||", maxSource/3-1) + "x",
		"elements":  "[" + strings.Repeat("1,", maxSource/2-2) + "1]",
		"selection": "states" + strings.Repeat(".a", maxSource/2-3),
		"ternary":   strings.Repeat("true ? 1 : ", 2_900) + "1",
		"macros":    strings.Repeat("[1].map(x, ", 1_000) + "1" + strings.Repeat(")", 1_000),
		"quotes":    strings.Repeat(`"`, 9_999),
		"garbage":   strings.Repeat("$", 9_999),
	} {
		t.Run(name, func(t *testing.T) {
			var problems []query.Problem
			peak := peakHeap(func() { _, problems = New().Compile(src, query.Env{}) })
			if len(problems) > 0 {
				t.Logf("%d MB: %v", peak>>20, problems[0])
			}
			if len(problems) > 100 {
				t.Errorf("%d problems", len(problems))
			}
			if peak > 4*maxHeap {
				t.Errorf("the heap grew by %d MB", peak>>20)
			}
		})
	}
}
