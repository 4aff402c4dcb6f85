// Command gotest runs `go test` with the arguments it is given and prints what a person wants to read of it: a line for
// each package, the whole output of each test that failed, and one closing line that counts the tests.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

func main() {
	start := time.Now()
	//nolint:gosec // running go test with the caller's arguments is what this program is for
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fatal(err)
	}
	if err := cmd.Start(); err != nil {
		fatal(err)
	}
	s := newSummary(os.Stdout)
	s.read(out)
	err = cmd.Wait()
	s.close(time.Since(start))
	if err != nil || s.failed > 0 || s.brokenPackages > 0 {
		os.Exit(1)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "running go test:", err)
	os.Exit(1)
}

// event is a line of `go test -json`.
type event struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`
	Elapsed float64 `json:"Elapsed"` // seconds
	Output  string  `json:"Output"`
}

// summary turns events into lines.
type summary struct {
	w              io.Writer
	output         map[[2]string][]string // of each package and test that still runs
	counts         map[string]int         // tests that ended in a package
	failing        []string
	passed, failed int
	skipped        int
	brokenPackages int // packages that failed without a test that failed: they do not build, or died
	failedTests    map[string]int
}

func newSummary(w io.Writer) *summary {
	return &summary{w: w, output: map[[2]string][]string{}, counts: map[string]int{}, failedTests: map[string]int{}}
}

func (s *summary) read(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(s.w, "%s", line)
			} else {
				s.event(e)
			}
		}
		if err != nil {
			return
		}
	}
}

func (s *summary) event(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "build-output":
		fmt.Fprint(s.w, e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e)
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event) {
	s.counts[e.Package]++
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
	case "fail":
		s.failed++
		s.failedTests[e.Package]++
		s.failing = append(s.failing, e.Package+" "+e.Test)
		for _, line := range s.output[[2]string{e.Package, e.Test}] {
			fmt.Fprint(s.w, line)
		}
	}
}

func (s *summary) endPackage(e event) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(s.w, "ok    %-60s %4d tests %7.1fs\n", e.Package, s.counts[e.Package], e.Elapsed)
	case "skip":
		fmt.Fprintf(s.w, "-     %-60s no test files\n", e.Package)
	case "fail":
		if s.failedTests[e.Package] == 0 {
			s.brokenPackages++
			s.failing = append(s.failing, e.Package)
		}
		s.printUnfinished(e.Package)
		fmt.Fprintf(s.w, "FAIL  %-60s %4d tests %7.1fs\n", e.Package, s.counts[e.Package], e.Elapsed)
	}
}

// printUnfinished prints what a package that failed wrote outside its tests, and in tests that never ended: a panic, a
// timeout, or the seed that a shuffled order is repeated with.
func (s *summary) printUnfinished(pkg string) {
	for key, lines := range s.output {
		if key[0] != pkg {
			continue
		}
		for _, line := range lines {
			fmt.Fprint(s.w, line)
		}
		delete(s.output, key)
	}
}

func (s *summary) close(took time.Duration) {
	if len(s.failing) > 0 {
		fmt.Fprintln(s.w, "\nFailed:")
		for _, name := range s.failing {
			fmt.Fprintln(s.w, "  "+name)
		}
	}
	fmt.Fprintf(s.w, "\nTested in %s.\n%d passed, %d failed, %d skipped\n",
		took.Round(time.Second), s.passed, s.failed+s.brokenPackages, s.skipped)
}
