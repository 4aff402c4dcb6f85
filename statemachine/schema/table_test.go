package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// TestTables runs testdata. A block is a schema on one line, then ": " and its static type, or "?? " and what is wrong with
// it, then documents, each followed by "ok" or by "!! " and what does not fit.
func TestTables(t *testing.T) {
	golden.Files(t, "testdata/*.txt", func(t *testing.T, text string) string {
		var out strings.Builder
		for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
			if i > 0 {
				out.WriteString("\n")
			}
			lines := strings.Split(block, "\n")
			s, err := schema.Parse([]byte(lines[0]))
			fmt.Fprintln(&out, lines[0])
			if err != nil {
				fmt.Fprintf(&out, "  ?? %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  ?? "))
				continue
			}
			fmt.Fprintf(&out, "  : %s\n", describe(s.Type(), 4))
			for _, line := range lines[1:] {
				if !strings.HasPrefix(line, "  ") {
					fmt.Fprintln(&out, line)
					fmt.Fprintln(&out, verdict(t, s, line))
				}
			}
		}
		return out.String()
	})
}

func verdict(t *testing.T, s *schema.Schema, document string) string {
	t.Helper()
	v, err := value.Parse([]byte(document))
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	problems := s.Validate(v)
	if len(problems) == 0 {
		return "  ok"
	}
	return "  !! " + strings.ReplaceAll(problems.Error(), "\n", "\n  !! ")
}

// describe writes a type in full, as deep as asked for.
func describe(t *query.Type, depth int) string {
	if t == nil || depth == 0 {
		return t.String()
	}
	text := t.String()
	switch {
	case t.Values != nil:
		text += " " + strings.Join(t.Values, "|")
	case t.Kind == query.Array:
		text += " of " + describe(t.Elem, depth-1)
	case t.Kind == query.Object:
		var parts []string
		for _, name := range t.Names() {
			mark := "?"
			for _, r := range t.Required {
				if r == name {
					mark = ""
				}
			}
			parts = append(parts, name+mark+" "+describe(t.Props[name], depth-1))
		}
		rest := [...]string{"open", "others", "closed"}[t.Extent]
		if t.Rest != nil {
			rest += " " + describe(t.Rest, depth-1)
		}
		text += " {" + strings.Join(append(parts, rest), ", ") + "}"
	}
	return text
}
