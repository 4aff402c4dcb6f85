package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
)

const checkedMachine = `{"QueryLanguage": "CEL", "StartAt": "A",
  "InputSchema": {"type": "object", "additionalProperties": false, "required": ["amount"],
    "properties": {"amount": {"type": "integer", "minimum": 1}, "note": {"type": "string"}}},
  "States": {"A": {"Type": "Pass", "Output": "{% states.input.amount + 1 %}", "End": true}}}`

// An input that does not fit is refused by every way to start, with all that is wrong, and leaves nothing behind.
func TestInputsAreCheckedAtTheStart(t *testing.T) {
	pool := storetest.Pool(t, storetest.Postgres(t))
	b := newBenchOn(t, store.New(pool))
	e := b.start()
	b.deploy(e, "checked", checkedMachine)
	b.deployExpress(e, "quick", checkedMachine, engine.LogAll)
	b.succeeded(b.run(e, "checked", `{"amount": 41}`), "42")
	b.succeeded(b.runSync(e, "quick", `{"amount": 41}`), "42")

	bad := []byte(`{"amount": 0, "nots": 7}`)
	starts := map[string]func() error{
		"standard": func() error {
			_, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "checked", Name: "refused", Input: bad})
			return err
		},
		"express": func() error {
			_, _, err := e.StartExecution(b.ctx(), engine.StartRequest{StateMachine: "quick", Name: "refused", Input: bad})
			return err
		},
		"synchronous": func() error {
			_, err := e.StartSyncExecution(b.ctx(), engine.StartRequest{StateMachine: "quick", Name: "refused", Input: bad})
			return err
		},
		"transaction": func() error {
			return pgx.BeginFunc(b.ctx(), pool, func(tx pgx.Tx) error {
				_, _, err := e.StartExecutionTx(b.ctx(), tx, engine.StartRequest{StateMachine: "checked", Name: "refused", Input: bad})
				return err
			})
		},
	}
	for name, start := range starts {
		err := start()
		code(t, err, engine.CodeInvalidExecutionInput)
		for _, part := range []string{"/amount: must be at least 1, not 0", `/nots: is no property that is allowed here (did you mean "note"?)`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error %q does not say %q", name, err, part)
			}
		}
	}
	var refused int
	if err := pool.QueryRow(b.ctx(), "SELECT count(*) FROM executions WHERE name = 'refused'").Scan(&refused); err != nil {
		t.Fatal(err)
	}
	if refused != 0 {
		t.Errorf("%d refused executions were stored", refused)
	}
}

const pricing = `{"input": {"type": "object", "required": ["sku"], "additionalProperties": false, "properties": {"sku": {"type": "string"}}},
  "output": {"type": "object", "additionalProperties": false, "required": ["price"], "properties": {"price": {"type": "number"}}}}`

func putPricing(b *bench, e *engine.Engine) {
	b.t.Helper()
	var s engine.FunctionSchema
	if err := json.Unmarshal([]byte(pricing), &s); err != nil {
		b.t.Fatal(err)
	}
	if err := e.PutFunction(b.ctx(), "", "pricing", engine.FunctionConfig{Go: true, Schema: &s}); err != nil {
		b.t.Fatal(err)
	}
}

// What a function gives and takes is checked when it is called.
func TestFunctionSchemasAreHeldAtCalls(t *testing.T) {
	b := newBench(t)
	calls := 0
	b.fn("pricing", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		calls++
		if strings.Contains(string(in), "free") {
			return map[string]any{"price": "nothing"}, nil
		}
		return map[string]any{"price": 2.5}, nil
	})
	e := b.start()
	putPricing(b, e)
	b.deploy(e, "m", task("function:pricing", `, "Output": "{% states.result.price + 1 %}"`))
	b.succeeded(b.run(e, "m", `{"sku": "a"}`), "3.5")
	cause := b.failed(b.run(e, "m", `{"sku": "free"}`), "Function.InvalidResult")
	if !strings.Contains(cause, "/price: must be a number, not a string") {
		t.Errorf("the cause is %q", cause)
	}
	before := calls
	cause = b.failed(b.run(e, "m", `{"sku": 7}`), "Function.InvalidInput")
	if !strings.Contains(cause, "/sku: must be a string, not a number") {
		t.Errorf("the cause is %q", cause)
	}
	if calls != before {
		t.Error("the function was called with arguments that do not fit")
	}
}

// A definition is held against the schemas when it is deployed, and not any more when a function's schema changes.
func TestFunctionSchemasAreHeldAtDeploys(t *testing.T) {
	b := newBench(t)
	b.fn("pricing", func(context.Context, engine.TaskInfo, json.RawMessage) (any, error) {
		return map[string]any{"prize": 1}, nil
	})
	e := b.start()
	misspelt := task("function:pricing", `, "Arguments": {"sku": "a"}, "Output": "{% states.result.prize %}"`)
	b.deploy(e, "early", misspelt)
	putPricing(b, e)
	_, err := e.Deploy(b.ctx(), engine.DeployRequest{Name: "late", Definition: []byte(misspelt)})
	code(t, err, engine.CodeInvalidDefinition)
	if !strings.Contains(err.Error(), "did you mean price?") {
		t.Errorf("the error is %v", err)
	}
	_, err = e.Deploy(b.ctx(), engine.DeployRequest{Name: "late", Definition: []byte(
		task("function:pricing", `, "Arguments": {"skew": "{% states.input.x %}"}`))})
	code(t, err, engine.CodeInvalidDefinition)
	for _, part := range []string{"lacks \\\"sku\\\"", "skew is no property"} {
		if !strings.Contains(err.Error(), strings.ReplaceAll(part, `\`, "")) {
			t.Errorf("the error %v does not say %s", err, part)
		}
	}
	// What was deployed goes on: another node compiles it anew, whatever the registry says now.
	b.failed(b.run(b.start(), "early", `{}`), "Function.InvalidResult")
}

func TestBadFunctionSchemasAreRefused(t *testing.T) {
	b := newBench(t)
	e := b.start()
	for _, text := range []string{`{"type": "strnig"}`, `{"$ref": "https://example.org/schema"}`, `7`, `{"pattern": "("}`} {
		err := e.PutFunction(b.ctx(), "", "f", engine.FunctionConfig{Go: true, Schema: &engine.FunctionSchema{Input: json.RawMessage(text)}})
		var coded *engine.Error
		if !errors.As(err, &coded) || coded.Code != engine.CodeValidation || !strings.Contains(err.Error(), "the schema of its input") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
