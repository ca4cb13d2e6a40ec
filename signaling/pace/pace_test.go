package pace_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/wire"
)

var key = strings.Repeat("a1", wire.PaceKeyBytes/2)

// request is one that came over conn.
func request(p *pace.Pacer, conn net.Conn, asks string) *http.Request {
	r, err := http.NewRequestWithContext(p.Context(context.Background(), conn), http.MethodGet, "http://server.example/packs/x", nil)
	if err != nil {
		panic(err)
	}
	if asks != "" {
		r.Header.Set(wire.PaceHeader, asks)
	}
	return r
}

// begin begins an answer and reports whether it says that it is paced.
func begin(p *pace.Pacer, conn net.Conn, asks string) (paced bool, end func()) {
	h := http.Header{}
	answer := p.Begin(request(p, conn, asks), h)
	return h.Get(wire.PacedHeader) != "", answer.End
}

func TestConnectionThatCannotBePacedPromisesNothing(t *testing.T) {
	var p pace.Pacer
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	paced, end := begin(&p, near, key+" 1000")
	if paced {
		t.Error("an answer over a pipe is said to be paced")
	}
	p.Set(&wire.Pace{Key: key, BytesPerSecond: 1})
	end()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(wire.PaceHeader, key+" 1000")
	h := http.Header{}
	p.Begin(r, h).End()
	if len(h) > 0 {
		t.Errorf("a request of no known connection is answered with %v", h)
	}
}

// wrapped is a connection around another, as TLS is.
func wrapped(conn net.Conn) net.Conn { return tls.Server(conn, &tls.Config{}) }

func ExamplePacer() {
	var p pace.Pacer
	http.HandleFunc("GET /packs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		answer, text := p.Begin(r, w.Header()), []byte("content")
		defer answer.End()
		for len(text) > 0 {
			n := answer.Step(len(text))
			answer.Wait(n)
			_, _ = w.Write(text[:n])
			text = text[n:]
		}
	})
	_ = &http.Server{ConnContext: p.Context}
}
