package convert_test

import (
	"bytes"
	"testing"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/convert"
)

// FuzzConvert: whatever is written anew is stable, and what is rewritten in CEL compiles if it did before.
func FuzzConvert(f *testing.F) {
	for _, src := range definitions(f) {
		f.Add("x.yaml", src)
		f.Add("x", src)
	}
	f.Add("x.json", []byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x.$":"States.Format('{}', $.a[0])"},"ResultPath":"$.r","End":true}}}`))
	f.Add("x.yaml", []byte("# a\nStartAt: A # b\nStates:\n\n  A: {Type: Choice, Choices: [{Variable: $.a, StringMatches: 'a*', Next: A}], Default: A}\n# c\n"))
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, file string, src []byte) {
		defer bound(string(src))()
		if once, err := convert.Format(file, src); err == nil {
			if twice, err := convert.Format(file, once); err != nil || !bytes.Equal(once, twice) {
				t.Errorf("not stable: %v\n%s\n---\n%s", err, once, twice)
			}
		}
		_, _, _ = convert.To(convert.JSON, file, src)
		_, _, _ = convert.To(convert.YAML, file, src)
		if m, _ := statemachine.Compile(file, src); m == nil {
			return
		}
		out, _, err := convert.ToCEL(file, src)
		if err != nil {
			return
		}
		if _, list := statemachine.Compile("out."+string(convert.NotationOf(file, src)), out); list.HasErrors() {
			t.Errorf("does not compile: %v\n%s", list, out)
		}
	})
}
