package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.yaml.in/yaml/v3"
)

// TestOpenAPI checks that the document has the routes that there are, no more and no less, and that its references and
// path parameters are whole.
func TestOpenAPI(t *testing.T) {
	s := newServer(t)
	var served map[string]any
	s.must(http.StatusOK, &served, http.MethodGet, "/openapi.json", "")
	var there, documented []string
	err := chi.Walk(s.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		there = append(there, method+" "+strings.TrimPrefix(route, "/api/v1"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range served["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			documented = append(documented, strings.ToUpper(method)+" "+path)
			if operation.(map[string]any)["operationId"] == nil {
				t.Errorf("%s %s has no operationId", method, path)
			}
		}
	}
	sort.Strings(there)
	sort.Strings(documented)
	if !slices.Equal(there, documented) {
		t.Errorf("routes:\n%s\ndocumented:\n%s", strings.Join(there, "\n"), strings.Join(documented, "\n"))
	}
	checkReferences(t, s.schema, served)
}

// checkReferences follows every $ref of the document.
func checkReferences(t *testing.T, d *document, node any) {
	t.Helper()
	switch node := node.(type) {
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok && d.resolve(node) == nil {
			t.Errorf("the reference %s leads nowhere", ref)
		}
		for _, child := range node {
			checkReferences(t, d, child)
		}
	case []any:
		for _, child := range node {
			checkReferences(t, d, child)
		}
	}
}

// document is the OpenAPI document, for checking answers.
type document struct{ root map[string]any }

func readDocument(t testing.TB) *document {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := &document{}
	if err := yaml.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// resolve follows a reference, if the node is one; nil if it leads nowhere.
func (d *document) resolve(node map[string]any) map[string]any {
	ref, ok := node["$ref"].(string)
	if !ok {
		return node
	}
	at := d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at, ok = at[part].(map[string]any)
		if !ok {
			return nil
		}
	}
	return at
}

// check checks an answer against the document: its status, and the schema of its body.
func (d *document) check(routes chi.Routes, r *http.Request, a answer) error {
	route := strings.TrimPrefix(routes.Find(chi.NewRouteContext(), r.Method, r.URL.EscapedPath()), "/api/v1")
	path, ok := d.root["paths"].(map[string]any)[route].(map[string]any)
	if !ok {
		return d.checkBody(map[string]any{"$ref": "#/components/responses/Problem"}, a)
	}
	operation := path[strings.ToLower(r.Method)].(map[string]any)
	responses := operation["responses"].(map[string]any)
	response, ok := responses[strconv.Itoa(a.status)].(map[string]any)
	if !ok {
		if a.status < http.StatusBadRequest {
			return fmt.Errorf("the status %d is not documented", a.status)
		}
		response = responses["default"].(map[string]any)
	}
	return d.checkBody(response, a)
}

func (d *document) checkBody(response map[string]any, a answer) error {
	content, ok := d.resolve(response)["content"].(map[string]any)
	if !ok {
		if len(a.body) > 0 {
			return errors.New("a body where none is documented")
		}
		return nil
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	media, ok := content[kind].(map[string]any)
	if !ok {
		return fmt.Errorf("the content type %q is not documented", kind)
	}
	if kind != "application/json" {
		return nil
	}
	var body any
	if err := json.Unmarshal(a.body, &body); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return d.validate("", media["schema"].(map[string]any), body)
}

// validate checks a value against the part of JSON Schema that the document uses.
func (d *document) validate(at string, schema map[string]any, value any) error {
	schema = d.resolve(schema)
	if types, ok := schema["type"].(string); ok && jsonType(value) != types && !(types == "number" && jsonType(value) == "integer") {
		return fmt.Errorf("%s is a %s, not a %s", at, jsonType(value), types)
	}
	if allowed, ok := schema["enum"].([]any); ok && !slices.Contains(allowed, value) {
		return fmt.Errorf("%s is %v, not one of %v", at, value, allowed)
	}
	if schema["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339, value.(string)); err != nil || !strings.HasSuffix(value.(string), "Z") {
			return fmt.Errorf("%s is %v, not a time in UTC", at, value)
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		for i, item := range value.([]any) {
			if err := d.validate(fmt.Sprintf("%s/%d", at, i), items, item); err != nil {
				return err
			}
		}
	}
	properties, ok := schema["properties"].(map[string]any)
	object, isObject := value.(map[string]any)
	if !ok || !isObject {
		return nil
	}
	for name, member := range object {
		property, ok := properties[name].(map[string]any)
		if !ok && schema["additionalProperties"] == false {
			return fmt.Errorf("%s/%s is not documented", at, name)
		}
		if ok {
			if err := d.validate(at+"/"+name, property, member); err != nil {
				return err
			}
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := object[name.(string)]; !ok {
			return fmt.Errorf("%s/%s is missing", at, name)
		}
	}
	return nil
}

func jsonType(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if value == float64(int64(value)) {
			return "integer"
		}
	}
	return "number"
}
