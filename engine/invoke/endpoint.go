package invoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Endpoint calls the HTTP API that a task names (http:invoke). It is an Invoker. A response below 300 is the result, as an
// object with Headers, StatusCode, StatusText and ResponseBody; any other is the error States.Http.StatusCode.<status>
// with the body as its cause.
type Endpoint struct {
	Client  *http.Client // see NewGuardedClient; it follows no redirects
	Secrets Secrets
	// Connection gives a connection by its name, or nil.
	Connection func(ctx context.Context, namespace, name string) (*ConnectionConfig, error)

	tokens tokens
}

// The names of the errors of http:invoke.
const (
	errSocket            = "States.Http.Socket"
	errStatus            = "States.Http.StatusCode."
	errConnectionMissing = "Events.ConnectionResource.NotFound"
	errConnectionState   = "Events.ConnectionResource.InvalidConnectionState"
	errConnectionAuth    = "Events.ConnectionResource.AuthorizationInProgress"
	errConnectionAccess  = "Events.ConnectionResource.AccessDenied"
)

const (
	endpointTimeout  = 60 * time.Second
	maxRedirects     = 10
	maxEndpointBytes = 256 << 10 // of a request's body, and of a response's
)

// forbiddenHeaders are those that definitions cannot set: they are the connection's own, or the way's.
var forbiddenHeaders = []string{
	"Authorization", "Connection", "Content-Md5", "Date", "Expect", "Host", "Max-Forwards", "Proxy-Authenticate", "Server", "Te",
	"Transfer-Encoding", "Trailer", "Upgrade", "Via", "Www-Authenticate", "X-Forwarded-For",
}

// endpointCall is what a task asks for.
type endpointCall struct {
	url, method string
	headers     http.Header
	query       url.Values
	body        *value.Value
	form        bool
	arrays      string // how a form writes arrays
	connection  string
}

// Invoke makes the request.
func (e *Endpoint) Invoke(ctx context.Context, call *Invocation) (*value.Value, error) {
	asked, err := readEndpointCall(call.Arguments)
	if err != nil {
		return nil, Unusable(call.Arguments, err.Error())
	}
	var connection *ConnectionConfig
	if asked.connection != "" {
		if connection, err = e.connect(ctx, call.Namespace, asked); err != nil {
			return nil, err
		}
	}
	callCtx, cancel := context.WithTimeout(ctx, endpointTimeout)
	defer cancel()
	resp, err := e.exchange(callCtx, call, asked, connection) //nolint:bodyclose // drain closes it
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if _, named := errors.AsType[*TaskError](err); named {
			return nil, err
		}
		if forbidden, ok := errors.AsType[*ForbiddenError](err); ok {
			err = forbidden
		}
		return nil, failure(errSocket, "%v", err)
	}
	defer drain(resp.Body)
	return outcome(resp, call)
}

// connect finds the connection that a call names.
func (e *Endpoint) connect(ctx context.Context, namespace string, asked *endpointCall) (*ConnectionConfig, error) {
	name := ConnectionName(asked.connection)
	if name == "" || e.Connection == nil {
		return nil, failure(errConnectionMissing, "%q names no connection", asked.connection)
	}
	c, err := e.Connection(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, failure(errConnectionMissing, "there is no connection %s in namespace %s", name, namespace)
	}
	target, err := url.Parse(asked.url)
	if err != nil || !c.fits(target.Hostname()) {
		return nil, failure(errConnectionAccess, "connection %s is for %s only", name, strings.Join(c.Hosts, ", "))
	}
	return c, nil
}

// fits tells whether the connection may be used with a host.
func (c *ConnectionConfig) fits(host string) bool {
	for _, pattern := range c.Hosts {
		suffix, wild := strings.CutPrefix(pattern, "*")
		if strings.EqualFold(pattern, host) || wild && strings.HasSuffix(strings.ToLower(host), strings.ToLower(suffix)) {
			return true
		}
	}
	return len(c.Hosts) == 0
}

// ConnectionName gives the name of a connection from what a definition says: a name, or the ARN that Amazon EventBridge
// has for one, arn:aws:events:REGION:ACCOUNT:connection/NAME/ID.
func ConnectionName(ref string) string {
	if _, rest, ok := strings.Cut(ref, ":connection/"); ok {
		ref, _, _ = strings.Cut(rest, "/")
	}
	return strings.TrimPrefix(ref, "connection:")
}

// exchange makes the request, follows redirects, and tries once more with a new token if the one it had was refused.
func (e *Endpoint) exchange(ctx context.Context, call *Invocation, asked *endpointCall, c *ConnectionConfig) (*http.Response, error) {
	target, err := asked.target(c)
	if err != nil {
		return nil, Unusable(call.Arguments, err.Error())
	}
	method, body, contentType := asked.method, []byte(nil), ""
	if asked.body != nil || c != nil && len(c.Body) > 0 {
		if body, contentType, err = asked.encode(c); err != nil {
			return nil, Unusable(call.Arguments, err.Error())
		}
	}
	origin, renewed := target.Host, false
	for redirects := 0; ; {
		req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		asked.setHeaders(req, c, call, contentType)
		key := ""
		if c != nil && target.Host == origin { // what proves who we are is for the host that the definition names
			if key, err = e.credentials(ctx, c, req); err != nil {
				return nil, connectionTrouble(err)
			}
		}
		exchangeOf(ctx).sent(req, body, asked, call, c)
		resp, err := e.Client.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusUnauthorized && key != "" && !renewed {
			drain(resp.Body)
			e.tokens.drop(key)
			renewed = true
			continue
		}
		next := redirect(resp)
		if next == nil || redirects == maxRedirects {
			return resp, nil
		}
		drain(resp.Body)
		redirects++
		target = next
		if resp.StatusCode == http.StatusSeeOther ||
			method == http.MethodPost && (resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusFound) {
			method, body, contentType = http.MethodGet, nil, ""
		}
	}
}

// connectionTrouble is the error of a connection whose credentials cannot be had.
func connectionTrouble(err error) error {
	if forbidden, ok := errors.AsType[*ForbiddenError](err); ok {
		return failure(errSocket, "%v", forbidden)
	}
	if _, network := errors.AsType[*url.Error](err); network {
		return failure(errConnectionAuth, "%v", err)
	}
	return failure(errConnectionState, "%v", err)
}

// redirect gives where an answer points to; nil if it is none that is followed.
func redirect(resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	to, err := resp.Location()
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || resp.Request.URL.Scheme == "https" && to.Scheme == "http" {
		return nil
	}
	return to
}

func readEndpointCall(arguments *value.Value) (*endpointCall, error) {
	c := &endpointCall{url: TextOf(arguments, "ApiEndpoint"), method: strings.ToUpper(TextOf(arguments, "Method")), headers: http.Header{}, query: url.Values{}}
	u, err := url.Parse(c.url)
	switch {
	case c.url == "":
		return nil, errors.New("The field 'ApiEndpoint' is required but was missing")
	case c.method == "":
		return nil, errors.New("The field 'Method' is required but was missing")
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("The value for the field 'ApiEndpoint' must be a URL")
	case u.User != nil:
		return nil, errors.New("The value for the field 'ApiEndpoint' must not hold credentials; use a connection")
	case !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}, c.method):
		return nil, errors.New("The value for the field 'Method' must be GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS")
	}
	for _, holder := range []string{"Authentication", "InvocationConfig"} {
		if name := TextOf(arguments.Get(holder), "ConnectionArn"); name != "" {
			c.connection = name
		}
	}
	if err := c.readHeaders(arguments.Get("Headers")); err != nil {
		return nil, err
	}
	eachText(arguments.Get("QueryParameters"), func(name, text string) { c.query.Add(name, text) })
	if c.body = arguments.Get("RequestBody"); c.body != nil && c.body.IsNull() {
		c.body = nil
	}
	transform := arguments.Get("Transform")
	switch encoding := TextOf(transform, "RequestBodyEncoding"); encoding {
	case "", "NONE":
	case "URL_ENCODED":
		c.form = true
	default:
		return nil, fmt.Errorf("The value for the field 'RequestBodyEncoding' must be NONE or URL_ENCODED, not %q", encoding)
	}
	c.arrays = TextOf(transform.Get("RequestEncodingOptions"), "ArrayFormat")
	if !slices.Contains([]string{"", "INDICES", "REPEAT", "COMMAS", "BRACKETS", "NONE"}, c.arrays) {
		return nil, fmt.Errorf("The value for the field 'ArrayFormat' must be INDICES, REPEAT, COMMAS, BRACKETS or NONE, not %q", c.arrays)
	}
	return c, nil
}

func (c *endpointCall) readHeaders(headers *value.Value) error {
	var bad error
	eachText(headers, func(name, text string) {
		key := http.CanonicalHeaderKey(name)
		switch {
		case slices.Contains(forbiddenHeaders, key), strings.HasPrefix(key, "X-Amz-"), strings.HasPrefix(key, "X-Amzn-"):
			bad = fmt.Errorf("The header '%s' cannot be set", name)
		case checkHeaders(map[string]string{name: text}) != nil:
			bad = fmt.Errorf("The header '%s' has a name or a value that HTTP does not allow", name)
		}
		c.headers.Add(key, text)
	})
	return bad
}

// eachText calls do for each member of an object, and for each element of one that is an array.
func eachText(object *value.Value, do func(name, text string)) {
	if object == nil {
		return
	}
	for i, name := range object.Keys() {
		v := object.At(i)
		if v.Kind() != value.Array {
			do(name, plain(v))
			continue
		}
		for _, e := range v.Elems() {
			do(name, plain(e))
		}
	}
}

// plain gives a text as it is, and anything else as JSON.
func plain(v *value.Value) string {
	if v.Kind() == value.String {
		return v.Text()
	}
	return v.String()
}

// target is the URL with its query: that of the endpoint, the definition's, the connection's.
func (c *endpointCall) target(connection *ConnectionConfig) (*url.URL, error) {
	u, err := url.Parse(c.url)
	if err != nil {
		return nil, err
	}
	if u.Path != "" && path.Clean(u.Path) == "." {
		u.Path = "/"
	}
	query := u.Query()
	for name, list := range c.query {
		query[name] = append(query[name], list...)
	}
	if connection != nil {
		for name, text := range connection.Query {
			query.Set(name, text)
		}
	}
	u.RawQuery = query.Encode()
	u.Fragment = ""
	return u, nil
}

func (c *endpointCall) setHeaders(req *http.Request, connection *ConnectionConfig, call *Invocation, contentType string) {
	req.Header.Set("User-Agent", "tercel")
	req.Header.Set("Range", "bytes=0-"+strconv.Itoa(maxEndpointBytes))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	maps.Copy(req.Header, c.headers)
	if connection != nil {
		for name, text := range connection.Headers {
			req.Header.Set(name, text)
		}
	}
	if req.Header.Get(HeaderIdempotencyKey) == "" {
		req.Header.Set(HeaderIdempotencyKey, call.IdempotencyKey)
	}
	if call.TraceContext != "" && req.Header.Get(HeaderTraceparent) == "" {
		req.Header.Set(HeaderTraceparent, headerText(call.TraceContext))
	}
}

// encode writes the body: as JSON, or as a form.
func (c *endpointCall) encode(connection *ConnectionConfig) (body []byte, contentType string, err error) {
	v := c.body
	if connection != nil && len(connection.Body) > 0 {
		if v, err = withBody(v, connection.Body); err != nil {
			return nil, "", err
		}
	}
	contentType = "application/json"
	switch {
	case c.form:
		contentType = "application/x-www-form-urlencoded"
		if v.Kind() != value.Object {
			return nil, "", errors.New("The value for the field 'RequestBody' must be an object to be encoded as a form")
		}
		body = []byte(c.encodeForm(v))
	case v.Kind() == value.String && !isJSONType(c.headers.Get("Content-Type")) && c.headers.Get("Content-Type") != "":
		body = []byte(v.Text())
	default:
		body = v.JSON()
	}
	if len(body) > maxEndpointBytes {
		return nil, "", fmt.Errorf("The request body has %d bytes; at most %d are allowed", len(body), maxEndpointBytes)
	}
	return body, contentType, nil
}

// withBody adds what a connection adds to bodies.
func withBody(v *value.Value, more map[string]string) (*value.Value, error) {
	var o value.Members
	if v != nil {
		if v.Kind() != value.Object {
			return nil, errors.New("The value for the field 'RequestBody' must be an object, since the connection adds members")
		}
		for i, key := range v.Keys() {
			if _, over := more[key]; !over {
				o.Set(key, v.At(i))
			}
		}
	}
	names := make([]string, 0, len(more))
	for name := range more {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o.Set(name, value.FromString(more[name]))
	}
	return o.Object(), nil
}

// encodeForm writes an object as a form: a.b as a[b], arrays as ArrayFormat says.
func (c *endpointCall) encodeForm(v *value.Value) string {
	var pairs []string
	add := func(name, text string) { pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(text)) }
	var walk func(name string, v *value.Value)
	walk = func(name string, v *value.Value) {
		switch v.Kind() {
		case value.Object:
			for i, key := range v.Keys() {
				walk(name+"["+key+"]", v.At(i))
			}
		case value.Array:
			c.encodeArray(name, v, walk, add)
		case value.Null:
			add(name, "")
		case value.String, value.Bool, value.Number:
			add(name, plain(v))
		}
	}
	for i, key := range v.Keys() {
		walk(key, v.At(i))
	}
	return strings.Join(pairs, "&")
}

func (c *endpointCall) encodeArray(name string, v *value.Value, walk func(string, *value.Value), add func(name, text string)) {
	switch c.arrays {
	case "COMMAS":
		texts := make([]string, 0, v.Len())
		for _, e := range v.Elems() {
			texts = append(texts, plain(e))
		}
		add(name, strings.Join(texts, ","))
	case "NONE":
		add(name, v.String())
	default:
		for i, e := range v.Elems() {
			at := name
			switch c.arrays {
			case "", "INDICES":
				at += "[" + strconv.Itoa(i) + "]"
			case "BRACKETS":
				at += "[]"
			}
			walk(at, e)
		}
	}
}

// outcome makes the result of a response, or the error.
func outcome(resp *http.Response, call *Invocation) (*value.Value, error) {
	bound := call.bound(maxEndpointBytes)
	body, err := io.ReadAll(io.LimitReader(resp.Body, bound+1))
	if err != nil {
		return nil, failure(errSocket, "the response broke off: %v", err)
	}
	if int64(len(body)) > bound {
		return nil, failure(ErrDataLimit, "the response has more than %d bytes, the most that is allowed", bound)
	}
	exchangeOf(resp.Request.Context()).received(resp, body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		cause := strings.ToValidUTF8(string(body), "�")
		if cause == "" {
			cause = http.StatusText(resp.StatusCode)
		}
		return nil, &TaskError{Name: errStatus + strconv.Itoa(resp.StatusCode), Cause: clip(cause, maxCause)}
	}
	var headers, o value.Members
	names := make([]string, 0, len(resp.Header))
	for name := range resp.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var list []*value.Value
		for _, text := range resp.Header[name] {
			list = append(list, value.FromString(strings.ToValidUTF8(text, "�")))
		}
		headers.Set(strings.ToLower(name), value.FromArray(list))
	}
	o.Set("Headers", headers.Object())
	o.Set("ResponseBody", responseBody(resp.Header.Get("Content-Type"), body))
	o.Set("StatusCode", value.FromInt(int64(resp.StatusCode)))
	o.Set("StatusText", value.FromString(http.StatusText(resp.StatusCode)))
	return o.Object(), nil
}

// responseBody is JSON if it is sent as that, else a text.
func responseBody(contentType string, body []byte) *value.Value {
	if len(body) == 0 {
		return value.FromString("")
	}
	if isJSONType(contentType) || contentType == "" && json.Valid(body) {
		if v, err := value.Parse(body); err == nil {
			return v
		}
	}
	if !utf8.Valid(body) {
		return value.FromString(strings.ToValidUTF8(string(body), "�"))
	}
	return value.FromString(string(body))
}

func isJSONType(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}
