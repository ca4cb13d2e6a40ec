package socket_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

// quiet is a handler that does nothing.
type quiet struct{}

func (quiet) Joined(*socket.Session)                {}
func (quiet) Left(*socket.Session, string)          {}
func (quiet) Heard(*socket.Session, wire.Kind, any) {}

// BenchmarkIdleSession reports what one idle session costs the server, over real
// TCP, with everything that the other end takes in this process counted too: it
// is a bare connection.
func BenchmarkIdleSession(b *testing.B) {
	server := socket.New(socket.Config{
		Authenticate: func(r *http.Request) (socket.Identity, error) {
			id := wire.EndpointID(r.Header.Get("Authorization"))
			return socket.Identity{ID: id, Expires: time.Now().Add(time.Hour)}, nil
		},
		Welcome: func(context.Context, socket.Identity) (wire.Welcome, error) { return wire.Welcome{}, nil },
		Handler: quiet{}, Log: slog.New(slog.DiscardHandler),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
	go func() { _ = web.Serve(l) }()
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Run(ctx)
	}()

	const sessions = 2000
	for b.Loop() {
		before, goroutines := inUse(), runtime.NumGoroutine()
		conns := make([]net.Conn, sessions)
		for i := range conns {
			if conns[i], err = open(l.Addr().String(), i); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(inUse()-before)/sessions, "B/session")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/sessions, "goroutines/session")
		for _, c := range conns {
			_ = c.Close()
		}
		for server.Sessions() > 0 {
			runtime.Gosched()
		}
	}
	stop()
	<-done
	_ = web.Close()
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// open makes a session by hand.
func open(addr string, i int) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	id := strings.NewReplacer("0", "a", "1", "b").Replace(fmt.Sprintf("%032b", i))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: %s\r\n\r\n", id)
	r := bufio.NewReaderSize(c, 512)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("status %s", resp.Status)
	}
	// A text frame, masked with zeros.
	frame := append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)
	if _, err := c.Write(frame); err != nil {
		return nil, err
	}
	_, err = r.ReadByte() // the welcome begins
	return c, err
}
