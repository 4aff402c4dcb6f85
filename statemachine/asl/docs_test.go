package asl_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCodeIsExplained holds docs/errors to the codes of this package and of package source.
func TestEveryCodeIsExplained(t *testing.T) {
	docs, err := os.ReadFile("../../docs/errors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`Code\w+\s+= "(\w+)"`)
	for _, file := range []string{"codes.go", "../source/document.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := code.FindAllStringSubmatch(string(text), -1)
		if len(found) < 9 {
			t.Errorf("%s has only %d codes", file, len(found))
		}
		for _, m := range found {
			if !strings.Contains(string(docs), "`"+m[1]+"`") {
				t.Errorf("docs/errors does not explain %s", m[1])
			}
		}
	}
}
