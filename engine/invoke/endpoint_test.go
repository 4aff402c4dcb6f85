package invoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// endpoint is an http:invoke that may reach the test's servers, with connections and secrets.
func endpoint(connections map[string]*invoke.ConnectionConfig, secrets map[string]string) *invoke.Endpoint {
	return &invoke.Endpoint{
		Client:  invoke.NewGuardedClient(invoke.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}),
		Secrets: invoke.Secrets{Getenv: func(name string) string { return secrets[name] }},
		Connection: func(_ context.Context, _, name string) (*invoke.ConnectionConfig, error) {
			return connections[name], nil
		},
	}
}

func ask(t *testing.T, e invoke.Invoker, arguments string) (*value.Value, error) {
	t.Helper()
	v, err := value.Parse([]byte(arguments))
	if err != nil {
		t.Fatal(err)
	}
	return e.Invoke(t.Context(), &invoke.Invocation{
		TaskInfo:  invoke.TaskInfo{IdempotencyKey: "key-1", Namespace: "default"},
		Arguments: v, MaxResult: 262144,
	})
}

func wantError(t *testing.T, err error, name, cause string) {
	t.Helper()
	task, ok := errors.AsType[*invoke.TaskError](err)
	if !ok || task.Name != name || !strings.Contains(task.Cause, cause) {
		t.Errorf("the error is %v, want %s: ...%s...", err, name, cause)
	}
}

// seen is what a server saw of a request.
type seen struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

// mirror answers with what it saw.
func mirror(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header})
	}))
	t.Cleanup(s.Close)
	return s
}

func sawIn(t *testing.T, result *value.Value, err error) seen {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	if err := json.Unmarshal(result.Get("ResponseBody").JSON(), &s); err != nil {
		t.Fatalf("%v in %s", err, result)
	}
	return s
}

func TestEndpointRequest(t *testing.T) {
	server := mirror(t)
	result, err := ask(t, endpoint(nil, nil), `{"ApiEndpoint": "`+server.URL+`/orders?a=1", "Method": "POST",
		"Headers": {"X-One": "1", "X-Many": ["a", "b"]}, "QueryParameters": {"q": ["x", "y z"], "n": 3},
		"RequestBody": {"id": 12345678901234567890, "text": "ä"}}`)
	s := sawIn(t, result, err)
	if s.Method != http.MethodPost || s.Path != "/orders" || s.Query != "a=1&n=3&q=x&q=y+z" || s.Body != `{"id": 12345678901234567890, "text": "ä"}` {
		t.Errorf("the server saw %+v", s)
	}
	for name, want := range map[string]string{
		"X-One": "1", "Content-Type": "application/json", "Idempotency-Key": "key-1", "Range": "bytes=0-262144",
	} {
		if got := s.Header.Get(name); got != want {
			t.Errorf("the header %s is %q, want %q", name, got, want)
		}
	}
	if got := s.Header.Values("X-Many"); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("X-Many is %q", got)
	}
	if got := result.Get("StatusCode").String() + result.Get("StatusText").String(); got != `200"OK"` {
		t.Errorf("status and text are %s", got)
	}
	if got := result.Get("Headers").Get("content-type").String(); got != `["application/json; charset=utf-8"]` {
		t.Errorf("the content type is %s", got)
	}
}

func TestEndpointForms(t *testing.T) {
	server := mirror(t)
	body := `{"name": "A B", "tags": ["x", "y"], "address": {"city": "Köln"}}`
	for format, want := range map[string]string{
		"INDICES":  "name=A+B&tags%5B0%5D=x&tags%5B1%5D=y&address%5Bcity%5D=K%C3%B6ln",
		"REPEAT":   "name=A+B&tags=x&tags=y&address%5Bcity%5D=K%C3%B6ln",
		"BRACKETS": "name=A+B&tags%5B%5D=x&tags%5B%5D=y&address%5Bcity%5D=K%C3%B6ln",
		"COMMAS":   "name=A+B&tags=x%2Cy&address%5Bcity%5D=K%C3%B6ln",
		"NONE":     "name=A+B&tags=%5B%22x%22%2C+%22y%22%5D&address%5Bcity%5D=K%C3%B6ln",
	} {
		result, err := ask(t, endpoint(nil, nil), `{"ApiEndpoint": "`+server.URL+`", "Method": "POST", "RequestBody": `+body+`,
			"Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "`+format+`"}}}`)
		s := sawIn(t, result, err)
		if s.Body != want || s.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s: the body is %s, want %s (%s)", format, s.Body, want, s.Header.Get("Content-Type"))
		}
	}
}

func TestEndpointErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 300_000))
		case "/text":
			_, _ = io.WriteString(w, "plain")
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/teapot":
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, `{"why": "short and stout"}`)
		}
	}))
	t.Cleanup(server.Close)
	e := endpoint(nil, nil)
	get := func(path string) (*value.Value, error) {
		return ask(t, e, `{"ApiEndpoint": "`+server.URL+path+`", "Method": "GET"}`)
	}
	_, err := get("/teapot")
	wantError(t, err, "States.Http.StatusCode.418", `{"why": "short and stout"}`)
	_, err = get("/large")
	wantError(t, err, "States.DataLimitExceeded", "262144")
	for path, want := range map[string]string{"/text": `"plain"`, "/none": `""`} {
		if result, err := get(path); err != nil || result.Get("ResponseBody").String() != want {
			t.Errorf("%s: %v, %v", path, result, err)
		}
	}
	server.Close()
	_, err = get("/text")
	wantError(t, err, "States.Http.Socket", "refused")
	for arguments, cause := range map[string]string{
		`{}`:                                     "The field 'ApiEndpoint' is required but was missing",
		`{"ApiEndpoint": "https://example.com"}`: "The field 'Method' is required but was missing",
		`{"ApiEndpoint": "ftp://example.com", "Method": "GET"}`:                                               "must be a URL",
		`{"ApiEndpoint": "https://u:p@example.com", "Method": "GET"}`:                                         "use a connection",
		`{"ApiEndpoint": "https://example.com", "Method": "BREW"}`:                                            "'Method' must be",
		`{"ApiEndpoint": "https://example.com", "Method": "GET", "Headers": {"Host": "x"}}`:                   "'Host' cannot be set",
		`{"ApiEndpoint": "https://example.com", "Method": "GET", "Headers": {"authorization": "x"}}`:          "cannot be set",
		`{"ApiEndpoint": "https://example.com", "Method": "GET", "Headers": {"X": "a\r\nb"}}`:                 "HTTP does not allow",
		`{"ApiEndpoint": "https://example.com", "Method": "POST", "Transform": {"RequestBodyEncoding": "X"}}`: "NONE or URL_ENCODED",
		`[]`: "'ApiEndpoint' is required",
	} {
		_, err := ask(t, e, arguments)
		wantError(t, err, "States.Runtime", cause)
	}
}

// A redirect is followed, without the credentials if it leads to another host, and reaches no more than the first request.
func TestEndpointRedirects(t *testing.T) {
	inner := mirror(t)
	hidden := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the hidden server was reached") }))
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has no second loopback address: %v", err)
	}
	hidden.Listener = listener
	hidden.Start()
	t.Cleanup(hidden.Close)
	var to string
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusFound)
	}))
	t.Cleanup(outer.Close)
	e := endpoint(map[string]*invoke.ConnectionConfig{
		"key": {APIKey: &invoke.APIKeyAuth{Header: "X-Api-Key", ValueSecret: "k"}},
	}, map[string]string{"TERCEL_SECRET_K": "s3cret"})
	again := func() (*value.Value, error) {
		return ask(t, e, `{"ApiEndpoint": "`+outer.URL+`", "Method": "POST", "RequestBody": {}, "Authentication": {"ConnectionArn": "key"}}`)
	}
	to = inner.URL + "/there"
	result, err := again()
	if s := sawIn(t, result, err); s.Method != http.MethodGet || s.Path != "/there" || s.Header.Get("X-Api-Key") != "" {
		t.Errorf("after a redirect the server saw %+v", s)
	}
	to = hidden.URL
	_, err = again()
	wantError(t, err, "States.Http.Socket", "not a public one")
	to = "http://169.254.169.254/latest/meta-data/"
	_, err = again()
	wantError(t, err, "States.Http.Socket", "not a public one")
	to = outer.URL
	_, err = again()
	wantError(t, err, "States.Http.StatusCode.302", "")
}

func TestEndpointConnections(t *testing.T) {
	server := mirror(t)
	var tokens, refused atomic.Int32
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/guarded" {
			if r.Header.Get("Authorization") != "Bearer token-2" {
				refused.Add(1)
				w.WriteHeader(http.StatusUnauthorized)
			}
			return
		}
		if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_secret") != "hush" || r.FormValue("scope") != "read" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"access_token": "token-`+strconv.Itoa(int(tokens.Add(1)))+`", "expires_in": 3600}`)
	}))
	t.Cleanup(issuer.Close)
	oauth := &invoke.OAuth{TokenURL: issuer.URL + "/token", ClientID: "me", ClientSecretSecret: "oauth-secret", Body: map[string]string{"scope": "read"}}
	e := endpoint(map[string]*invoke.ConnectionConfig{
		"basic":  {Basic: &invoke.BasicAuth{Username: "ada", PasswordSecret: "pass"}, Headers: map[string]string{"X-Tenant": "7"}},
		"key":    {APIKey: &invoke.APIKeyAuth{Header: "Authorization", Prefix: "Key ", ValueSecret: "k"}, Query: map[string]string{"v": "2"}, Body: map[string]string{"extra": "yes"}},
		"oauth":  {OAuth: oauth},
		"lost":   {Basic: &invoke.BasicAuth{Username: "ada", PasswordSecret: "nowhere"}},
		"bound":  {Basic: &invoke.BasicAuth{Username: "ada", PasswordSecret: "pass"}, Hosts: []string{"*.example.com"}},
		"broken": {OAuth: &invoke.OAuth{TokenURL: issuer.URL + "/token", ClientID: "me", ClientSecretSecret: "pass"}},
	}, map[string]string{"TERCEL_SECRET_PASS": "lovelace", "TERCEL_SECRET_K": "42", "TERCEL_SECRET_OAUTH_SECRET": "hush"})
	with := func(connection, url string) (*value.Value, error) {
		return ask(t, e, `{"ApiEndpoint": "`+url+`", "Method": "POST", "RequestBody": {"a": 1}, "Authentication": {"ConnectionArn": "`+connection+`"}}`)
	}
	result, err := with("arn:aws:events:us-east-1:123456789012:connection/basic/81210c42-8af1-456b-9c4a-6ff02fc664ac", server.URL)
	if s := sawIn(t, result, err); s.Header.Get("Authorization") != "Basic YWRhOmxvdmVsYWNl" || s.Header.Get("X-Tenant") != "7" {
		t.Errorf("basic: %+v", s)
	}
	result, err = with("key", server.URL)
	if s := sawIn(t, result, err); s.Header.Get("Authorization") != "Key 42" || s.Query != "v=2" || s.Body != `{"a":1,"extra":"yes"}` {
		t.Errorf("key: %+v", s)
	}
	for range 2 {
		result, err = with("oauth", server.URL)
		if s := sawIn(t, result, err); s.Header.Get("Authorization") != "Bearer token-1" {
			t.Errorf("oauth: %+v", s)
		}
	}
	// A token that is refused is fetched anew, once.
	if _, err := with("oauth", issuer.URL+"/guarded"); err != nil || tokens.Load() != 2 || refused.Load() != 1 {
		t.Errorf("%v; %d tokens were fetched, %d requests refused", err, tokens.Load(), refused.Load())
	}
	_, err = with("absent", server.URL)
	wantError(t, err, "Events.ConnectionResource.NotFound", "no connection absent")
	_, err = with("lost", server.URL)
	wantError(t, err, "Events.ConnectionResource.InvalidConnectionState", "TERCEL_SECRET_NOWHERE")
	_, err = with("bound", server.URL)
	wantError(t, err, "Events.ConnectionResource.AccessDenied", "*.example.com")
	_, err = with("broken", server.URL)
	wantError(t, err, "Events.ConnectionResource.InvalidConnectionState", "400")
}

func TestConnectionCheck(t *testing.T) {
	for want, c := range map[string]invoke.ConnectionConfig{
		"exactly one of":        {},
		"username is missing":   {Basic: &invoke.BasicAuth{PasswordSecret: "p"}},
		"must be the name of a": {Basic: &invoke.BasicAuth{Username: "u", PasswordSecret: "../../etc/passwd"}},
		"token_url":             {OAuth: &invoke.OAuth{ClientID: "c", ClientSecretSecret: "s"}},
		"HTTP does not allow":   {APIKey: &invoke.APIKeyAuth{Header: "X Y", ValueSecret: "s"}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}
