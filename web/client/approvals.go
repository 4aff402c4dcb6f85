package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// ApprovalFilter chooses approvals. Zero fields choose all.
type ApprovalFilter struct {
	Approver  string   // those that are open and wait for this approver
	Execution string   // its id, MACHINE/NAME or ARN
	Status    []string // OPEN, APPROVED, REJECTED, TIMED_OUT, CANCELLED
}

// Approvals gives one page of approvals, newest first.
func (c *Client) Approvals(ctx context.Context, f ApprovalFilter, limit int, cursor string) (wire.ApprovalList, error) {
	query := url.Values{}
	setIf(query, "approver", f.Approver)
	setIf(query, "execution", f.Execution)
	setIf(query, "status", strings.Join(f.Status, ","))
	setIf(query, "cursor", cursor)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.ApprovalList
	err := c.call(ctx, http.MethodGet, "/api/v1/approvals", query, nil, &out)
	return out, err
}

// Approval gives one approval.
func (c *Client) Approval(ctx context.Context, id string) (wire.Approval, error) {
	var out wire.Approval
	err := c.call(ctx, http.MethodGet, approvalPath(id, ""), nil, nil, &out)
	return out, err
}

// Decide brings a decision and gives the approval as it stands after it.
func (c *Client) Decide(ctx context.Context, id string, in wire.Decide) (wire.Approval, error) {
	var out wire.Approval
	err := c.call(ctx, http.MethodPost, approvalPath(id, "/decide"), nil, in, &out)
	return out, err
}

// Delegate hands a decision on to somebody else.
func (c *Client) Delegate(ctx context.Context, id string, in wire.Delegate) (wire.Approval, error) {
	var out wire.Approval
	err := c.call(ctx, http.MethodPost, approvalPath(id, "/delegate"), nil, in, &out)
	return out, err
}

// ApprovalLink makes the link by which an approver decides.
func (c *Client) ApprovalLink(ctx context.Context, id, approver string) (string, error) {
	var out wire.Link
	err := c.call(ctx, http.MethodPost, approvalPath(id, "/links"), nil, wire.LinkRequest{As: approver}, &out)
	return out.URL, err
}

// PutNotifications sets by which ways the people of the namespace are told of approvals.
func (c *Client) PutNotifications(ctx context.Context, config json.RawMessage) error {
	return c.call(ctx, http.MethodPut, "/api/v1/notifications", nil, config, nil)
}

// Notifications gives by which ways the people of the namespace are told of approvals.
func (c *Client) Notifications(ctx context.Context) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.call(ctx, http.MethodGet, "/api/v1/notifications", nil, nil, &out)
	return out, err
}

func approvalPath(id, action string) string {
	return "/api/v1/approvals/" + url.PathEscape(id) + action
}
