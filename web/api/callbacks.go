package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// CallbackRoute is the pattern of callback URLs. They lie outside of /api/v1: they are given to other systems, and need no
// access key, since the URL itself is the credential.
const CallbackRoute = engine.CallbackPath + "{token}/{action}"

// callbackFailed is the name of the error that a failure has whose body names none.
const callbackFailed = "Callback.Failed"

// maxCallbackCause is how much of a body becomes the cause of a failure, in bytes.
const maxCallbackCause = 32_768

// ShownPath gives the path of a request as logs and spans may show it: without the token of a callback URL or of an
// approval's link, which is all it takes to answer.
func ShownPath(path string) string {
	for _, secret := range []string{engine.CallbackPath, engine.ApprovalPath} {
		if !strings.HasPrefix(path, secret) {
			continue
		}
		switch action := statemachine.CallbackAction(path[strings.LastIndexByte(path, '/')+1:]); action {
		case statemachine.CallbackSuccess, statemachine.CallbackFailure, statemachine.CallbackHeartbeat:
			return secret + "{token}/" + string(action)
		}
		return secret + "{token}"
	}
	return path
}

// Callbacks answers requests to callback URLs. Only a POST does something: those who look at a URL, as mail scanners and
// previews do, get 405 and a line that says what it is for.
func (a *API) Callbacks() http.Handler {
	post := a.authorize(a.Handle(a.callback))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Robots-Tag", "noindex")
		if r.Method == http.MethodPost {
			post.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", http.MethodPost)
		a.fail(w, r, refuse(http.StatusMethodNotAllowed, CodeMethodNotAllowed,
			"this address takes the answer to a task of a workflow, with POST; opening it does nothing"))
	})
}

func (a *API) callback(w http.ResponseWriter, r *http.Request) error {
	c := engine.Callback{
		Token: chi.URLParam(r, "token"), Action: statemachine.CallbackAction(chi.URLParam(r, "action")),
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	answer := wire.Callback{}
	switch c.Action {
	case statemachine.CallbackSuccess:
		answer.Status = "completed"
		c.Output, err = callbackValue(r.Header.Get("Content-Type"), body)
	case statemachine.CallbackFailure:
		answer.Status = "failed"
		c.Error, c.Cause, err = callbackError(r.Header.Get("Content-Type"), body)
	case statemachine.CallbackHeartbeat:
		answer.Status = "alive"
	default:
		return refuse(http.StatusNotFound, CodeNotFound, "a callback URL ends in /success, /failure or /heartbeat; this one was altered")
	}
	if err != nil {
		return err
	}
	result, err := a.eng.TakeCallback(r.Context(), c)
	if err != nil {
		return err
	}
	if result.Repeated {
		answer.Already = true
		answer.SettledAt = &result.Settled
	}
	a.write(w, r, http.StatusOK, answer)
	return nil
}

// callbackValue makes JSON of a body: JSON as it is, the fields of a form as an object, plain text as a string, nothing as
// null.
func callbackValue(contentType string, body []byte) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" && kind == "" {
		return nil, invalid("the Content-Type %q makes no sense", contentType)
	}
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return []byte("null"), nil
	case kind == "application/x-www-form-urlencoded":
		// What curl -d sends calls itself a form, whatever it is.
		if (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
			return trimmed, checkText(trimmed)
		}
		fields, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, invalid("the form cannot be read: %v", err)
		}
		return formValue(fields)
	case kind == "multipart/form-data":
		return multipartValue(body, params["boundary"])
	case kind == "text/plain":
		if !utf8.Valid(body) {
			return nil, invalid("the text is not UTF-8")
		}
		return value.FromString(string(body)).JSON(), nil
	case kind == "", kind == "application/json", strings.HasSuffix(kind, "+json"), kind == "text/json":
		if err := checkText(trimmed); err != nil {
			return nil, err
		}
		var syntax *json.SyntaxError
		if err := json.Unmarshal(trimmed, new(json.RawMessage)); errors.As(err, &syntax) {
			return nil, invalidJSON(trimmed, syntax.Offset-1, syntax.Error())
		}
		return trimmed, nil
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, string(engine.CodeValidation),
			"a body of the type %s is not understood here; send JSON, a form, plain text, or nothing", kind)
	}
}

// formValue makes an object of a form: a field that comes once is a string, one that comes more often an array of strings.
func formValue(fields url.Values) ([]byte, error) {
	object := make(map[string]any, len(fields))
	for name, values := range fields {
		for i, v := range values {
			values[i] = strings.ToValidUTF8(v, "\uFFFD")
		}
		name = strings.ToValidUTF8(name, "\uFFFD")
		if len(values) == 1 {
			object[name] = values[0]
		} else {
			object[name] = values
		}
	}
	text, err := encode(object)
	return bytes.TrimSpace(text), err
}

func multipartValue(body []byte, boundary string) ([]byte, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(int64(len(body)) + 1)
	if err != nil {
		return nil, invalid("the form cannot be read: %v", err)
	}
	defer func() { _ = form.RemoveAll() }()
	for name := range form.File {
		return nil, invalid("the field %q of the form is a file; a callback takes data only: store the file, and send where it is", name)
	}
	return formValue(form.Value)
}

// callbackError reads what a task fails with: the members error and cause of an object or a form. Any other body is the
// cause of an error that callbackFailed names.
func callbackError(contentType string, body []byte) (name, cause string, err error) {
	text, err := callbackValue(contentType, body)
	if err != nil {
		return "", "", err
	}
	var named wire.TaskFailure
	if err := json.Unmarshal(text, &named); err == nil && (named.Error != "" || named.Cause != "") {
		if named.Error == "" {
			named.Error = callbackFailed
		}
		return named.Error, named.Cause, nil
	}
	if string(text) == "null" {
		return callbackFailed, "", nil
	}
	cause = string(text)
	if len(cause) > maxCallbackCause {
		cause = strings.ToValidUTF8(cause[:maxCallbackCause], "")
	}
	return callbackFailed, cause, nil
}
