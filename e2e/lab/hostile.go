package lab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Rogue is a device that enrolled like any other, and then says what it likes. It
// speaks to the server without our own uplink, and to peers without our engine.
type Rogue struct {
	ID   wire.EndpointID
	Key  ed25519.PrivateKey
	Name string
	Site *Site
	Host string

	lab    *Lab
	conn   net.Conn
	reader sync.WaitGroup
	links  *running // its transport, if it has one

	saying sync.Mutex
	last   uint64 // id of the last message said, guarded by saying

	// mu guards the rest.
	mu    sync.Mutex
	ack   uint64 // id of the last message heard
	heard []any
	ended bool
	hear  func(body any) // is handed every message, too; may be nil
}

// Rogue enrols a device at a site and opens its socket. The caller must End it.
func (l *Lab) Rogue(s *Site, name, host string) *Rogue {
	l.t.Helper()
	var text bytes.Buffer
	l.must(operator.Enrol{Remote: l.Remote(&text), Site: s.Name, Uses: 1, TTL: time.Hour}.Run(l.t.Context()))
	token, err := wire.ParseEnrolToken(text.String())
	l.must(err)
	public, key, err := ed25519.GenerateKey(nil)
	l.must(err)
	r := &Rogue{ID: wire.IDOf(public), Key: key, Name: name, Site: s, Host: host, lab: l}
	r.post(wire.PathEnrol, wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: public,
		Proof: ed25519.Sign(key, wire.EnrolClaim(token.ID)), Name: name, Device: wire.DeviceAgent}, &wire.EnrolResponse{})
	r.Open()
	return r
}

// client is how the device asks over HTTP.
func (r *Rogue) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: r.lab.WAN.Dialer(r.Host), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // it has nothing to lose
}

func (r *Rogue) post(path string, in, out any) {
	r.lab.t.Helper()
	text, err := json.Marshal(in)
	r.lab.must(err)
	resp, err := r.client().Post(r.lab.url.JoinPath(path).String(), "application/json", bytes.NewReader(text))
	r.lab.must(err)
	defer resp.Body.Close()
	r.lab.must(json.NewDecoder(resp.Body).Decode(out))
	if resp.StatusCode != http.StatusOK {
		r.lab.t.Fatalf("%s answered %d", path, resp.StatusCode)
	}
}

// Get asks for an address of the server and returns the status.
func (r *Rogue) Get(address string) (status int, body []byte) {
	r.lab.t.Helper()
	at, err := r.lab.url.Parse(address)
	r.lab.must(err)
	resp, err := r.client().Get(at.String())
	r.lab.must(err)
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	r.lab.must(err)
	return resp.StatusCode, body
}

// Open proves the key and opens a socket with a session of its own.
func (r *Rogue) Open() {
	r.lab.t.Helper()
	r.Close()
	var c wire.ChallengeResponse
	r.post(wire.PathChallenge, struct{}{}, &c)
	var answer wire.SessionResponse
	r.post(wire.PathSession, wire.SessionRequest{Endpoint: r.ID, Nonce: c.Nonce, Proof: ed25519.Sign(r.Key, wire.SessionClaim(c.Nonce))}, &answer)
	plain, err := r.lab.WAN.Dialer(r.Host)(r.lab.t.Context(), "tcp", serverAddr)
	r.lab.must(err)
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nAuthorization: Bearer %s\r\n\r\n",
		wire.PathSignal, serverAddr, answer.Token)
	r.lab.must(err)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	r.lab.must(err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		r.lab.t.Fatalf("the socket of %s answered %d", r.ID.Short(), resp.StatusCode)
	}
	r.mu.Lock()
	r.conn, r.last, r.ack, r.heard, r.ended = conn, 0, 0, nil, false // nobody says anything now
	r.mu.Unlock()
	r.reader.Go(func() { r.read(in) })
	r.SayAs(wire.KindHello, 0, wire.Hello{Version: wire.Version, Name: r.Name, Software: "rogue"})
	time.Sleep(time.Second)
	synctest.Wait()
}

// Close breaks the socket.
func (r *Rogue) Close() {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	r.reader.Wait()
}

// End ends all that the rogue began.
func (r *Rogue) End() {
	r.lab.t.Helper()
	r.Close()
	if r.links != nil {
		r.lab.must(r.links.end())
	}
}

// read collects messages until the socket ends.
func (r *Rogue) read(in *bufio.Reader) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = true
	}()
	for {
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := uint64(head[1])
		if more := map[byte]int{126: 2, 127: 8}[head[1]]; more > 0 {
			var long [8]byte
			if _, err := io.ReadFull(in, long[8-more:]); err != nil {
				return
			}
			size = binary.BigEndian.Uint64(long[:])
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return
		}
		switch head[0] & 15 {
		case 8: // close
			return
		case 9: // ping
			r.frame(10, text)
		case 1:
			r.take(text)
		}
	}
}

func (r *Rogue) take(text []byte) {
	env, body, err := wire.Decode(text)
	if err != nil {
		r.lab.t.Errorf("the server said %.100q: %v", text, err)
		return
	}
	r.mu.Lock()
	r.ack = max(r.ack, env.ID)
	r.heard = append(r.heard, body)
	hear := r.hear
	r.mu.Unlock()
	if hear != nil {
		hear(body)
	}
}

// Heard returns everything of a kind that came since Open.
func Heard[T any](r *Rogue) (out []*T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.heard {
		if b, ok := m.(*T); ok {
			out = append(out, b)
		}
	}
	return out
}

// Ended reports whether the server has closed the socket.
func (r *Rogue) Ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// Say sends a message as the protocol wants it.
func (r *Rogue) Say(kind wire.Kind, body any) {
	r.saying.Lock() // in the order of their ids
	defer r.saying.Unlock()
	r.last++
	r.SayAs(kind, r.last, body)
}

// SayAs sends a message under an id.
func (r *Rogue) SayAs(kind wire.Kind, id uint64, body any) {
	r.mu.Lock()
	ack := r.ack
	r.mu.Unlock()
	raw, err := json.Marshal(body)
	r.lab.must(err)
	text, err := json.Marshal(wire.Envelope{Kind: kind, ID: id, Ack: ack, Body: raw})
	r.lab.must(err)
	r.SayText(string(text))
}

// SayText sends whatever it is given as one message.
func (r *Rogue) SayText(text string) { r.frame(1, []byte(text)) }

// SayBytes sends a message of bytes.
func (r *Rogue) SayBytes(b []byte) { r.frame(2, b) }

// frame sends one masked frame, its mask zero. A socket that has ended takes none.
func (r *Rogue) frame(opcode byte, payload []byte) {
	head := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n <= 0xffff:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	_, _ = r.conn.Write(append(append(head, 0, 0, 0, 0), payload...))
}

// Link lets the rogue make links on its site's LAN by the real transport. Whatever
// peers send goes to lie.
func (r *Rogue) Link(host string, lie rtc.Handler) *rtc.Transport {
	r.lab.t.Helper()
	laying.Lock()
	network, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{host}})
	laying.Unlock()
	r.lab.must(err)
	r.lab.must(r.Site.lan.AddNet(network))
	t, err := rtc.New(rtc.Config{Net: network, Listen: "0.0.0.0:0", Identity: r.Key,
		ICE: func() []wire.ICE { return nil }, Handler: lie, Log: r.lab.log("rogue")})
	r.lab.must(err)
	t.SetSite(r.Site.Name)
	r.links = run(func(ctx context.Context) error { return t.Run(ctx) })
	time.Sleep(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear = func(body any) {
		switch b := body.(type) {
		case *wire.Dial:
			t.Dial(b.Peer, b.Attempt)
		case *wire.HangUp:
			t.HangUp(b.Peer)
		case *wire.Signal:
			t.Signal(*b)
		}
	}
	return t
}

// Refused is how often the server refused something at a door for a reason, as its
// metrics say.
func (l *Lab) Refused(door wire.Door, code string) (n int) {
	l.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: l.WAN.Dialer(desk), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Get(l.url.JoinPath("/metrics").String())
	l.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	l.must(err)
	prefix := fmt.Sprintf("sitecast_refused_total{code=%q,door=%q} ", code, door)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			_, err := fmt.Sscan(rest, &n)
			l.must(err)
		}
	}
	return n
}
