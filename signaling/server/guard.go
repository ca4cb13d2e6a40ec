package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/storage/external"
)

// guard keeps the server from being sent to addresses that only it can reach: whoever may
// publish names URLs, and what is behind them is not for him. The address is looked at when
// the name has been resolved, so that no name leads elsewhere a moment later. Through a
// proxy the proxy decides.
type guard struct {
	private bool // all addresses are good
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	proxies *sync.Map // by host:port
}

// closed are networks that are not public and that netip does not tell.
var closed = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16")}

// public reports whether an address is one that everybody can reach.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, n := range closed {
		if n.Contains(ip) {
			return false
		}
	}
	return true
}

// refuse reports that an address (host:port, or a host) is not public.
func (g guard) refuse(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip, err := netip.ParseAddr(host)
	if g.private || err != nil || public(ip) {
		return nil
	}
	return &external.AddressError{Detail: fmt.Sprintf("%s is an address of this server's own network", ip)}
}

// names reports that a URL names an address that is not public.
func (g guard) names(u *url.URL) error { return g.refuse(u.Hostname()) }

// transport returns what makes requests of public addresses only.
func (g guard) transport() *http.Transport {
	g.proxies = new(sync.Map)
	plain := &net.Dialer{Timeout: vendorTimeout}
	checked := &net.Dialer{Timeout: vendorTimeout, Control: func(_, addr string, _ syscall.RawConn) error { return g.refuse(addr) }}
	dial := g.dial
	if dial == nil {
		dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if _, ok := g.proxies.Load(addr); ok {
				return plain.DialContext(ctx, network, addr)
			}
			return checked.DialContext(ctx, network, addr)
		}
	}
	return &http.Transport{DialContext: dial, TLSHandshakeTimeout: vendorTimeout, ResponseHeaderTimeout: vendorTimeout, DisableCompression: true,
		IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1, Proxy: func(req *http.Request) (*url.URL, error) {
			at, err := http.ProxyFromEnvironment(req)
			if at != nil {
				port := at.Port()
				if port == "" {
					port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[at.Scheme]
				}
				g.proxies.Store(net.JoinHostPort(at.Hostname(), port), true)
			}
			return at, err
		}}
}
