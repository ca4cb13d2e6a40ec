package engine_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/wire"
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

	mu     sync.Mutex
	sent   []any // to the server
	dialed []wire.EndpointID
	rate   int64
	// fetch answers origin fetches; nil delivers the chunks.
	fetch func(ctx context.Context, lease wire.Lease) error
	// fetchBody answers those of the body.
	fetchBody func(ctx context.Context) ([]byte, error)
	// parts does so chunk by chunk.
	parts func(ctx context.Context, lease wire.Lease, each func(wire.Part, []byte) error) error

	publisher ed25519.PrivateKey
	head      content.Head
	full      atomic.Bool // the disk takes no more chunks
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

// run starts an engine on what the folder holds.
func (s *stand) run() {
	store, err := disk.Open(s.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.eng = engine.New(engine.Config{
		Uplink: s, Links: s, Origin: s, Store: roomy{store, &s.full}, Root: s.root.Public().(ed25519.PublicKey), Trust: s.trust,
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
	s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
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
func (s *stand) Now() time.Time                { return time.Now() }
func (s *stand) SetSite(string)                {}
func (s *stand) Signal(wire.Signal)            {}
func (s *stand) HangUp(wire.EndpointID)        {}
func (s *stand) SetRate(b int64)               { s.mu.Lock(); s.rate = b; s.mu.Unlock() }
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

func TestLeasesAloneFillAVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p := s.lastProgress()
		if !p.Complete || p.Bytes.Origin != 2_000_000 || p.WAN != 2_000_000 {
			t.Fatalf("progress %+v, want complete from the origin", p)
		}
		got, err := os.ReadFile(filepath.Join(s.dir, "content", "app", "1", "app.bin"))
		if err != nil || content.Sum(got) != content.Sum(slices.Concat(s.chunks...)) {
			t.Errorf("delivered file is wrong: %v", err)
		}
	})
}

func TestWhatALeaseBeginsWithAndIsHeldIsNotFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		var got []uint32
		s.parts = func(_ context.Context, l wire.Lease, each func(wire.Part, []byte) error) error {
			if l.From != 200_000 {
				t.Errorf("fetched from byte %d, want 200000", l.From)
			}
			for _, p := range l.Parts {
				got = append(got, p.Chunk)
				if err := each(p, s.chunks[p.Chunk]); err != nil {
					return err
				}
			}
			return nil
		}
		s.leaseChunks(3, 8)
		if !slices.Equal(got, []uint32{5, 6, 7}) {
			t.Errorf("fetched %v, want 5 to 7", got)
		}
		if l := s.lastProgress().Leases; len(l) != 1 || !l[0].Done || l[0].Verified != 5 {
			t.Errorf("leases %+v, want all 5 parts verified", l)
		}
	})
}

func TestPeersServeWhatIsAskedAndAreToldWhatArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		a, b := s.link("a"), s.link("b")
		s.joins(a, 3)
		s.joins(b)
		if got, _ := a.heard(wire.FrameWant); !slices.Equal(got, []uint32{3}) {
			t.Fatalf("asked a for %v, want [3]", got)
		}
		s.give(a, 3, s.chunks[3])
		if got, _ := b.heard(wire.FrameHaveList); !slices.Equal(got, []uint32{3}) {
			t.Errorf("told b of %v, want [3]", got)
		}
		s.eng.Ctl(b, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 20})
		s.eng.Ctl(b, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{3, 4}})
		synctest.Wait()
		var sent []byte
		for _, f := range b.bulk {
			sent = append(sent, f.Payload...)
		}
		if content.Sum(sent) != content.Sum(s.chunks[3]) {
			t.Errorf("b got %d bytes that are not chunk 3", len(sent))
		}
		if got, _ := b.heard(wire.FrameRefuse); !slices.Equal(got, []uint32{4}) {
			t.Errorf("refused %v, want [4], which is not held", got)
		}
	})
}

func TestBodyIsNotAskedAgainOfAPeerThatJoinsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		p := s.link("peer")
		for range 2 { // when it has the body, and when its store is open
			s.eng.Ctl(p, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: uint32(len(s.chunks)),
				Flags: wire.JoinBodyHeld | wire.JoinReplyWanted})
			synctest.Wait()
		}
		if _, frames := p.heard(wire.FrameWantBody); frames != 1 {
			t.Errorf("asked %d times for the body, want once", frames)
		}
	})
}

func TestChunkThatArrivesWhileAPeerJoinsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 2)
		a := s.link("a") // is sent a join
		s.leaseChunks(2, 4)
		s.joins(a) // answers it
		time.Sleep(time.Second)
		synctest.Wait()
		told := a.told()
		for i := range uint32(4) {
			if !told[i] {
				t.Errorf("chunk %d was not told: %v", i, told)
			}
		}
	})
}

func TestPeerThatLiesIsDroppedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		liar, honest := s.link("liar"), s.link("honest")
		s.joins(honest)
		s.joins(liar, 3)
		s.give(liar, 3, s.chunks[4])
		if liar.closed != wire.CodeBadChunk {
			t.Errorf("liar's link closed with %q, want %q", liar.closed, wire.CodeBadChunk)
		}
		if got, _ := honest.heard(wire.FrameHaveList); len(got) != 0 {
			t.Errorf("a bad chunk was announced: %v", got)
		}
		if r := s.reports(); len(r) != 1 || r[0].Peer != "liar" || r[0].Code != wire.CodeBadChunk {
			t.Errorf("reports %+v, want one that names the liar", r)
		}
	})
}

func TestPauseStopsBothDirectionsAndResumeBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		stopped := make(chan struct{})
		s.fetch = func(ctx context.Context, _ wire.Lease) error {
			<-ctx.Done()
			close(stopped)
			return ctx.Err()
		}
		s.want(s.flow)
		s.leaseBody()
		a := s.link("a")
		s.joins(a, 3)
		s.leaseChunks(10, 20)
		paused := s.flow
		paused.Generation, paused.Paused = 2, true
		s.want(paused)
		<-stopped
		if _, n := a.heard(wire.FrameLeave); n != 1 {
			t.Errorf("%d leaves sent, want 1", n)
		}
		s.give(a, 3, s.chunks[3])
		if p := s.lastProgress(); p.Bytes.Total() != 0 {
			t.Errorf("kept %d bytes while paused", p.Bytes.Total())
		}
		before, _ := a.heard(wire.FrameWant)
		s.fetch = nil
		resumed := s.flow
		resumed.Generation = 3
		s.want(resumed)
		s.joins(a, 3)
		if after, _ := a.heard(wire.FrameWant); len(after) <= len(before) {
			t.Errorf("after resume nothing was asked of a")
		}
	})
}

func TestPausedFlowReportsWhatIsHeldFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		s.stop()
		s.run()
		defer s.stop()
		s.sent = nil
		paused := s.flow
		paused.Generation, paused.Paused = 2, true
		s.want(paused)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, m := range s.sent {
			if p, ok := m.(wire.Progress); ok && p.Bytes.Origin != 500_000 {
				t.Errorf("reported %d bytes from the origin, want the 500000 that are held", p.Bytes.Origin)
			}
		}
		if p := s.lastProgress(); p.Flow != s.flow.ID {
			t.Error("nothing was reported")
		}
	})
}

func TestChunksOfALeaseThatNeverBeganAreAskedOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.fetch = func(ctx context.Context, _ wire.Lease) error {
			<-ctx.Done()
			return ctx.Err()
		}
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 10)  // runs
		s.leaseChunks(10, 20) // waits for it
		paused, resumed := s.flow, s.flow
		paused.Generation, paused.Paused = 2, true
		resumed.Generation = 3
		s.want(paused)
		s.want(resumed)
		a := s.link("a")
		s.joins(a, 5, 15)
		got, _ := a.heard(wire.FrameWant)
		slices.Sort(got)
		if !slices.Equal(got, []uint32{5, 15}) {
			t.Errorf("asked for %v, want [5 15]", got)
		}
	})
}

func TestUntrustedHeadIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.makeContent(stranger)
		s.want(s.flow)
		if p := s.lastProgress(); p.Code != wire.CodeBadHead {
			t.Errorf("progress %+v, want code %q", p, wire.CodeBadHead)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "content", "app")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("content of a stranger appeared: %v", err)
		}
	})
}

func TestWrongBodyFromAPeerIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		liar := s.link("liar")
		s.eng.Ctl(liar, wire.Frame{Kind: wire.FrameJoin, Version: s.flow.ID, Number: 20, Flags: wire.JoinBodyHeld})
		synctest.Wait()
		if _, n := liar.heard(wire.FrameWantBody); n != 1 {
			t.Fatalf("asked for the body %d times, want once", n)
		}
		bad := slices.Clone(s.body)
		bad[len(bad)-1] ^= 1
		s.eng.Bulk(liar, wire.Frame{Kind: wire.FrameBody, Version: s.flow.ID, Payload: bad})
		synctest.Wait()
		if liar.closed != wire.CodeBadBody {
			t.Errorf("liar's link closed with %q, want %q", liar.closed, wire.CodeBadBody)
		}
	})
}

func TestPeerBeyondItsCreditIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.stop()
		s.want(s.flow)
		s.leaseBody()
		a := s.link("a")
		// Credit is renewed as pieces are taken, so only a claim made before the
		// first grant can exceed it: a link that was never granted anything.
		if _, n := a.heard(wire.FrameCredit); n != 1 {
			t.Fatalf("%d credits granted at the start, want 1", n)
		}
		s.eng.Bulk(a, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 0, Offset: 7, Payload: []byte("x")})
		synctest.Wait()
		if a.closed != "" {
			t.Errorf("a frame nobody expects closed the link (%q); it may cross a cancel", a.closed)
		}
		s.joins(a, 0)
		s.eng.Bulk(a, wire.Frame{Kind: wire.FrameData, Version: s.flow.ID, Number: 0, Offset: 7, Payload: []byte("x")})
		synctest.Wait()
		if a.closed != wire.CodeProtocol {
			t.Errorf("a piece at a wrong offset closed the link with %q, want %q", a.closed, wire.CodeProtocol)
		}
	})
}
