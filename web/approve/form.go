package approve

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// field is an input of the page that a property of the form's JSON Schema becomes.
type field struct {
	ID, Name  string // in the page; Name is that of the posted value
	Property  string
	Label     string
	Hint      string
	Kind      string // of the input, or select, textarea, checkbox, checkboxes
	Required  bool
	MaxLength int64
	Min, Max  string
	Step      string
	Options   []option

	Value   string // as typed
	Checked bool
	Error   string

	schema *value.Value
	json   bool // a shape that has no input of its own is typed as JSON
	many   bool // the property is an array of the options
}

type option struct {
	Label, Value string // Value is the JSON
	Selected     bool
}

// longText is from which length on a text gets more than a line.
const longText = 120

// fields makes the inputs of a form, in the order of the schema, filled with what the schema has as defaults.
func fields(form json.RawMessage) []*field {
	if len(form) == 0 {
		return nil
	}
	s, err := value.Parse(form)
	if err != nil {
		return nil
	}
	properties := s.Get("properties")
	if properties == nil || properties.Kind() != value.Object {
		return nil
	}
	required := map[string]bool{}
	if list := s.Get("required"); list != nil {
		for _, name := range list.Elems() {
			required[name.Text()] = true
		}
	}
	var list []*field
	for i, name := range properties.Keys() {
		f := newField(i, name, properties.At(i), required[name])
		f.fill()
		list = append(list, f)
	}
	return list
}

func newField(i int, name string, s *value.Value, required bool) *field {
	n := strconv.Itoa(i)
	f := &field{ID: "f" + n, Name: "field." + n, Property: name, Label: humanize(name), Required: required, schema: s, Kind: "text"}
	if title := text(s, "title"); title != "" {
		f.Label = title
	}
	f.Hint = text(s, "description")
	if options := s.Get("enum"); options != nil && options.Len() > 0 {
		f.Kind, f.Options = "select", optionsOf(options)
		return f
	}
	switch typeOf(s) {
	case "boolean":
		f.Kind = "checkbox"
	case "integer":
		f.Kind, f.Step = "number", "1"
		f.Min, f.Max = bound(s, "minimum"), bound(s, "maximum")
	case "number":
		f.Kind, f.Step = "number", "any"
		f.Min, f.Max = bound(s, "minimum"), bound(s, "maximum")
	case "string":
		f.line(s)
	default:
		f.compound(s)
	}
	return f
}

// line is the input of a text.
func (f *field) line(s *value.Value) {
	if most := s.Get("maxLength"); most != nil {
		f.MaxLength, _ = most.Int()
	}
	switch text(s, "format") {
	case "date":
		f.Kind, f.MaxLength = "date", 0
	case "time":
		f.Kind, f.MaxLength = "time", 0
	case "email":
		f.Kind = "email"
	case "uri":
		f.Kind = "url"
	case "textarea":
		f.Kind = "textarea"
	default:
		if f.MaxLength > longText {
			f.Kind = "textarea"
		}
	}
}

// compound is the input of what is no plain value: several of some options, or else JSON.
func (f *field) compound(s *value.Value) {
	if items := s.Get("items"); typeOf(s) == "array" && items != nil {
		if options := items.Get("enum"); options != nil && options.Len() > 0 {
			f.Kind, f.many, f.Options = "checkboxes", true, optionsOf(options)
			return
		}
	}
	f.Kind, f.json = "textarea", true
	f.Hint = strings.TrimSpace(f.Hint + " (as JSON)")
}

func optionsOf(list *value.Value) []option {
	var options []option
	for _, v := range list.Elems() {
		options = append(options, option{Label: plainText(v), Value: v.String()})
	}
	return options
}

func text(s *value.Value, name string) string {
	if v := s.Get(name); v != nil && v.Kind() == value.String {
		return v.Text()
	}
	return ""
}

// typeOf gives the type of a schema; of several, null aside, the first.
func typeOf(s *value.Value) string {
	t := s.Get("type")
	switch {
	case t == nil:
		return ""
	case t.Kind() == value.Array:
		for _, e := range t.Elems() {
			if e.Text() != "null" {
				return e.Text()
			}
		}
		return ""
	default:
		return t.Text()
	}
}

func bound(s *value.Value, name string) string {
	if v := s.Get(name); v != nil && v.Kind() == value.Number {
		return v.String()
	}
	return ""
}

// fill puts the default of the schema into the input.
func (f *field) fill() {
	d := f.schema.Get("default")
	if d == nil {
		return
	}
	switch {
	case f.Kind == "checkbox":
		f.Checked = d.Kind() == value.Bool && d.Bool()
	case f.many:
		for _, e := range d.Elems() {
			f.choose(e.String())
		}
	case f.Kind == "select":
		f.choose(d.String())
	case d.Kind() == value.String:
		f.Value = d.Text()
	default:
		f.Value = d.String()
	}
}

func (f *field) choose(value string) {
	for i := range f.Options {
		if f.Options[i].Value == value {
			f.Options[i].Selected = true
		}
	}
}

// take keeps what was typed, and gives the value that it means; nil if nothing was.
func (f *field) take(posted url.Values) *value.Value {
	typed := posted.Get(f.Name)
	f.Value = typed
	for i := range f.Options {
		f.Options[i].Selected = slices.Contains(posted[f.Name], f.Options[i].Value)
	}
	switch {
	case f.Kind == "checkbox":
		f.Checked = typed == "true"
		return value.FromBool(f.Checked)
	case f.many:
		var chosen []*value.Value
		for _, o := range f.Options {
			if o.Selected {
				chosen = append(chosen, value.Trusted([]byte(o.Value)))
			}
		}
		if len(chosen) == 0 && !f.Required {
			return nil
		}
		return value.FromArray(chosen)
	}
	trimmed := strings.TrimSpace(typed)
	if trimmed == "" {
		if f.Required {
			f.Error = "Please fill this in."
		}
		return nil
	}
	return f.read(trimmed, strings.ReplaceAll(typed, "\r\n", "\n"))
}

// read gives the value that something typed means.
func (f *field) read(trimmed, typed string) *value.Value {
	switch {
	case f.Kind == "select":
		for _, o := range f.Options {
			if o.Selected {
				return value.Trusted([]byte(o.Value))
			}
		}
		f.Error = "Please choose one of these."
		return nil
	case f.Kind == "number":
		// Whether it is a number that JSON knows, and no more than a number.
		v, err := value.Parse([]byte(strings.TrimPrefix(strings.Replace(trimmed, ",", ".", 1), "+")))
		if err != nil || v.Kind() != value.Number {
			f.Error = "Please write a number."
			return nil
		}
		return v
	case f.json:
		v, err := value.Parse([]byte(trimmed))
		if err != nil {
			f.Error = "This is not JSON: " + err.Error()
			return nil
		}
		return v
	case f.Kind == "textarea":
		return value.FromString(typed)
	default:
		return value.FromString(trimmed)
	}
}

// read takes what was posted. It gives the form's value as JSON, or a problem that belongs to no field; what belongs to
// one is in its Error.
func read(form json.RawMessage, list []*field, posted url.Values) (filled []byte, problem string, ok bool) {
	var o value.Members
	for _, f := range list {
		if v := f.take(posted); v != nil {
			o.Set(f.Property, v)
		}
	}
	v := o.Object()
	if len(form) == 0 {
		return nil, "", true
	}
	s, err := schema.Parse(form)
	if err != nil {
		return v.JSON(), "", true // the engine says what it makes of it
	}
	var others []string
	for _, p := range s.Validate(v) {
		if f := fieldAt(list, p.Pointer); f != nil {
			if f.Error == "" {
				f.Error = "This " + p.Message + "."
			}
			continue
		}
		others = append(others, p.String())
	}
	bad := slices.ContainsFunc(list, func(f *field) bool { return f.Error != "" })
	if bad {
		return nil, "Not everything is filled in as it must be; nothing was decided yet.", false
	}
	if len(others) > 0 {
		return nil, "What you filled in does not fit together: " + strings.Join(others, "; "), false
	}
	return v.JSON(), "", true
}

// draft takes what was posted as it is, whether it fits the form or not: what is no number, or no JSON, is kept as a text. It
// gives JSON, nil if nothing is filled in.
func draft(list []*field, posted url.Values) []byte {
	var o value.Members
	for _, f := range list {
		v := f.take(posted)
		switch {
		case f.Kind == "checkbox" && !f.Checked, f.many && v != nil && v.Len() == 0:
			continue // nobody has touched it
		case v == nil && len(f.Options) == 0 && strings.TrimSpace(f.Value) != "":
			v = value.FromString(f.Value)
		}
		f.Error = ""
		if v != nil {
			o.Set(f.Property, v)
		}
	}
	v := o.Object()
	if v.Len() == 0 {
		return nil
	}
	return v.JSON()
}

// fieldAt gives the field that a pointer leads into.
func fieldAt(list []*field, pointer string) *field {
	name, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	for _, f := range list {
		if pointer != "" && f.Property == name {
			return f
		}
	}
	return nil
}
