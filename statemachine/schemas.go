package statemachine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The codes of the diagnostics of schemas.
const (
	CodeSchema     = "INVALID_SCHEMA"
	CodeArguments  = "ARGUMENTS_DO_NOT_FIT"
	CodeSuspicious = "SUSPICIOUS_EXPRESSION"
)

// Options are what a definition is compiled with. The zero value is that of Compile.
type Options struct {
	// Express compiles for a machine of the type EXPRESS, see CompileExpress.
	Express bool
	// Function gives the schemas of what a resource takes and gives, as far as they are known; either may be nil. The
	// resource is given without the suffix of its pattern.
	Function func(resource string) (input, output *schema.Schema)
	// Variables are the names of workflow variables that are set from outside, see Trial: expressions may refer to them whatever
	// the definition assigns.
	Variables []string
	// Deployed says that the definition was accepted before. Its expressions are not checked against static types again:
	// what has been deployed must go on, whatever a later release or a changed function would find in it.
	Deployed bool
}

// CompileWith is Compile with options.
func CompileWith(file string, src []byte, options Options) (*Machine, diag.List) {
	m, list := compile(file, src, options)
	if m != nil && options.Express && (m.timeout == 0 || m.timeout > ExpressTimeout) {
		m.timeout = ExpressTimeout
	}
	return m, list
}

// InputSchema gives the schema of the execution's input, nil if the definition has none.
func (m *Machine) InputSchema() *schema.Schema { return m.input }

// CheckInput gives what of an execution's input does not fit the machine's InputSchema, nil if it fits.
func (m *Machine) CheckInput(v *value.Value) schema.Problems {
	if m.input == nil {
		return nil
	}
	return m.input.Validate(v)
}

// InputError says what of the input of an execution of a state machine does not fit its InputSchema, "" if it fits.
func (m *Machine) InputError(name string, v *value.Value) string {
	problems := m.CheckInput(v)
	if len(problems) == 0 {
		return ""
	}
	return fmt.Sprintf("the input does not fit the InputSchema of state machine %s: %s", name, problems.Error())
}

// inputSchema compiles the machine's InputSchema.
func (c *compiler) inputSchema(def *asl.Definition) {
	if def.InputSchema == nil {
		return
	}
	s, problems := schema.Compile(def.InputSchema)
	for _, p := range problems {
		c.report(p.Node, diag.Error, CodeSchema, p.Message, p.Hint)
	}
	c.machine.input = s
}

func (c *compiler) report(n *source.Node, severity diag.Severity, code, message, hint string) {
	g := c.doc.AtNode(n)
	g.Severity, g.Code, g.Message, g.Hint = severity, code, message, hint
	c.list = append(c.list, g)
}

// typed adds the static types to what expressions may refer to.
func (sc *stateCompiler) typed(env query.Env) query.Env {
	if sc.options.Deployed {
		return env
	}
	env.InputType, env.ContextType, env.VariableTypes = sc.input, sc.context, sc.variables.known()
	if env.Result {
		env.ResultType = sc.result
	}
	if env.ErrorOutput {
		env.ErrorOutputType = errorOutputType
	}
	return env
}

// function checks the arguments of a task against what its function takes, and notes the type of what it gives.
func (sc *stateCompiler) function(node *asl.Task, s *taskState) {
	if sc.options.Function == nil || sc.options.Deployed {
		return
	}
	input, output := sc.options.Function(s.resource.name)
	if output != nil && s.resource.pattern == RequestResponse {
		sc.result = output.Type()
	}
	if input == nil || sc.base.QueryLanguage == asl.JSONPath {
		return
	}
	check := &argumentCheck{sc: sc, resource: s.resource.name}
	switch t := s.arguments.(type) {
	case nil:
		if text := mismatch(sc.input, input.Type()); text != "" && node.ResourceNode != nil {
			check.report(node.ResourceNode, "the state's input, which is handed to it, "+text, "shape it with Arguments")
		}
	case constant:
		for _, p := range input.Validate(t.value) {
			check.report(schema.NodeAt(sc.base.Arguments, p.Pointer), strings.TrimPrefix(p.Pointer, "/")+" "+p.Message, "")
		}
	default:
		check.node(sc.base.Arguments, t, input.Type(), "")
	}
}

// argumentCheck holds the Arguments of a task against the type that its function takes.
type argumentCheck struct {
	sc       *stateCompiler
	resource string
}

func (a *argumentCheck) report(n *source.Node, what, hint string) {
	a.sc.report(n, diag.Error, CodeArguments,
		fmt.Sprintf("the arguments do not fit the schema of %s: %s", a.resource, strings.TrimSpace(what)), hint)
}

func (a *argumentCheck) node(n *source.Node, t template, want *query.Type, at string) {
	if want == nil {
		return
	}
	switch t := t.(type) {
	case arrayTemplate:
		if want.Kind == query.Array {
			for i, e := range t {
				a.node(n.Elems[i], e, want.Elem, at+strconv.Itoa(i)+" ")
			}
			return
		}
	case *objectTemplate:
		if want.Kind == query.Object {
			a.object(n, t, want, at)
			return
		}
	}
	if text := mismatch(staticType(t), want); text != "" {
		a.report(n, at+text, "")
	}
}

func (a *argumentCheck) object(n *source.Node, t *objectTemplate, want *query.Type, at string) {
	for _, name := range want.Required {
		if n.Get(name) == nil {
			a.report(n, at+"lacks "+strconv.Quote(name), "")
		}
	}
	for i, m := range n.Members {
		if i >= len(t.values) {
			return
		}
		wanted, possible := want.Property(m.Name)
		if !possible {
			hint := want.Describe()
			if near := diag.Closest(m.Name, want.Names()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			a.report(m.Value, at+m.Name+" is no property that is allowed here", hint)
			continue
		}
		a.node(m.Value, t.values[i], wanted, at+m.Name+" ")
	}
}
