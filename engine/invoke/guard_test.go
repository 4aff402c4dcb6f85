package invoke_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

func TestGuard(t *testing.T) {
	allowed := []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}
	refused := []string{
		"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "::", "100.64.0.1", "224.0.0.1", "ff02::1",
		"255.255.255.255", "198.18.0.1", "240.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "::127.0.0.1", "::10.0.0.1",
		"2002:7f00:1::", "2001:0:7f00:1::", "fec0::1",
	}
	var guard invoke.Guard
	for _, text := range allowed {
		if !guard.Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
	for _, text := range refused {
		if guard.Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s is allowed", text)
		}
		if !(invoke.Guard{AllowPrivate: true}).Allows(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused although all are allowed", text)
		}
	}
	networks, err := invoke.ParsePrefixes([]string{"10.0.0.0/8", "127.0.0.1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	guard.Allow = networks
	for text, want := range map[string]bool{
		"10.200.3.4": true, "127.0.0.1": true, "127.0.0.2": false, "fd12::1": true, "::ffff:10.0.0.1": true, "192.168.0.1": false,
	} {
		if got := guard.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
	if _, err := invoke.ParsePrefixes([]string{"10.0.0.0/99"}); err == nil {
		t.Error("10.0.0.0/99 is taken for a network")
	}
}

// The address is checked when the connection is made, so it does not matter which name it has, and what that name resolved
// to a moment ago.
func TestGuardedClientChecksWhatItConnectsTo(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := invoke.NewGuardedClient(invoke.Guard{})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		resp, err := get(t.Context(), client, "http://"+host+":"+port)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s was reached", host)
			continue
		}
		if _, forbidden := errors.AsType[*invoke.ForbiddenError](err); !forbidden {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached {
		t.Error("the server was reached")
	}
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}
