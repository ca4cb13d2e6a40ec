// Package proxy makes connections over TCP through an HTTP proxy, where the network
// lets nothing else out: a CONNECT (RFC 9110, 9.3.6), with a name and password where
// the proxy wants them (Basic, RFC 7617). Everything an endpoint opens over TCP goes
// this way: the control socket, downloads, and relays.
package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Dial makes a connection; network is "tcp" or a kind of it.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// None is the setting that uses no proxy, whatever the environment says.
const None = "none"

const (
	connectTimeout = 15 * time.Second
	// maxAnswerBytes bounds what a proxy may say before the connection stands.
	maxAnswerBytes = 16 << 10
)

// New returns a Dial that goes through a proxy on top of direct. The setting is the
// proxy's URL (http or https, with a name and password if need be), [None], or empty
// for what HTTPS_PROXY and NO_PROXY say.
func New(setting string, direct Dial) (Dial, error) {
	which, err := chosen(setting)
	if err != nil || which == nil {
		return direct, err
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		at, err := which(&url.URL{Scheme: "https", Host: addr})
		if err != nil {
			return nil, fmt.Errorf("read the proxy's address from the environment: %w", err)
		}
		if at == nil {
			return direct(ctx, network, addr)
		}
		return through(ctx, direct, at, network, addr)
	}, nil
}

// For says through which proxy a Dial of that setting reaches addr: its host, without
// a password; empty for none.
func For(setting, addr string) (string, error) {
	which, err := chosen(setting)
	if err != nil || which == nil {
		return "", err
	}
	at, err := which(&url.URL{Scheme: "https", Host: addr})
	if err != nil || at == nil {
		return "", err
	}
	return Address(at), nil
}

// chosen returns how the proxy for a URL is found; nil where there is none for any.
func chosen(setting string) (func(*url.URL) (*url.URL, error), error) {
	switch setting {
	case "":
		return httpproxy.FromEnvironment().ProxyFunc(), nil
	case None:
		return nil, nil
	}
	at, err := url.Parse(setting)
	if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, errors.New("the proxy is no URL such as http://proxy.example:3128 or http://USER:PASSWORD@proxy.example:3128") // and not shown: it may hold a password
	}
	return func(*url.URL) (*url.URL, error) { return at, nil }, nil
}

// through asks the proxy for a connection to addr.
func through(ctx context.Context, direct Dial, at *url.URL, network, addr string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, connectTimeout)
	defer stop()
	conn, err := direct(ctx, network, Address(at))
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy %s: %w", at.Host, err)
	}
	closed := context.AfterFunc(ctx, func() { _ = conn.Close() })
	far, err := ask(ctx, conn, at, addr)
	if !closed() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("ask the proxy %s for %s: %w", at.Host, addr, err)
	}
	return far, nil
}

// Address is HOST:PORT of a URL.
func Address(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	return net.JoinHostPort(at.Hostname(), port)
}

func ask(ctx context.Context, conn net.Conn, at *url.URL, addr string) (net.Conn, error) {
	if at.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: at.Hostname()})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if at.User != nil {
		password, _ := at.User.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(at.User.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	// Whoever is at the other end says nothing before it is spoken to, so no byte of its
	// is read here.
	resp, err := http.ReadResponse(bufio.NewReaderSize(io.LimitReader(conn, maxAnswerBytes), 1<<10), req)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return conn, nil
	case http.StatusProxyAuthRequired:
		if at.User == nil {
			return nil, errors.New("it wants a name and password: give --proxy http://USER:PASSWORD@HOST:PORT")
		}
		return nil, errors.New("it refuses the name and password (only Basic is known here)")
	}
	return nil, fmt.Errorf("it answered %s: have it allow CONNECT to that address", resp.Status)
}
