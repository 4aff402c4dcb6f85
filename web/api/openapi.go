package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPISource []byte

// openAPIDocument is the document as JSON, made when it is first asked for.
var openAPIDocument = sync.OnceValues(func() (json.RawMessage, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(openAPISource, &doc); err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document: %w", err)
	}
	addScopes(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding the OpenAPI document: %w", err)
	}
	return text, nil
})

// addScopes puts into each operation which scope it needs, as its rule says.
func addScopes(doc map[string]any) {
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method, operation := range methods {
			rule, ok := rules[strings.ToUpper(method)+" "+path]
			members, isOperation := operation.(map[string]any)
			switch {
			case !ok || !isOperation:
			case rule.scope == "":
				members["security"] = []any{}
			default:
				members["x-scope"] = string(rule.scope)
			}
		}
	}
}

func (a *API) openAPI(w http.ResponseWriter, r *http.Request) error {
	doc, err := openAPIDocument()
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, doc)
	return nil
}
