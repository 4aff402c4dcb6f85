package awsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/statemachine"
)

// Operation implements engine.OwnAPI: it carries out an operation for a task. The audit names the task's execution as its caller.
func (a *API) Operation(ctx context.Context, task engine.TaskInfo, name string, input []byte) ([]byte, error) {
	op := operations[name]
	if op == nil {
		return nil, &engine.Error{Code: "UnknownOperationException", Message: fmt.Sprintf("The operation %.100q is not known", name)}
	}
	principal := access.Principal{
		Name: task.ExecutionARN, Scopes: []access.Scope{access.Read, access.Run, access.Deploy}, Namespaces: []string{task.Namespace},
	}
	out, err := a.perform(access.With(ctx, principal), name, op, task.Namespace, input)
	if err != nil {
		f := faultOf(err)
		if f.status >= http.StatusInternalServerError {
			a.log.ErrorContext(ctx, "an operation for a task went wrong", "operation", name, "error", err)
		}
		return nil, &engine.Error{Code: engine.Code(f.Type), Message: f.Message}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer of %s: %w", name, err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", name, err)
	}
	return json.Marshal(withTimes(v))
}

// withTimes writes the times of an answer as tasks see them, which is as text.
func withTimes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if at, ok := member.(float64); ok && (strings.HasSuffix(key, "Date") || key == "timestamp") {
				v[key] = time.UnixMilli(int64(at*1000 + 0.5)).UTC().Format(statemachine.TimeFormat)
			} else {
				v[key] = withTimes(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = withTimes(v[i])
		}
	}
	return v
}
