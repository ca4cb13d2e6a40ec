// Package operator is the command line of whoever runs Sitecast: it publishes
// content, orders it to sites, shows what goes on and controls it, all through the
// server's API. Commands are structs whose tags say their flags; main.go parses
// them. What can go wrong is told together with what to do next.
package operator

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	callTimeout = 45 * time.Second
	dialTimeout = 10 * time.Second
	// idleConns is how many connections are kept for the next call.
	idleConns      = 8
	maxAnswerBytes = 64 << 20
	maxTokenBytes  = 4 << 10
	caFileName     = "ca.pem" // in a server's data folder
)

// Remote says which server a command speaks to, as whom, and where it prints.
type Remote struct {
	Server       string `help:"URL of the server." default:"https://127.0.0.1:8080" env:"SITECAST_SERVER" placeholder:"URL"`
	TokenFile    string `name:"token-file" help:"File with an API token; the server's first one is admin.token in its data folder." type:"path" env:"SITECAST_TOKEN_FILE" placeholder:"FILE"`
	CAFile       string `name:"ca-file" help:"CA certificate of the server in PEM (default: ca.pem beside the token file, if there is one, else the system's)." type:"path" env:"SITECAST_CA_FILE" placeholder:"FILE"`
	InsecureHTTP bool   `name:"insecure-http" help:"Allow plain http to a server that is not on loopback." env:"SITECAST_INSECURE_HTTP"`

	Stdout io.Writer                                                         `kong:"-"` // nil: the process's
	Stderr io.Writer                                                         `kong:"-"`
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error) `kong:"-"` // nil: the host's network
}

func (r Remote) stdout() io.Writer {
	if r.Stdout == nil {
		return os.Stdout
	}
	return r.Stdout
}

func (r Remote) stderr() io.Writer {
	if r.Stderr == nil {
		return os.Stderr
	}
	return r.Stderr
}

// say prints a line.
func (r Remote) say(format string, args ...any) { fmt.Fprintf(r.stdout(), format+"\n", args...) }

// printJSON prints v, indented.
func (r Remote) printJSON(v any) error {
	e := json.NewEncoder(r.stdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// client speaks to the server's API.
type client struct {
	base    *url.URL
	token   string
	http    *http.Client
	retries retries
}

// client checks the flags and reads the token.
func (r Remote) client() (*client, error) {
	base, err := url.Parse(r.Server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--server %q is not a URL such as https://sitecast.example:8443", r.Server)
	}
	if base.Scheme == "http" && !r.InsecureHTTP && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("--server %s is plain http and not on loopback: use https, or --insecure-http if something else protects the path", r.Server)
	}
	if r.TokenFile == "" {
		return nil, errors.New("no API token: name its file with --token-file or SITECAST_TOKEN_FILE (the server's first one is admin.token in its data folder)")
	}
	token, err := readSmall(r.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("read the API token: %w", err)
	}
	dial := r.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dial,
		TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: idleConns, IdleConnTimeout: time.Minute}
	if base.Scheme == "https" {
		roots, err := r.roots()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return &client{base: base, token: strings.TrimSpace(string(token)), http: &http.Client{Transport: transport}}, nil
}

// roots returns the authorities that vouch for the server; nil for the system's.
func (r Remote) roots() (*x509.CertPool, error) {
	path := r.CAFile
	if path == "" {
		path = filepath.Join(filepath.Dir(r.TokenFile), caFileName)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read the CA certificate: %s holds none in PEM", path)
	}
	return pool, nil
}

// readSmall reads a file that is known to be small.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxTokenBytes))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *client) close() { c.http.CloseIdleConnections() }

// A Refusal is an answer of the server that is not a success (RFC 9457).
type Refusal struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Hint   string `json:"hint"`

	after time.Duration // when it may be tried again, as the server says; 0: it doesn't
}

func (r *Refusal) Error() string {
	text := r.Detail
	if text == "" {
		text = fmt.Sprintf("the server answered %d %s", r.Status, r.Title)
	}
	if r.Hint != "" {
		text += "\n  " + r.Hint
	}
	return text
}

// final reports whether an error is the server's last word. One that can't be
// reached, or says that something is wrong with itself, may be well in a moment.
func final(err error) bool {
	refused := new(Refusal)
	return errors.As(err, &refused) && refused.Status < http.StatusInternalServerError
}

// call sends in, if there is any, as JSON and reads the answer into out, if given. A change
// is sent until it is heard what came of it.
func (c *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	var text []byte
	if in != nil {
		var err error
		if text, err = json.Marshal(in); err != nil {
			return err
		}
	}
	key := ""
	if method != http.MethodGet {
		key = rand.Text()
	}
	return repeated(ctx, key != "", func() error {
		req, err := c.request(ctx, method, path, query, bytes.NewReader(text))
		if err != nil {
			return err
		}
		if in != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		if key != "" {
			req.Header.Set("Idempotency-Key", `"`+key+`"`)
		}
		return c.do(req, out)
	})
}

func (c *client) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	at := c.base.JoinPath("/api/v1", path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", "sitecast") // the audit log tells it
	return req, nil
}

func (c *client) do(req *http.Request, out any) error {
	_, err := c.header(req, out)
	return err
}

// header is do that returns the header of the answer.
func (c *client) header(req *http.Request, out any) (http.Header, error) {
	var reached atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, &outage{c.explain(err), reached.Load()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, &outage{fmt.Errorf("read the server's answer: %w", err), true}
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, c.refusal(resp, text)
	}
	if out == nil || len(text) == 0 {
		return resp.Header, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, fmt.Errorf("read the server's answer (is %s a Sitecast server?): %w", c.base, err)
	}
	return resp.Header, nil
}

// refusal reads an answer that is no success.
func (c *client) refusal(resp *http.Response, text []byte) error {
	refused := &Refusal{}
	if json.Unmarshal(text, refused) != nil || refused.Code == "" {
		refused = &Refusal{Hint: "is " + c.base.String() + " a Sitecast server?"}
	}
	refused.Status, refused.Title = resp.StatusCode, http.StatusText(resp.StatusCode)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		refused.after = min(time.Duration(seconds)*time.Second, maxPause)
	}
	return refused
}

// explain says what to do about a server that can't be reached.
func (c *client) explain(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err // the rest repeats the address
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case unknown:
		return fmt.Errorf("reach %s: %w\n  name the server's CA certificate with --ca-file or SITECAST_CA_FILE (ca.pem in its data folder)", c.base, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("reach %s: %w\n  is the server running? Name another with --server or SITECAST_SERVER", c.base, err)
	}
	return fmt.Errorf("reach %s: %w", c.base, err)
}
