package statemachine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pureImports are the packages of the standard library that the core may import. None of them reaches a clock, a source
// of randomness, a file, a process or a network; of time, impureTime names the exceptions.
var pureImports = []string{
	"bytes", "cmp", "container/heap", "container/list", "encoding", "encoding/base64", "encoding/binary", "encoding/hex",
	"encoding/json", "errors", "fmt", "hash", "hash/fnv", "io", "iter", "maps", "math", "math/big", "math/bits",
	"math/rand/v2", "path", "reflect", "regexp", "regexp/syntax", "slices", "sort", "strconv", "strings", "sync",
	"sync/atomic", "time", "unicode", "unicode/utf16", "unicode/utf8",
	// What the hash functions of the language compute.
	"crypto/md5", "crypto/sha1", "crypto/sha256", "crypto/sha512",
	// Files that are part of the binary.
	"embed",
}

// pureModules are the libraries that the core may import. They compute.
var pureModules = []string{
	"cel.dev/cel-go/", "cel.dev/expr",
	"github.com/tercel-workflows/tercel/statemachine",
	"go.yaml.in/yaml/", "google.golang.org/genproto/", "google.golang.org/protobuf/",
}

// moduleOf are libraries that one package of the core may import. The package jsonschema can load files when it is asked to:
// package schema gives it a loader that refuses everything, so that it reads what is compiled into it and nothing else.
// What it takes from net is the parsing of addresses.
var moduleOf = map[string][]string{"schema": {"github.com/santhosh-tekuri/jsonschema/v6"}}

// impureNames are the names of pure packages that are not pure themselves: they read the clock, wait, read the machine's
// settings, or draw from a source that nobody seeded.
var impureNames = map[string][]string{
	"time": {
		"After", "AfterFunc", "LoadLocation", "Local", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until",
	},
	"math/rand/v2": {
		"ExpFloat64", "Float32", "Float64", "Int", "Int32", "Int32N", "Int64", "Int64N", "IntN", "N", "NormFloat64", "Perm",
		"Shuffle", "Uint", "Uint32", "Uint32N", "Uint64", "Uint64N", "UintN",
	},
}

// impurities lists what one source file of the core may not do.
func impurities(fset *token.FileSet, file *ast.File) []string {
	var found []string
	report := func(pos token.Pos, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s: %s", fset.Position(pos), fmt.Sprintf(format, args...)))
	}
	impure := map[string][]string{} // by what this file calls the package
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			report(spec.Pos(), "an import path that does not parse: %s", spec.Path.Value)
			continue
		}
		if !pureImport(path) && !slices.ContainsFunc(moduleOf[file.Name.Name], func(m string) bool { return strings.HasPrefix(path, m) }) {
			report(spec.Pos(), "imports %s, which is not on the list of what a pure package may import", path)
		}
		names := impureNames[path]
		if names == nil {
			continue
		}
		local := strings.Split(strings.TrimSuffix(path, "/v2"), "/")
		as := local[len(local)-1]
		if spec.Name != nil {
			as = spec.Name.Name
		}
		if as == "." {
			report(spec.Pos(), "imports %s into its own scope, which hides what it uses of it", path)
		}
		impure[as] = names
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && slices.Contains(impure[id.Name], sel.Sel.Name) {
			report(sel.Pos(), "uses %s.%s; time and randomness come in with the signal", id.Name, sel.Sel.Name)
		}
		return true
	})
	return found
}

func pureImport(path string) bool {
	if slices.Contains(pureImports, path) {
		return true
	}
	return slices.ContainsFunc(pureModules, func(m string) bool { return strings.HasPrefix(path, m) })
}

// TestCoreIsPure reads the sources of this package and all below it, tests excepted.
func TestCoreIsPure(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// asltest is what tests of definitions are written with: it reads files, and only tests import it.
		if entry.IsDir() && (entry.Name() == "testdata" || path == "asltest") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", path, err)
		}
		for _, finding := range impurities(fset, file) {
			t.Error(finding)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("read %d source files, which cannot be all of the core", files)
	}
}

// TestImpuritiesAreFound is the check of the check.
func TestImpuritiesAreFound(t *testing.T) {
	const clean = "package p\nimport \"time\"\nimport \"strings\"\n" +
		"func f(t time.Time) string { return strings.ToUpper(t.Add(time.Second).Format(time.RFC3339)) }"
	for name, test := range map[string]struct {
		source string
		want   []string // parts of the findings, in order
	}{
		"clean":            {clean, nil},
		"clock":            {"package p\nimport \"time\"\nvar x = time.Now()", []string{"p.go:3:9: uses time.Now"}},
		"renamed clock":    {"package p\nimport t \"time\"\nfunc f() { f := t.Since; _ = f }", []string{"uses t.Since"}},
		"hidden clock":     {"package p\nimport . \"time\"\nvar x = Now()", []string{"into its own scope"}},
		"zone of machine":  {"package p\nimport \"time\"\nvar z = time.Local", []string{"uses time.Local"}},
		"environment":      {"package p\nimport \"os\"\nvar x = os.Getenv(\"X\")", []string{"imports os"}},
		"seeded":           {"package p\nimport \"math/rand/v2\"\nvar r = rand.New(rand.NewPCG(1, 2))\nvar x = r.Float64()", nil},
		"network and more": {"package p\nimport (\n\"context\"\n\"net/http\"\n)", []string{"imports context", "imports net/http"}},
		"randomness":       {"package p\nimport (\n\"math/rand/v2\"\n\"crypto/rand\"\n)\nvar x = rand.IntN(6)", []string{"crypto/rand", "rand.IntN"}},
		"database":         {"package p\nimport _ \"github.com/jackc/pgx/v5\"", []string{"pgx"}},
		"outward":          {"package p\nimport _ \"github.com/tercel-workflows/tercel/engine\"", []string{"tercel/engine"}},
		"schemas":          {"package schema\nimport _ \"github.com/santhosh-tekuri/jsonschema/v6/kind\"", nil},
		"schemas outside":  {"package p\nimport _ \"github.com/santhosh-tekuri/jsonschema/v6\"", []string{"jsonschema"}},
		"loader":           {"package schema\nimport _ \"os\"", []string{"imports os"}},
		"library":          {"package p\nimport _ \"github.com/google/uuid\"", []string{"google/uuid"}},
	} {
		t.Run(name, func(t *testing.T) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, "p.go", test.source, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			got := impurities(fset, file)
			if len(got) != len(test.want) {
				t.Fatalf("got %d findings, want %d: %q", len(got), len(test.want), got)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("finding %d is %q, want it to contain %q", i, got[i], want)
				}
			}
		})
	}
}
