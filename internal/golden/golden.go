// Package golden is for tests that keep in files of testdata what they expect. With `go test -update` they write those
// files anew; what has changed then is for the reader of the diff to judge.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files of testdata anew, with what the tests give")

// Compare compares a text with the one that a file holds, or writes it into the file.
func Compare(tb testing.TB, file, got string) {
	tb.Helper()
	text, err := os.ReadFile(file)
	if *update {
		if err == nil && string(text) == got {
			return
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			tb.Fatal(err)
		}
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		tb.Errorf("%s; run with -update if this is right (- expected, + given):\n%s", file, diff)
	}
}

// Texts gives the texts of the files that a pattern names. No file is a failure.
func Texts(tb testing.TB, pattern string) []string {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		tb.Fatalf("finding %s: %d files, %v", pattern, len(files), err)
	}
	texts := make([]string, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		texts[i] = string(text)
	}
	return texts
}

// Files runs a subtest for each of the files that a pattern names. A file holds both the cases and what is expected of
// them: answer gets its text and gives it as it should be, that is, with what is really given. No file is a failure.
func Files(t *testing.T, pattern string, answer func(t *testing.T, text string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("finding %s: %d files, %v", pattern, len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, filepath.Ext(name)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			Compare(t, file, answer(t, string(text)))
		})
	}
}
