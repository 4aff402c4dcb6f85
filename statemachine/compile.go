package statemachine

import (
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/cel"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/jsonata"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The codes of the diagnostics of this package.
const (
	CodeExpression    = "INVALID_EXPRESSION"
	CodeQueryLanguage = "QUERY_LANGUAGE_NOT_SUPPORTED"
	CodeNotSupported  = "FIELD_NOT_SUPPORTED"
)

// languages are the query languages that expressions can be written in, by the name that a definition gives them.
var languages = map[string]query.Language{asl.CEL: cel.New(), asl.JSONata: jsonata.New()}

// Compile reads a definition, JSON or YAML, and compiles it with all its expressions. The list holds everything there
// is to say of it, errors and warnings, ordered by place; the machine is nil if any of it is an error. The file's name
// appears in the diagnostics and is not opened.
func Compile(file string, src []byte) (*Machine, diag.List) { return compile(file, src, Options{}) }

func compile(file string, src []byte, options Options) (*Machine, diag.List) {
	doc, list := source.Parse(file, src)
	if doc.Root == nil {
		return nil, list
	}
	return compileDocument(doc, list, options)
}

// compileDocument compiles what was read, of which there are findings already.
func compileDocument(doc *source.Document, list diag.List, options Options) (*Machine, diag.List) {
	def, found := asl.Parse(doc)
	list = append(list, found...)
	if def == nil {
		list.Sort()
		return nil, list
	}
	c := &compiler{doc: doc, options: options, machine: &Machine{definition: def, states: map[string]*state{}}}
	if def.TimeoutSeconds != nil {
		c.machine.timeout = time.Duration(literalInt(def.TimeoutSeconds)) * time.Second
	}
	c.inputSchema(def)
	c.context = contextType(c.machine.input.Type())
	c.machine.flow = c.flow(&def.Flow, c.machine.input.Type(), nil)
	if options.Express {
		c.express(def)
	}
	list = append(list, c.list...)
	list.Sort()
	if list.HasErrors() {
		return nil, list
	}
	return c.machine, list
}

// compiler turns a syntax tree into a machine, collecting what is wrong with its expressions.
type compiler struct {
	doc     *source.Document
	options Options
	machine *Machine
	context *query.Type // of the Context Object
	list    diag.List

	variables int // types of variables that were copied or joined, see maxVariableTypes
}

// flow compiles a flow whose input is of a type, with what is known of the variables around it.
func (c *compiler) flow(fl *asl.Flow, input *query.Type, variables *variableTypes) *flow {
	compiled := &flow{start: fl.StartAt}
	types := newFlowTypes(c, fl, input, variables)
	for _, s := range types.order {
		c.state(s, compiled, types)
	}
	compiled.output = types.leaving.typ
	return compiled
}

func (c *compiler) state(node asl.State, fl *flow, types *flowTypes) {
	base := node.Base()
	s := &state{name: base.Name, typ: base.Type, flow: fl, next: base.Next}
	c.machine.states[base.Name] = s
	sc := &stateCompiler{compiler: c, state: s, node: node, base: base}
	sc.input, sc.variables = types.at(base.Name)
	defer sc.leave(types)
	if sc.dialect = sc.newDialect(); sc.dialect == nil {
		sc.unsupportedLanguage()
		sc.inner(node)
		return
	}
	s.callbacks = sc.base.QueryLanguage == asl.CEL
	switch node := node.(type) {
	case *asl.Pass, *asl.Succeed:
		s.behaviour = passState{}
		s.outcome = sc.outcome(false)
	case *asl.Fail:
		s.behaviour = sc.fail(node)
	case *asl.Wait:
		s.behaviour = sc.wait(node)
		s.outcome = sc.outcome(false)
	case *asl.Choice:
		s.behaviour = sc.choice(node)
		s.outcome = sc.outcome(false)
	case *asl.Task:
		s.behaviour = sc.task(node)
		sc.guarded(node.Retry, node.Catch)
	case *asl.Parallel:
		s.behaviour = sc.parallel(node)
		sc.guarded(node.Retry, node.Catch)
	case *asl.Map:
		s.behaviour = sc.mapState(node)
		sc.guarded(node.Retry, node.Catch)
	}
}

// stateCompiler compiles the fields of one state.
type stateCompiler struct {
	*compiler
	dialect

	state *state
	node  asl.State
	base  *asl.Common

	input, result *query.Type // what is known of the state's input and result
	variables     *variableTypes
}

// unsupportedLanguage reports a state that is written in a language that is not there.
func (sc *stateCompiler) unsupportedLanguage() {
	at := sc.base.Node
	if own := sc.base.Node.Get("QueryLanguage"); own != nil {
		at = own
	}
	g := sc.doc.AtNode(at)
	g.Severity, g.Code = diag.Error, CodeQueryLanguage
	g.Message = "the state is written in " + sc.base.QueryLanguage + ", which this release does not run"
	g.Hint = `write "QueryLanguage": "CEL" or "JSONPath" in the state machine or in the state, and its fields accordingly`
	sc.list = append(sc.list, g)
}

// inner compiles what is inside a state that cannot be compiled itself, for the sake of its diagnostics.
func (sc *stateCompiler) inner(node asl.State) {
	switch node := node.(type) {
	case *asl.Parallel:
		for i := range node.Branches {
			sc.flow(&node.Branches[i], nil, anyVariables)
		}
	case *asl.Map:
		sc.flow(&node.Processor, nil, anyVariables)
	}
}

// guarded compiles what Task, Parallel and Map share: their result's way out, Retry and Catch.
func (sc *stateCompiler) guarded(retry []asl.Retrier, catch []asl.Catcher) {
	sc.state.outcome = sc.outcome(true)
	sc.state.retries = true
	sc.state.retriers = retry
	for i := range catch {
		way := sc.caught("Catch/"+strconv.Itoa(i)+"/", &catch[i])
		sc.state.catchers = append(sc.state.catchers, catcher{catch[i].ErrorEquals, catch[i].Next, way})
	}
}

// warn reports a field that ASL has but this release does not.
func (sc *stateCompiler) warn(n *source.Node, message, hint string) {
	sc.report(n, diag.Warning, CodeNotSupported, message, hint)
}

// expression compiles one expression, which begins at an offset in the text of its node.
func (c *compiler) expression(n *source.Node, src string, offset int, fd field) template {
	program, problems := fd.language.Compile(src, fd.env)
	for _, p := range problems {
		g := c.doc.At(c.doc.InString(n, offset+p.Offset), n.Pointer)
		g.Severity, g.Code, g.Message, g.Hint = diag.Error, CodeExpression, p.Message, p.Hint
		if p.Warning {
			g.Severity, g.Code = diag.Warning, CodeSuspicious
		}
		c.list = append(c.list, g)
	}
	if program == nil {
		return constant{value.NullValue} // the machine is never run
	}
	x := &expression{program: program, language: fd.language.Name(), src: strings.TrimSpace(src), location: fd.location}
	if typed, ok := program.(query.Typed); ok {
		x.typ = typed.Type()
	}
	return x
}
