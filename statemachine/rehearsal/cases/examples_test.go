package cases_test

import (
	"os"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// TestExamples rehearses the examples, which must be covered as a whole.
func TestExamples(t *testing.T) {
	t.Chdir("../../../examples")
	for _, name := range []string{"order-fulfilment/order.test.yaml", "mortgage-monte-carlo/mortgage.test.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, found := cases.Parse(name, text, os.ReadFile)
		if f == nil {
			t.Fatal(found)
		}
		coverage := rehearsal.NewCoverage(f.Machine)
		for _, c := range f.Cases {
			out := c.Run()
			coverage.Add(out.Result)
			for _, failed := range out.Failures {
				t.Errorf("%s:%d:%d: %s: %s\n%s", failed.File, failed.Line, failed.Column, c.Name, failed.What, failed.Text)
			}
		}
		for _, p := range coverage.Uncovered() {
			t.Errorf("%s:%d: no case comes by %s", f.Definition, p.Line, p)
		}
	}
}
