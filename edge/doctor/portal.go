package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sitecast/sitecast/edge/proxy"
)

// portalTimeout bounds the question whether a network has a portal.
const portalTimeout = 3 * time.Second

// Portal reports whether somebody else answers for the server because guests have to log
// on first, and what was seen. It asks in plain HTTP, which such networks answer for every
// host: at the server's port, where a server that speaks TLS sends nobody elsewhere, and
// at port 80. Nothing of what is answered is believed beyond that.
func Portal(ctx context.Context, dial proxy.Dial, server *url.URL) (seen string, found bool) {
	ctx, stop := context.WithTimeout(ctx, portalTimeout)
	defer stop()
	places := []string{proxy.Address(server), net.JoinHostPort(server.Hostname(), "80")}
	answers := make(chan string, len(places))
	for i, at := range places {
		go func() { answers <- askPortal(ctx, dial, at, server, i == 0) }()
	}
	for range places { // all, so that nothing is left behind
		if a := <-answers; a != "" {
			seen = a
		}
	}
	return seen, seen != ""
}

// askPortal returns what a portal at an address answered, or nothing.
func askPortal(ctx context.Context, dial proxy.Dial, at string, server *url.URL, own bool) string {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := http.Client{CheckRedirect: stay, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
	target := &url.URL{Scheme: "http", Host: at, Path: pathHealth}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return ""
	}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	_ = resp.Body.Close() // it is not read
	if !portal(resp, server, own) {
		return ""
	}
	seen := fmt.Sprintf("http://%s is answered %s", at, resp.Status)
	if to := resp.Header.Get("Location"); to != "" {
		seen += fmt.Sprintf(" and leads to %.200q", to)
	}
	return seen
}

// portal judges an answer in plain HTTP. At the server's own port, where that speaks TLS, a
// page is nobody's but a portal's.
func portal(resp *http.Response, server *url.URL, own bool) bool {
	switch status := resp.StatusCode; {
	case status == http.StatusNetworkAuthenticationRequired:
		return true
	case status >= 300 && status < 400:
		to, err := resp.Location()
		return err == nil && to.Hostname() != server.Hostname()
	case status == http.StatusOK:
		return own && server.Scheme == "https"
	}
	return false
}
