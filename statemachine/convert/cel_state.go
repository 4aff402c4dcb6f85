package convert

import (
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// stateToCEL rewrites one state.
type stateToCEL struct {
	node  *source.Node
	root  string // what $ means in the fields before the state's work, in CEL
	why   string // the first reason for which it cannot be done
	notes []string
}

func (s *stateToCEL) refuse(why string) {
	if s.why == "" {
		s.why = why
	}
}

func (s *stateToCEL) note(message string) {
	if !slices.Contains(s.notes, message) {
		s.notes = append(s.notes, message)
	}
}

// made is a value both as a node, which may hold expressions, and as one expression.
type made struct {
	node       *source.Node
	expression string
}

func madeOf(expression string) made {
	if expression == "{}" {
		return made{&source.Node{Kind: source.Object}, expression}
	}
	return made{marked(expression), expression}
}

// convert gives the state in CEL. It is of no use if there is a reason against it.
func (s *stateToCEL) convert() *source.Node {
	n := s.node
	if in := n.Get("InputPath"); in != nil && in.Kind == source.Null {
		s.root = "{}"
	} else if !isRoot(in) {
		s.root = s.path(in.Text, "states.input")
	}
	out := without(n, "InputPath", "OutputPath", "Parameters", "ResultSelector", "ResultPath", "Result", "Assign", "ItemsPath", "ItemSelector")
	add := func(name string, v *source.Node) {
		if v != nil {
			out.Members = append(out.Members, member(name, v))
		}
	}
	stateType := n.Get("Type").Text
	result := made{marked("states.result"), "states.result"}
	worked := true
	switch stateType {
	case "Task", "Parallel":
		add("Arguments", s.arguments())
	case "Map":
		if n.Get("ItemReader") != nil || n.Get("ResultWriter") != nil {
			s.refuse("ItemReader and ResultWriter are not rewritten")
		}
		s.items(add)
	case "Pass":
		result = s.passed()
	default:
		worked = false
	}
	if selector := n.Get("ResultSelector"); selector != nil {
		result = s.both(selector, "states.result")
	}
	s.output(worked, stateType, result, add)
	if a := n.Get("Assign"); a != nil {
		root := s.root
		if worked {
			root = operand(result.expression)
		}
		add("Assign", s.template(a, root))
	}
	out = s.entries(out)
	return s.twins(out)
}

func (s *stateToCEL) arguments() *source.Node {
	if p := s.node.Get("Parameters"); p != nil {
		return s.template(p, s.root)
	}
	if s.root == "states.input" {
		return nil
	}
	return madeOf(s.root).node
}

func (s *stateToCEL) items(add func(string, *source.Node)) {
	if p := s.node.Get("ItemsPath"); p != nil {
		add("Items", marked(s.path(p.Text, s.root)))
	} else if s.root != "states.input" {
		add("Items", marked(s.root))
	}
	for _, name := range []string{"ItemSelector", "Parameters"} {
		if n := s.node.Get(name); n != nil {
			add("ItemSelector", s.template(n, s.root))
			return
		}
	}
}

// passed gives the result of a Pass.
func (s *stateToCEL) passed() made {
	if r := s.node.Get("Result"); r != nil {
		return made{s.constant(r), s.literal(r)}
	}
	if p := s.node.Get("Parameters"); p != nil {
		return s.both(p, s.root)
	}
	return madeOf(s.root)
}

// output adds Output, unless it is what a state hands on anyway.
func (s *stateToCEL) output(worked bool, stateType string, result made, add func(string, *source.Node)) {
	if stateType == "Fail" {
		return
	}
	value := result
	if !worked {
		value = madeOf(s.root)
	} else if p := s.node.Get("ResultPath"); p != nil && p.Kind == source.Null {
		value = madeOf("states.input")
	} else if !isRoot(p) {
		value = madeOf(s.set(p.Text, result.expression))
	}
	if p := s.node.Get("OutputPath"); p != nil && p.Kind == source.Null {
		value = madeOf("{}")
	} else if !isRoot(p) {
		value = madeOf(s.path(p.Text, operand(value.expression)))
	}
	usual := "states.input"
	if worked && stateType != "Pass" {
		usual = "states.result"
	}
	if value.expression == usual {
		return
	}
	add("Output", value.node)
	if choices := s.node.Get("Choices"); choices != nil {
		for i := range choices.Elems {
			s.ruleOutput(i, value.node)
		}
	}
}

// ruleOutput gives a rule of a Choice the output that JSONPath has for all of them.
func (s *stateToCEL) ruleOutput(i int, output *source.Node) {
	choices := *s.node.Get("Choices")
	choices.Elems = append([]*source.Node(nil), choices.Elems...)
	rule := *choices.Elems[i]
	rule.Members = append(append([]*source.Member(nil), rule.Members...), member("Output", output))
	choices.Elems[i] = &rule
	s.node = with(s.node, "Choices", &choices)
}

// set gives the state's input with a value at a ResultPath.
func (s *stateToCEL) set(reference, expression string) string {
	steps := s.steps(reference)
	for _, step := range steps {
		if step.kind != nameStep {
			s.refuse("its ResultPath leads into an array")
		}
	}
	return setAt("states.input", steps, expression)
}

func setAt(in string, steps []step, expression string) string {
	if len(steps) == 0 {
		return expression
	}
	key := quote(steps[0].name)
	if len(steps) > 1 {
		inner := in + "[?" + key + "].orValue({})"
		expression = setAt(inner, steps[1:], expression)
	}
	return "merge(" + in + ", {" + key + ": " + expression + "})"
}

// entries rewrites the rules of Choices and the catchers.
func (s *stateToCEL) entries(out *source.Node) *source.Node {
	if choices := s.node.Get("Choices"); choices != nil {
		all := *choices
		all.Elems = make([]*source.Node, len(choices.Elems))
		for i, r := range choices.Elems {
			rule := &source.Node{Kind: source.Object, Pointer: r.Pointer}
			rule.Members = append(rule.Members, member("Condition", marked(s.test(r))))
			for _, m := range r.Members {
				switch m.Name {
				case "Next", "Comment", "Output":
					rule.Members = append(rule.Members, m)
				case "Assign":
					rule.Members = append(rule.Members, member("Assign", s.template(m.Value, s.root)))
				}
			}
			all.Elems[i] = rule
		}
		out = with(out, "Choices", &all)
	}
	catch := s.node.Get("Catch")
	if catch == nil {
		return out
	}
	all := *catch
	all.Elems = make([]*source.Node, len(catch.Elems))
	for i, k := range catch.Elems {
		catcher := without(k, "ResultPath", "Assign")
		if p := k.Get("ResultPath"); p != nil && p.Kind == source.Null {
			catcher.Members = append(catcher.Members, member("Output", marked("states.input")))
		} else if !isRoot(p) {
			catcher.Members = append(catcher.Members, member("Output", marked(s.set(p.Text, "states.errorOutput"))))
		}
		if a := k.Get("Assign"); a != nil {
			catcher.Members = append(catcher.Members, member("Assign", s.template(a, "states.errorOutput")))
		}
		all.Elems[i] = catcher
	}
	return with(out, "Catch", &all)
}

// twins rewrites the fields that end in Path, and those that are templates.
func (s *stateToCEL) twins(out *source.Node) *source.Node {
	c := *out
	c.Members = nil
	for _, m := range out.Members {
		name, twin := strings.CutSuffix(m.Name, "Path")
		switch {
		case twin && m.Value.Kind == source.String:
			c.Members = append(c.Members, member(name, marked(s.expression(m.Value.Text, s.root))))
		case m.Name == "Credentials":
			c.Members = append(c.Members, member(m.Name, s.template(m.Value, s.root)))
		case m.Name == "ItemBatcher":
			batcher := s.twins(m.Value)
			if input := batcher.Get("BatchInput"); input != nil {
				batcher = with(batcher, "BatchInput", s.template(input, s.root))
			}
			c.Members = append(c.Members, member(m.Name, batcher))
		case (m.Name == "Error" || m.Name == "Cause") && strings.Contains(m.Value.Text, "{%"):
			s.refuse("a text holds the marks of an expression")
			fallthrough
		default:
			c.Members = append(c.Members, m)
		}
	}
	return &c
}
