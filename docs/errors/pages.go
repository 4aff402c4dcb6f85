// Package errorpages holds the documentation of the findings in definitions, a page a code, for the command to print.
package errorpages

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.md
var files embed.FS

const index = "README.md"

// Page gives the page of a code, in Markdown; ok is false if there is none.
func Page(code string) (page string, ok bool) {
	if code+".md" == index {
		return "", false
	}
	text, err := files.ReadFile(code + ".md")
	return string(text), err == nil
}

// Codes gives all codes that have a page, sorted.
func Codes() []string {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil // the pattern is good
	}
	codes := make([]string, 0, len(names))
	for _, name := range names {
		if name != index {
			codes = append(codes, strings.TrimSuffix(name, ".md"))
		}
	}
	return codes
}
