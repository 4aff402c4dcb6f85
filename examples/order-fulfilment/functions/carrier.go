package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// handover is a parcel that the carrier has and will report on.
type handover struct {
	Token    string    `json:"token"`
	Simulate string    `json:"simulate"`
	ReportAt time.Time `json:"report_at"`
}

// carrier takes parcels and reports on each after a while, by completing the task whose token came with the parcel.
type carrier struct {
	shop   *shop
	tercel string
	delay  time.Duration
	client *http.Client
}

func newCarrier(s *shop, tercel string, delay time.Duration) *carrier {
	return &carrier{s, strings.TrimSuffix(tercel, "/"), delay, &http.Client{Timeout: 10 * time.Second}}
}

type carrierArgs struct {
	Booking  string `json:"booking"`
	Token    string `json:"token"`
	Simulate string `json:"simulate"`
}

type accepted struct {
	Accepted bool `json:"accepted"`
}

// accept takes a parcel. What it answers only says that: the result of the state is what the carrier reports later.
func (c *carrier) accept(in carrierArgs) (accepted, error) {
	if in.Booking == "" || in.Token == "" {
		return accepted{}, &fault{http.StatusBadRequest, "Carrier.BadRequest", "booking and token are needed"}
	}
	c.shop.Handover[in.Booking] = handover{in.Token, in.Simulate, time.Now().Add(c.delay)}
	return accepted{true}, nil
}

// run reports on parcels until ctx ends. A report that Tercel does not take, because it is being restarted, is made again.
func (c *carrier) run(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.reportDue(ctx)
		}
	}
}

func (c *carrier) reportDue(ctx context.Context) {
	due := map[string]handover{}
	c.shop.mu.Lock()
	for booking, h := range c.shop.Handover {
		if h.Simulate != "silent" && !time.Now().Before(h.ReportAt) {
			due[booking] = h
		}
	}
	c.shop.mu.Unlock()
	for booking, h := range due {
		err := c.report(ctx, booking, h)
		c.shop.mu.Lock()
		if err != nil {
			slog.Warn("the carrier's report was not taken and will be made again", "booking", booking, "error", err)
		}
		// Meanwhile the booking may have been cancelled, or handed over anew.
		if now, there := c.shop.Handover[booking]; there && now.Token == h.Token {
			if err == nil {
				delete(c.shop.Handover, booking)
			} else {
				h.ReportAt = time.Now().Add(300 * time.Millisecond)
				c.shop.Handover[booking] = h
			}
		}
		if err := c.shop.save(); err != nil {
			slog.Error("remembering a report", "error", err)
		}
		c.shop.mu.Unlock()
	}
}

// report tells Tercel what became of a parcel. An error means that it should be told again.
func (c *carrier) report(ctx context.Context, booking string, h handover) error {
	path, body := "/api/v1/tasks/success", map[string]any{
		"token": h.Token, "output": map[string]any{"tracking": "TRK-" + booking, "delivered": true},
	}
	if h.Simulate == "lost" {
		path, body = "/api/v1/tasks/failure", map[string]any{
			"token": h.Token, "error": "Carrier.ParcelLost", "cause": "the parcel of " + booking + " fell off the cart",
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.tercel+path, bytes.NewReader(encode(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < 300:
		slog.Info("the carrier reported", "booking", booking)
		return nil
	case resp.StatusCode < 500:
		// Nobody waits for this report any more: the state timed out, or the execution was stopped.
		slog.Warn("the carrier's report came too late", "booking", booking, "status", resp.Status)
		return nil
	default:
		return fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
}
