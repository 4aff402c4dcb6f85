package statemachine

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/schema"
)

const typedHead = `QueryLanguage: CEL
InputSchema:
  type: object
  additionalProperties: false
  properties:
    amount: {type: number}
    list: {type: array, items: {type: object, additionalProperties: false, properties: {sku: {type: string}}}}
StartAt: A
States:
`

// TestTypesGoWithTheData compiles definitions and compares the first lines of what is found.
func TestTypesGoWithTheData(t *testing.T) {
	t.Parallel()
	price, err := schema.Parse([]byte(`{"type": "object", "additionalProperties": false, "required": ["sku"],
		"properties": {"sku": {"type": "string"}, "n": {"type": "integer"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	function := func(resource string) (input, output *schema.Schema) {
		if resource == "function:price" {
			return price, price
		}
		return nil, nil
	}
	for name, c := range map[string]struct{ states, want string }{
		"through states without Output": {`
  A: {Type: Wait, Seconds: 1, Next: B}
  B: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 3 %}", Next: C}], Default: C}
  C: {Type: Pass, Output: "{% states.input.amonut %}", End: true}`, "m.yaml:12:44: error: there is no property amonut here"},
		"out of an Output": {`
  A: {Type: Pass, Output: {sum: "{% states.input.amount + 1 %}"}, Next: B}
  B: {Type: Pass, Output: "{% states.input.summ %}", End: true}`, "m.yaml:11:44: error: there is no property summ here"},
		"where ways meet": {`
  A: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 3 %}", Next: B}], Default: C}
  B: {Type: Pass, Output: {x: 1}, Next: D}
  C: {Type: Pass, Output: {y: text}, Next: D}
  D: {Type: Pass, Output: "{% string(states.input.x) + states.input.y + states.input.zz %}", End: true}`, "m.yaml:13:86: error: there is no property zz here"},
		"back": {`
  A: {Type: Pass, Output: {x: "{% states.input.anything %}"}, Next: B}
  B: {Type: Choice, Choices: [{Condition: "{% states.input.x == 1 %}", Next: A}], Default: C}
  C: {Type: Succeed}`, ""},
		"into items": {`
  A:
    Type: Map
    Items: "{% states.input.list %}"
    ItemProcessor: {StartAt: I, States: {I: {Type: Pass, Output: "{% states.input.skew %}", End: true}}}
    End: true`, "m.yaml:13:83: error: there is no property skew here"},
		"out of branches": {`
  A:
    Type: Parallel
    Branches: [{StartAt: I, States: {I: {Type: Pass, Output: {one: 1}, End: true}}}]
    Output: "{% states.result[0].two %}"
    End: true`, "m.yaml:13:34: error: there is no property two here"},
		"the error of a catcher": {`
  A: {Type: Task, Resource: "function:f", Catch: [{ErrorEquals: [States.ALL], Output: "{% states.errorOutput.Cose %}", Next: B}], End: true}
  B: {Type: Succeed}`, "m.yaml:10:110: error: there is no property Cose here"},
		"the result of a function": {
			`
  A: {Type: Task, Resource: "function:price", Arguments: {sku: x}, Output: "{% states.result.sky %}", End: true}`,
			"m.yaml:10:94: error: there is no property sky here",
		},
		"literal arguments": {
			`
  A: {Type: Task, Resource: "function:price", Arguments: {sku: 7}, End: true}`,
			"m.yaml:10:64: error: the arguments do not fit the schema of function:price: sku must be a string, not a number",
		},
		"arguments of a template": {
			`
  A: {Type: Task, Resource: "function:price", Arguments: {sku: "{% states.input.amount + 1 %}"}, End: true}`,
			"m.yaml:10:64: error: the arguments do not fit the schema of function:price: sku must be string, this is number",
		},
		"no arguments": {
			`
  A: {Type: Task, Resource: "function:price", End: true}`,
			`m.yaml:10:29: error: the arguments do not fit the schema of function:price: the state's input, which is handed to it, lacks "sku"`,
		},
		"of variables": {`
  A: {Type: Pass, Assign: {order: {id: "{% states.input.amount %}"}}, Next: B}
  B: {Type: Pass, Output: "{% order.idd %}", End: true}`, "m.yaml:11:37: error: there is no property idd here"},
		"of variables by operators": {`
  A: {Type: Pass, Assign: {n: 1}, Next: B}
  B: {Type: Choice, Choices: [{Condition: "{% n == 'one' %}", Next: C}], Default: C}
  C: {Type: Succeed}`, "m.yaml:11:49: error: an int and a string are never equal"},
		"of variables where ways meet": {`
  A: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 3 %}", Assign: {x: {a: 1}}, Next: C}], Assign: {x: {b: 1}}, Default: B}
  B: {Type: Pass, Assign: {y: text}, Next: C}
  C: {Type: Pass, Output: "{% x.a + x.b + x.c + y.size() %}", End: true}`, "m.yaml:12:45: error: there is no property c here"},
		"of variables of different types": {`
  A: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 3 %}", Assign: {x: 1}, Next: C}], Assign: {x: text}, Default: C}
  C: {Type: Pass, Output: "{% x + 1 %}", End: true}`, ""},
		"not of variables that a loop assigns": {`
  A: {Type: Pass, Assign: {x: 1}, Next: B}
  B: {Type: Choice, Choices: [{Condition: "{% x == 'done' %}", Next: C}], Default: D}
  D: {Type: Pass, Assign: {x: done}, Next: B}
  C: {Type: Succeed}`, ""},
		"not beyond a loop that joins another way": {`
  A: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 3 %}", Assign: {x: 1}, Next: E}], Assign: {x: done}, Default: B}
  B: {Type: Choice, Choices: [{Condition: "{% states.input.amount > 5 %}", Next: E}], Default: B2}
  B2: {Type: Wait, Seconds: 1, Next: B}
  E: {Type: Pass, Output: "{% x + 1 %}", End: true}`, ""},
		"of variables into branches": {`
  A: {Type: Pass, Assign: {x: {a: 1}}, Next: B}
  B:
    Type: Parallel
    Branches: [{StartAt: I, States: {I: {Type: Pass, Output: "{% x.b %}", End: true}}}]
    End: true`, "m.yaml:13:68: error: there is no property b here"},
		"not of variables in other languages": {`
  A: {Type: Pass, QueryLanguage: JSONata, Assign: {x: "{% $states.input.amount %}"}, Next: B}
  B: {Type: Pass, Output: "{% x.b %}", End: true}`, ""},
		"of variables that a catcher assigns": {`
  A: {Type: Task, Resource: "function:f", Assign: {x: 1}, Catch: [{ErrorEquals: [States.ALL], Assign: {x: "{% states.errorOutput %}"}, Next: B}], Next: C}
  B: {Type: Pass, Output: "{% x.Caus %}", Next: C}
  C: {Type: Pass, Output: "{% [x.anything, states.input] %}", End: true}`, "m.yaml:11:33: error: there is no property Caus here"},
		"a variable and a function of the same name": {`
  A: {Type: Pass, Assign: {math: 1}, Next: B}
  B: {Type: Pass, Output: "{% math.greatest([1, 2]) + [{'x': 1}].map(math, math.x)[0] %}", End: true}`, ""},
		"a variable that is shadowed": {`
  A: {Type: Pass, Assign: {l: {a: 1}}, Next: B}
  B: {Type: Pass, Output: "{% [{'b': 1}].map(l, l.b) %}", End: true}`, ""},
		"not after a task of an unknown function": {`
  A: {Type: Task, Resource: "function:f", Next: B}
  B: {Type: Pass, Output: "{% states.input.amonut %}", End: true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, list := CompileWith("m.yaml", []byte(typedHead+strings.TrimPrefix(c.states, "\n")), Options{Function: function})
			got := ""
			if list.HasErrors() {
				got = list[0].String()
			}
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if m, list := CompileWith("m.yaml", []byte(typedHead+strings.TrimPrefix(c.states, "\n")), Options{Deployed: true}); m == nil {
				t.Errorf("a deployed definition is refused: %v", list)
			}
		})
	}
}

func TestInputSchemaIsCheckedInPlace(t *testing.T) {
	t.Parallel()
	_, list := Compile("m.yaml", []byte("StartAt: A\nInputSchema:\n  properties:\n    a: {type: strnig}\nStates: {A: {Type: Succeed}}"))
	if len(list) != 1 || list[0].Code != CodeSchema || list[0].Line != 4 || list[0].Column != 15 || list[0].Pointer != "/InputSchema/properties/a/type" {
		t.Errorf("got %v", list)
	}
}
