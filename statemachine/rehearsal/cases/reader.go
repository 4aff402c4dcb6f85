package cases

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The codes of the diagnostics of this package.
const (
	CodeUnknownField = "UNKNOWN_FIELD"
	CodeType         = "INVALID_TYPE"
	CodeValue        = "INVALID_VALUE"
	CodeMissing      = "MISSING_FIELD"
	CodeState        = "UNKNOWN_STATE"
	CodeFile         = "FILE_NOT_FOUND"
	CodeExpression   = "INVALID_EXPRESSION"
	CodeTwice        = "DUPLICATE_NAME"
)

// reader reads a case file and collects everything that does not fit.
type reader struct {
	doc     *source.Document
	list    diag.List
	open    Open
	options func(definition string) statemachine.Options
	file    *File
	states  map[string]stateInfo // nil if there is no definition to check against
	names   []string
}

// stateInfo is what a case file has to know of a state.
type stateInfo struct {
	state asl.State
	maps  int // how many Maps it is in
}

// defaults are what the cases of a file have in common.
type defaults struct {
	input     *value.Value
	start     time.Time
	seed      uint64
	maxStates int
	mocks     []mock
}

func (r *reader) errorAt(n *source.Node, code, hint, format string, args ...any) {
	g := r.doc.AtNode(n)
	g.Severity, g.Code, g.Message, g.Hint = diag.Error, code, fmt.Sprintf(format, args...), hint
	r.list = append(r.list, g)
}

func (r *reader) errorAtName(m *source.Member, code, hint, format string, args ...any) {
	g := r.doc.AtName(m)
	g.Severity, g.Code, g.Message, g.Hint = diag.Error, code, fmt.Sprintf(format, args...), hint
	r.list = append(r.list, g)
}

// fieldReader reads a field of an object.
type fieldReader struct {
	name string
	read func(*source.Node)
}

// fields reads the fields of an object, each with its reader, in the order of the readers. A field without one is a
// finding. A field with null is as if it were not there, unless it is one whose value is any JSON.
func (r *reader) fields(n *source.Node, what string, fields []fieldReader) {
	if !r.is(n, what, source.Object) {
		return
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for _, m := range n.Members {
		if !slices.Contains(names, m.Name) {
			hint := "the fields of " + what + " are " + strings.Join(names, ", ")
			if near := diag.Closest(m.Name, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.errorAtName(m, CodeUnknownField, hint, "there is no field %q in %s", m.Name, what)
		}
	}
	for _, f := range fields {
		if v := n.Get(f.name); v != nil && (v.Kind != source.Null || slices.Contains(anyJSON, f.name)) {
			f.read(v)
		}
	}
}

// anyJSON are the fields that take any JSON, null too.
var anyJSON = []string{"input", "result", "output", "matches"}

// is reports a value of another kind than the one that is wanted.
func (r *reader) is(n *source.Node, what string, want source.Kind) bool {
	if n.Kind == want {
		return true
	}
	article := map[source.Kind]string{source.Array: "a list", source.Object: "an object"}[want]
	if article == "" {
		article = "a " + want.String()
	}
	r.errorAt(n, CodeType, "", "%s must be %s, but is %s", what, article, describe(n))
	return false
}

func describe(n *source.Node) string {
	switch n.Kind {
	case source.Array:
		return "a list"
	case source.Object:
		return "an object"
	case source.String:
		return fmt.Sprintf("%q", n.Text)
	default:
		return string(n.AppendJSON(nil))
	}
}

func (r *reader) text(into *string, what string) func(*source.Node) {
	return func(n *source.Node) {
		if r.is(n, what, source.String) {
			*into = n.Text
		}
	}
}

func (r *reader) flag(into *bool, what string) func(*source.Node) {
	return func(n *source.Node) {
		if r.is(n, what, source.Bool) {
			*into = n.Bool
		}
	}
}

// whole reads an integer of at least some value.
func (r *reader) whole(what string, least int64, into func(int64)) func(*source.Node) {
	return func(n *source.Node) {
		if !r.is(n, what, source.Number) {
			return
		}
		i, ok := value.FromNumber(n.Text).Int()
		if !ok || i < least {
			r.errorAt(n, CodeValue, "", "%s must be a whole number of at least %d, but is %s", what, least, n.Text)
			return
		}
		into(i)
	}
}

func (r *reader) json(into **value.Value) func(*source.Node) {
	return func(n *source.Node) { *into = value.Trusted(n.AppendJSON(nil)) }
}

func (r *reader) time(into *time.Time, what string) func(*source.Node) {
	return func(n *source.Node) {
		if !r.is(n, what, source.String) {
			return
		}
		at, err := time.Parse(time.RFC3339Nano, n.Text)
		if err != nil {
			r.errorAt(n, CodeValue, "write it as RFC 3339 has it: 2026-01-31T12:00:00Z", "%s is no date and time: %q", what, n.Text)
			return
		}
		*into = at.UTC()
	}
}

// read reads the whole file.
func (r *reader) read(root *source.Node) {
	var d defaults
	var cases, definition *source.Node
	fields := []fieldReader{
		{"definition", func(n *source.Node) { definition = n }},
		{"cases", func(n *source.Node) { cases = n }},
		{"mocks", func(*source.Node) {}},
	}
	fields = append(fields, r.common(&d)...)
	r.fields(root, "a case file", fields)
	if root.Kind != source.Object {
		return
	}
	r.define(definition, root)
	if mocks := root.Get("mocks"); mocks != nil && mocks.Kind != source.Null {
		d.mocks = r.mocks(mocks)
	}
	switch {
	case cases == nil:
		r.errorAt(root, CodeMissing, "cases is a list; each has a name, an input, mocks, and what to expect", "the file has no cases")
	case r.is(cases, "cases", source.Array):
		for _, n := range cases.Elems {
			r.readCase(n, d)
		}
	}
}

// common are the fields that a case has, and the file for all cases.
func (r *reader) common(d *defaults) []fieldReader {
	return []fieldReader{
		{"input", r.json(&d.input)},
		{"input_file", r.inputFile(&d.input)},
		{"start", r.time(&d.start, "start")},
		{"seed", r.whole("seed", 0, func(i int64) { d.seed = uint64(i) })},
		{"max_states", r.whole("max_states", 1, func(i int64) { d.maxStates = int(min(i, 1<<31-1)) })},
	}
}

func (r *reader) inputFile(into **value.Value) func(*source.Node) {
	return func(n *source.Node) {
		if !r.is(n, "input_file", source.String) {
			return
		}
		file := r.resolve(n.Text)
		r.file.Inputs = append(r.file.Inputs, file)
		text, err := r.open(file)
		if err != nil {
			r.errorAt(n, CodeFile, "paths are relative to the folder of "+path.Base(r.doc.File), "reading the input: %v", err)
			return
		}
		v, err := value.Parse(text)
		if err != nil {
			r.errorAt(n, CodeValue, "", "%s is not valid JSON: %v", file, err)
			return
		}
		*into = v
	}
}

// resolve gives the path of a file that is named relative to the case file.
func (r *reader) resolve(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(path.Dir(r.doc.File), name)
}

// define reads the definition that the cases are about.
func (r *reader) define(n, root *source.Node) {
	var text []byte
	switch {
	case n == nil:
		if text = r.infer(root); text == nil {
			return
		}
	case !r.is(n, "definition", source.String):
		return
	default:
		r.file.Definition = r.resolve(n.Text)
		var err error
		if text, err = r.open(r.file.Definition); err != nil {
			r.errorAt(n, CodeFile, "paths are relative to the folder of "+path.Base(r.doc.File), "reading the definition: %v", err)
			return
		}
	}
	m, found := statemachine.CompileWith(r.file.Definition, text, r.options(r.file.Definition))
	if m == nil {
		r.list = append(r.list, found...)
		return
	}
	r.file.Machine = m
	r.states = map[string]stateInfo{}
	r.index(&m.Definition().Flow, 0)
}

// infer looks for the definition beside the case file.
func (r *reader) infer(root *source.Node) []byte {
	candidates := Candidates(r.doc.File)
	for _, file := range candidates {
		text, err := r.open(file)
		if err == nil {
			r.file.Definition = file
			return text
		}
	}
	r.errorAt(root, CodeMissing, "write definition: FILE, or name the definition "+path.Base(candidates[0]),
		"the file names no definition, and there is none beside it")
	return nil
}

func (r *reader) index(fl *asl.Flow, maps int) {
	for _, s := range fl.States {
		r.states[s.Base().Name] = stateInfo{s, maps}
		r.names = append(r.names, s.Base().Name)
		switch s := s.(type) {
		case *asl.Parallel:
			for i := range s.Branches {
				r.index(&s.Branches[i], maps)
			}
		case *asl.Map:
			r.index(&s.Processor, maps+1)
		}
	}
}

// readCase reads one case.
func (r *reader) readCase(n *source.Node, d defaults) {
	c := &Case{File: r.doc.File, Line: n.Pos.Line, machine: r.file.Machine}
	common := d.mocks
	d.mocks = nil
	fields := []fieldReader{
		{"name", r.text(&c.Name, "the name of a case")},
		{"mocks", func(n *source.Node) { d.mocks = r.mocks(n) }},
		{"stop", r.stop(&c.interventions)},
		{"redrive", r.redrive(&c.interventions)},
		{"expect", func(n *source.Node) { c.Expects = true; r.expectation(n, &c.expect) }},
	}
	fields = append(fields, r.common(&d)...)
	r.fields(n, "a case", fields)
	if n.Kind != source.Object {
		return
	}
	if n.Get("input") != nil && n.Get("input_file") != nil {
		r.errorAt(n.Get("input_file"), CodeValue, "keep one of them", "the case has both an input and an input_file")
	}
	if c.expect.node == nil {
		c.expect.node = n
	}
	c.input, c.start, c.seed, c.maxStates = d.input, d.start, d.seed, d.maxStates
	c.mocks, c.common = d.mocks, common
	switch {
	case strings.TrimSpace(c.Name) == "":
		r.errorAt(n, CodeMissing, "say in a few words what it shows", "the case has no name")
	case r.file.Find(c.Name) != nil:
		r.errorAt(n.Get("name"), CodeTwice, "", "there is a case %q before, in line %d", c.Name, r.file.Find(c.Name).Line)
	}
	r.file.Cases = append(r.file.Cases, c)
}

var errDuration = errors.New(`write a number of seconds, or a duration such as 500ms, 1h30m or 2d`)

// duration reads a number of seconds, or a text such as 1h30m.
func (r *reader) duration(into *time.Duration, what string) func(*source.Node) {
	return func(n *source.Node) {
		text := n.Text
		if n.Kind == source.Number {
			text += "s"
		} else if n.Kind != source.String {
			r.errorAt(n, CodeType, errDuration.Error(), "%s must be a duration, but is %s", what, describe(n))
			return
		}
		d, err := ParseDuration(text)
		if err != nil {
			r.errorAt(n, CodeValue, errDuration.Error(), "%s is no duration: %s", what, n.Text)
			return
		}
		*into = d
	}
}
