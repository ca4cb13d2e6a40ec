package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// wireEnd is a link that takes one bulk frame a turn of gate.
type wireEnd struct {
	Link
	gate   chan struct{}
	bulk   []wire.Frame
	refuse []wire.Frame
}

func (w *wireEnd) SendBulk(ctx context.Context, f wire.Frame) error {
	select {
	case <-w.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	f.Payload = slices.Clone(f.Payload)
	w.bulk = append(w.bulk, f)
	return nil
}

func (w *wireEnd) SendCtl(f wire.Frame) error { w.refuse = append(w.refuse, f); return nil }

// shelf is a version whose chunks are all held and of one frame each.
type shelf struct{ chunk.Version }

func (shelf) Read(_ uint32, dst []byte) ([]byte, error) {
	return append(dst, make([]byte, wire.MaxDataBytes)...), nil
}

// serving is an uploader that runs, with flows in its registry.
func serving(t *testing.T, priorities ...wire.Priority) (*uploader, *registry, *wireEnd) {
	open := &registry{versions: map[content.VersionID]served{}}
	for i, p := range priorities {
		open.put(version(i), served{ver: shelf{}, priority: p, body: make([]byte, 6<<20)})
	}
	w := &wireEnd{gate: make(chan struct{})}
	u := newUploader(w, unpaced{}, noManners{}, open, func(content.VersionID, uint32) {}, func(content.VersionID, uint32) {})
	u.credit(1 << 40)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); u.run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return u, open, w
}

// send lets n frames out and counts them by version.
func (w *wireEnd) send(n int) map[content.VersionID]int {
	before := len(w.bulk)
	for range n {
		w.gate <- struct{}{}
	}
	synctest.Wait()
	count := map[content.VersionID]int{}
	for _, f := range w.bulk[before:] {
		count[f.Version]++
	}
	return count
}

func (u *uploader) wantMany(v content.VersionID, n int) {
	for i := range uint32(n) {
		u.want(job{version: v, chunk: i})
	}
}

func TestUrgentFlowOvertakesAtAPeerAndPrioritiesChangeLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, open, w := serving(t, wire.Low, wire.High)
		low, high := version(0), version(1)
		u.wantMany(low, 1000)
		w.send(50)
		u.wantMany(high, 1000)
		synctest.Wait()
		if got := w.send(200); got[high] < 187 || got[low] < 9 {
			t.Errorf("of 200 frames %d were urgent and %d not, want 19 to 1 but for one under way", got[high], got[low])
		}
		open.rank(low, wire.High)
		open.rank(high, wire.Normal)
		if got := w.send(200); got[low] < 187 || got[high] < 9 {
			t.Errorf("after the priorities changed %d and %d of 200 frames, want 19 to 1 the other way", got[low], got[high])
		}
		open.rank(high, wire.High)
		if got := w.send(200); got[low] < 95 || got[high] < 95 {
			t.Errorf("of equals %d and %d of 200 frames, want half each", got[low], got[high])
		}
	})
}

func TestBodyOfALargeVersionLetsUrgentChunksPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _, w := serving(t, wire.Low, wire.High)
		u.want(job{version: version(0), body: true, length: 6 << 20})
		w.send(1)
		u.wantMany(version(1), 10)
		synctest.Wait()
		// The rest of the part under way, and one part by the floor, go between.
		if got := w.send(3 + 4 + 10); got[version(1)] != 10 {
			t.Errorf("%d of 10 urgent chunks went out in 17 frames beside a body of 6 MiB", got[version(1)])
		}
		w.send(97 + 10 - 1 - 17)
		seen := map[uint32]int{}
		for _, f := range w.bulk {
			if f.Kind == wire.FrameBody {
				seen[f.Offset] += len(f.Payload)
			}
		}
		at := uint32(0)
		for at < 6<<20 {
			n := seen[at]
			if n != min(wire.MaxDataBytes, 6<<20-int(at)) {
				t.Fatalf("piece at %d has %d bytes", at, n)
			}
			at += uint32(n)
		}
	})
}

func TestUploadsOfAFlowThatEndsAreRefusedAndLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, open, w := serving(t, wire.Low, wire.Normal)
		for range 1000 {
			u.wantMany(version(0), 3)
			u.wantMany(version(1), 2)
			w.send(3)
			u.cancel(version(0))
			u.cancel(version(1), 0, 1)
			synctest.Wait()
		}
		w.send(1)                        // what was under way
		u.want(job{version: version(1)}) // held
		open.remove(version(0))          // paused
		u.want(job{version: version(0)}) // refused
		w.send(1)
		if len(w.refuse) != 1 || w.refuse[0].Flags != wire.RefusePaused {
			t.Errorf("refused %v, want the chunk of the flow that ended", w.refuse)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.queue.next(open.class)
		if u.queue.count != 0 || len(u.queue.lanes) != 0 {
			t.Errorf("%d jobs in %d lanes are left", u.queue.count, len(u.queue.lanes))
		}
	})
}

func TestTooManyWantsAreRefusedAtOnce(t *testing.T) {
	u := newUploader(nil, unpaced{}, noManners{}, &registry{}, nil, nil)
	jobs := make([]job, maxQueuedWants)
	if !u.want(jobs...) || u.want(job{}) {
		t.Errorf("%d jobs wait, want exactly %d allowed", u.queue.count, maxQueuedWants)
	}
	u.cancel(content.VersionID{})
	if !u.want(jobs...) {
		t.Error("after a cancel there is no room")
	}
}
