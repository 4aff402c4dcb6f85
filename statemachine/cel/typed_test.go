package cel_test

import (
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/cel"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
)

const order = `{
  "type": "object", "additionalProperties": false, "required": ["amount"],
  "properties": {
    "amount": {"type": "number"}, "quantity": {"type": "integer"}, "name": {"type": "string"}, "nick": {"type": ["string", "null"]},
    "address": {"type": "object", "properties": {"street": {"type": "string"}}},
    "lines": {"type": "array", "items": {"type": "object", "additionalProperties": false,
      "properties": {"price": {"type": "number"}, "sku": {"type": "string"}}}},
    "stock": {"type": "object", "additionalProperties": {"type": "integer"}},
    "status": {"enum": ["open", "paid", "sent"]},
    "tree": {"$ref": "#/$defs/node"}, "any": true
  },
  "$defs": {"node": {"type": "object", "additionalProperties": false,
    "properties": {"left": {"$ref": "#/$defs/node"}, "value": {"type": "integer"}}}}
}`

// TestStaticTypes compiles expressions with the type of the input known. What is right at run time for some input that
// fits the schema must stay without problems.
func TestStaticTypes(t *testing.T) {
	t.Parallel()
	s, err := schema.Parse([]byte(order))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		src, message, hint string
		offset             int
		warning            bool
		typ                string // of the expression, if there is no problem
	}{
		{src: `states.input.amonut`, message: "there is no property amonut here", hint: "did you mean amount?", offset: 13},
		{src: `states.input["nam"]`, message: "there is no property nam here", hint: "did you mean name?", offset: 14},
		{src: `states.input.lines.map(l, l.prise)`, message: "there is no property prise here", hint: "did you mean price?", offset: 28},
		{src: `states.input.tree.left.left.valeu`, message: "there is no property valeu here", hint: "did you mean value?", offset: 28},
		{src: `states.input.name + 1`, message: "+ cannot be applied to string and int", offset: 18},
		{src: `states.input.nick + 1`, message: "+ cannot be applied to string or null and int", offset: 18},
		{src: `states.input.amount + "EUR"`, message: "+ cannot be applied to double and string", offset: 20},
		{src: `states.input.name > 3`, message: "> cannot be applied to string and int", offset: 18},
		{src: `states.input.name == 3`, message: "a string and an int are never equal", offset: 18},
		{src: `states.input.address + 1`, message: "+ cannot be applied to object and int", offset: 21},
		{src: `states.input.name.first`, message: "a string has no fields", offset: 17},
		{src: `has(states.input.nam)`, message: "the property nam is never there", hint: "did you mean name?", offset: 17, warning: true},
		{src: `states.input.?nam.orValue("x")`, message: "the property nam is never there", hint: "did you mean name?", offset: 14, warning: true},
		{src: `states.input.address.stret`, message: "the property stret is not declared, and may be misspelt", offset: 21, warning: true},

		{src: `states.input.status == "piad"`, message: `"piad" is none of the values that this can have`, hint: `did you mean "paid"?`, offset: 23, warning: true},
		{src: `states.input.status in ["paid", "lost"]`, message: `"lost" is none of the values that this can have`, hint: `they are "open", "paid", "sent"`, offset: 32, warning: true},

		{src: `states.input.status == "paid" || "open" != states.input.status`, typ: "boolean"},
		{src: `states.input.name == "anything"`, typ: "boolean"},
		{src: `states.input.address.other`},
		{src: `has(states.input.address.stret)`, typ: "boolean"},
		{src: `states.input.amount + 1`, typ: "number"},
		{src: `states.input.quantity * 1.5`, typ: "number"},
		{src: `states.input.quantity + 1`, typ: "integer"},
		{src: `states.input.lines[states.input.amount].price`, typ: "number"},
		{src: `states.input.stock.apples + states.input.stock["pears"]`, typ: "integer"},
		{src: `states.input.stock.map(k, k)`, typ: "array or null"},
		{src: `states.input.address.map(k, k + "!")`},
		{src: `"street" in states.input.address && size(states.input.address) > 0`},
		{src: `states.input.address == {"street": "x"}`, typ: "boolean"},
		{src: `states.input.nick == null ? "none" : states.input.nick`},
		{src: `states.input.any.thing + 1`},
		{src: `states.input.lines.filter(l, l.sku == "a").map(l, l.price).sum()`},
		{src: `{"name": states.input.name}`, typ: "object"},
		{src: `[1].map(states, states.input)`},
		{src: `states.input`, typ: "object or null"},
	} {
		t.Run(c.src, func(t *testing.T) {
			t.Parallel()
			p, problems := cel.New().Compile(c.src, query.Env{InputType: s.Type()})
			if c.message == "" {
				untyped, before := cel.New().Compile(c.src, query.Env{})
				if len(problems) != len(before) || (p == nil) != (untyped == nil) {
					t.Fatalf("got %v, without types %v", problems, before)
				}
				if p != nil && c.typ != "" && p.(query.Typed).Type().String() != c.typ {
					t.Errorf("the type is %s, want %s", p.(query.Typed).Type(), c.typ)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("got %d problems: %v", len(problems), problems)
			}
			got := problems[0]
			if got.Message != c.message || got.Offset != c.offset || got.Warning != c.warning || c.hint != "" && got.Hint != c.hint {
				t.Errorf("got %+v", got)
			}
			if (p != nil) != c.warning {
				t.Errorf("a program: %v", p != nil)
			}
		})
	}
}

func BenchmarkCompileTyped(b *testing.B) {
	s, err := schema.Parse([]byte(order))
	if err != nil {
		b.Fatal(err)
	}
	for name, env := range map[string]query.Env{"untyped": {}, "typed": {InputType: s.Type()}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if p, problems := cel.New().Compile(`states.input.amount * 2 > 10 && states.input.name != ""`, env); p == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
