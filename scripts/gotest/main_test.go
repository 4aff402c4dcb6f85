package main

import (
	"strings"
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	var out strings.Builder
	s := newSummary(&out)
	s.read(strings.NewReader(`
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"noise\n"}
{"Action":"pass","Package":"a","Test":"TestGood","Elapsed":0.1}
{"Action":"output","Package":"a","Test":"TestBad","Output":"bad.go:1: wrong\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"skip","Package":"a","Test":"TestLater"}
{"Action":"fail","Package":"a","Elapsed":1.5}
{"Action":"build-output","ImportPath":"b","Output":"b.go:2: does not compile\n"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
{"Action":"skip","Package":"c"}
{"Action":"output","Package":"d","Test":"TestPanic","Output":"panic: boom\n"}
{"Action":"fail","Package":"d"}
not json
`))
	s.close(2 * time.Second)
	got := out.String()
	for _, want := range []string{
		"bad.go:1: wrong", "b.go:2: does not compile", "panic: boom", "not json", "  a TestBad\n", "  b\n", "  d\n",
		"\n1 passed, 3 failed, 1 skipped\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "noise") {
		t.Errorf("the output of a test that passed is printed:\n%s", got)
	}
}
