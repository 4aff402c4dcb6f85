package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// references are the keywords that lead elsewhere.
var references = []string{"$ref", "$dynamicRef"}

// outward finds the references that leave the schema.
func outward(root *source.Node) (problems Problems) {
	walk(root, func(n *source.Node) {
		for _, keyword := range references {
			ref := n.Get(keyword)
			if ref == nil || ref.Kind != source.String {
				continue
			}
			if strings.Contains(ref.Text, "://") || strings.HasPrefix(ref.Text, "file:") {
				problems = append(problems, Problem{
					Node: ref, Pointer: ref.Pointer, Message: fmt.Sprintf("%s leads to %q, and nothing is loaded from elsewhere", keyword, ref.Text),
					Hint: `put it under "$defs" and write "#/$defs/name"`,
				})
			}
		}
	})
	return problems
}

func walk(n *source.Node, visit func(*source.Node)) {
	visit(n)
	for _, e := range n.Elems {
		walk(e, visit)
	}
	for _, m := range n.Members {
		walk(m.Value, visit)
	}
}

// find gives the first value of a keyword that a test holds for, else the root.
func find(root *source.Node, keywords []string, test func(text string) bool) *source.Node {
	var found *source.Node
	walk(root, func(n *source.Node) {
		for _, keyword := range keywords {
			if v := n.Get(keyword); found == nil && v != nil && v.Kind == source.String && test(v.Text) {
				found = v
			}
		}
	})
	if found == nil {
		return root
	}
	return found
}

// schemaProblems puts what the library finds wrong with a schema into words, and finds the places.
func schemaProblems(root *source.Node, err error) Problems {
	leadsTo := func(url string) *source.Node {
		return find(root, references, func(ref string) bool { return strings.HasSuffix(url, ref) })
	}
	one := func(n *source.Node, hint, format string, args ...any) Problems {
		return Problems{{Node: n, Pointer: n.Pointer, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	const defs = `what $ref names stands under "$defs", and is written "#/$defs/name"`
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if failed, ok := errors.AsType[*jsonschema.ValidationError](invalid.Err); ok {
			return misshapen(root, failed)
		}
	}
	if pattern, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		n := find(root, []string{"pattern"}, func(text string) bool { return text == pattern.Regex })
		return one(n, "patterns are regular expressions without look-around and back references (RE2)",
			"the pattern %q cannot be read: %v", pattern.Regex, pattern.Err)
	}
	if lost, ok := errors.AsType[*jsonschema.JSONPointerNotFoundError](err); ok {
		return one(leadsTo(lost.URL), defs, "%s is not there in the schema", strings.TrimPrefix(lost.URL, base))
	}
	if lost, ok := errors.AsType[*jsonschema.AnchorNotFoundError](err); ok {
		n := find(root, references, func(ref string) bool { return strings.HasSuffix(lost.Reference, ref) })
		return one(n, defs, "%s is not there in the schema", strings.TrimPrefix(lost.Reference, base))
	}
	if lost, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		if n := find(root, []string{"$schema"}, func(text string) bool { return strings.HasPrefix(text, lost.URL) }); n != root {
			return one(n, `leave $schema out, or write "https://json-schema.org/draft/2020-12/schema"`, "$schema names %q, which is not known here", n.Text)
		}
		return one(leadsTo(lost.URL), defs, "%q is not part of the schema, and nothing is loaded from elsewhere", leadsTo(lost.URL).Text)
	}
	return one(root, "", "the schema cannot be used: %s", strings.ReplaceAll(err.Error(), base, ""))
}

// misshapen gives what of a schema does not fit the schema of schemas.
func misshapen(root *source.Node, failed *jsonschema.ValidationError) (problems Problems) {
	for _, leaf := range leaves(failed) {
		n := nodeAt(root, leaf.InstanceLocation)
		if slices.ContainsFunc(problems, func(p Problem) bool { return p.Node == n }) {
			continue
		}
		keyword := "the schema"
		if len(leaf.InstanceLocation) > 0 {
			keyword = leaf.InstanceLocation[len(leaf.InstanceLocation)-1]
		}
		hint := ""
		if enum, ok := leaf.ErrorKind.(*kind.Enum); ok && n.Kind == source.String {
			if near := diag.Closest(n.Text, texts(enum.Want)); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
		}
		problems = append(problems, Problem{
			Node: n, Pointer: n.Pointer, Message: fmt.Sprintf("%s is not as JSON Schema has it: it %s", keyword, reason(leaf)), Hint: hint,
		})
	}
	return problems
}

func texts(values []any) (names []string) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			names = append(names, s)
		}
	}
	return names
}

// nodeAt gives the node at a path, or the last one on the way to it.
func nodeAt(n *source.Node, path []string) *source.Node {
	for _, step := range path {
		next := n.Get(step)
		if i, err := strconv.Atoi(step); err == nil && n.Kind == source.Array && i >= 0 && i < len(n.Elems) {
			next = n.Elems[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// leaves gives the causes that have no causes themselves; alternatives count as one, at the place they are for.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		if !schemaOfSchemas(e) {
			return []*jsonschema.ValidationError{e}
		}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

func schemaOfSchemas(e *jsonschema.ValidationError) bool {
	return strings.Contains(e.SchemaURL, "//json-schema.org/")
}

// NodeAt gives the node that a pointer leads to from n, or the last one on the way to it.
func NodeAt(n *source.Node, pointer string) *source.Node {
	var path []string
	for _, step := range strings.Split(pointer, "/")[1:] {
		path = append(path, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	return nodeAt(n, path)
}
