package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// maxProblems is how many problems of one value are told.
const maxProblems = 20

// explain puts what is wrong with a value into words.
func (s *Schema) explain(failed *jsonschema.ValidationError) Problems {
	var problems Problems
	for _, leaf := range leaves(failed) {
		at := pointer(leaf.InstanceLocation)
		if extra, ok := leaf.ErrorKind.(*kind.AdditionalProperties); ok {
			known := s.typ.At(leaf.InstanceLocation).Names()
			for _, name := range extra.Properties {
				problems = append(problems, Problem{Pointer: pointer(append(slices.Clip(leaf.InstanceLocation), name)), Message: unknown(name, known)})
			}
			continue
		}
		problems = append(problems, Problem{Pointer: at, Message: reason(leaf)})
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	problems = slices.CompactFunc(problems, func(a, b Problem) bool { return a.String() == b.String() })
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems], Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	return problems
}

func unknown(name string, known []string) string {
	message := "is no property that is allowed here"
	if near := diag.Closest(name, known); near != "" {
		return message + fmt.Sprintf(" (did you mean %q?)", near)
	}
	return message
}

// pointer gives the RFC 6901 form of a path.
func pointer(path []string) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	return b.String()
}

// reason says in a few words why a value does not fit: "must be a string, not a number".
func reason(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("must be %s, not %s", among(k.Want), article(k.Got))
	case *kind.Required:
		return "lacks " + quoted(k.Missing)
	case *kind.Enum:
		return fmt.Sprintf("must be %s, not %s", alternatives(k.Want), excerpt(k.Got))
	case *kind.Const:
		return fmt.Sprintf("must be %s, not %s", excerpt(k.Want), excerpt(k.Got))
	case *kind.AnyOf:
		return "fits none of the alternatives: " + each(e)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "fits more than one of the alternatives, of which it must fit exactly one"
		}
		return "fits none of the alternatives: " + each(e)
	case *kind.Not:
		return "is what the schema excludes (not)"
	case *kind.FalseSchema:
		return "must not be there"
	case *kind.AdditionalProperties:
		return "has properties that are not allowed: " + quoted(k.Properties)
	case *kind.PropertyNames:
		return fmt.Sprintf("has the property %q, whose name is not allowed", k.Property)
	case *kind.DependentRequired:
		return fmt.Sprintf("lacks %s, which go with %q", quoted(k.Missing), k.Prop)
	case *kind.Dependency:
		return fmt.Sprintf("lacks %s, which go with %q", quoted(k.Missing), k.Prop)
	case *kind.Format:
		return fmt.Sprintf("is not of the format %s: %s", k.Want, excerpt(k.Got))
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %s: %s", k.Want, excerpt(k.Got))
	default:
		return bound(e)
	}
}

// bound is reason for what is too many, too few, too large or too small.
func bound(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.MinProperties:
		return fmt.Sprintf("has %d properties, at least %d are needed", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("has %d properties, at most %d are allowed", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements, at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements, at most %d are allowed", k.Got, k.Want)
	case *kind.AdditionalItems:
		return fmt.Sprintf("has %d elements too many", k.Count)
	case *kind.UniqueItems:
		return fmt.Sprintf("has equal elements, at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.Contains:
		return "has no element of those that it must contain"
	case *kind.MinContains:
		return fmt.Sprintf("has %d of the elements that it must contain, at least %d are needed", len(k.Got), k.Want)
	case *kind.MaxContains:
		return fmt.Sprintf("has %d of the elements that it may contain, at most %d are allowed", len(k.Got), k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, at least %d are needed", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, at most %d are allowed", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("must be at least %s, not %s", number(k.Want), number(k.Got))
	case *kind.Maximum:
		return fmt.Sprintf("must be at most %s, not %s", number(k.Want), number(k.Got))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("must be more than %s, not %s", number(k.Want), number(k.Got))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("must be less than %s, not %s", number(k.Want), number(k.Got))
	case *kind.MultipleOf:
		return fmt.Sprintf("must be a multiple of %s, not %s", number(k.Want), number(k.Got))
	}
	return "does not fit the schema (" + strings.Join(e.ErrorKind.KeywordPath(), "/") + ")"
}

// each gives the first thing that is wrong with each alternative.
func each(e *jsonschema.ValidationError) string {
	var parts []string
	for _, cause := range e.Causes {
		leaf := leaves(cause)[0]
		text := reason(leaf)
		if len(leaf.InstanceLocation) > len(e.InstanceLocation) {
			text = pointer(leaf.InstanceLocation) + " " + text
		}
		if !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	const most = 5
	if len(parts) > most {
		parts = append(parts[:most], "...")
	}
	return strings.Join(parts, ", or ")
}

func article(kind string) string {
	switch kind {
	case "null":
		return kind
	case "array", "object", "integer":
		return "an " + kind
	}
	return "a " + kind
}

func among(kinds []string) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = article(k)
	}
	return strings.Join(names, " or ")
}

func quoted(names []string) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = strconv.Quote(n)
	}
	return strings.Join(texts, ", ")
}

func alternatives(values []any) string {
	const most = 12
	texts := make([]string, 0, len(values))
	for i, v := range values {
		if i == most {
			texts = append(texts, "...")
			break
		}
		texts = append(texts, excerpt(v))
	}
	return strings.Join(texts, " or ")
}

// excerpt gives the JSON of a value, cut where it is too long for a message.
func excerpt(v any) string {
	const most = 80
	text, err := json.Marshal(v)
	if err != nil {
		return "..."
	}
	if letters := []rune(string(text)); len(letters) > most {
		return string(letters[:most]) + "..."
	}
	return string(text)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		if text := r.Num().String(); len(text) <= 30 {
			return text
		}
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
