package chunktest

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

func incompleteIsInvisible(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	s.Put(t, v, 0, 1, 2, 4)
	if err := v.Complete(); !errors.Is(err, chunk.ErrNotHeld) {
		t.Errorf("complete without chunk 3: %v, want not held", err)
	}
	if v.Done() {
		t.Error("done without chunk 3")
	}
	f.expectInvisible(t, s)
	f.expectHeld(t, map[*Sample]bool{s: false})
	s.Put(t, v, 3)
	if v.Done() {
		t.Error("done before it was completed")
	}
	f.expectInvisible(t, s)
	for range 2 {
		if err := v.Complete(); err != nil || !v.Done() {
			t.Errorf("complete: %v, done %v, want done", err, v.Done())
		}
		f.expectVisible(t, s)
	}
	f.expectHeld(t, map[*Sample]bool{s: true})
	s.CheckHeld(t, v, s.All()...)
}

// visibleAtOnce looks at the place all the time.
func visibleAtOnce(t *testing.T, f fixture) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	watch := func(s *Sample) {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := os.Lstat(f.place(s)); err == nil {
				f.expectVisible(t, s)
				return
			}
		}
	}
	samples := []*Sample{Typical(t, "v1"), Typical(t, "v2"), Typical(t, "v3"), Typical(t, "v4")}
	for _, s := range samples {
		wg.Go(func() { watch(s) })
	}
	for _, s := range samples {
		s.Fill(t, f.store)
	}
	close(stop)
	wg.Wait()
}

func readsDuringComplete(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	s.Put(t, v, s.All()...)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				for i, want := range s.Chunks {
					if got, err := v.Read(uint32(i), nil); err != nil || string(got) != string(want) {
						t.Errorf("read chunk %d: %d bytes, %v, want %d", i, len(got), err, len(want))
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	if err := v.Complete(); err != nil {
		t.Error(err)
	}
	close(stop)
	wg.Wait()
	f.expectVisible(t, s)
}

func emptyVersion(t *testing.T, f fixture) {
	s := NewSample(t, content.Ref{Name: "empty", Version: "v1"}, nil, nil,
		[]content.File{{Path: "a", Executable: true}, {Path: "b/c"}, {Path: "d", Dir: true}})
	v := s.Open(t, f.store)
	if v.Done() {
		t.Error("done before it was completed")
	}
	f.expectInvisible(t, s)
	if err := v.Complete(); err != nil || !v.Done() {
		t.Errorf("complete: %v, done %v, want done", err, v.Done())
	}
	f = f.reopened(t)
	f.expectHeld(t, map[*Sample]bool{s: true})
	f.expectVisible(t, s)
}

func openTwice(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v, again := s.Open(t, f.store), s.Open(t, f.store)
	s.Put(t, v, 0, 1)
	s.Put(t, again, 2)
	s.CheckHeld(t, v, 0, 1, 2)
	s.CheckHeld(t, again, 0, 1, 2)
	if v.Counters() != again.Counters() {
		t.Errorf("counted %+v and %+v, want the same", v.Counters(), again.Counters())
	}
}

func sideBySide(t *testing.T, f fixture) {
	old, fresh, other := Typical(t, "v1"), Typical(t, "v2"), NewSample(t, content.Ref{Name: "other", Version: "v1"},
		[]int{9}, []int{0}, []content.File{{Path: "f", Size: 9}})
	old.Fill(t, f.store)
	v := fresh.Open(t, f.store)
	fresh.Put(t, v, 1)
	other.Fill(t, f.store)
	f.expectHeld(t, map[*Sample]bool{old: true, fresh: false, other: true})
	f = f.reopened(t)
	f.expectHeld(t, map[*Sample]bool{old: true, fresh: false, other: true})
	if err := f.store.Remove(t.Context(), old.ID); err != nil {
		t.Fatal(err)
	}
	f.expectHeld(t, map[*Sample]bool{fresh: false, other: true})
	v = fresh.Open(t, f.store)
	fresh.CheckHeld(t, v, 1)
	fresh.Put(t, v, 0, 2, 3, 4)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	f.expectInvisible(t, old)
	f.expectVisible(t, fresh)
	f.expectVisible(t, other)
}

func removed(t *testing.T, f fixture) {
	empty := listing(t, f.dir)
	complete, part := Typical(t, "v1"), Typical(t, "v2")
	v := complete.Fill(t, f.store)
	w := part.Open(t, f.store)
	part.Put(t, w, 0)
	for _, s := range []*Sample{complete, part} {
		if err := f.store.Remove(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
		f.expectInvisible(t, s)
	}
	f.expectHeld(t, nil)
	if left := listing(t, f.dir); len(left) != len(empty) {
		t.Errorf("removing left %q, want %q", left, empty)
	}
	if _, err := v.Read(0, nil); err == nil {
		t.Error("read from a version that was removed")
	}
	if _, err := w.Put(1, part.Chunks[1], chunk.Peer, 0); err == nil {
		t.Error("put into a version that was removed")
	}
	again := complete.Open(t, f.store)
	complete.CheckHeld(t, again)
	if got := again.Counters(); got != (chunk.Counters{}) {
		t.Errorf("counted %+v in a new version, want nothing", got)
	}
	complete.Put(t, again, complete.All()...)
	if err := again.Complete(); err != nil {
		t.Fatal(err)
	}
	f = f.reopened(t)
	f.expectHeld(t, map[*Sample]bool{complete: true})
	f.expectVisible(t, complete)
}

func removeUnknown(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	if err := f.store.Remove(t.Context(), s.ID); err != nil {
		t.Errorf("remove a version that was never there: %v", err)
	}
}

func survives(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	s.Put(t, v, 0, 2)
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Put(t, v, 4) // closing commits it
	counters := v.Counters()
	for range 3 {
		f = f.reopened(t)
		f.expectHeld(t, map[*Sample]bool{s: false})
		v = s.Open(t, f.store)
		s.CheckHeld(t, v, 0, 2, 4)
		if got := v.Counters(); got != counters {
			t.Errorf("counted %+v after reopening, want %+v", got, counters)
		}
	}
	f = f.reopened(t) // nobody opens the version this time
	f = f.reopened(t)
	v = s.Open(t, f.store)
	s.Put(t, v, 1, 3)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	f.expectVisible(t, s)
}

func completeSurvives(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	counters := s.Fill(t, f.store).Counters()
	f = f.reopened(t)
	f.expectVisible(t, s)
	f.expectHeld(t, map[*Sample]bool{s: true})
	v := s.Open(t, f.store)
	if !v.Done() || v.Counters() != counters {
		t.Errorf("done %v, counted %+v after reopening, want done, %+v", v.Done(), v.Counters(), counters)
	}
	s.CheckHeld(t, v, s.All()...)
	if err := v.Complete(); err != nil {
		t.Errorf("complete what is complete: %v", err)
	}
	f.expectVisible(t, s)
}

func closedRefuses(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	s.Put(t, v, 0)
	for range 2 {
		if err := f.store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, openErr := f.store.Open(t.Context(), s.Head, s.Envelope, s.Body)
	_, putErr := v.Put(1, s.Chunks[1], chunk.Peer, 0)
	_, readErr := v.Read(0, nil)
	for what, err := range map[string]error{
		"open": openErr, "put": putErr, "read": readErr, "commit": v.Commit(), "complete": v.Complete(),
		"remove": f.store.Remove(t.Context(), s.ID),
	} {
		if err == nil {
			t.Errorf("%s after closing succeeded", what)
		}
	}
	f = fixture{f.Maker, f.dir, f.Open(t, f.dir)}
	s.CheckHeld(t, s.Open(t, f.store), 0)
}

func closedVersion(t *testing.T, f fixture) {
	s, other := Typical(t, "v1"), Typical(t, "v2")
	v := s.Open(t, f.store)
	s.Put(t, v, 0, 2)
	bystander := other.Open(t, f.store)
	other.Put(t, bystander, 1)
	for range 2 {
		if err := v.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, putErr := v.Put(1, s.Chunks[1], chunk.Peer, 0)
	_, readErr := v.Read(0, nil)
	for what, err := range map[string]error{"put": putErr, "read": readErr, "commit": v.Commit(), "complete": v.Complete()} {
		if err == nil {
			t.Errorf("%s after closing succeeded", what)
		}
	}
	again := s.Open(t, f.store)
	s.CheckHeld(t, again, 0, 2)
	if err := v.Close(); err != nil { // the old one, which is closed
		t.Errorf("close: %v", err)
	}
	s.Put(t, again, 1, 3, 4)
	if err := errors.Join(again.Complete(), again.Close()); err != nil {
		t.Fatal(err)
	}
	f.expectVisible(t, s)
	other.CheckHeld(t, bystander, 1)
	f.expectHeld(t, map[*Sample]bool{s: true, other: false})
	if last := s.Open(t, f.store); !last.Done() {
		t.Error("not done after it was closed and opened again")
	}
	if err := errors.Join(f.store.Close(), bystander.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
}
