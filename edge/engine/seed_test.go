package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// install has the stand hold a whole version.
func (s *stand) install() {
	s.t.Helper()
	s.want(s.flow)
	s.leaseBody()
	s.leaseChunks(0, 20)
	time.Sleep(2 * time.Second)
	if p := s.lastProgress(); !p.Complete {
		s.t.Fatalf("progress %+v, want the first version complete", p)
	}
}

// replace orders another version with the same chunks in its place, in a file of another
// name, whose body has not come.
func (s *stand) replace() wire.Flow {
	s.t.Helper()
	spec, err := content.DecodeBody(s.body)
	if err != nil {
		s.t.Fatal(err)
	}
	spec.Files[0].Path = "till.bin"
	s.body = spec.Encode()
	return s.replaceBy(s.body)
}

// replaceBy orders another version with a body.
func (s *stand) replaceBy(body []byte) wire.Flow {
	head := s.head
	head.Version, head.Serial, head.Body, head.BodyBytes = "2", 8, content.Sum(body), int64(len(body))
	flow := s.sign(head, wire.Normal)
	flow.Generation = 2
	s.want(flow)
	return flow
}

func (s *stand) bodyOf(flow wire.Flow) {
	s.eng.Heard(wire.KindLease, &wire.Lease{Flow: flow.ID, Epoch: 1, Lease: 100, Body: true, To: int64(len(s.body)), TTLMs: 20_000})
	synctest.Wait()
}

func TestNewVersionIsTakenFromTheOldOneAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow := s.replace()
		if p := s.lastProgress(); p.Flow != flow.ID || p.Body || !p.Seeding {
			t.Errorf("progress %+v, want that more may be found", p)
		}
		s.bodyOf(flow)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Flow != flow.ID || p.Seeding || !p.Complete || p.Bytes != (wire.Sources{Reused: 2_000_000}) || p.WAN != 0 {
			t.Errorf("progress %+v, want all of it reused", p)
		}
	})
}

// Going back to a version that is held, under a new head, needs nothing from anywhere.
func TestTheSameBodyIsTakenFromTheVersionThatHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow := s.replaceBy(s.body)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Flow != flow.ID || !p.Complete || p.Bytes != (wire.Sources{Reused: 2_000_000}) || p.WAN != 0 {
			t.Errorf("progress %+v, want all of it reused without a lease", p)
		}
	})
}

func TestFirstVersionHasNowhereToLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 10)
		time.Sleep(2 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		if slices.ContainsFunc(s.sent, func(m any) bool { p, ok := m.(wire.Progress); return ok && p.Seeding }) {
			t.Error("it said that it may find more, and holds nothing else")
		}
	})
}

// What was edited is fetched.
func TestChunksThatWereEditedAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		file := filepath.Join(s.dir, "content", "app", "1", "app.bin")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[1_250_000] ^= 1
		if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, data, 0o600)); err != nil {
			t.Fatal(err)
		}
		flow := s.replace()
		s.bodyOf(flow)
		time.Sleep(2 * time.Second)
		s.leaseOf(flow, 101, 12, 13)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); !p.Complete || p.Bytes != (wire.Sources{Reused: 1_900_000, Origin: 100_000}) {
			t.Errorf("progress %+v, want one chunk from the origin", p)
		}
	})
}

// Nothing is taken while a flow is paused, and it goes on afterwards.
func TestPausedFlowIsNotSeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.install()
		flow := s.replace()
		flow.Paused, flow.Generation = true, 3
		s.want(flow)
		s.bodyOf(flow) // is given back
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Bytes.Reused != 0 || !p.Seeding {
			t.Errorf("progress %+v, want nothing taken and more to find", p)
		}
		flow.Paused, flow.Generation = false, 4
		s.want(flow)
		s.bodyOf(flow)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); p.Bytes.Reused != 2_000_000 || !p.Complete {
			t.Errorf("progress %+v, want all of it reused", p)
		}
	})
}
