package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// commitInterval is how long a chunk may be kept before it is durable.
const commitInterval = 2 * time.Second

// store is an endpoint's disk: a chunk.Store that remembers which chunks it holds
// and takes their bytes from the goods, which their hashes prove to be the same.
type store struct {
	commits *stream

	// mu guards the rest. It is taken last.
	mu    sync.Mutex
	full  bool
	due   bool // a commit is on its way
	held  map[content.VersionID]*held
	order []content.VersionID
}

// held is one version on disk; it is what handles are of.
type held struct {
	s        *store
	of       *Version
	envelope json.RawMessage
	have     content.Bitmap
	bad      content.Bitmap // damaged on disk
	count    chunk.Counters
	complete bool
	// What a crash leaves.
	durable      content.Bitmap
	durableCount chunk.Counters
}

func newStore(commits *stream) *store {
	return &store{commits: commits, held: map[content.VersionID]*held{}}
}

// Open implements chunk.Store.
func (s *store) Open(_ context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (chunk.Version, error) {
	of := stock().byID[versionOf(envelope)]
	if of == nil || of.spec.Head.Body != head.Body || len(of.list.Chunks) != len(body.Chunks) {
		return nil, fmt.Errorf("open %s: this is no version of the origin", head.Ref())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.held[of.spec.ID]; h != nil {
		return &handle{held: h}, nil
	}
	if s.full {
		return nil, fmt.Errorf("open %s: %w", head.Ref(), chunk.ErrNoRoom)
	}
	h := &held{s: s, of: of, envelope: envelope, have: content.NewBitmap(head.Chunks), bad: content.NewBitmap(head.Chunks),
		durable: content.NewBitmap(head.Chunks)}
	h.commit()
	s.held[of.spec.ID] = h
	s.order = append(s.order, of.spec.ID)
	return &handle{held: h}, nil
}

// handle is a version that was opened; it implements chunk.Version.
type handle struct {
	*held
	closed atomic.Bool
}

// seedTime is how long it takes to look through the other versions. What the endpoint
// says meanwhile does not depend on which goroutine is faster.
const seedTime = 7 * time.Millisecond

// Seed implements chunk.Version.
func (h *handle) Seed(ctx context.Context, took func(chunk uint32)) error {
	select {
	case <-time.After(seedTime):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if h.closed.Load() {
		return errClosedVersion
	}
	found, err := h.held.seed()
	for _, i := range found {
		took(i)
	}
	return err
}

// seed takes what other versions hold.
func (h *held) seed() (found []uint32, err error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	there := map[content.Digest]bool{}
	for _, other := range h.s.held {
		for i, c := range other.of.list.Chunks {
			there[c.Digest] = there[c.Digest] || other != h && other.have.Has(uint32(i)) && !other.bad.Has(uint32(i))
		}
	}
	for i, c := range h.of.list.Chunks {
		if h.have.Has(uint32(i)) || !there[c.Digest] {
			continue
		}
		if h.s.full {
			return found, fmt.Errorf("seed chunk %d: %w", i, chunk.ErrNoRoom)
		}
		h.have.Set(uint32(i))
		h.count.Bytes[chunk.Reused] += int64(c.Length)
		found = append(found, uint32(i))
	}
	h.commit()
	return found, nil
}

var errClosedVersion = errors.New("version is closed")

// Put implements chunk.Version.
func (h *handle) Put(i uint32, data []byte, from chunk.Source, wan int64) (bool, error) {
	if h.closed.Load() {
		return false, errClosedVersion
	}
	return h.held.Put(i, data, from, wan)
}

// Read implements chunk.Version.
func (h *handle) Read(i uint32, dst []byte) ([]byte, error) {
	if h.closed.Load() {
		return dst, errClosedVersion
	}
	return h.held.Read(i, dst)
}

// Check implements chunk.Version.
func (h *handle) Check(i uint32) error {
	_, err := h.Read(i, nil)
	return err
}

// Close implements chunk.Version.
func (h *handle) Close() error {
	h.closed.Store(true)
	return h.Commit()
}

func versionOf(envelope json.RawMessage) content.VersionID {
	_, id, err := content.ReadHead(envelope)
	if err != nil {
		return content.VersionID{}
	}
	return id
}

// Held implements chunk.Store.
func (s *store) Held() (out []chunk.Held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		h := s.held[id]
		out = append(out, chunk.Held{ID: id, Envelope: h.envelope, Body: h.of.body, Complete: h.complete})
	}
	return out
}

// Lend implements chunk.Store.
func (s *store) Lend(id content.VersionID) (chunk.Lender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if h == nil || !h.complete {
		return nil, chunk.ErrNotHeld
	}
	return lent{h}, nil
}

// lent is a version that is only read; it implements chunk.Lender.
type lent struct{ *held }

// Close implements chunk.Lender.
func (lent) Close() {}

// Remove implements chunk.Store.
func (s *store) Remove(_ context.Context, id content.VersionID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, id)
	for i, other := range s.order {
		if other == id {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			break
		}
	}
	return nil
}

// Close implements chunk.Store.
func (s *store) Close() error {
	s.commitAll()
	return nil
}

func (s *store) commitAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = false
	for _, h := range s.held {
		h.commit()
	}
}

// fill fills the disk, or makes room again.
func (s *store) fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// crash forgets what was not durable.
func (s *store) crash() (lost uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		lost += h.have.Count() - h.durable.Count()
		h.have, h.count = h.durable.Clone(), h.durableCount
	}
	return lost
}

// holds reports whether a chunk can be had here.
func (s *store) holds(id content.VersionID, i uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	return h != nil && h.have.Has(i) && !h.bad.Has(i)
}

// state tells how much of a version there is.
func (s *store) state(id content.VersionID) (chunks uint32, complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.held[id]; h != nil {
		return h.have.Count(), h.complete && h.have.Count() == h.of.spec.Head.Chunks
	}
	return 0, false
}

// damage spoils a chunk that is held, the n-th of all, and reports which.
func (s *store) damage(id content.VersionID, n uint32) (uint32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if h == nil || h.have.Count() == 0 {
		return 0, false
	}
	for n %= h.of.spec.Head.Chunks; !h.have.Has(n); n = (n + 1) % h.of.spec.Head.Chunks {
	}
	h.bad.Set(n)
	return n, true
}

// commit makes what is held durable. mu is held.
func (h *held) commit() { h.durable, h.durableCount = h.have.Clone(), h.count }

// Put implements chunk.Version.
func (h *held) Put(i uint32, data []byte, from chunk.Source, wan int64) (bool, error) {
	if uint64(i) >= uint64(len(h.of.list.Chunks)) {
		return false, fmt.Errorf("put chunk %d of %d", i, len(h.of.list.Chunks))
	}
	if want, got := h.of.list.Chunks[i].Digest, content.Sum(data); got != want {
		return false, &chunk.CorruptError{Chunk: i, Want: want, Got: got}
	}
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.have.Has(i) {
		return false, nil
	}
	if h.s.full {
		return false, fmt.Errorf("put chunk %d: %w", i, chunk.ErrNoRoom)
	}
	h.have.Set(i)
	h.bad.Clear(i)
	h.count.Bytes[from] += int64(len(data))
	h.count.WAN += wan
	if !h.s.due {
		h.s.due = true
		h.s.commits.alarm(commitInterval, h.s.commitAll)
	}
	return true, nil
}

// Read implements chunk.Version.
func (h *held) Read(i uint32, dst []byte) ([]byte, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	switch {
	case !h.have.Has(i):
		return dst, chunk.ErrNotHeld
	case h.bad.Has(i):
		h.have.Clear(i)
		h.durable.Clear(i)
		h.bad.Clear(i)
		h.complete = false
		return dst, &chunk.CorruptError{Chunk: i, Want: h.of.list.Chunks[i].Digest}
	}
	return append(dst, h.of.chunks[i]...), nil
}

// Have implements chunk.Version.
func (h *held) Have() content.Bitmap {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return h.have.Clone()
}

// Counters implements chunk.Version.
func (h *held) Counters() chunk.Counters {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return h.count
}

// Commit implements chunk.Version.
func (h *held) Commit() error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.commit()
	return nil
}

// Complete implements chunk.Version.
func (h *held) Complete() error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.have.Count() != h.of.spec.Head.Chunks {
		return chunk.ErrNotHeld
	}
	h.complete = true
	h.commit()
	return nil
}

// Done implements chunk.Version.
func (h *held) Done() bool {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return h.complete
}
