package backtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/backtest"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// TestBacktest runs testdata. A file has four parts, with lines of ==== between them: the definition that was deployed, a
// case file whose cases are the recorded executions, the new definition, and what is said of each case.
func TestBacktest(t *testing.T) {
	golden.Files(t, "testdata/*.txt", func(t *testing.T, text string) string {
		parts := strings.Split(text, "\n====\n")
		if len(parts) < 3 {
			t.Fatal("a file has a definition, cases, and a new definition")
		}
		return strings.Join(parts[:3], "\n====\n") + "\n====\n" + answer(t, parts[0], parts[1], parts[2])
	})
}

func answer(t *testing.T, before, text, after string) string {
	t.Helper()
	f, found := cases.Parse("old.test.yaml", []byte(text), func(string) ([]byte, error) { return []byte(before), nil })
	if f == nil {
		t.Fatal(found.Error())
	}
	m, found := statemachine.Compile("new.asl.yaml", []byte(after))
	if m == nil {
		t.Fatal(found.Error())
	}
	var b strings.Builder
	for _, c := range f.Cases {
		fmt.Fprintf(&b, "%s: %s", c.Name, said((&backtest.Test{Machine: m}).Run(record(t, c.Script()))))
		// The definition that made the record always does the same again.
		if o := (&backtest.Test{Machine: f.Machine}).Run(record(t, c.Script())); o.Verdict != backtest.Same {
			t.Errorf("%s: the old definition against its own record: %s", c.Name, said(o))
		}
	}
	return b.String()
}

func said(o *backtest.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", o.Verdict)
	if o.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", o.Reason)
	}
	for _, d := range o.Differences {
		fmt.Fprintf(&b, "  %s: %s\n", d.Kind, d.Text)
	}
	if o.First != nil {
		fmt.Fprintf(&b, "  first at %s: %s\n", o.First.State, o.First.Text)
	}
	return b.String()
}

// record rehearses an execution and reads its history as that of a server.
func record(t *testing.T, s rehearsal.Script) *backtest.Record {
	t.Helper()
	s.Seed += 99 // a server draws other numbers
	r := rehearsal.Run(s)
	if r.Problem != nil {
		t.Fatal(r.Problem)
	}
	view, err := history.View(s.Machine, r.Info(), r.Events)
	if err != nil {
		t.Fatal(err)
	}
	record, err := backtest.Read(backtest.Record{
		Info: r.Info(), Status: r.Status, Output: r.Output, Error: r.Error, Cause: r.Cause, Started: r.Started, Ended: r.Ended,
	}, view)
	if err != nil {
		t.Fatal(err)
	}
	return record
}
