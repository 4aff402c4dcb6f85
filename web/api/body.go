package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/engine"
)

// readBody reads the whole body of a request.
func readBody(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, CodePayloadTooLarge,
			"the body is larger than %s, the most this server takes; keep large data elsewhere and send a reference to it",
			byteSize(tooLarge.Limit))
	case err != nil:
		return nil, invalid("the body broke off: %v", err)
	}
	return text, nil
}

// readJSON reads a JSON body into a struct. An empty body leaves it as it is.
func readJSON(r *http.Request, into any) error {
	text, err := readBody(r)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return err
	}
	return decodeJSON(text, into)
}

// decodeJSON decodes one JSON object and refuses fields that do not exist.
func decodeJSON(text []byte, into any) error {
	if err := checkText(text); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return jsonProblem(text, err, into)
	}
	if rest := bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return invalidJSON(text, int64(len(text)-len(rest)), "something follows the JSON value")
	}
	return nil
}

// checkText refuses bytes that are not UTF-8, which no JSON text may hold (RFC 8259, section 8.1).
func checkText(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return invalidJSON(text, int64(at), "a byte that is not UTF-8")
}

// jsonProblem says what encoding/json found, and where.
func jsonProblem(text []byte, err error, into any) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return invalidJSON(text, syntax.Offset-1, syntax.Error())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return invalidJSON(text, int64(len(text)), "the text ends too early")
	case errors.As(err, &mismatch):
		line, column := place(text, mismatch.Offset-1)
		field := mismatch.Field
		if field == "" {
			field = "the body"
		}
		return invalid("line %d, column %d: %s is a JSON %s, but must be %s", line, column, field, mismatch.Value,
			kindName(mismatch.Type))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		known := fieldNames(reflect.TypeOf(into))
		return invalid("there is no field %q here%s; the fields are %s", name, didYouMean(name, known), strings.Join(known, ", "))
	}
	return invalid("%v", err)
}

func invalidJSON(text []byte, offset int64, what string) error {
	line, column := place(text, offset)
	return refuse(http.StatusBadRequest, CodeInvalidJSON, "the body is not valid JSON: line %d, column %d: %s", line, column, what)
}

// place turns an offset into line and column, from 1, the column counted in characters.
func place(text []byte, offset int64) (line, column int) {
	at := int(min(max(offset, 0), int64(len(text))))
	before := text[:at]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// fieldNames gives the JSON names of a struct's fields.
func fieldNames(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	default:
		return "a number"
	}
}

func byteSize(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// required refuses a request without a field that it must have.
func required(name, value string) error {
	if value == "" {
		return refuse(http.StatusBadRequest, string(engine.CodeValidation), "the field %q is missing", name)
	}
	return nil
}
