package aws

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// jsonRequest makes the request of a service with a JSON protocol.
func (a *Action) jsonRequest(arguments *value.Value) request {
	if a.service.camel {
		arguments = Uncapitalized(arguments)
	}
	version := "1.0"
	if a.service.protocol == json11 {
		version = "1.1"
	}
	return request{
		method: http.MethodPost, path: "/", body: arguments.JSON(),
		headers: map[string]string{
			"Content-Type": "application/x-amz-json-" + version,
			"X-Amz-Target": a.service.target + "." + Capital(a.name),
		},
	}
}

// jsonResult reads the result of such a service. No text at all is an empty object.
func (a *Action) jsonResult(body []byte) (*value.Value, error) {
	if len(body) == 0 {
		return value.Trusted([]byte("{}")), nil
	}
	v, err := value.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the service answered with what is %w", err)
	}
	if a.service.camel {
		v = Capitalized(v)
	}
	return v, nil
}

// Capitalized lets the names of members begin with a capital, at all levels, as definitions have them.
func Capitalized(v *value.Value) *value.Value { return recased(v, Capital) }

// Uncapitalized lets them begin with a small letter.
func Uncapitalized(v *value.Value) *value.Value { return recased(v, small) }

// freeKeys are members whose own members are named by people: these names stay as they are.
var freeKeys = []string{"tags", "Tags", "labels", "Labels", "dockerLabels", "DockerLabels", "options", "Options", "attributes", "Attributes"}

// recased changes the first letters of the names of members, at all levels: resources name them with a capital, whatever
// the service does.
func recased(v *value.Value, change func(string) string) *value.Value {
	switch v.Kind() {
	case value.Object:
		var o value.Members
		for i, key := range v.Keys() {
			inner := v.At(i)
			if !slices.Contains(freeKeys, key) || inner.Kind() != value.Object {
				inner = recased(inner, change)
			}
			o.Set(change(key), inner)
		}
		return o.Object()
	case value.Array:
		elems := make([]*value.Value, 0, v.Len())
		for _, e := range v.Elems() {
			elems = append(elems, recased(e, change))
		}
		return value.FromArray(elems)
	default:
		return v
	}
}
