package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) {
	// The codec's shared channels must be made outside of any synctest bubble.
	plain := make([]byte, content.MinChunkBytes)
	encoded, encoding := pack.Encode(plain, nil)
	if _, err := pack.Decode(encoding, encoded, content.MinChunkBytes, nil); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	address = "10.0.0.1:443"
	base    = "https://" + address
)

// stand is a server on a network in memory.
type stand struct {
	t      *testing.T
	net    *memnet.Network
	data   string
	server *server.Server
	stop   func()
	wg     sync.WaitGroup
	err    error // of Run, after end

	// mu guards the rest.
	mu  sync.Mutex
	log bytes.Buffer
}

// newStand starts a server with its data in a folder. change, if given, has the
// last word on the configuration.
func newStand(t *testing.T, data string, change ...func(*server.Config)) *stand {
	t.Helper()
	s := &stand{t: t, net: memnet.New(memnet.Path{}), data: data}
	l, err := s.net.Listen(address)
	s.must(err)
	cfg := server.Config{Data: data, Packs: filepath.Join(data, "packs"), PublicURL: &url.URL{Scheme: "https", Host: address},
		Listener: l, Log: slog.New(slog.NewTextHandler(s, nil))}
	for _, f := range change {
		f(&cfg)
	}
	if cfg.Database == "" {
		sqlitetest.Put(t, filepath.Join(data, "sitecast.db"))
	}
	s.server, err = server.New(t.Context(), cfg)
	s.must(err)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.wg.Go(func() { s.err = s.server.Run(ctx) })
	return s
}

// end stops the server and waits for it.
func (s *stand) end() {
	s.t.Helper()
	s.stop()
	s.wg.Wait()
	s.must(s.err)
}

// Write takes the lines of the log.
func (s *stand) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

func (s *stand) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// read returns a file of the server's folder.
func (s *stand) read(name string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, name))
	s.must(err)
	return text
}

// tls returns the settings of a client that trusts the server's private CA alone.
func (s *stand) tls() *tls.Config {
	s.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.read("ca.pem")) {
		s.t.Fatal("ca.pem holds no certificate")
	}
	return &tls.Config{RootCAs: pool, ServerName: "10.0.0.1", MinVersion: tls.VersionTLS12}
}

// do sends one request from a host, on a connection of its own. A body that is bytes
// goes as it is.
func (s *stand) do(host, method, address, token string, in any) (*http.Response, []byte, error) {
	s.t.Helper()
	var body io.Reader
	if raw, ok := in.([]byte); ok {
		body = bytes.NewReader(raw)
	} else if in != nil {
		text, err := json.Marshal(in)
		s.must(err)
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, body)
	s.must(err)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: &http.Transport{DialContext: s.net.Dialer(host), TLSClientConfig: s.tls(), DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, text, err
}

// call is do over TLS for what must succeed.
func (s *stand) call(method, path, token string, in, out any) {
	s.t.Helper()
	resp, text, err := s.do("10.0.0.2", method, base+path, token, in)
	s.must(err)
	if resp.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s answered %d %s", method, path, resp.StatusCode, text)
	}
	if out != nil {
		s.must(json.Unmarshal(text, out))
	}
}

func (s *stand) admin() string { return strings.TrimSpace(string(s.read("admin.token"))) }

// socket is an endpoint's WebSocket (RFC 6455), as plain as it can be: what the
// server is tested with here is what a client without its library would send.
type socket struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial opens the control socket with a token; the answer is not 101 when it was
// refused.
func (s *stand) dial(token string) (*socket, int) {
	s.t.Helper()
	return s.dialWith("Authorization: Bearer " + token)
}

// dialPage is dial as a page of an origin does it.
func (s *stand) dialPage(origin, token string) (*socket, int) {
	s.t.Helper()
	return s.dialWith("Origin: "+origin, "Sec-WebSocket-Protocol: "+wire.Subprotocol+", "+wire.SubprotocolBearer+token)
}

func (s *stand) dialWith(headers ...string) (*socket, int) {
	s.t.Helper()
	conn, err := s.net.Dialer("10.0.0.3")(s.t.Context(), "tcp", address)
	s.must(err)
	secure := tls.Client(conn, s.tls())
	_, err = fmt.Fprintf(secure, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n%s\r\n\r\n", wire.PathSignal, address, strings.Join(headers, "\r\n"))
	s.must(err)
	k := &socket{secure, bufio.NewReader(secure)}
	resp, err := http.ReadResponse(k.r, nil)
	s.must(err)
	_ = resp.Body.Close()
	return k, resp.StatusCode
}

// say sends one message in a masked text frame, its mask zero.
func (s *stand) say(k *socket, kind wire.Kind, id, ack uint64, body any) {
	s.t.Helper()
	text, err := wire.Encode(kind, id, ack, body)
	s.must(err)
	frame := []byte{0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(frame[2:], uint16(len(text)))
	_, err = k.conn.Write(append(frame, text...))
	s.must(err)
}

// hear reads one message; false when the socket was closed.
func (s *stand) hear(k *socket) (any, bool) {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(k.r, head[:]); err != nil {
		return nil, false
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		_, err := io.ReadFull(k.r, long[:])
		s.must(err)
		size = int(binary.BigEndian.Uint16(long[:]))
	}
	text := make([]byte, size)
	_, err := io.ReadFull(k.r, text)
	s.must(err)
	if head[0] != 0x81 {
		return nil, false // a close frame
	}
	_, body, err := wire.Decode(text)
	s.must(err)
	return body, true
}
