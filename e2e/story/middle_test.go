//go:build linux

package story

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	proxyPort = "3128"
	proxyUser = "till:secret"
)

// middle is a hostile middle: a proxy that wants a password, opens TLS with an
// authority of its own, and lets no WebSocket pass.
type middle struct {
	s       *stage
	cert    tls.Certificate
	file    string // of its authority
	conns   chan net.Conn
	closed  chan struct{}
	web     *http.Server
	wg      sync.WaitGroup
	refused atomic.Int64 // WebSockets
	polls   atomic.Int64
	asked   atomic.Int64 // requests that bring something of a control socket
	brought atomic.Int64 // bytes in them
}

// beMiddle runs it on the site's router.
func (s *stage) beMiddle(server string) *middle {
	s.t.Helper()
	m := &middle{s: s, conns: make(chan net.Conn), closed: make(chan struct{})}
	m.certify()
	router := s.lab.Sites[0].Router
	l, err := router.Listen("tcp4", router.IP().String()+":"+proxyPort)
	s.must(err)
	target := &url.URL{Scheme: "https", Host: server}
	pass := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: func(_ context.Context, n, addr string) (conn net.Conn, err error) {
			err = router.Do(func() error { conn, err = net.DialTimeout(n, addr, 5*time.Second); return err })
			return conn, err
		}}}
	m.web = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			m.refused.Add(1)
			http.Error(w, "no upgrades here", http.StatusForbidden)
			return
		}
		if filepath.Dir(r.URL.Path) == "/api/v1/tunnel" {
			switch r.Method {
			case http.MethodGet:
				m.polls.Add(1)
			case http.MethodPost:
				m.asked.Add(1)
				m.brought.Add(r.ContentLength)
			}
		}
		pass.ServeHTTP(w, r)
	})}
	m.wg.Go(func() { _ = m.web.Serve(opened{l, m}) })
	m.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				close(m.closed)
				return
			}
			m.wg.Go(func() { m.connect(conn) })
		}
	})
	s.t.Cleanup(func() {
		_ = l.Close()
		_ = m.web.Close()
		pass.Transport.(*http.Transport).CloseIdleConnections()
		m.wg.Wait()
	})
	return m
}

// opened are the connections whose TLS was opened.
type opened struct {
	net.Listener
	m *middle
}

func (o opened) Accept() (net.Conn, error) {
	select {
	case conn := <-o.m.conns:
		return conn, nil
	case <-o.m.closed:
		return nil, net.ErrClosed
	}
}

// connect answers a CONNECT.
func (m *middle) connect(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		_ = conn.Close()
		return
	}
	if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(proxyUser)) {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
		_ = conn.Close()
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	_ = conn.SetDeadline(time.Time{})
	select {
	case m.conns <- tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{m.cert}}):
	case <-m.closed:
		_ = conn.Close()
	}
}

// certify makes the authority, and a certificate for the server.
func (m *middle) certify() {
	m.s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	m.s.must(err)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	m.s.must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: authority.NotAfter, IPAddresses: []net.IP{m.s.lab.Origin.IP().AsSlice()}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, key)
	m.s.must(err)
	m.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	m.file = filepath.Join(m.s.t.TempDir(), "authority.pem")
	m.s.must(os.WriteFile(m.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o600))
}

// TestASiteBehindAHostileMiddleGetsItsCopy: nothing leaves the site but what the proxy
// lets out.
func TestASiteBehindAHostileMiddleGetsItsCopy(t *testing.T) {
	const size = 8 * mib
	s, m := behindMiddle(t, oneSite(3, 50), size)
	before := s.crossed(0)
	s.sitecast("distribute", "app@1", "--all", "--wait")
	s.wantDelivered("app", "1", size)
	if crossed := s.crossed(before); float64(crossed) > 1.1*size {
		t.Errorf("%d bytes crossed the WAN for %d of content", crossed, int64(size))
	}
	if m.refused.Load() == 0 || m.polls.Load() == 0 {
		t.Errorf("%d WebSockets were refused and %d polls passed, want some of both", m.refused.Load(), m.polls.Load())
	}
}

// behindMiddle is a site whose agents get out only through a hostile middle.
func behindMiddle(t *testing.T, plan netlab.Plan, size int64) (*stage, *middle) {
	t.Helper()
	s := open(t, plan, size)
	router := s.lab.Sites[0].Router
	s.run("iptables", "-A", "FORWARD", "-i", "lan", "-o", "wan", "-j", "DROP")
	m := s.beMiddle(s.lab.Origin.IP().String() + ":8443")
	s.AgentFlags = []string{"--proxy", "http://" + proxyUser + "@" + router.IP().String() + ":" + proxyPort, "--ca-file", m.file}
	s.must(s.StartAgents(s.ctx))
	return s, m
}

// What a governed download says over a tunnel is little beside the line. Pings make most
// of the requests, each of 600 bytes before what it brings.
func TestADownloadThroughPlainRequestsSaysLittle(t *testing.T) {
	long(t)
	const size, mbit = 16 * mib, 5
	plan := oneSite(2, mbit)
	plan.Sites[0].WAN.Down.Delay, plan.Sites[0].WAN.Up.Delay = 20*time.Millisecond, 20*time.Millisecond
	s, m := behindMiddle(t, plan, size)
	asked, brought, polls, begin := m.asked.Load(), m.brought.Load(), m.polls.Load(), time.Now()
	s.sitecast("distribute", "app@1", "--all")
	s.must(rig.Pause(s.ctx, 20*time.Second))
	took := time.Since(begin).Seconds()
	f := s.flow("app", 0)
	requests, bytes, polled := float64(m.asked.Load()-asked)/took, float64(m.brought.Load()-brought)/took, float64(m.polls.Load()-polls)/took
	t.Logf("in %.0f s %d bytes of content; %.1f requests a second brought %.0f bytes a second, and %.1f a second polled", took, f.BytesOrigin, requests, bytes, polled)
	if requests+polled > 60 || bytes > 3000 {
		t.Errorf("%.1f requests and %.1f polls a second, want 60 at most, and %.0f bytes a second in them, want 3000", requests, polled, bytes)
	}
}
