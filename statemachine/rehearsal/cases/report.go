package cases

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
)

// Run rehearses the cases whose name matches, several at once, and gives their outcomes in the order of the file. A nil
// match takes all.
func (f *File) Run(atOnce int, match func(name string) bool) []*Outcome {
	var chosen []*Case
	for _, c := range f.Cases {
		if match == nil || match(c.Name) {
			chosen = append(chosen, c)
		}
	}
	outcomes := make([]*Outcome, len(chosen))
	turns := make(chan int)
	var all sync.WaitGroup
	for range min(max(1, atOnce), len(chosen)) {
		all.Go(func() {
			for i := range turns {
				outcomes[i] = chosen[i].Run()
			}
		})
	}
	for i := range chosen {
		turns <- i
	}
	close(turns)
	all.Wait()
	return outcomes
}

// Passed tells whether the case did all that was expected.
func (o *Outcome) Passed() bool { return len(o.Failures) == 0 }

// String writes the failures, one after the other, with their places.
func (o *Outcome) String() string {
	parts := make([]string, len(o.Failures))
	for i, f := range o.Failures {
		parts[i] = f.String()
	}
	return strings.Join(parts, "\n")
}

// String writes the failure: its place and field on one line, then what is wrong.
func (f Failure) String() string {
	return fmt.Sprintf("%s:%d:%d: %s\n    %s", f.File, f.Line, f.Column, f.What, strings.ReplaceAll(f.Text, "\n", "\n    "))
}

// CoverageText writes coverage on one line, and each point that nothing came by on one more.
func CoverageText(definition string, c *rehearsal.Coverage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "coverage of %s: %s %% (", definition, PercentText(c.Percent()))
	separator := ""
	for _, k := range rehearsal.Kinds {
		covered, total := c.Count(k)
		if total > 0 {
			fmt.Fprintf(&b, "%s%s %d of %d", separator, k, covered, total)
			separator = ", "
		}
	}
	b.WriteString(")\n")
	for _, p := range c.Uncovered() {
		fmt.Fprintf(&b, "  %s:%d:%d: no case comes by %s\n", definition, p.Line, p.Column, p.Point)
	}
	return b.String()
}

// PercentText writes a share with one digit behind the point. What is not all is never written as 100.
func PercentText(percent float64) string {
	if percent < 100 {
		return fmt.Sprintf("%.1f", min(percent, 99.9))
	}
	return "100"
}
