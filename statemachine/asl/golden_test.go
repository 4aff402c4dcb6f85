package asl_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
)

// section is the line that begins a definition or its expected diagnostics.
var section = regexp.MustCompile(`(?m)^-- (.+) --\n`)

// TestGoldens reads testdata/*.txt. Each file has definitions, begun by a line with a name that ends in .json or .yaml,
// and behind each the diagnostics that are expected of it, begun by a line with the word want.
func TestGoldens(t *testing.T) {
	golden.Files(t, "testdata/*.txt", func(_ *testing.T, text string) string {
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
			definition := text[m[1]:end]
			got := check("def"+filepath.Ext(name), []byte(definition)).Error()
			if got != "" {
				got += "\n"
			}
			out.WriteString("-- " + name + " --\n" + definition + "-- want --\n" + got)
		}
		return out.String()
	})
}
