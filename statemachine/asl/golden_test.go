package asl_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics in testdata")

// section is the line that begins a definition or its expected diagnostics.
var section = regexp.MustCompile(`(?m)^-- (.+) --\n`)

// TestGoldens reads testdata/*.txt. Each file has definitions, begun by a line with a name that ends in .json or .yaml,
// and behind each the diagnostics that are expected of it, begun by a line with the word want.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		marks := section.FindAllStringSubmatchIndex(text, -1)
		var out strings.Builder
		out.WriteString(text[:marks[0][0]])
		for i, m := range marks {
			name, end := text[m[2]:m[3]], len(text)
			if name == "want" {
				continue
			}
			if i+1 < len(marks) {
				end = marks[i+1][0]
			}
			definition, want := text[m[1]:end], ""
			if i+1 < len(marks) && text[marks[i+1][2]:marks[i+1][3]] == "want" {
				from, to := marks[i+1][1], len(text)
				if i+2 < len(marks) {
					to = marks[i+2][0]
				}
				want = text[from:to]
			}
			got := check("def"+filepath.Ext(name), []byte(definition)).Error()
			if got != "" {
				got += "\n"
			}
			out.WriteString("-- " + name + " --\n" + definition + "-- want --\n" + got)
			if !*update {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("run with -update if this is right (- expected, + given):\n%s", diff)
					}
				})
			}
		}
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
