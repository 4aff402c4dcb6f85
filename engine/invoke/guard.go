package invoke

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Guard says which addresses a definition's own calls out may reach: those of http:invoke and of the services of AWS. The
// zero value allows public addresses only. Functions of the registry are the operator's, and may lie anywhere.
type Guard struct {
	AllowPrivate bool           // everything
	Allow        []netip.Prefix // these, besides public addresses
}

// special are the networks that are not public, beyond those that net/netip knows by name.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // carrier-grade NAT
	"192.0.0.0/24",    // IETF protocol assignments
	"192.0.2.0/24",    // documentation
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, and broadcast
	"64:ff9b:1::/48",  // local NAT64
	"100::/64",        // discard
	"2001:db8::/32",   // documentation
	"2001::/32",       // Teredo, which has an IPv4 address inside
	"2002::/16",       // 6to4, likewise
	"fec0::/10",       // site-local
)

// nat64 is the prefix of IPv6 addresses that stand for IPv4 addresses, which are in their last 32 bits.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// Allows tells whether an address may be reached.
func (g Guard) Allows(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	if g.AllowPrivate {
		return true
	}
	for _, p := range g.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return false
	}
	if v4, ok := compatible(addr); ok {
		return g.Allows(v4)
	}
	for _, p := range special {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// compatible gives the IPv4 address that an IPv6 address of the deprecated form ::a.b.c.d stands for.
func compatible(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return addr, false
	}
	b := addr.As16()
	for _, v := range b[:12] {
		if v != 0 {
			return addr, false
		}
	}
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// ForbiddenError says that a call out was for an address that it may not reach.
type ForbiddenError struct{ Address string }

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("the address %s is not a public one, and calls to it are not allowed; whoever runs the server can "+
		"allow it with --allow-private-addresses", e.Address)
}

// control checks the address that is about to be connected to, whatever a name resolved to before.
func (g Guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !g.Allows(at.Addr()) {
		return &ForbiddenError{Address: address}
	}
	return nil
}

// NewGuardedClient gives a client whose connections, those of redirects too, reach only what the guard allows. It uses no
// proxy: one would connect in its place. Redirects are the caller's to follow or not.
func NewGuardedClient(g Guard) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: g.control}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           256,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // so that the bound on the body bounds memory too
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ParsePrefixes reads networks such as 10.0.0.0/8, or single addresses.
func ParsePrefixes(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			addr = addr.Unmap()
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network; write it as 10.0.0.0/8", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}
