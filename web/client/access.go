package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// CreateKey makes an access key. Its secrets are in the answer, and can be had never again.
func (c *Client) CreateKey(ctx context.Context, key wire.NewKey) (wire.CreatedKey, error) {
	var out wire.CreatedKey
	err := c.call(ctx, http.MethodPost, "/api/v1/keys", nil, key, &out)
	return out, err
}

// Keys gives all access keys, newest first.
func (c *Client) Keys(ctx context.Context) (wire.KeyList, error) {
	var out wire.KeyList
	err := c.call(ctx, http.MethodGet, "/api/v1/keys", nil, nil, &out)
	return out, err
}

// RevokeKey revokes an access key for good.
func (c *Client) RevokeKey(ctx context.Context, id string) (wire.Key, error) {
	var out wire.Key
	err := c.call(ctx, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(id), nil, nil, &out)
	return out, err
}

// AuditFilter chooses entries of the audit. Zero fields choose all.
type AuditFilter struct {
	Since, Until  time.Time
	Actor, Action string
}

// Audit gives one page of the audit, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter, limit int, cursor string) (wire.Audit, error) {
	query := url.Values{}
	setIf(query, "actor", f.Actor)
	setIf(query, "action", f.Action)
	setIf(query, "cursor", cursor)
	for name, t := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.Audit
	err := c.call(ctx, http.MethodGet, "/api/v1/audit", query, nil, &out)
	return out, err
}

// Ready tells whether the server can work: it gives its own words, and an error if it cannot. It needs no key.
func (c *Client) Ready(ctx context.Context) (wire.Health, error) {
	var out wire.Health
	err := c.call(ctx, http.MethodGet, "/readyz", nil, nil, &out)
	return out, err
}
