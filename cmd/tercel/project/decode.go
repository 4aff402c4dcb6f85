package project

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// decoder decodes YAML nodes into structs by their yaml tags and collects everything that does not fit.
type decoder struct {
	file      string
	lines     []string
	found     diag.List
	positions map[string]*yaml.Node // the node of each pointer that was read
}

// decode decodes a node into a settable value.
func (d *decoder) decode(node *yaml.Node, into reflect.Value, pointer string) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	d.positions[pointer] = node
	if node.Tag == "!!null" && into.Kind() != reflect.Pointer {
		return // `functions:` with nothing behind it
	}
	if into.Type() == reflect.TypeFor[json.RawMessage]() {
		d.json(node, into, pointer)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.decode(node, into.Elem(), pointer)
	case reflect.Struct:
		d.object(node, into, pointer)
	case reflect.Map:
		d.mapping(node, into, pointer)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			d.mismatch(node, pointer, "a list")
			return
		}
		for i, item := range node.Content {
			elem := reflect.New(into.Type().Elem()).Elem()
			d.decode(item, elem, fmt.Sprintf("%s/%d", pointer, i))
			into.Set(reflect.Append(into, elem))
		}
	default:
		d.scalar(node, into, pointer)
	}
}

// json keeps a value of any shape as JSON.
func (d *decoder) json(node *yaml.Node, into reflect.Value, pointer string) {
	var v any
	if err := node.Decode(&v); err != nil {
		d.finding(node, pointer, "INVALID_VALUE", fmt.Sprintf("the value cannot be read: %v", err), "")
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		d.finding(node, pointer, "INVALID_VALUE", fmt.Sprintf("the value is none that JSON has: %v", err), "put names in quotes")
		return
	}
	into.SetBytes(text)
}

func (d *decoder) object(node *yaml.Node, into reflect.Value, pointer string) {
	fields := map[string]reflect.Value{}
	var names []string
	for i := range into.NumField() {
		name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = into.Field(i)
			names = append(names, name)
		}
	}
	d.members(node, pointer, "an object with "+strings.Join(names, ", "), func(key, value *yaml.Node) {
		field, ok := fields[key.Value]
		if !ok {
			hint := "the fields are " + strings.Join(names, ", ")
			if near := diag.Closest(key.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.finding(key, pointer+"/"+escape(key.Value), "UNKNOWN_FIELD", fmt.Sprintf("there is no field %q here", key.Value), hint)
			return
		}
		d.decode(value, field, pointer+"/"+escape(key.Value))
	})
}

func (d *decoder) mapping(node *yaml.Node, into reflect.Value, pointer string) {
	into.Set(reflect.MakeMap(into.Type()))
	d.members(node, pointer, "an object", func(key, value *yaml.Node) {
		elem := reflect.New(into.Type().Elem()).Elem()
		d.decode(value, elem, pointer+"/"+escape(key.Value))
		into.SetMapIndex(reflect.ValueOf(key.Value), elem)
	})
}

// members calls each for the members of a mapping, and reports the names that come twice.
func (d *decoder) members(node *yaml.Node, pointer, want string, each func(key, value *yaml.Node)) {
	if node.Kind != yaml.MappingNode {
		d.mismatch(node, pointer, want)
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			d.finding(key, pointer, "INVALID_TYPE", "a name must be a string", "")
			continue
		}
		if line, twice := lines[key.Value]; twice {
			d.finding(key, pointer+"/"+escape(key.Value), "DUPLICATE_KEY",
				fmt.Sprintf("%q is here twice; the first is in line %d", key.Value, line), "")
			continue
		}
		lines[key.Value] = key.Line
		each(key, node.Content[i+1])
	}
}

func (d *decoder) scalar(node *yaml.Node, into reflect.Value, pointer string) {
	want := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "a whole number",
		reflect.Int64: "a whole number", reflect.Float64: "a number",
	}[into.Kind()]
	if node.Kind != yaml.ScalarNode {
		d.mismatch(node, pointer, want)
		return
	}
	if into.Kind() == reflect.String {
		into.SetString(node.Value) // also of a number: `port: 9000` in an environment is meant as text
		return
	}
	if err := node.Decode(into.Addr().Interface()); err != nil {
		d.mismatch(node, pointer, want)
	}
}

func (d *decoder) mismatch(node *yaml.Node, pointer, want string) {
	is := map[yaml.Kind]string{yaml.MappingNode: "an object", yaml.SequenceNode: "a list"}[node.Kind]
	if is == "" {
		is = fmt.Sprintf("%q", node.Value)
	}
	where := "the file"
	if at := strings.LastIndexByte(pointer, '/'); at >= 0 {
		where = fmt.Sprintf("%q", strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[at+1:]))
	}
	d.finding(node, pointer, "INVALID_TYPE", fmt.Sprintf("%s must be %s, but is %s", where, want, is), "")
}

// escape writes a name as a part of an RFC 6901 pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
