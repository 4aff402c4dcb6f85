package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test that notes its failures instead of failing.
type recorder struct {
	testing.TB

	failures []string
}

func (*recorder) Helper()             {}
func (r *recorder) Fatal(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, args...))
}

func (r *recorder) compare(file, got string) bool { Compare(r, file, got); return len(r.failures) == 0 }

func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "file.txt")
	setUpdate(t, true)
	if r := (&recorder{TB: t}); !r.compare(file, "one\ntwo\n") {
		t.Fatal(r.failures)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "one\ntwo\n" {
		t.Fatalf("wrote %q, %v", text, err)
	}
	setUpdate(t, false)
	if r := (&recorder{TB: t}); !r.compare(file, "one\ntwo\n") {
		t.Error(r.failures)
	}
	if r := (&recorder{TB: t}); r.compare(file, "one\n2\n") || !strings.Contains(r.failures[0], "-update") {
		t.Errorf("another text passes: %q", r.failures)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("without -update the file is now %q, %v", text, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt", "c.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	Files(t, filepath.Join(dir, "*.txt"), func(t *testing.T, text string) string {
		t.Helper()
		seen = append(seen, text)
		return text
	})
	if fmt.Sprint(seen) != "[a.txt b.txt]" {
		t.Errorf("read %v", seen)
	}
}

func setUpdate(t *testing.T, on bool) {
	t.Helper()
	before := *update
	*update = on
	t.Cleanup(func() { *update = before })
}
