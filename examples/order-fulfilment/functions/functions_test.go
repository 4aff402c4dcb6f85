package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// client calls the functions of a shop as Tercel would.
type client struct {
	t   *testing.T
	url string
}

func open(t *testing.T, file string) client {
	t.Helper()
	s, err := openShop(file)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(s, newCarrier(s, "http://127.0.0.1:1", time.Hour)))
	t.Cleanup(server.Close)
	return client{t, server.URL}
}

func (c client) call(function, key, body string) (int, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.url+function, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, out
}

// TestOnce delivers steps twice, before and after a restart: each is done once, and failures are remembered too.
func TestOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.json")
	c := open(t, file)
	const flaky = `{"order":"o1","amount":700,"card":"4242424242424242","simulate":"flaky"}`
	for range 2 {
		if status, out := c.call("/payment", "k1", flaky); status != 503 || out["errorType"] != "Payment.GatewayUnavailable" {
			t.Fatalf("the first attempt gave %d %v", status, out)
		}
	}
	for range 2 {
		if status, out := c.call("/payment", "k2", flaky); status != 200 || out["payment"] != "pay-o1" {
			t.Fatalf("the second attempt gave %d %v", status, out)
		}
	}
	c = open(t, file)
	if status, _ := c.call("/payment", "k2", flaky); status != 200 {
		t.Fatalf("delivered again after a restart: %d", status)
	}
	if _, out := c.call("/refund", "k3", `{"order":"o1"}`); out["refunded"] != 700.0 {
		t.Errorf("refunded %v, want the 700 that were charged once", out)
	}
	if _, out := c.call("/refund", "k4", `{"order":"o1"}`); out["refunded"] != 0.0 {
		t.Errorf("a second refund gave %v, want nothing", out)
	}
}

func TestStock(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "shop.json"))
	status, out := c.call("/reserve", "k1", `{"order":"o1","lines":[{"article":"tea","quantity":2},{"article":"samovar","quantity":1}]}`)
	if status != 409 || out["errorType"] != "Stock.Insufficient" {
		t.Fatalf("got %d %v", status, out)
	}
	if _, out := c.call("/release", "k2", `{"order":"o1"}`); out["reserved"] != nil {
		t.Errorf("released %v of an order that reserved nothing", out)
	}
	if status, out := c.call("/reserve", "k3", `{"order":"o2","lines":[{"article":"tea","quantity":2},{"article":"tea","quantity":1}]}`); status != 200 ||
		out["reserved"].(map[string]any)["tea"] != 3.0 {
		t.Errorf("got %d %v", status, out)
	}
}

func TestBadRequests(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "shop.json"))
	for _, test := range []struct{ function, key, body, want string }{
		{"/payment", "", `{}`, "Shop.BadRequest"},
		{"/payment", "k", `{`, "Shop.BadRequest"},
		{"/payment", "k", `{"ordre":"o1"}`, "Shop.BadRequest"},
		{"/payment", "k", `{}`, "Payment.Invalid"},
		{"/payment", "k1", `{"order":"o1","amount":1,"card":"4242","simulate":"declined"}`, "Payment.Declined"},
		{"/book", "k", `{"order":"o1","method":"pigeon"}`, "Shipping.UnknownMethod"},
		{"/carrier", "k", `{"booking":"b1"}`, "Carrier.BadRequest"},
	} {
		if status, out := c.call(test.function, test.key, test.body); status < 400 || out["errorType"] != test.want {
			t.Errorf("%s %s gave %d %v, want %s", test.function, test.body, status, out, test.want)
		}
	}
}
