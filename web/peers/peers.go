// Package peers carries calls from one node to the node that owns an execution, over HTTP.
//
// Both ends sign with a key that all nodes of a cluster derive from the database: the header Tercel-Signature is the
// HMAC-SHA256 of the time, the path and the body. A call that is unsigned, altered, or more than five minutes off is
// refused. What it asks for is idempotent (a token is accepted once, a stopped execution stays stopped), so a call that
// is replayed within that time does no harm.
package peers

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

// Path is where a node takes forwarded calls.
const Path = "/internal/v1/forward"

const (
	timeHeader      = "Tercel-Time"
	signatureHeader = "Tercel-Signature"
	maxSkew         = 5 * time.Minute
	maxAnswer       = 1 << 20
	callTimeout     = 10 * time.Second
)

// Peers is the way to the other nodes, and the door for them. It implements engine.Peers.
type Peers struct {
	key     func() []byte
	now     func() time.Time
	client  *http.Client
	maxBody int64
}

// New makes it. The key is asked for at each call, since an engine knows it only once it has started; maxBody bounds the
// calls that are taken, in bytes.
func New(key func() []byte, maxBody int64) *Peers {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // nodes reach each other directly
	transport.MaxIdleConnsPerHost = 64
	return &Peers{
		key: key, now: time.Now, maxBody: maxBody,
		client: &http.Client{
			Transport: transport,
			Timeout:   callTimeout,
			// A signed call goes to the node it was signed for, nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Forward implements engine.Peers.
func (p *Peers) Forward(ctx context.Context, node engine.Node, call engine.ForwardedCall) error {
	if node.Address == "" {
		return fmt.Errorf("node %s has no address; start it with --advertise-url", node.ID)
	}
	body, err := json.Marshal(call)
	if err != nil {
		return fmt.Errorf("encoding a call for node %s: %w", node.ID, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(node.Address, "/")+Path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling node %s at %q: %w", node.ID, node.Address, err)
	}
	at := strconv.FormatInt(p.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(timeHeader, at)
	req.Header.Set(signatureHeader, p.sign(at, body))
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("calling node %s: %w", node.ID, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of node %s: %w", node.ID, err)
	}
	refused := &engine.Error{}
	if resp.StatusCode == http.StatusConflict && json.Unmarshal(text, refused) == nil && refused.Code != "" {
		return refused
	}
	return fmt.Errorf("node %s answered %s: %s", node.ID, resp.Status, bytes.TrimSpace(text))
}

// Handler takes the calls of other nodes and gives them to handle, which is Engine.HandleForwarded.
func (p *Peers) Handler(handle func(context.Context, engine.ForwardedCall) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, p.maxBody))
		if err != nil {
			http.Error(w, "the call is too large or broke off", http.StatusRequestEntityTooLarge)
			return
		}
		if err := p.verify(r.Header, body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var call engine.ForwardedCall
		if err := json.Unmarshal(body, &call); err != nil {
			http.Error(w, "the call is not valid: "+err.Error(), http.StatusBadRequest)
			return
		}
		var refused *engine.Error
		switch err := handle(r.Context(), call); {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.As(err, &refused):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(refused) // the caller may have gone
		default:
			http.Error(w, "this node could not carry the call out", http.StatusServiceUnavailable)
		}
	})
}

// sign gives the signature of a call.
func (p *Peers) sign(at string, body []byte) string {
	mac := hmac.New(sha256.New, p.key())
	mac.Write([]byte("tercel forward\n" + at + "\n" + Path + "\n"))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// verify checks that a node of this cluster signed the call, not long ago.
func (p *Peers) verify(header http.Header, body []byte) error {
	at, signature := header.Get(timeHeader), header.Get(signatureHeader)
	if signature == "" {
		return errors.New("the call is not signed; only nodes of this cluster may make it")
	}
	if len(p.key()) == 0 {
		return errors.New("this node has not started yet")
	}
	if !hmac.Equal([]byte(signature), []byte(p.sign(at, body))) {
		return errors.New("the signature is wrong; do both nodes use the same database?")
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return errors.New("the time of the call is no number")
	}
	if skew := p.now().Sub(time.Unix(seconds, 0)); skew.Abs() > maxSkew {
		return fmt.Errorf("the call is %s off this node's clock; see to the clocks of the nodes", skew.Abs().Round(time.Second))
	}
	return nil
}
