package engine_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is one engine with a scripted server, origin and peers around it.
type stand struct {
	t      *testing.T
	eng    *engine.Engine
	dir    string
	stop   context.CancelFunc
	chunks [][]byte
	body   []byte
	flow   wire.Flow
	root   ed25519.PrivateKey
	trust  *content.Trust

	refused wire.Refusals

	mu           sync.Mutex
	on           wire.Networks // that links may go over
	sent         []any         // to the server
	dialed       []wire.EndpointID
	rate         int64 // bound of the last appointment
	grants       []wire.Grant
	took         []wire.Taken
	term         uint64 // of the last appointment
	forgot       int    // how often, and the term then
	termAtForget uint64
	// fetch answers origin fetches; nil delivers the chunks.
	fetch func(ctx context.Context, lease wire.Lease) error
	// fetchBody answers those of the body.
	fetchBody func(ctx context.Context) ([]byte, error)
	// parts does so chunk by chunk.
	parts func(ctx context.Context, lease wire.Lease, each func(wire.Part, []byte) error) error
	// patches does so where chunks come as patches.
	patches func(ctx context.Context, lease wire.Lease, dictionary func(uint32) ([]byte, error), each func(wire.Part, []byte) error) error

	publisher ed25519.PrivateKey
	head      content.Head
	full      atomic.Bool  // the disk takes no more chunks
	wrong     atomic.Int64 // how far the clock is ahead, as long as the server was not heard
	cache     *engine.Cache
	scrub     *engine.Scrub
	staging   *engine.Staging
	manners   engine.Manners
	user      engine.User
	wrap      func(chunk.Store) chunk.Store // puts something before the store
}

// stranger signs heads that nobody trusts.
var stranger = ed25519.NewKeyFromSeed(make([]byte, 32))

func newStand(t *testing.T) *stand {
	s := &stand{t: t, dir: t.TempDir(), rate: wire.Unlimited}
	_, root, _ := ed25519.GenerateKey(nil)
	_, publisher, _ := ed25519.GenerateKey(nil)
	s.root = root
	s.makeContent(publisher)
	envelope, err := content.SignTrust(content.TrustDocument{Serial: 1, Created: time.Now(),
		Publishers: []content.Publisher{{Key: publisher.Public().(ed25519.PublicKey), Name: "test", Prefixes: []string{""}, Expires: time.Now().Add(time.Hour)}}}, root)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := content.OpenTrust(envelope, root.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	s.trust = trust
	s.run()
	return s
}

// run starts an engine on what the folder holds, with a socket to the server.
func (s *stand) run() {
	s.begin()
	s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
}

// begin starts it without one.
func (s *stand) begin() {
	store, err := disk.Open(s.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	var kept chunk.Store = troubled{Store: store, write: func(string, int) error {
		if s.full.Load() {
			return chunk.ErrNoRoom
		}
		return nil
	}}
	if s.wrap != nil {
		kept = s.wrap(kept)
	}
	s.eng = engine.New(engine.Config{
		Uplink: s, Links: s, Origin: s, Governor: s, Store: kept, Cache: s.cache, Scrub: s.scrub, Manners: s.manners, User: s.user, Staging: s.staging, Root: s.root.Public().(ed25519.PublicKey), Trust: s.trust,
		SaveTrust: func(json.RawMessage) error { return nil }, SetICE: func([]wire.ICE) {},
		Refused: &s.refused, Log: slog.New(slog.DiscardHandler), Seed: 1,
	})
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	eng := s.eng
	go func() { defer close(done); _ = eng.Run(ctx) }()
	s.stop = func() {
		stop()
		<-done
		if err := store.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// makeContent builds a version of one file of several chunks.
func (s *stand) makeContent(publisher ed25519.PrivateKey) {
	const chunks, size = 20, 100_000
	random := rand.NewChaCha8([32]byte{1})
	spec := &content.Body{Runs: []content.Run{{First: 0, Count: chunks}},
		Files: []content.File{{Path: "app.bin", Size: chunks * size}}}
	for range chunks {
		data := make([]byte, size)
		_, _ = random.Read(data)
		s.chunks = append(s.chunks, data)
		spec.Chunks = append(spec.Chunks, content.Chunk{Digest: content.Sum(data), Length: size})
	}
	s.body = spec.Encode()
	head := content.Head{Name: "app", Version: "1", Serial: 7, Created: time.Now(), Expires: time.Now().Add(time.Hour),
		Kind: "file", Bytes: chunks * size, UniqueBytes: chunks * size, Chunks: chunks,
		Body: content.Sum(s.body), BodyBytes: int64(len(s.body))}
	s.publisher, s.head = publisher, head
	s.flow = s.sign(head, wire.Normal)
}

func (s *stand) sign(head content.Head, p wire.Priority) wire.Flow {
	envelope, id, err := content.SignHead(head, s.publisher)
	if err != nil {
		s.t.Fatal(err)
	}
	return wire.Flow{Generation: 1, ID: id, Head: envelope, Priority: p}
}

// other orders other content beside the first one, of the same chunks, and has its
// body fetched under the lease of the given number.
func (s *stand) other(name string, p wire.Priority, lease uint64) wire.Flow {
	head := s.head
	head.Name = name
	flow := s.sign(head, p)
	s.eng.Heard(wire.KindFlow, &flow)
	s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: 2, IDs: []content.VersionID{s.flow.ID, flow.ID}})
	s.eng.Heard(wire.KindLease, &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: lease, Body: true, To: int64(len(s.body)), TTLMs: 20_000})
	synctest.Wait()
	return flow
}

func (s *stand) want(flow wire.Flow) {
	s.eng.Heard(wire.KindFlow, &flow)
	s.eng.Heard(wire.KindFlows, &wire.Flows{Generation: flow.Generation, IDs: []content.VersionID{flow.ID}})
	synctest.Wait()
}

// lease grants the body, or all chunks from `from` on.
func (s *stand) leaseBody() {
	s.eng.Heard(wire.KindLease, &wire.Lease{Flow: s.flow.ID, Epoch: 1, Lease: 1, Body: true, To: int64(len(s.body)), TTLMs: 20_000})
	synctest.Wait()
}

func (s *stand) leaseChunks(from, to uint32) { s.leaseOf(s.flow, 2+uint64(from), from, to) }

func (s *stand) leaseOf(flow wire.Flow, lease uint64, from, to uint32) {
	l := &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: lease, To: int64(to-from) * 100_000, TTLMs: 20_000}
	for i := from; i < to; i++ {
		l.Parts = append(l.Parts, wire.Part{Chunk: i, Length: 100_000})
	}
	s.eng.Heard(wire.KindLease, l)
	synctest.Wait()
}

func (s *stand) lastProgress() (p wire.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if m, ok := m.(wire.Progress); ok {
			p = m
		}
	}
	return p
}

func (s *stand) reports() (r []wire.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if m, ok := m.(wire.Report); ok {
			r = append(r, m)
		}
	}
	return r
}

// The stand is the engine's uplink, links and origin.

func (s *stand) Send(_ wire.Kind, body any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, body)
	return true
}
func (s *stand) Now() time.Time               { return time.Now().Add(time.Duration(s.wrong.Load())) }
func (s *stand) SetSite(string)               {}
func (s *stand) SetNetworks(on wire.Networks) { s.mu.Lock(); defer s.mu.Unlock(); s.on = on }
func (s *stand) Signal(wire.Signal)           {}
func (s *stand) HangUp(wire.EndpointID)       {}
func (s *stand) Appointed(w wire.Govern) {
	s.mu.Lock()
	s.rate, s.term = w.Bound, w.Term
	s.mu.Unlock()
}
func (s *stand) Granted(g wire.Grant) { s.mu.Lock(); s.grants = append(s.grants, g); s.mu.Unlock() }
func (s *stand) Took(t wire.Taken)    { s.mu.Lock(); s.took = append(s.took, t); s.mu.Unlock() }
func (s *stand) Forget() {
	s.mu.Lock()
	s.forgot++
	s.termAtForget = s.term
	s.mu.Unlock()
}
func (s *stand) Dial(p wire.EndpointID, _ int) { s.dialed = append(s.dialed, p) }

func (s *stand) FetchParts(ctx context.Context, lease wire.Lease, _ func(uint32) uint32, each func(wire.Part, []byte) error) error {
	if s.fetch != nil {
		return s.fetch(ctx, lease)
	}
	if s.parts != nil {
		return s.parts(ctx, lease, each)
	}
	for _, p := range lease.Parts {
		if err := each(p, s.chunks[p.Chunk]); err != nil {
			return err
		}
	}
	return nil
}

func (s *stand) FetchPatches(ctx context.Context, lease wire.Lease, _ func(uint32) uint32, dictionary func(uint32) ([]byte, error), each func(wire.Part, []byte) error) error {
	return s.patches(ctx, lease, dictionary, each)
}

func (s *stand) FetchBody(ctx context.Context, _ wire.Lease, _ int64) ([]byte, error) {
	if s.fetchBody != nil {
		return s.fetchBody(ctx)
	}
	return s.body, nil
}

// peer is a scripted other endpoint.
type peer struct {
	id     wire.EndpointID
	mu     sync.Mutex
	ctl    []wire.Frame
	bulk   []wire.Frame
	closed string
}

func (p *peer) Peer() wire.EndpointID { return p.id }
func (p *peer) Attempt() int          { return 1 }
func (p *peer) Relayed() bool         { return false }
func (p *peer) SendCtl(f wire.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.Chunks, f.Payload = slices.Clone(f.Chunks), slices.Clone(f.Payload)
	p.ctl = append(p.ctl, f)
	return nil
}
func (p *peer) SendBulk(_ context.Context, f wire.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.Payload = slices.Clone(f.Payload)
	p.bulk = append(p.bulk, f)
	return nil
}
func (p *peer) Close(reason string) { p.mu.Lock(); p.closed = reason; p.mu.Unlock() }

// heard returns the chunks of all frames of a kind the peer was sent.
func (p *peer) heard(kind wire.FrameKind) (chunks []uint32, frames int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.ctl {
		if f.Kind == kind {
			chunks = append(chunks, f.Chunks...)
			frames++
		}
	}
	return chunks, frames
}

// told returns the chunks that the peer was told of, in whatever form.
func (p *peer) told() map[uint32]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := map[uint32]bool{}
	for _, f := range p.ctl {
		switch f.Kind {
		case wire.FrameHaveList:
			for _, i := range f.Chunks {
				told[i] = true
			}
		case wire.FrameHave:
			for i := range uint32(len(f.Payload) * 8) {
				if content.Bitmap(f.Payload).Has(i) {
					told[f.Number+i] = true
				}
			}
		}
	}
	return told
}

func (s *stand) link(name string) *peer {
	p := &peer{id: wire.EndpointID(name)}
	s.eng.LinkUp(p)
	synctest.Wait()
	return p
}

// give has the peer send a chunk in frames.
func (s *stand) give(p *peer, i uint32, data []byte) {
	off := uint32(0)
	for piece := range slices.Chunk(data, wire.MaxDataBytes) {
		s.eng.Bulk(p, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: i, Offset: off, Payload: piece})
		off += uint32(len(piece))
	}
	synctest.Wait()
}

// joins has the peer take part and hold the chunks.
func (s *stand) joins(p *peer, chunks ...uint32) {
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: uint32(len(s.chunks)), Flags: wire.JoinBodyHeld})
	s.eng.Ctl(p, wire.Frame{Kind: wire.FrameHaveList, Version: s.flow.ID, Chunks: chunks})
	synctest.Wait()
}
