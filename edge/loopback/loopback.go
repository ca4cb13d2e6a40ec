// Package loopback is how content is served over HTTP to the programs and pages of this
// host, and to nobody else. A [Door] decides who may ask: what comes over loopback, asks
// for a name that only this host can have (so a name that was made to mean this host
// opens nothing), and is no page of elsewhere unless its web origin is listed. [Answer]
// sends a file with the type that browsers need, by ranges, under a strong validator.
// Which file that is, and who may know of it, is for the caller.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Is reports whether a host, by name or address, is this one in a way that nobody else
// can make it.
func Is(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Reach is where programs of this host find who listens at an address of the form
// HOST:PORT: on loopback, if that is any of its addresses.
func Reach(listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return listens
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// Door says who may ask, besides the programs and pages of this host that call it by
// address or localhost.
type Door struct {
	Hosts   []string // further names of this host, as a Host header has them without the port
	Origins []string // web origins whose pages may read what is served, as https://till.example
}

// ErrOrigin means that a text is no web origin.
var ErrOrigin = errors.New("not a web origin such as https://till.example")

// CheckOrigin refuses what a browser would never send as Origin.
func CheckOrigin(text string) error {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "http" && scheme != "https" || rest == "" || strings.ContainsAny(rest, "/?#@* \t") || rest != strings.ToLower(rest) {
		return fmt.Errorf("%q: %w", text, ErrOrigin)
	}
	return nil
}

// Guard passes on to next what may be read: GET and HEAD. The rest is refused in words.
func (d Door) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guest := d.shares(w.Header(), r)
		why := d.Refuses(r)
		switch {
		case why != "":
			http.Error(w, why, http.StatusForbidden)
		case guest && r.Method == http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this is only read: GET or HEAD", http.StatusMethodNotAllowed)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Refuses says why who asks may not, whatever he asks for; empty where he may.
func (d Door) Refuses(r *http.Request) string {
	switch {
	case !fromHere(r.RemoteAddr):
		return "this is served to this host only"
	case !d.names(r.Host):
		return "ask for 127.0.0.1, [::1] or localhost, and no other name of this host"
	case cross(r) && !slices.Contains(d.Origins, r.Header.Get("Origin")):
		return "this is not served to pages of other sites"
	}
	return ""
}

// Change passes on to next what asks to change something here. Programs of this host may,
// and its own pages; no page of elsewhere, whatever its origin.
func (d Door) Change(next http.Handler) http.Handler {
	own := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := d.Refuses(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// shares reports whether a page of a listed origin asks, and has its browser hand over
// the answer.
func (d Door) shares(h http.Header, r *http.Request) bool {
	if len(d.Origins) > 0 {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if !slices.Contains(d.Origins, origin) {
		h.Set("Cross-Origin-Resource-Policy", "same-site")
		return false
	}
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match")
	h.Set("Access-Control-Expose-Headers", "ETag, Content-Range, Accept-Ranges")
	return true
}

// cross reports whether a page of elsewhere wants to use an answer. A person who follows
// its link, or who is sent back from where he paid, is welcome.
func cross(r *http.Request) bool {
	followed := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && !followed
}

// fromHere reports whether the other end of a connection is on this host.
func fromHere(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	return err == nil && Is(host)
}

// names reports whether a Host header names this host.
func (d Door) names(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return Is(host) || host != "" && slices.Contains(d.Hosts, host)
}

// Serve serves until ctx ends. A handler that takes longer than requests usually do
// moves its own deadlines.
func Serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}
