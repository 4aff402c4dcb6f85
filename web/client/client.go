// Package client speaks the native API of a Tercel server.
//
// Every method returns *Error for an answer of the server that is not a success, *UnreachableError if there was no
// answer, and the context's error if that ended first.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// maxAnswer bounds the answers that the client reads into memory.
const maxAnswer = 256 << 20

// Client speaks to one server on behalf of one namespace. Its fields must not change after the first call; it is safe
// for concurrent use.
type Client struct {
	Server    string // base URL, such as http://127.0.0.1:8083
	Namespace string // "" means the server's default
	Key       string // access key, tercel_...; "" for a server that asks for none
	UserAgent string
	HTTP      *http.Client // nil means http.DefaultClient. It must have no timeout of its own, for Events and Wait.
}

// Error is an answer that says no.
type Error struct {
	Status int // of HTTP
	wire.Problem
}

// Error gives the message and the code; the diagnostics of a definition are not part of it.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return fmt.Sprintf("%s (%s)", e.Message, e.Code)
}

// UnreachableError says that no server answered.
type UnreachableError struct {
	Server string
	Err    error
}

// Error says what was tried and what to do about it.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no Tercel server answers at %s: %v\n"+
		"Start one with `tercel dev`, or name another with --server or TERCEL_SERVER.", e.Server, rootCause(e.Err))
}

// Unwrap gives what the network said.
func (e *UnreachableError) Unwrap() error { return e.Err }

// rootCause leaves out the method and URL that net/http puts in front.
func rootCause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// call makes one request and decodes its answer into out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	contentType := ""
	switch in := in.(type) {
	case nil:
	case rawBody:
		body, contentType = bytes.NewReader(in.text), in.contentType
	default:
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false) // payloads travel unchanged
		if err := enc.Encode(in); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		body, contentType = &buf, "application/json"
	}
	resp, err := c.do(ctx, method, path, query, body, contentType, "application/json", nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.lost(ctx, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer of %s: %w; is it a Tercel server?", c.Server, err)
	}
	return nil
}

// rawBody is a body that goes out as it is.
type rawBody struct {
	text        []byte
	contentType string
}

// do sends a request and turns everything but a success into an error. The caller closes the body.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body io.Reader,
	contentType, accept string, header http.Header,
) (*http.Response, error) {
	target := strings.TrimSuffix(c.Server, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, fmt.Errorf("the server %q is no URL, such as http://127.0.0.1:8083: %w", c.Server, err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", accept)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Namespace != "" {
		req.Header.Set(wire.NamespaceHeader, c.Namespace)
	}
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	return nil, c.refusal(resp)
}

// lost tells a call that was given up from a server that does not answer.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &UnreachableError{Server: c.Server, Err: err}
}

// refusal reads an answer that says no. Something else than a Tercel server may have given it.
func (c *Client) refusal(resp *http.Response) error {
	e := &Error{Status: resp.StatusCode}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(text, &e.Problem) != nil || e.Message == "" {
		e.Problem = wire.Problem{Message: fmt.Sprintf("%s answered %s, not in the words of a Tercel server; is the URL right?",
			c.Server, resp.Status)}
	}
	return e
}

// IsCode tells whether err is a refusal of the server with that code.
func IsCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
