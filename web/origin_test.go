package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tercel-workflows/tercel/engine/access"
)

// TestOrigin checks whose word is taken for where a request comes from.
func TestOrigin(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		peer, forwarded, id string
		want, wantID        string
	}{
		{peer: "198.51.100.1:5", want: "198.51.100.1"},
		{peer: "198.51.100.1:5", forwarded: "203.0.113.9", id: "mine", want: "198.51.100.1"}, // anybody can write that
		{peer: "10.1.2.3:5", forwarded: "203.0.113.9", id: "mine", want: "203.0.113.9", wantID: "mine"},
		{peer: "10.1.2.3:5", forwarded: "1.1.1.1, 203.0.113.9, 10.9.9.9", want: "203.0.113.9"}, // what stands before was made up
		{peer: "10.1.2.3:5", forwarded: "10.4.4.4", want: "10.4.4.4"},
		{peer: "10.1.2.3:5", want: "10.1.2.3"},
		{peer: "10.1.2.3:5", forwarded: "unknown", id: "a b\n", want: "10.1.2.3"},
		{peer: "[::ffff:10.1.2.3]:5", forwarded: "203.0.113.9:443", want: "203.0.113.9"},
		{peer: "[2001:db8::1]:5", forwarded: "[2001:db9::1]:443", want: "2001:db9::1"},
		{peer: "192.0.2.7:5", forwarded: "2001:db9::2", want: "2001:db9::2"},
		{peer: "@", want: "@"},
	} {
		var got access.Origin
		h := origin(proxies)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = access.OriginOf(r.Context()) }))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = test.peer
		r.Header.Set("X-Forwarded-For", test.forwarded)
		r.Header.Set(RequestIDHeader, test.id)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got.Address != test.want || got.RequestID == "" || test.wantID != "" && got.RequestID != test.wantID ||
			test.wantID == "" && got.RequestID == test.id || w.Header().Get(RequestIDHeader) != got.RequestID {
			t.Errorf("%+v: %+v", test, got)
		}
	}
	if _, err := ParseProxies([]string{"proxy.example.com"}); err == nil {
		t.Error("a name is taken for an address")
	}
}
