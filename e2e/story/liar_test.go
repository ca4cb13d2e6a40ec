//go:build linux

package story

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// A liar is an endpoint that somebody took over: with its key it is at the site and has
// links like any other, says that it holds everything, and sends zeros for each chunk.
type liar struct {
	s       *stage
	host    *netlab.Host
	key     ed25519.PrivateKey
	links   *rtc.Transport
	socket  *uplink.Uplink
	lengths []uint32 // of the chunks of app@1
	lied    atomic.Int64
	sending sync.WaitGroup

	// mu guards the rest.
	mu   sync.Mutex
	flow content.VersionID
	head content.Head
}

// takeOver makes a liar of an agent that was stopped; it lies as long as the test runs.
func (s *stage) takeOver(a *rig.Agent, k int) *liar {
	s.t.Helper()
	m := &liar{s: s, host: s.lab.Sites[0].Endpoints[k]}
	text, err := os.ReadFile(filepath.Join(a.Data, "identity.json"))
	s.must(err)
	var identity struct{ Key ed25519.PrivateKey }
	s.must(json.Unmarshal(text, &identity))
	m.key = identity.Key
	s.must(content.Split(io.LimitReader(rand.NewChaCha8(sha256.Sum256([]byte("app1"))), s.size), func(chunk []byte) error {
		m.lengths = append(m.lengths, uint32(len(chunk)))
		return nil
	}))
	m.socket, err = uplink.New(uplink.Config{URL: "wss://" + m.server() + wire.PathSignal, Dial: rig.Dialer(m.host),
		TLS: &tls.Config{InsecureSkipVerify: true}, Token: m.token, Handler: m, Log: slog.New(slog.DiscardHandler),
		Hello: func() wire.Hello {
			return wire.Hello{Version: wire.Version, Name: a.Name, Software: "liar", Device: wire.DeviceAgent}
		}})
	s.must(err)
	m.links = transportOn(s.t, m.host, m.key, m)
	ctx, stop := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() { ended <- m.socket.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		s.must(<-ended)
		m.sending.Wait()
	})
	return m
}

func (m *liar) server() string { return m.s.lab.Origin.IP().String() + ":8443" }

func (m *liar) id() wire.EndpointID { return wire.IDOf(m.key.Public().(ed25519.PublicKey)) }

// token proves the key to the server.
func (m *liar) token(ctx context.Context) (string, error) {
	var c wire.ChallengeResponse
	if err := m.post(ctx, wire.PathChallenge, struct{}{}, &c); err != nil {
		return "", err
	}
	var answer wire.SessionResponse
	err := m.post(ctx, wire.PathSession, wire.SessionRequest{Endpoint: m.id(), Nonce: c.Nonce, Proof: ed25519.Sign(m.key, wire.SessionClaim(c.Nonce))}, &answer)
	return answer.Token, err
}

func (m *liar) post(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+m.server()+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := rig.Client(m.host).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// Connected and the next two are what the server says.
func (m *liar) Connected(w wire.Welcome) { m.links.SetSite(w.Site) }
func (m *liar) Disconnected(error)       {}
func (m *liar) Heard(_ wire.Kind, body any) {
	switch b := body.(type) {
	case *wire.Dial:
		m.links.Dial(b.Peer, b.Attempt)
	case *wire.HangUp:
		m.links.HangUp(b.Peer)
	case *wire.Signal:
		m.links.Signal(*b)
	case *wire.Flow:
		head, id, err := content.ReadHead(b.Head)
		if err != nil {
			m.s.t.Error(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.flow, m.head = id, head
	}
}

// Signal and the rest are what happens on links.
func (m *liar) Signal(s wire.Signal) { m.socket.Send(wire.KindSignal, s) }
func (m *liar) Up(l *rtc.Link) {
	m.socket.Send(wire.KindLinked, wire.Linked{Peer: l.Peer(), Attempt: l.Attempt(), Up: true})
}
func (m *liar) Down(peer wire.EndpointID, _ *rtc.Link, attempt int, reason string) {
	m.socket.Send(wire.KindLinked, wire.Linked{Peer: peer, Attempt: attempt, Reason: wire.Clip(reason)})
}
func (m *liar) Bulk(*rtc.Link, wire.Frame) {}
func (m *liar) Ctl(l *rtc.Link, f wire.Frame) {
	m.mu.Lock()
	flow, head := m.flow, m.head
	m.mu.Unlock()
	if f.Version != flow {
		return
	}
	switch f.Kind {
	case wire.FrameJoin:
		_ = l.SendCtl(wire.Frame{Kind: wire.FrameJoin, Version: flow, Number: head.Chunks})
		have := content.NewBitmap(head.Chunks)
		for i := range head.Chunks {
			have.Set(i)
		}
		_ = l.SendCtl(wire.Frame{Kind: wire.FrameHave, Version: flow, Payload: have})
	case wire.FrameWant:
		chunks := slices.Clone(f.Chunks) // valid only during the call
		m.sending.Go(func() { m.poison(l, flow, chunks) })
	}
}

// poison sends zeros for chunks.
func (m *liar) poison(l *rtc.Link, flow content.VersionID, chunks []uint32) {
	for _, i := range chunks {
		f := wire.Frame{Kind: wire.FrameData, Version: flow, Number: i}
		for ; f.Offset < m.lengths[i]; f.Offset += wire.MaxDataBytes {
			f.Payload = make([]byte, min(wire.MaxDataBytes, m.lengths[i]-f.Offset))
			if l.SendBulk(m.s.ctx, f) != nil {
				return
			}
		}
		m.lied.Add(1)
	}
}

// A tab takes nothing from a peer that sends other bytes than the publisher signed. It
// reports the peer, and has everything from others.
func TestATabRefusesPoisonedChunks(t *testing.T) {
	long(t)
	const size = 32 * mib
	s := open(t, fastSite(3), size)
	s.stocked(0)
	victim, err := s.StartAgent(s.ctx, 0, 1)
	s.must(err)
	s.until("both agents to have it", "app", 0, func(f site.FlowView) bool { return f.Complete == 2 })
	s.must(victim.Stop())
	m := s.takeOver(victim, 1)
	s.must(s.Online(s.ctx))
	tb := s.browse(2, t.TempDir())
	tb.until("the tab to be complete", complete)
	sum, err := rig.Random(filepath.Join(t.TempDir(), "app"), size, sha256.Sum256([]byte("app1")))
	s.must(err)
	s.must(rig.Check(tb.save(), sum))
	if m.lied.Load() == 0 {
		t.Fatal("the tab asked the liar for nothing")
	}
	var reported, want []string
	s.must(rig.Poll(s.ctx, "the liar to be reported", func() (bool, error) {
		list, err := s.Endpoints(s.ctx)
		for _, e := range list {
			if e.ID == m.id() {
				reported = e.ReportedBy
			}
			if e.Kind == wire.DeviceBrowser {
				want = []string{string(e.ID) + ": " + wire.CodeBadChunk}
			}
		}
		return len(reported) > 0, err
	}))
	if !slices.Equal(reported, want) {
		t.Errorf("the liar is reported by %v, want %v", reported, want)
	}
}
