package invoke

import (
	"context"
	"net/http"
)

// Exchange is what passes between http:invoke and its endpoint, for somebody who looks. Of several requests, because of redirects
// or a token that was renewed, it is the last one.
type Exchange struct {
	// Secrets says that what a connection adds to the request is kept too; else it is left out.
	Secrets bool

	Request  *HTTPMessage // nil: none was made
	Response *HTTPMessage // nil: none came
}

// HTTPMessage is a request or a response.
type HTTPMessage struct {
	Protocol string // such as HTTP/1.1
	Method   string // of a request
	URL      string // of a request
	Status   int    // of a response
	Header   http.Header
	Body     []byte
}

type exchangeKey struct{}

// WithExchange has the calls of http:invoke within a context note what passes.
func WithExchange(ctx context.Context, x *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeOf(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// sent notes a request.
func (x *Exchange) sent(req *http.Request, body []byte, asked *endpointCall, call *Invocation, c *ConnectionConfig) {
	if x == nil {
		return
	}
	x.Response = nil
	x.Request = &HTTPMessage{Protocol: req.Proto, Method: req.Method, URL: req.URL.String(), Header: req.Header.Clone(), Body: body}
	if c == nil || x.Secrets {
		return
	}
	u := *req.URL
	query := u.Query()
	for name := range c.Query {
		query.Del(name)
		query[name] = append(query[name], asked.query[name]...)
	}
	u.RawQuery = query.Encode()
	plain := &http.Request{Header: http.Header{}}
	asked.setHeaders(plain, nil, call, req.Header.Get("Content-Type"))
	x.Request.URL, x.Request.Header, x.Request.Body = u.String(), plain.Header, nil
	if asked.body != nil && body != nil {
		x.Request.Body, _, _ = asked.encode(nil) // it was encoded before, with more in it
	}
}

// received notes a response.
func (x *Exchange) received(resp *http.Response, body []byte) {
	if x != nil {
		x.Response = &HTTPMessage{Protocol: resp.Proto, Status: resp.StatusCode, Header: resp.Header, Body: body}
	}
}
