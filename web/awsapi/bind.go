package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bind reads the body of a request into an input: a struct whose fields are pointers, slices, or structs, named by their
// json tags. Members that the input does not have are passed over, as the service does; null means absent. A value of
// the wrong type is a SerializationException.
func bind(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return fault400("SerializationException", "The request body is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return fault400("SerializationException", "The request body is not valid JSON: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fault400("SerializationException", "The request body is not valid JSON: something follows the object.")
	}
	if tree == nil {
		return fault400("SerializationException", "Start of structure expected where null was found.")
	}
	return bindValue("", tree, reflect.ValueOf(into).Elem())
}

// bindValue puts a value of the tree where it belongs. Path is empty at the top.
func bindValue(path string, v any, into reflect.Value) error {
	if v == nil {
		return nil
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return bindValue(path, v, into.Elem())
	case reflect.Struct:
		return bindStruct(path, v, into)
	case reflect.Slice:
		return bindList(path, v, into)
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return cannot(path, v, "a String")
		}
		into.SetString(s)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			return cannot(path, v, "a Boolean")
		}
		into.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return bindInt(path, v, into)
	case reflect.Float64:
		n, ok := v.(json.Number)
		if !ok {
			return cannot(path, v, "a Float")
		}
		f, err := n.Float64()
		if err != nil {
			return cannot(path, v, "a Float")
		}
		into.SetFloat(f)
	default:
		return fmt.Errorf("binding %s: fields of the kind %s cannot be bound", path, into.Kind())
	}
	return nil
}

func bindStruct(path string, v any, into reflect.Value) error {
	members, ok := v.(map[string]any)
	if !ok {
		return cannot(path, v, "a Structure")
	}
	t := into.Type()
	for i := range t.NumField() {
		name := memberName(t.Field(i))
		if member, ok := members[name]; ok {
			if err := bindValue(join(path, name), member, into.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func bindList(path string, v any, into reflect.Value) error {
	items, ok := v.([]any)
	if !ok {
		return cannot(path, v, "a List")
	}
	list := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		if err := bindValue(join(path, strconv.Itoa(i+1)), item, list.Index(i)); err != nil {
			return err
		}
	}
	into.Set(list)
	return nil
}

func bindInt(path string, v any, into reflect.Value) error {
	number, ok := v.(json.Number)
	if !ok {
		return cannot(path, v, "an Integer")
	}
	n, err := number.Int64()
	if err != nil { // 1e2 and 3.0 are whole numbers too
		f, ferr := number.Float64()
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return cannot(path, v, "an Integer")
		}
		n = int64(f)
	}
	if into.OverflowInt(n) {
		return cannot(path, v, "an Integer")
	}
	into.SetInt(n)
	return nil
}

// cannot says that a value has the wrong type.
func cannot(path string, v any, want string) error {
	var found string
	switch v := v.(type) {
	case string:
		found = "STRING_VALUE"
	case bool:
		found = strings.ToUpper(strconv.FormatBool(v)) + "_VALUE"
	case json.Number:
		found = "NUMBER_VALUE"
	case []any:
		found = "LIST_VALUE"
	case map[string]any:
		found = "STRUCTURE_VALUE"
	}
	at := ""
	if path != "" {
		at = " at '" + path + "'"
	}
	return fault400("SerializationException", "%s can not be converted to %s%s", found, want, at)
}

// memberName gives the name that a field has on the wire.
func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
