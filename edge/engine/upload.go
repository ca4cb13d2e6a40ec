package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// maxQueuedWants bounds what one peer may have waiting.
const maxQueuedWants = 4096

// uploader sends one peer what it wants, the most urgent version first, never
// more than the bytes the peer allowed. The engine's loop queues, run sends.
type uploader struct {
	link Link
	pace Pacer
	lend func(ctx context.Context, n int, urgent bool) error // waits until that may go
	open *registry
	lost func(content.VersionID, uint32) // a held chunk turned out damaged
	went func(content.VersionID, uint32) // a chunk is on its way as a whole

	wake chan struct{}

	// mu guards the rest.
	mu      sync.Mutex
	queue   turns
	allowed uint64 // total bytes of payload the peer allowed so far
	sent    uint64 // total bytes of payload sent so far
}

func newUploader(l Link, pace Pacer, manners Manners, open *registry, lost, went func(content.VersionID, uint32)) *uploader {
	return &uploader{link: l, pace: pace, lend: manners.Lend, open: open, lost: lost, went: went, wake: make(chan struct{}, 1)}
}

func (u *uploader) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// want queues jobs and reports false, queueing none, when too many wait.
func (u *uploader) want(jobs ...job) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.queue.count+len(jobs) > maxQueuedWants {
		return false
	}
	for _, j := range jobs {
		u.queue.add(j)
	}
	u.poke()
	return true
}

// cancel takes chunks of a version out of the queue; none named means all, and
// the body too.
func (u *uploader) cancel(id content.VersionID, chunks ...uint32) {
	named := make(map[uint32]bool, len(chunks))
	for _, i := range chunks {
		named[i] = true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queue.drop(id, func(j job) bool { return len(chunks) == 0 || !j.body && named[j.chunk] })
}

// credit raises the total the peer allows.
func (u *uploader) credit(total uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.allowed = max(u.allowed, total)
	u.poke()
}

// take returns the next job once the peer allows at least one frame.
func (u *uploader) take(ctx context.Context) (job, bool) {
	for {
		u.mu.Lock()
		if u.allowed >= u.sent+wire.MaxDataBytes {
			if j, ok := u.queue.next(u.open.class); ok {
				u.mu.Unlock()
				return j, true
			}
		}
		u.mu.Unlock()
		select {
		case <-ctx.Done():
			return job{}, false
		case <-u.wake:
		}
	}
}

// spend waits until the peer allows n more bytes.
func (u *uploader) spend(ctx context.Context, n int) bool {
	for {
		u.mu.Lock()
		if u.allowed >= u.sent+uint64(n) {
			u.sent += uint64(n)
			u.mu.Unlock()
			return true
		}
		u.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-u.wake:
		}
	}
}

// run sends until ctx ends or the link does.
func (u *uploader) run(ctx context.Context) {
	var buf []byte
	for {
		j, ok := u.take(ctx)
		if !ok {
			return
		}
		before := u.sent // only this goroutine raises it
		var err error
		if j.body {
			err = u.sendBody(ctx, j)
		} else {
			buf, err = u.sendChunk(ctx, j, buf[:0])
		}
		if err != nil {
			return // the link is gone; its owner hears of it from the link
		}
		u.mu.Lock()
		u.queue.spent(j, max(int(u.sent-before), refusalCost))
		u.mu.Unlock()
	}
}

func (u *uploader) sendChunk(ctx context.Context, j job, buf []byte) ([]byte, error) {
	s, ok := u.open.get(j.version)
	if !ok || s.ver == nil || s.withheld {
		return buf, u.refuse(j, wire.RefusePaused)
	}
	data, err := s.ver.Read(j.chunk, buf)
	if err != nil {
		if damaged := new(chunk.CorruptError); errors.As(err, &damaged) {
			u.lost(j.version, j.chunk)
		}
		return buf, u.refuse(j, wire.RefuseNotHeld)
	}
	f := wire.Frame{Kind: wire.FrameData, Version: j.version, Number: j.chunk}
	if err = u.sendPieces(ctx, f, data); err == nil {
		u.went(j.version, j.chunk)
	}
	return data, err
}

func (u *uploader) sendBody(ctx context.Context, j job) error {
	s, ok := u.open.get(j.version)
	if !ok || s.withheld || uint64(j.offset)+uint64(j.length) > uint64(len(s.body)) {
		return u.refuse(j, wire.RefuseNotHeld)
	}
	f := wire.Frame{Kind: wire.FrameBody, Version: j.version, Offset: j.offset}
	return u.sendPieces(ctx, f, s.body[j.offset:j.offset+j.length])
}

func (u *uploader) sendPieces(ctx context.Context, f wire.Frame, data []byte) error {
	for len(data) > 0 {
		piece := data[:min(len(data), u.pieceBytes())]
		data = data[len(piece):]
		if !u.spend(ctx, len(piece)) {
			return ctx.Err()
		}
		f.Payload = piece
		if err := u.sendPiece(ctx, f); err != nil {
			return err
		}
		f.Offset += uint32(len(piece))
	}
	return nil
}

func (u *uploader) sendPiece(ctx context.Context, f wire.Frame) error {
	if err := u.lend(ctx, len(f.Payload), u.open.urgent(f.Version)); err != nil {
		return err
	}
	if err := u.pace.Begin(ctx, len(f.Payload)); err != nil {
		return err
	}
	defer u.pace.Done()
	return u.link.SendBulk(ctx, f)
}

// pieceBytes is how long the next piece may be.
func (u *uploader) pieceBytes() int {
	n := min(u.pace.Piece(), wire.MaxDataBytes)
	return max(n-n%pieceStep, pieceStep)
}

func (u *uploader) refuse(j job, code uint8) error {
	f := wire.Frame{Kind: wire.FrameRefuse, Version: j.version, Flags: code}
	if !j.body {
		f.Chunks = []uint32{j.chunk}
	}
	return u.link.SendCtl(f)
}
