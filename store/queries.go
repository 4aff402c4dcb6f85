package store

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// queries are the statements of queries/*.sql by their names. A file holds the statements of one table; each begins
// with a line `-- name: NAME` and ends where the next begins.
var queries = parseQueries(queryFiles)

// query gives a statement by its name. It panics if there is none; every name is looked up while the package is
// initialized.
func query(name string) string {
	text, ok := queries[name]
	if !ok {
		panic(fmt.Sprintf("store: no query is named %q", name))
	}
	return text
}

// guard marks the lines of a statement that unguarded leaves out.
const guard = "-- guard\n"

// unguarded gives a statement without its guards, see executions.sql.
func unguarded(name string) string {
	var text strings.Builder
	for line := range strings.Lines(query(name) + "\n") {
		if !strings.HasSuffix(line, guard) {
			text.WriteString(line)
		}
	}
	return strings.TrimSpace(text.String())
}

func parseQueries(files fs.FS) map[string]string {
	const mark = "-- name: "
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(fmt.Sprintf("store: listing the queries: %v", err))
	}
	found := map[string]string{}
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			panic(fmt.Sprintf("store: reading %s: %v", path, err))
		}
		var name string
		for line := range strings.Lines(string(text)) {
			if after, ok := strings.CutPrefix(line, mark); ok {
				name = strings.TrimSpace(after)
				if _, twice := found[name]; twice {
					panic(fmt.Sprintf("store: %s: a second query named %q", path, name))
				}
				found[name] = ""
				continue
			}
			// Comments are for readers of the file; the server would parse them with each statement.
			if name != "" && !strings.HasPrefix(strings.TrimSpace(line), "--") {
				found[name] += line
			}
		}
	}
	for name, text := range found {
		found[name] = strings.TrimSpace(text)
	}
	return found
}
