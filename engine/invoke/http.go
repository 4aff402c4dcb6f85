package invoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// HTTPConfig is a function behind a URL. Arguments are sent as JSON; the body of a 2xx answer is the result. The
// operator names the URL, so it may lie on this machine or in a private network.
type HTTPConfig struct {
	URL              string            `json:"url" yaml:"url"`
	Method           string            `json:"method,omitempty" yaml:"method,omitempty"` // POST (the default), PUT or PATCH
	Headers          map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	TimeoutSeconds   float64           `json:"timeout_seconds,omitempty" yaml:"timeout_seconds,omitempty"`       // default 60, at most 900
	MaxResponseBytes int64             `json:"max_response_bytes,omitempty" yaml:"max_response_bytes,omitempty"` // default 6 MiB
}

// Check says what is wrong with the configuration.
func (c *HTTPConfig) Check() error {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return errors.New("url is missing")
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url %q must begin with http:// or https://", c.URL)
	case u.Host == "":
		return fmt.Errorf("url %q names no host", c.URL)
	}
	switch c.Method {
	case "", http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return fmt.Errorf("method %q cannot carry arguments; use POST, PUT or PATCH", c.Method)
	}
	for k, v := range c.Headers {
		if k == "" || strings.ContainsAny(k, " \t\r\n:") || strings.ContainsAny(v, "\r\n") {
			return fmt.Errorf("header %q has a name or a value that HTTP does not allow", k)
		}
	}
	if c.MaxResponseBytes < 0 {
		return errors.New("max_response_bytes is negative")
	}
	return checkTimeout(c.TimeoutSeconds)
}

// The headers that tell a function which task it works on.
const (
	HeaderIdempotencyKey = "Idempotency-Key"
	HeaderTraceparent    = "Traceparent"
	HeaderExecution      = "Tercel-Execution" // ARN
	HeaderStateMachine   = "Tercel-State-Machine"
	HeaderState          = "Tercel-State"   // percent-encoded as in a URL's path, since names may hold any character
	HeaderAttempt        = "Tercel-Attempt" // from 0
	HeaderTaskToken      = "Tercel-Task-Token"
)

// maxErrorBody is how much of the body of an answer that is no success is read.
const maxErrorBody = 64 << 10

// NewHTTPClient gives the client that the HTTP functions of a node share, with room for that many connections kept open
// to one host.
func NewHTTPClient(perHost int) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           4 * perHost,
			MaxIdleConnsPerHost:    perHost,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // so that the bound on the body bounds memory too
		},
		CheckRedirect: followRedirect,
	}
}

// followRedirect follows only redirects that keep method, body, scheme and host: the headers may hold secrets.
func followRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || next.Method != first.Method {
		return http.ErrUseLastResponse
	}
	return nil
}

// HTTP calls a function behind a URL.
type HTTP struct {
	Config HTTPConfig
	Client *http.Client
}

// Invoke sends the arguments and reads the result.
func (h *HTTP) Invoke(ctx context.Context, call *Invocation) (*value.Value, error) {
	limit := timeout(h.Config.TimeoutSeconds)
	callCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := h.request(callCtx, call)
	if err != nil {
		return nil, failure(ErrUnreachable, "making the request: %v", err)
	}
	resp, err := h.Client.Do(req) //nolint:bodyclose // drain closes it
	if err != nil {
		return nil, h.trouble(ctx, callCtx, err, limit)
	}
	defer drain(resp.Body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, h.statusError(resp)
	}
	bound := call.bound(h.Config.MaxResponseBytes)
	if resp.ContentLength > bound {
		return nil, failure(ErrDataLimit, "%s answered with %d bytes; at most %d are allowed", h.Config.URL, resp.ContentLength, bound)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, bound+1))
	if err != nil {
		if callCtx.Err() != nil {
			return nil, h.trouble(ctx, callCtx, err, limit)
		}
		return nil, failure(ErrInvalidResponse, "the answer of %s broke off: %v", h.Config.URL, err)
	}
	if int64(len(body)) > bound {
		return nil, failure(ErrDataLimit, "%s answered with more than %d bytes, the most that is allowed", h.Config.URL, bound)
	}
	return parseResult(body, "the answer of "+h.Config.URL)
}

func (h *HTTP) request(ctx context.Context, call *Invocation) (*http.Request, error) {
	method := h.Config.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, h.Config.URL, bytes.NewReader(call.Arguments.JSON()))
	if err != nil {
		return nil, err
	}
	set := req.Header.Set
	set("Content-Type", "application/json")
	set("Accept", "application/json")
	set("User-Agent", "tercel")
	for k, v := range h.Config.Headers {
		set(k, v)
	}
	set(HeaderIdempotencyKey, call.IdempotencyKey)
	set(HeaderExecution, headerText(call.ExecutionARN))
	set(HeaderStateMachine, headerText(call.StateMachine))
	set(HeaderState, url.PathEscape(call.State))
	set(HeaderAttempt, strconv.Itoa(call.Attempt))
	if call.Token != "" {
		set(HeaderTaskToken, call.Token)
	}
	if call.TraceContext != "" {
		set(HeaderTraceparent, headerText(call.TraceContext))
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return req, nil
}

// headerText makes text fit for a header: names may hold any character, headers may not.
func headerText(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return url.PathEscape(s)
		}
	}
	return s
}

// trouble names what went wrong on the way. Of a context that the caller ended it gives the context's error.
func (h *HTTP) trouble(ctx, callCtx context.Context, err error, limit time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if callCtx.Err() != nil {
		return failure(ErrTimeout, "%s did not answer within %s", h.Config.URL, limit)
	}
	return failure(ErrUnreachable, "%v", err)
}

func (h *HTTP) statusError(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if named := namedError(body); err == nil && named != nil {
		return named
	}
	name := "HTTP." + strconv.Itoa(resp.StatusCode)
	cause := fmt.Sprintf("%s answered %s", h.Config.URL, resp.Status)
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < 400 {
		cause += ", a redirect to " + to + " which is not followed"
	}
	if text := strings.TrimSpace(strings.ToValidUTF8(string(body), "�")); text != "" {
		cause += ": " + text
	}
	return failure(name, "%s", cause)
}

// drain reads the rest of a short body, so that the connection can be used again, and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 16<<10) // best effort: a connection that fails here is only not used again
	_ = body.Close()
}
