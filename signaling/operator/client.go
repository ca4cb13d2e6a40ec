// Package operator holds the commands with which people and scripts run a
// Sitecast server over its API: sites, enrolment, publishing, distributing,
// watching and controlling flows. Each command is a struct whose tags describe its
// flags, and whose Run does the work.
package operator

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Remote says which server, and with which token.
type Remote struct {
	Server       string `help:"URL of the server." default:"https://127.0.0.1:8080" env:"SITECAST_SERVER" placeholder:"URL"`
	TokenFile    string `help:"File with an API token." type:"path" env:"SITECAST_TOKEN_FILE" placeholder:"FILE"`
	CAFile       string `name:"ca-file" help:"Certificate of the server's private CA (default: ca.pem beside the token file, if there)." type:"path" env:"SITECAST_CA_FILE" placeholder:"FILE"`
	InsecureHTTP bool   `name:"insecure-http" help:"Allow plain http to a server that is not on loopback." env:"SITECAST_INSECURE_HTTP"`
}

const (
	requestTimeout = time.Minute
	uploadTimeout  = 30 * time.Minute
	maxAnswerBytes = 64 << 20
)

// client asks one server.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// connect checks the flags; it sends nothing yet.
func (r Remote) connect() (*client, error) {
	base, err := url.Parse(r.Server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--server %q is not a URL such as https://sitecast.example:8443", r.Server)
	}
	if base.Scheme == "http" && !r.InsecureHTTP && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("--server %s is plain http and not on loopback: use https, or --insecure-http if something else protects the path", r.Server)
	}
	if r.TokenFile == "" {
		return nil, errors.New("no API token: pass --token-file FILE or set SITECAST_TOKEN_FILE (the server's first token is admin.token in its data folder)")
	}
	token, err := os.ReadFile(r.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("read the API token: %w", err)
	}
	config, err := r.tls()
	if err != nil {
		return nil, err
	}
	return &client{base: base, token: strings.TrimSpace(string(token)), http: &http.Client{Transport: &http.Transport{
		TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4}}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tls trusts the system's authorities and, where one is named or lies beside the
// token, the server's own.
func (r Remote) tls() (*tls.Config, error) {
	file := r.CAFile
	if file == "" {
		if beside := filepath.Join(filepath.Dir(r.TokenFile), "ca.pem"); exists(beside) {
			file = beside
		}
	}
	if file == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the CA file: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("CA file %s holds no certificate", file)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// problem is the server's refusal (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Hint   string `json:"hint"`
}

func (p *problem) Error() string {
	text := p.Detail
	if text == "" {
		text = fmt.Sprintf("the server answered %d %s", p.Status, http.StatusText(p.Status))
	}
	if p.Hint != "" {
		text += "\n  hint: " + p.Hint
	}
	return text
}

// call sends in as JSON and reads the answer into out; either may be nil.
func (c *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	ctx, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	at := c.base.JoinPath("/api/v1", path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, out)
}

// upload sends size bytes of r as the object's content.
func (c *client) upload(ctx context.Context, digest string, size int64, r io.Reader) error {
	ctx, stop := context.WithTimeout(ctx, uploadTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base.JoinPath("/api/v1/objects", digest).String(), r)
	if err != nil {
		return err
	}
	req.ContentLength = size
	return c.do(req, nil)
}

func (c *client) do(req *http.Request, out any) error {
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		unknown := x509.UnknownAuthorityError{}
		if errors.As(err, &unknown) {
			return fmt.Errorf("the server's certificate is not trusted here: pass its ca.pem with --ca-file: %w", err)
		}
		return fmt.Errorf("can't reach the server (is it running?): %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= 300 {
		p := &problem{}
		if json.Unmarshal(text, p) != nil {
			p.Detail = strings.TrimSpace(string(text[:min(len(text), 300)]))
		}
		p.Status = resp.StatusCode
		return p
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}
