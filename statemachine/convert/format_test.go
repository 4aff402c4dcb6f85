package convert_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/convert"
)

// TestFormats writes testdata/format/* in all forms.
func TestFormats(t *testing.T) {
	golden.Files(t, "testdata/format/*.txt", func(t *testing.T, text string) string {
		name, rest, _ := strings.Cut(text, "\n")
		src, _, _ := strings.Cut(rest, "\n==== ")
		var out strings.Builder
		out.WriteString(name + "\n" + src)
		formatted, err := convert.Format(name, []byte(src+"\n"))
		out.WriteString("\n==== fmt\n" + string(formatted) + errorText(err))
		for _, notation := range []convert.Notation{convert.JSON, convert.YAML} {
			if notation == convert.NotationOf(name, []byte(src)) {
				continue
			}
			converted, notes, err := convert.To(notation, name, []byte(src+"\n"))
			out.WriteString("==== " + string(notation) + "\n" + string(converted) + errorText(err))
			for _, n := range notes {
				out.WriteString("note: " + n.String() + "\n")
			}
		}
		return out.String()
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return "error: " + err.Error() + "\n"
}

// TestFormatIsStable formats every definition of the repository twice, and takes each to the other notation and back.
func TestFormatIsStable(t *testing.T) {
	for file, src := range definitions(t) {
		once, err := convert.Format(file, src)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		twice, err := convert.Format(file, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s: formatting it again gives another text: %v\n%s\n---\n%s", file, err, once, twice)
		}
		there, back := convert.JSON, convert.YAML
		if convert.NotationOf(file, src) == convert.JSON {
			there, back = back, there
		}
		other, _, err := convert.To(there, file, src)
		if err != nil {
			t.Errorf("%s to %s: %v", file, there, err)
			continue
		}
		if _, _, err := convert.To(back, "x."+string(there), other); err != nil {
			t.Errorf("%s back to %s: %v", file, back, err)
		}
	}
}

// definitions gives the definitions of the examples, of the pages about findings, and of the scripts of the core.
func definitions(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"../../examples/*/*.asl.yaml", "../testdata/scripts/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("finding %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			definition, _, _ := strings.Cut(string(text), "\n====\n")
			all[filepath.Base(file)] = []byte(definition)
		}
	}
	return all
}
