package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine"
)

// pages gives the text of all pages that people read, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(text)
		}
	}
	if len(all) < 8 {
		t.Fatalf("found %d pages only", len(all))
	}
	return all
}

var (
	code     = regexp.MustCompile("(?s)```.*?```")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInRef = regexp.MustCompile("[^a-z0-9 _-]")
)

// TestLinks follows every link from page to page and within pages.
func TestLinks(t *testing.T) {
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for file, text := range all {
		anchors[file] = map[string]bool{}
		for _, h := range heading.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			ref := notInRef.ReplaceAllString(strings.ToLower(h[1]), "")
			anchors[file][strings.ReplaceAll(ref, " ", "-")] = true
		}
	}
	for file, text := range all {
		for _, l := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(l[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s links to %s, which is not there", file, l[1])
					continue
				}
			}
			if anchor != "" && anchors[target] != nil && !anchors[target][anchor] {
				t.Errorf("%s links to %s, but %s has no such heading", file, l[1], target)
			}
		}
	}
}

// TestDefinitionsInPages compiles every whole definition that a page shows. One with a comment "# error: ..." must have
// just that error.
func TestDefinitionsInPages(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```(?:yaml|json)\n(.*?)```")
	found := 0
	for file, text := range pages(t) {
		if strings.Contains(file, "/errors/") {
			continue // they show what is wrong
		}
		for _, b := range blocks.FindAllStringSubmatch(text, -1) {
			if !strings.Contains("\n"+b[1], "\nStartAt:") && !strings.Contains(b[1], "\n  \"StartAt\"") {
				continue
			}
			found++
			_, findings := statemachine.Compile(file, []byte(b[1]))
			_, shown, wrong := strings.Cut(b[1], "# error: ")
			shown, _, _ = strings.Cut(shown, ";")
			if findings.HasErrors() != wrong || (wrong && !strings.Contains(findings.Error(), shown)) {
				t.Errorf("%s: %v", file, findings)
			}
		}
	}
	if found < 3 {
		t.Errorf("found %d definitions only", found)
	}
}

// TestQuotedCode: the code of EMBEDDING.md is that of the example which the tests run.
func TestQuotedCode(t *testing.T) {
	source, err := os.ReadFile("embedded/main.go")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(pages(t)["../docs/EMBEDDING.md"], -1)
	if len(quoted) < 2 {
		t.Fatalf("the page quotes %d pieces of code", len(quoted))
	}
	for _, q := range quoted {
		if !strings.Contains(string(source), strings.TrimSpace(q[1])) {
			t.Errorf("docs/EMBEDDING.md quotes what is not in examples/embedded/main.go:\n%s", q[1])
		}
	}
}
