package jsonpath

import (
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Missing is the failure of a definite path that leads nowhere.
type Missing struct {
	Detail string // what Jayway's library says
	// Malformed is set where the library says that the path does not fit the data at all, an index of something that is
	// no array for one. The service hands that text on as it is, also where the path is indefinite.
	Malformed bool
}

// noData is what the service says of any path that is applied to null.
const noData = "Unable to apply Path transformation to null or empty input."

func (e *Missing) Error() string { return e.Detail }

// The failures of a path whose steps so far are definite, in the words of Jayway's library.

func (s *steps) noMember(i int) error {
	path := string(appendSteps([]byte("$"), s.list[:i+1]))
	if i == len(s.list)-1 {
		return &Missing{Detail: "No results for path: " + path}
	}
	return &Missing{Detail: "Missing property in path " + path}
}

func (s *steps) noObject(i int, v *value.Value) error {
	return &Missing{Detail: fmt.Sprintf("Expected to find an object with property %s in path %s but found '%s'. "+
		"This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
		s.list[i].append(nil), appendSteps([]byte("$"), s.list[:i]), javaClass(v))}
}

func (s *steps) noArray(i int, v *value.Value) error {
	path := appendSteps([]byte("$"), s.list[:i])
	if v == nil {
		return &Missing{Detail: fmt.Sprintf("The path %s is null", path), Malformed: true}
	}
	return &Missing{
		Detail:    fmt.Sprintf("Filter: %s can only be applied to arrays. Current context is: %s", s.list[i].append(nil), v),
		Malformed: true,
	}
}

// javaClass names the class that holds a value in the service.
func javaClass(v *value.Value) string {
	if v == nil {
		return "null"
	}
	const nodes = "com.fasterxml.jackson.databind.node."
	switch v.Kind() {
	case value.Null:
		return nodes + "NullNode"
	case value.Bool:
		return nodes + "BooleanNode"
	case value.String:
		return nodes + "TextNode"
	case value.Array:
		return nodes + "ArrayNode"
	case value.Object:
		return nodes + "ObjectNode"
	default:
		i, ok := v.Int()
		switch {
		case !ok:
			return nodes + "DoubleNode"
		case int64(int32(i)) != i:
			return nodes + "LongNode"
		default:
			return nodes + "IntNode"
		}
	}
}
