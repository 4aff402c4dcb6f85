package asl

import (
	"slices"
	"strings"
	"unicode"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// eachExpression visits all texts below a node that may hold an expression, of whatever language: {% %} of JSONata and
// CEL, and paths and intrinsic functions of JSONPath.
func eachExpression(n *source.Node, visit func(text string)) {
	if n == nil {
		return
	}
	for _, e := range n.Elems {
		eachExpression(e, visit)
	}
	for _, m := range n.Members {
		eachExpression(m.Value, visit)
	}
	if n.Kind != source.String {
		return
	}
	if text := strings.TrimSpace(n.Text); strings.Contains(text, "{%") || isPath(text) || isIntrinsic(text) {
		visit(text)
	}
}

// words visits the words of an expression that may be names of variables in any of the languages: all but those that
// are the member of something before them.
func words(text string, visit func(word string)) {
	start, member := -1, false
	var before, last rune // the two characters before the present one
	for i, r := range text + " " {
		switch inside := isWord(r); {
		case inside && start < 0:
			start, member = i, last == '.' && (isWord(before) || strings.ContainsRune(")]}'\"`", before))
		case !inside && start >= 0:
			if !member {
				visit(text[start:i])
			}
			start = -1
		}
		before, last = last, r
	}
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

// unreadVariables warns of variables that no expression of the definition names. A word that is the same as a variable's
// name counts as reading it, wherever it stands, so that a warning is certain.
func (p *parser) unreadVariables(d *Definition) {
	read := map[string]bool{}
	eachExpression(d.Node, func(text string) { words(text, func(w string) { read[w] = true }) })
	warned := map[string]bool{}
	p.eachAssigned(&d.Flow, func(name string, m *source.Member) {
		if read[name] || warned[name] {
			return
		}
		warned[name] = true
		p.warnAt(m.NamePos, m.Value.Pointer, CodeUnreadVariable, "remove it, or read it where it was meant to be",
			"the variable %q is assigned and never read", name)
	})
}

// eachAssigned visits the assignments of a flow and of those inside it.
func (p *parser) eachAssigned(f *Flow, visit func(name string, m *source.Member)) {
	for _, s := range f.States {
		for _, a := range assignsOf(s) {
			for _, m := range a.Members {
				visit(variableName(m.Name, s.Base().QueryLanguage), m)
			}
		}
		for _, inner := range flowsOf(s) {
			p.eachAssigned(inner, visit)
		}
	}
}

// unreadOutputs warns of an Output that no state reads: all states that may follow have no expression of states.input,
// and give an Output of their own, so that nothing of it goes on. And of results that a JSONPath state makes and drops.
func (p *parser) unreadOutputs(f *Flow) {
	read := readers(f)
	for _, s := range f.States {
		c := s.Base()
		switch s := s.(type) {
		case *Choice:
			p.unreadOutput(c.Output, read, s.Default)
			for _, r := range s.Choices {
				p.unreadOutput(r.Output, read, r.Next)
			}
		case *Succeed, *Fail:
		default:
			p.unreadOutput(c.Output, read, c.Next)
		}
		_, catch := guards(s)
		for _, k := range catch {
			p.unreadOutput(k.Output, read, k.Next)
		}
		p.droppedResult(c)
		for _, inner := range flowsOf(s) {
			p.unreadOutputs(inner)
		}
	}
}

func (p *parser) unreadOutput(output *source.Node, read map[string]bool, next string) {
	if output == nil || next == "" || read[next] {
		return
	}
	p.warnAt(output.Pos, output.Pointer, CodeUnreadOutput, "remove it, or read it there as states.input",
		"nobody reads this Output: %q has no use for its input, nor has any state that gets it from there", next)
}

// readers tells, by name, which states of a flow read their input, or hand it on to one that does.
func readers(f *Flow) map[string]bool {
	read := map[string]bool{}
	onward := map[string][]string{} // by a state, those that hand their input on to it
	var queue []string
	mark := func(name string) {
		if !read[name] {
			read[name] = true
			queue = append(queue, name)
		}
	}
	for _, s := range f.States {
		c := s.Base()
		if readsInput(s) {
			mark(c.Name)
			continue
		}
		for _, next := range passesOn(s) {
			if next == "" {
				mark(c.Name) // it becomes the output of the flow
			}
			onward[next] = append(onward[next], c.Name)
		}
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, from := range onward[name] {
			mark(from)
		}
	}
	return read
}

// passesOn gives the states that get a state's input as it is, "" for the end of the flow.
func passesOn(s State) []string {
	c := s.Base()
	var next []string
	switch s := s.(type) {
	case *Choice:
		if c.Output == nil && s.Default != "" {
			next = append(next, s.Default)
		}
		for _, r := range s.Choices {
			if r.Output == nil {
				next = append(next, r.Next)
			}
		}
	case *Pass, *Wait, *Succeed:
		if c.Output == nil {
			next = append(next, c.Next)
		}
	}
	return next
}

// readsInput tells whether a state may look at its input itself.
func readsInput(s State) bool {
	c := s.Base()
	if c.QueryLanguage == JSONPath {
		_, fails := s.(*Fail)
		return !fails || hasPath(c.Node)
	}
	switch s := s.(type) {
	case *Task:
		if c.Arguments == nil {
			return true
		}
	case *Parallel:
		if c.Arguments == nil {
			return true
		}
	case *Map:
		if s.Items == nil {
			return true
		}
	}
	own := *c.Node
	own.Members = slices.DeleteFunc(slices.Clone(own.Members), func(m *source.Member) bool {
		return m.Name == "Branches" || m.Name == "ItemProcessor" || m.Name == "Iterator" // their input is another
	})
	return mentionsInput(&own)
}

// hasPath tells whether a JSONPath state has a path or an intrinsic function.
func hasPath(n *source.Node) bool {
	found := false
	eachExpression(n, func(string) { found = true })
	return found
}

// mentionsInput tells whether an expression of JSONata or CEL may read states.input: it has the word states with
// anything behind it but a member that is something else.
func mentionsInput(n *source.Node) bool {
	found := false
	eachExpression(n, func(text string) {
		if !strings.Contains(text, "{%") {
			return
		}
		for rest, ok := text, true; ok && !found; {
			if _, rest, ok = strings.Cut(rest, "states"); ok {
				found = !strings.HasPrefix(rest, ".result") && !strings.HasPrefix(rest, ".errorOutput") && !strings.HasPrefix(rest, ".context.")
			}
		}
	})
	return found
}

// droppedResult warns of what a JSONPath state makes of its result and throws away.
func (p *parser) droppedResult(c *Common) {
	if c.QueryLanguage != JSONPath || c.Assign != nil {
		return
	}
	isNull := func(n *source.Node) bool { return n != nil && n.Kind == source.Null }
	switch {
	case isNull(c.ResultPath) && c.ResultSelector != nil:
		p.warnAt(c.ResultSelector.Pos, c.ResultSelector.Pointer, CodeUnreadOutput, "remove ResultSelector, or say in ResultPath where it goes",
			"nobody reads what ResultSelector gives: ResultPath is null, and there is no Assign")
	case isNull(c.ResultPath) && c.Type == "Pass" && c.Node.Get("Result") != nil:
		n := c.Node.Get("Result")
		p.warnAt(n.Pos, n.Pointer, CodeUnreadOutput, "remove Result, or say in ResultPath where it goes",
			"nobody reads Result: ResultPath is null, and there is no Assign")
	case isNull(c.OutputPath) && c.ResultPath != nil && c.ResultPath.Kind == source.String:
		p.warnAt(c.ResultPath.Pos, c.ResultPath.Pointer, CodeUnreadOutput, "remove OutputPath, or ResultPath",
			"nobody reads what ResultPath keeps: OutputPath is null, so that the output is {}")
	}
}
