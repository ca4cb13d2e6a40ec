package engine

import (
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// creditWindow is what a peer may have under way to us, bytes. It bounds the
// memory that half-received chunks of one link take, and those that wait for the disk.
const creditWindow = 4 << 20

// creditStep is the least worth a grant.
const creditStep = creditWindow / 8

// target names what pieces belong to: a chunk, or the body, of a version.
type target struct {
	version content.VersionID
	chunk   uint32
	body    bool
}

// pieceStep is what pieces lie at multiples of, and are as long as a multiple of, but
// for the last of a target. A piece is as long as a frame may be, or shorter where a
// whole frame would fill the queue of a slow LAN.
const pieceStep = wire.MaxDataBytes / 16

// assembly collects the pieces of one target, which come in any order.
type assembly struct {
	buf     []byte // nil until the first piece
	length  int
	missing int    // steps not yet here
	seen    []bool // by step
}

// add copies a piece in and reports whether it was well-formed. A piece seen
// before is well-formed: a chunk cancelled and wanted again is sent twice.
func (a *assembly) add(offset uint32, piece []byte) bool {
	from, end := int(offset), int(offset)+len(piece)
	if from%pieceStep != 0 || len(piece) == 0 || end > a.length || end%pieceStep != 0 && end != a.length {
		return false
	}
	if a.buf == nil {
		a.buf = make([]byte, a.length)
	}
	for at := from; at < end; at += pieceStep {
		if i := at / pieceStep; !a.seen[i] {
			copy(a.buf[at:min(at+pieceStep, end)], piece[at-from:])
			a.seen[i] = true
			a.missing--
		}
	}
	return true
}

// receiver assembles what one peer sends of what was asked of it. The engine's
// loop says what to expect; the link's bulk goroutine adds pieces.
type receiver struct {
	// mu guards the rest.
	mu       sync.Mutex
	expected map[target]*assembly
	crossing int64  // bytes that may come though nobody waits for them: what was cancelled, and some
	waiting  uint64 // bytes of whole chunks that are not stored yet
	consumed uint64 // payload bytes taken, wanted or not
	granted  uint64 // total allowed so far
}

func newReceiver() *receiver {
	return &receiver{expected: map[target]*assembly{}, crossing: creditWindow, granted: creditWindow}
}

// expect lets length bytes for t come in.
func (r *receiver) expect(t target, length uint32) {
	steps := (int(length) + pieceStep - 1) / pieceStep
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.expected[t] == nil {
		r.expected[t] = &assembly{length: int(length), missing: steps, seen: make([]bool, steps)}
	}
}

// forget drops what has come in for the targets.
func (r *receiver) forget(ts ...target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range ts {
		r.cancel(t)
	}
}

// cancel drops one target. All of it may be under way. mu is held.
func (r *receiver) cancel(t target) {
	if a := r.expected[t]; a != nil {
		r.crossing += int64(a.length)
		delete(r.expected, t)
	}
}

// left returns how many steps of t have not come.
func (r *receiver) left(t target) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.expected[t]; a != nil {
		return a.missing
	}
	return 0
}

// forgetVersion drops everything of a version.
func (r *receiver) forgetVersion(id content.VersionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for t := range r.expected {
		if t.version == id {
			r.cancel(t)
		}
	}
}

// piece takes one bulk frame. It returns the whole target when f completes it;
// ok is false when the frame breaks the rules. A piece of something no longer
// expected is dropped, because its cancel crossed it on the way; a credit
// window more than was ever cancelled was never asked for.
func (r *receiver) piece(f wire.Frame) (t target, whole []byte, ok bool) {
	t = target{version: f.Version, chunk: f.Number, body: f.Kind == wire.FrameBody}
	if t.body {
		t.chunk = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consumed += uint64(len(f.Payload))
	if r.consumed > r.granted {
		return t, nil, false
	}
	a := r.expected[t]
	if a == nil {
		r.crossing -= int64(len(f.Payload))
		return t, nil, r.crossing >= 0
	}
	if !a.add(f.Offset, f.Payload) {
		return t, nil, false
	}
	if a.missing > 0 {
		return t, nil, true
	}
	delete(r.expected, t)
	return t, a.buf, true
}

// waits tells of bytes that came as a whole chunk and are not stored yet.
func (r *receiver) waits(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting += uint64(n)
}

// stored tells that they are, or never will be, and returns what renew does.
func (r *receiver) stored(n int) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting -= uint64(n)
	return r.grant()
}

// renew returns the new total to allow, or 0 while enough is left or waits.
func (r *receiver) renew() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.grant()
}

// grant needs mu.
func (r *receiver) grant() uint64 {
	if r.granted-r.consumed > creditWindow/2 {
		return 0
	}
	total := r.consumed + creditWindow - min(r.waiting, creditWindow)
	if total < r.granted+creditStep {
		return 0
	}
	r.granted = total
	return total
}
