package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func activity(name, rest string) string { return "/api/v1/activities/" + url.PathEscape(name) + rest }

// CreateActivity creates an activity. One that is there already is given as it is.
func (c *Client) CreateActivity(ctx context.Context, name string) (wire.Activity, error) {
	var out wire.Activity
	err := c.call(ctx, http.MethodPut, activity(name, ""), nil, nil, &out)
	return out, err
}

// Activity gives an activity.
func (c *Client) Activity(ctx context.Context, name string) (wire.Activity, error) {
	var out wire.Activity
	err := c.call(ctx, http.MethodGet, activity(name, ""), nil, nil, &out)
	return out, err
}

// Activities gives one page of activities, by name.
func (c *Client) Activities(ctx context.Context, limit int, cursor string) (wire.ActivityList, error) {
	query := url.Values{}
	setIf(query, "cursor", cursor)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out wire.ActivityList
	err := c.call(ctx, http.MethodGet, "/api/v1/activities", query, nil, &out)
	return out, err
}

// DeleteActivity removes an activity.
func (c *Client) DeleteActivity(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, activity(name, ""), nil, nil, nil)
}

// PollActivity waits for a task of an activity, for a minute at most; it gives nil if none came. The worker's name is for
// the history.
func (c *Client) PollActivity(ctx context.Context, name, worker string, timeout time.Duration) (*wire.Task, error) {
	query := url.Values{}
	if timeout > 0 {
		query.Set("timeout", timeout.String())
	}
	var out wire.Polled
	err := c.call(ctx, http.MethodPost, activity(name, "/poll"), query, wire.Poll{Worker: worker}, &out)
	return out.Task, err
}
