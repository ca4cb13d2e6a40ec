// Package origin fetches from the origin what a lease allows: one range of a
// pack, or a body, by HTTP/1.1. It decodes chunks as they arrive and hands them
// on; checking their hashes is the store's. Reads are paced to the rate the
// server grants, over all fetches together.
//
// HTTP/1.1 and not 2: several ranges on one HTTP/2 connection share one receive
// window, which takes away the only brake a receiver has on TCP.
package origin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/external"
	"github.com/sitecast/sitecast/storage/pack"
)

// Limits and delays.
const (
	// StallTimeout ends a fetch that gets no byte for so long. It doubles with each fetch
	// in a row that ended so, up to maxDoublings times: where a line loses much, TCP waits
	// longer than this before it repeats what was lost, and to begin anew costs more.
	StallTimeout = 10 * time.Second
	// headerTimeout bounds the wait for an answer to begin, handshakes among it, and
	// doubles likewise.
	headerTimeout = 15 * time.Second
	maxDoublings  = 3
	// drainTime is how long a fetch that is stopped reads what is in its socket or just
	// behind: it was paid for.
	drainTime    = 100 * time.Millisecond
	readStep     = 16 << 10
	maxRedirects = 5
)

// Config is what a client is made of.
type Config struct {
	Base *url.URL // leases with relative addresses are relative to it
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS returns the settings for a server: the Sitecast server, or another host that
	// has packs (a bucket, a CDN). It is asked for each connection.
	TLS func(host string, own bool) *tls.Config
	// Pace tells a Sitecast server how fast to send an answer, and reports whether it
	// will hear; nil: no origin paces.
	Pace func(wire.Pace) bool
	// Tunnelled reports that what Pace tells goes by plain requests, so that only what
	// matters is told; nil: it does not.
	Tunnelled func() bool
	// Refused counts answers that are refused; nil: nobody does.
	Refused *wire.Refusals
	Log     *slog.Logger
}

// Client fetches. Its methods may be called from several goroutines.
type Client struct {
	base    *url.URL
	http    *http.Client
	vendors *http.Client // for files at somebody else's URL
	shape   *shaper
	refused *wire.Refusals
	stalls  atomic.Int32 // in a row
}

// New returns a client without a bound on its rate.
func New(cfg Config) *Client {
	s := newShaper(cfg.Pace, cfg.Tunnelled)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := cfg.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return s.adopt(conn), nil
	}
	c := &Client{base: cfg.Base, shape: s, refused: cfg.Refused}
	dialTLS := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return c.secured(ctx, conn, addr, cfg.TLS)
	}
	c.http = &http.Client{CheckRedirect: c.redirected, Transport: &http.Transport{
		DialContext: dial, DialTLSContext: dialTLS,
		TLSNextProto:       map[string]func(string, *tls.Conn) http.RoundTripper{},
		DisableCompression: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		ReadBufferSize: readStep,
	}}
	c.vendors = &http.Client{CheckRedirect: external.Redirected(c.insecure()), Transport: c.http.Transport}
	return c
}

// own reports whether an address is of the Sitecast server itself.
func (c *Client) own(u *url.URL) bool { return u.Scheme == c.base.Scheme && u.Host == c.base.Host }

// secured makes a connection to addr one of TLS.
func (c *Client) secured(ctx context.Context, conn net.Conn, addr string, settings func(host string, own bool) *tls.Config) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	own := c.own(&url.URL{Scheme: "https", Host: addr}) || port == "443" && c.own(&url.URL{Scheme: "https", Host: strings.TrimSuffix(addr, ":443")})
	cfg := settings(host, own).Clone()
	cfg.ServerName = cmp.Or(cfg.ServerName, host)
	cfg.NextProtos = nil // or HTTP/2 would be offered
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// redirected follows a redirect. The key to an answer's rate stays with the server.
func (c *Client) redirected(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("origin redirects in a circle: check its configuration")
	}
	if !c.own(req.URL) {
		req.Header.Del(wire.PaceHeader)
	}
	return nil
}

// Close closes connections that wait for the next fetch.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// SetRate bounds the bytes per second taken over all fetches, from now on;
// wire.Unlimited lifts the bound, 0 stops reading. The round trip over the empty
// line helps to hold the rate; 0 where it is not known. A line that is lossy loses
// packets by itself, which a sender of ours then does not slow down for.
func (c *Client) SetRate(bytesPerSecond int64, rtt time.Duration, lossy bool) {
	c.shape.set(bytesPerSecond, rtt, lossy)
	if bytesPerSecond == wire.Unlimited {
		c.http.CloseIdleConnections() // their buffers may have been made small
	}
}

// Actuator is what holds the rate now, and why that.
func (c *Client) Actuator() (Actuator, string) { return c.shape.actuator() }

// Taken is how many bytes came from origins so far.
func (c *Client) Taken() int64 { return c.shape.taken.Load() }

// Fetching reports whether an answer is being read, and for how long in all those
// who read were held up by whoever takes what they read.
func (c *Client) Fetching() (now bool, held time.Duration) {
	c.shape.mu.Lock()
	defer c.shape.mu.Unlock()
	return c.shape.fetching > 0, time.Duration(c.shape.held.Load())
}

// A StatusError is an answer that is not the range asked for.
type StatusError struct {
	Status int
	Detail string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("origin answered %d %s: %s", e.Status, http.StatusText(e.Status), e.Detail)
}

// ErrStalled means that the origin sent nothing for StallTimeout or longer.
var ErrStalled = errors.New("origin sends nothing")

// FetchBody fetches the body that the lease names, compressed where the origin can; a
// body larger than limit is refused before it is read.
func (c *Client) FetchBody(ctx context.Context, lease wire.Lease, limit int64) ([]byte, error) {
	size := lease.To - lease.From
	if size > limit {
		return nil, fmt.Errorf("body of %d bytes, limit %d", size, limit)
	}
	var data []byte
	err := c.get(ctx, lease, func(body *shapedReader, header http.Header) (err error) {
		if header.Get("Content-Encoding") == pack.BodyEncoding {
			if data, err = io.ReadAll(body); err == nil {
				data, err = pack.DecodeBody(data, size)
			}
			return err
		}
		data = make([]byte, size)
		_, err = io.ReadFull(body, data)
		return err
	})
	return data, err
}

// get asks for the lease's range, or for the whole of a body, and has read read
// exactly that.
func (c *Client) get(ctx context.Context, lease wire.Lease, read func(*shapedReader, http.Header) error) error {
	address, err := c.base.Parse(lease.URL)
	if err != nil {
		return fmt.Errorf("lease's address: %w", err)
	}
	// A request whose context ends loses what its socket holds.
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	conn := net.Conn(nil)
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { conn = info.Conn }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(inner, trace), http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	client, err := c.ask(req, lease)
	if err != nil {
		return err
	}
	var asked wire.Pace
	if lease.External == nil && c.own(address) {
		asked = c.shape.ask(req.Header)
	}
	patience := c.patience()
	stalled := time.AfterFunc(patience*headerTimeout, func() { c.stalled(cancel) })
	defer stalled.Stop()
	wait := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
	}
	if stopped := !wait(); stopped || err != nil {
		return fmt.Errorf("ask the origin: %w", cmp.Or(context.Cause(inner), context.Cause(ctx), err))
	}
	defer drains(ctx, conn)()
	if err := c.check(resp, lease); err != nil {
		return err
	}
	if !c.own(resp.Request.URL) { // it was sent elsewhere
		asked = wire.Pace{}
	}
	defer c.shape.begin(asked, resp.Header)()
	stalled.Reset(patience * StallTimeout)
	body := &shapedReader{ctx: ctx, from: io.LimitReader(resp.Body, lease.To-lease.From), shaper: c.shape,
		stalled: stalled, patience: patience * StallTimeout}
	if err := read(body, resp.Header); err != nil {
		if cause := cmp.Or(context.Cause(ctx), context.Cause(inner)); cause != nil {
			return cause
		}
		return err
	}
	// The end of the body is read too, so that the connection can be used again.
	if n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1)); err != nil || n != 0 {
		c.refused.Add(wire.DoorOrigin, wire.CodeOrigin)
		return fmt.Errorf("origin sent more than was asked for (%w)", errors.Join(err, io.ErrUnexpectedEOF))
	}
	c.stalls.Store(0)
	return nil
}

// patience is how many times longer than usual an origin is waited for.
func (c *Client) patience() time.Duration { return 1 << min(c.stalls.Load(), maxDoublings) }

// stalled ends a fetch that gets nothing.
func (c *Client) stalled(cancel context.CancelCauseFunc) {
	c.stalls.Add(1)
	cancel(ErrStalled)
}

// drains has conn give only what comes soon once ctx ends. The caller calls done when
// it reads no more.
func drains(ctx context.Context, conn net.Conn) (done func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = conn.SetReadDeadline(time.Now().Add(drainTime)) // it is closed else
	})
	return func() {
		if !stop() {
			<-ended
			_ = conn.SetReadDeadline(time.Time{}) // if it is used again
		}
	}
}

// checkRange accepts exactly the range asked for, and the whole object only when
// that is the range.
func checkRange(resp *http.Response, lease wire.Lease) error {
	size := lease.To - lease.From
	switch {
	case resp.StatusCode == http.StatusOK && lease.From == 0 && resp.ContentLength == size:
		return nil
	case resp.StatusCode == http.StatusOK && lease.Body && resp.Header.Get("Content-Encoding") == pack.BodyEncoding:
		return nil
	case resp.StatusCode == http.StatusPartialContent:
		var from, last int64
		got := resp.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(got, "bytes %d-%d/", &from, &last); err == nil && from == lease.From && last == lease.To-1 {
			return nil
		}
		return &StatusError{resp.StatusCode, fmt.Sprintf("range %.80q, want bytes %d-%d", got, lease.From, lease.To-1)}
	case resp.StatusCode == http.StatusOK:
		return &StatusError{resp.StatusCode, "the whole object, where a range was asked for"}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // only a hint for people
	return &StatusError{resp.StatusCode, string(text)}
}
