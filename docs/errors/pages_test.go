package errorpages

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
)

// noExample are the codes that no definition can give in this release.
var noExample = []string{
	"ARGUMENTS_DO_NOT_FIT", "QUERY_LANGUAGE_NOT_SUPPORTED", "UNKNOWN_ACTIVITY", "UNKNOWN_FUNCTION", "UNKNOWN_RESOURCE",
}

// built are the examples that are too large to be shown, or no text; the pages sketch them.
var built = map[string]func() string{
	"DEFINITION_TOO_LARGE": func() string {
		return `{"StartAt": "A", "Comment": "` + strings.Repeat("x", 5_000_000) + `", "States": {"A": {"Type": "Succeed"}}}`
	},
	"NESTED_TOO_DEEP": func() string {
		return `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": ` + strings.Repeat("[", 300) + strings.Repeat("]", 300) +
			`, "End": true}}}`
	},
	"INVALID_UTF8": func() string {
		return "{\"StartAt\": \"Pr\xfcfen\", \"States\": {\"Pr\xfcfen\": {\"Type\": \"Succeed\"}}}"
	},
	"TOO_MANY_VARIABLES": func() string {
		var b strings.Builder
		for i := range 1500 {
			fmt.Fprintf(&b, `"s%d": {"Type": "Parallel", "Assign": {"v%d": 1}, "Next": "s%d",
				"Branches": [{"StartAt": "b%d", "States": {"b%d": {"Type": "Pass", "Assign": {"w%d": 1}, "End": true}}}]},`, i, i, i+1, i, i, i)
		}
		return `{"StartAt": "s0", "States": {` + b.String() + `"s1500": {"Type": "Succeed"}}}`
	},
	"TOO_MANY_PROBLEMS": func() string {
		var b strings.Builder
		for i := range 201 {
			fmt.Fprintf(&b, `"s%d": {"Type": "Pass"},`, i)
		}
		return `{"StartAt": "s0", "States": {` + b.String() + `"end": {"Type": "Succeed"}}}`
	},
}

var blocks = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")

// TestExamples checks that the example of each page gives the finding, and the text that the page shows.
func TestExamples(t *testing.T) {
	for _, code := range Codes() {
		t.Run(code, func(t *testing.T) {
			text, err := os.ReadFile(code + ".md")
			if err != nil {
				t.Fatal(err)
			}
			page := string(text)
			found := blocks.FindAllStringSubmatchIndex(page, -1)
			if slices.Contains(noExample, code) && len(found) == 0 {
				return
			}
			if len(found) < 2 || page[found[1][2]:found[1][3]] != "text" {
				t.Fatal("a page has an example and, in a block of text, what is said of it")
			}
			language, example := page[found[0][2]:found[0][3]], page[found[0][4]:found[0][5]]
			said := findingOf(t, code, language, example)
			golden.Compare(t, code+".md", page[:found[1][4]]+said+"\n"+page[found[1][5]:])
		})
	}
}

// findingOf gives what is said of an example with a code.
func findingOf(t *testing.T, code, language, example string) string {
	t.Helper()
	file := "example." + language
	if language == "sketch" {
		file = "example.json"
		example = built[code]()
	}
	_, list := statemachine.Compile(file, []byte(example))
	if strings.HasPrefix(example, "# type: EXPRESS\n") {
		_, list = statemachine.CompileExpress(file, []byte(example))
	}
	if strings.HasPrefix(example, "# order.test.yaml\n") {
		_, list = cases.Parse("order.test.yaml", []byte(example), openOrder)
	}
	i := slices.IndexFunc(list, func(d diag.Diagnostic) bool { return d.Code == code })
	if i < 0 {
		t.Fatalf("the example does not give the finding, but:\n%v", list)
	}
	if list[i].Severity == diag.Warning && list.HasErrors() {
		t.Errorf("the example of a warning has errors:\n%v", list)
	}
	if language == "sketch" {
		return list[i].String()
	}
	return list[i].Detail()
}

// openOrder gives the definition of the examples that are case files.
func openOrder(path string) ([]byte, error) {
	if path != "order.asl.yaml" {
		return nil, errors.New("there is no file " + path)
	}
	return []byte("QueryLanguage: CEL\nStartAt: Ask\nStates: {Ask: {Type: Task, Resource: 'function:ask', End: true}}\n"), nil
}

// TestEveryCodeHasAPage holds the pages to the codes that the sources define, and the index to the pages.
func TestEveryCodeHasAPage(t *testing.T) {
	index, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	defined := definedCodes(t)
	if len(defined) < 45 {
		t.Errorf("found %d codes only", len(defined))
	}
	for _, code := range defined {
		if _, ok := Page(code); !ok {
			t.Errorf("%s has no page docs/errors/%s.md", code, code)
		}
		if !strings.Contains(string(index), "[`"+code+"`]("+code+".md)") {
			t.Errorf("%s is not in docs/errors/README.md", code)
		}
	}
	for _, code := range Codes() {
		if !slices.Contains(defined, code) {
			t.Errorf("docs/errors/%s.md explains a code that no source defines", code)
		}
	}
}

// definedCodes gives the codes of the packages that read definitions.
func definedCodes(t *testing.T) []string {
	t.Helper()
	code := regexp.MustCompile(`(?m)^\s+Code\w+\s+= "(\w+)"|"([A-Z]+_[A-Z_]+)", (?:fmt\.Sprintf\(|missing\(|"|e\.|functionHint)`)
	var codes []string
	for _, pattern := range []string{
		"statemachine/*.go", "statemachine/source/*.go", "statemachine/asl/*.go", "statemachine/jsonpath/*.go", "statemachine/schema/*.go",
		"statemachine/rehearsal/cases/*.go", "cmd/tercel/project/*.go", "engine/deploy.go",
	} {
		files, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range code.FindAllStringSubmatch(string(text), -1) {
				codes = append(codes, m[1]+m[2])
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
