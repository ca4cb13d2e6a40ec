package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// tunnelLife is how long a socket goes through a tunnel before a WebSocket is tried
	// again.
	tunnelLife = time.Hour
	// tunnelTries is how often a request is made that brings no answer.
	tunnelTries  = 4
	tunnelPause  = 500 * time.Millisecond
	tunnelAnswer = wire.TunnelWait + 15*time.Second
	// tunnelGather is how long a request waits for more: just long enough for all that waited
	// while the one before was on its way. Paces and pings come faster than a slow proxy
	// answers, and one to a request they would queue.
	tunnelGather = 2 * time.Millisecond
	// maxLay is the longest time that an answer may say for which it lay.
	maxLay = wire.TunnelIdle
)

// tunnels opens tunnels to a server, see [wire.PathTunnel].
type tunnels struct {
	base *url.URL // of the server
	http *http.Client
}

func newTunnels(socket *url.URL, dial func(context.Context, string, string) (net.Conn, error), config *tls.Config) *tunnels {
	base := &url.URL{Scheme: "https", Host: socket.Host, Path: wire.PathTunnel}
	if socket.Scheme == "ws" {
		base.Scheme = "http"
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &tunnels{base, &http.Client{CheckRedirect: stay, Transport: &http.Transport{DialContext: dial, TLSClientConfig: config,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: dialTimeout,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}}
}

// errGone means that the server knows the tunnel no more.
var errGone = errors.New("the tunnel has ended")

// answer is what a request brought, and how long the last of it lay with the server.
type answer struct {
	body []byte
	lay  time.Duration
}

// do makes a request until it is answered.
func (t *tunnels) do(ctx context.Context, method string, at *url.URL, token string, body []byte) (a answer, err error) {
	for try := range tunnelTries {
		if try > 0 {
			pause(ctx, tunnelPause<<try)
		}
		var again bool
		if a, again, err = t.once(ctx, method, at, token, body); !again || ctx.Err() != nil {
			return a, err
		}
	}
	return a, err
}

func (t *tunnels) once(ctx context.Context, method string, at *url.URL, token string, body []byte) (a answer, again bool, err error) {
	ctx, stop := context.WithTimeout(ctx, tunnelAnswer)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return a, false, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return a, true, err
	}
	defer resp.Body.Close()
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, wire.MaxTunnelBytes+1))
	switch {
	case err != nil:
		return a, true, err
	case resp.StatusCode == http.StatusUnauthorized:
		return a, false, &wire.RefusedError{Code: wire.CodeUnauthorized, Detail: "the server refused the token; a new one will be fetched"}
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone, resp.StatusCode == http.StatusConflict:
		return a, false, errGone
	case resp.StatusCode >= 300:
		return a, resp.StatusCode >= 500, fmt.Errorf("%s answered %s", at.Host, resp.Status)
	case len(a.body) > wire.MaxTunnelBytes:
		return a, false, errors.New("an answer is too long")
	}
	if us, err := strconv.ParseInt(resp.Header.Get(wire.TunnelLay), 10, 64); err == nil {
		a.lay = min(max(time.Duration(us), 0), maxLay/time.Microsecond) * time.Microsecond
	}
	return a, false, nil
}

// open opens a tunnel. Its two pumps end when the connection is closed or the server
// ends it.
func (t *tunnels) open(ctx context.Context, token string) (net.Conn, error) {
	id, _, err := t.once(ctx, http.MethodPost, t.base, token, nil)
	if err != nil {
		t.http.CloseIdleConnections()
		return nil, err
	}
	near, far := net.Pipe()
	live, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &tunnelConn{Conn: near, at: t.base.JoinPath(string(id.body)), t: t, far: far, stop: stop}
	c.wg.Go(func() { c.bring(live) })
	c.wg.Go(func() { c.fetch(live) })
	return c, nil
}

// tunnelConn is the socket's side of a tunnel.
type tunnelConn struct {
	net.Conn
	t    *tunnels
	at   *url.URL
	far  net.Conn
	stop context.CancelFunc
	once sync.Once
	wg   sync.WaitGroup

	newest atomic.Pointer[time.Time] // when what is read came; nil before anything did
}

// from is the address of a request about the bytes from n on.
func (c *tunnelConn) from(n int64) *url.URL {
	at := *c.at
	at.RawQuery = "at=" + strconv.FormatInt(n, 10)
	return &at
}

// bring sends what the socket writes.
func (c *tunnelConn) bring(ctx context.Context) {
	defer c.far.Close()
	buffer := make([]byte, wire.MaxTunnelBytes)
	for sent := int64(0); ; {
		n, err := gather(c.far, buffer)
		if n > 0 {
			if _, err := c.t.do(ctx, http.MethodPost, c.from(sent), "", buffer[:n]); err != nil {
				return
			}
			sent += int64(n)
		}
		if err != nil {
			return
		}
	}
}

// gather reads something, and what follows at once.
func gather(conn net.Conn, b []byte) (n int, err error) {
	n, err = conn.Read(b)
	_ = conn.SetReadDeadline(time.Now().Add(tunnelGather)) // a pipe has deadlines
	for err == nil && n < len(b) {
		var more int
		more, err = conn.Read(b[n:])
		n += more
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	_ = conn.SetReadDeadline(time.Time{})
	return n, err
}

// fetch brings the socket what the server writes.
func (c *tunnelConn) fetch(ctx context.Context) {
	defer c.far.Close()
	for got := int64(0); ; {
		a, err := c.t.do(ctx, http.MethodGet, c.from(got), "", nil)
		if err != nil {
			return
		}
		came := time.Now().Add(-a.lay)
		c.newest.Store(&came)
		if _, err := c.far.Write(a.body); err != nil { // which returns when the socket read it
			return
		}
		got += int64(len(a.body))
	}
}

// Newest is when the bytes came that the socket reads, or would have come if a request
// had been there to take them along: what they waited for is not the line.
func (c *tunnelConn) Newest() time.Time {
	if at := c.newest.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Close ends the tunnel, and returns when nothing of it is left.
func (c *tunnelConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.stop()
		c.wg.Wait()
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, _, _ = c.t.once(ctx, http.MethodDelete, c.at, "", nil) // the server finds out by itself else
		c.t.http.CloseIdleConnections()
	})
	return err
}

// tunnelled reports whether a socket goes through a tunnel, which it leaves some day.
func (c *conn) tunnelled() bool { return !c.until.IsZero() }

// Tunnelled reports whether the socket that is served goes through a tunnel.
func (u *Uplink) Tunnelled() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.over != nil && u.over.tunnelled()
}

// dial opens a socket: a WebSocket, or one through a tunnel where something on the way
// lets no WebSocket pass though it lets the server be reached.
func (u *Uplink) dial(ctx context.Context) (ws *websocket.Conn, until time.Time, err error) {
	header := http.Header{"Authorization": {"Bearer " + u.token}}
	reached := false
	dialer := u.dialer
	dialer.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := u.dialer.NetDialContext(ctx, network, addr)
		reached = reached || err == nil
		return conn, err
	}
	ws, resp, err := dialer.DialContext(ctx, u.cfg.URL, header)
	if err == nil {
		return ws, time.Time{}, nil
	}
	err = explain(resp, err)
	if why := new(wire.RefusedError); !reached || ctx.Err() != nil || errors.As(err, &why) {
		return nil, time.Time{}, err
	}
	conn, tunnelErr := u.tunnels.open(ctx, u.token)
	if tunnelErr != nil {
		return nil, time.Time{}, fmt.Errorf("%w (and over plain requests: %w)", err, tunnelErr)
	}
	inner := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		HandshakeTimeout: dialTimeout, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10}
	at := &url.URL{Scheme: "ws", Host: u.at.Host, Path: u.at.Path}
	ws, resp, tunnelErr = inner.DialContext(ctx, at.String(), header)
	if tunnelErr != nil {
		_ = conn.Close()
		return nil, time.Time{}, fmt.Errorf("%w (and over plain requests: %w)", err, explain(resp, tunnelErr))
	}
	u.cfg.Log.Warn("something on the way lets no WebSocket pass; plain requests carry the socket instead", "err", err)
	return ws, time.Now().Add(tunnelLife), nil
}
