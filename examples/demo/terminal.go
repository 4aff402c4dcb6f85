package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// terminal tells whether the output is a terminal that shows colours and can rewrite a line.
var terminal = func() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}()

func paint(code, s string) string {
	if !terminal {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func bold(s string) string  { return paint("1", s) }
func green(s string) string { return paint("32", s) }
func red(s string) string   { return paint("31", s) }
func faint(s string) string { return paint("2", s) }

// progress is a bar that is rewritten in place on a terminal, and a line for each fifth elsewhere.
type progress struct {
	what  string
	total int
	done  int
	last  int // the fifths that were printed
	begun time.Time
}

func (p *progress) step() {
	p.done++
	if terminal {
		const width = 40
		full := p.done * width / p.total
		fmt.Printf("\r   %s%s %d of %d %s", strings.Repeat("█", full), faint(strings.Repeat("░", width-full)), p.done, p.total, p.what)
		if p.done == p.total {
			fmt.Println()
		}
		return
	}
	if fifth := p.done * 5 / p.total; fifth > p.last {
		p.last = fifth
		say("%d of %d %s after %s", p.done, p.total, p.what, time.Since(p.begun).Round(100*time.Millisecond))
	}
}
