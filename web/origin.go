package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/access"
)

// RequestIDHeader names a request in its answer. The audit and the log have the same.
const RequestIDHeader = "X-Request-ID"

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// ParseProxies reads the addresses of proxies whose word is taken for where a request comes from: addresses and networks, such as
// 10.0.0.0/8.
func ParseProxies(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

// origin puts into the context where a request comes from. X-Forwarded-For and X-Request-ID are believed only if the request comes from
// one of the proxies: anybody can write them.
func origin(proxies []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			peer := peerAddress(r.RemoteAddr)
			o := access.Origin{Address: text(peer, r.RemoteAddr)}
			if within(proxies, peer) {
				o.Address = text(forwardedFor(r.Header.Values("X-Forwarded-For"), proxies, peer), o.Address)
				if id := r.Header.Get(RequestIDHeader); requestIDPattern.MatchString(id) {
					o.RequestID = id
				}
			}
			if o.RequestID == "" {
				o.RequestID = uuid.NewString()
			}
			w.Header().Set(RequestIDHeader, o.RequestID)
			next.ServeHTTP(w, r.WithContext(access.WithOrigin(r.Context(), o)))
		})
	}
}

// forwardedFor gives the last address that is none of the proxies: what stands before it, its sender may have made up.
func forwardedFor(headers []string, proxies []netip.Prefix, peer netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	at := peer
	for i := len(hops) - 1; i >= 0 && within(proxies, at); i-- {
		hop := strings.TrimSpace(hops[i])
		addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil {
			addr = peerAddress(hop) // some proxies write the port
		}
		if !addr.IsValid() {
			break
		}
		at = addr.Unmap()
	}
	return at
}

func within(proxies []netip.Prefix, addr netip.Addr) bool {
	for _, p := range proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// peerAddress gives the address of a host and port; the zero Addr if it is none.
func peerAddress(hostport string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// text writes an address, or something else if there is none.
func text(addr netip.Addr, otherwise string) string {
	if addr.IsValid() {
		return addr.String()
	}
	return otherwise
}
