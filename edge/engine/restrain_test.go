package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

// limited is what an engine is told to do without.
func limited(what wire.Scope, firm bool) []polite.Restraint {
	return []polite.Restraint{{Firm: firm, Restraint: wire.Restraint{Code: "test", Reason: "somebody needs it", Scope: what}}}
}

func (s *stand) restrain(all []polite.Restraint) {
	s.eng.Restrain(all)
	time.Sleep(2 * time.Second) // so that progress is said
	synctest.Wait()
}

func TestWhoFetchesNothingGivesLeasesBackAndTakesFromPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.restrain(limited(wire.ScopeFetch, false))
		if r := s.lastProgress().Restraint; r == nil || r.Scope != wire.ScopeFetch || r.Reason != "somebody needs it" {
			t.Errorf("the server was told of %+v", r)
		}
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		if p := s.lastProgress(); len(p.Leases) != 1 || p.Leases[0].Failed != "somebody needs it" || p.Bytes.Origin != 0 {
			t.Errorf("progress %+v, want the lease given back", p)
		}
		p := s.link("peer")
		s.joins(p, 3)
		if got, _ := p.heard(wire.FrameWant); !slices.Equal(got, []uint32{3}) {
			t.Errorf("asked a peer for %v, want [3]", got)
		}
		s.give(p, 3, s.chunks[3])
		time.Sleep(2 * time.Second)
		if got := s.lastProgress().Bytes.Peer; got != 100_000 {
			t.Errorf("%d bytes from peers", got)
		}
		s.restrain(nil)
		if r := s.lastProgress().Restraint; r != nil {
			t.Errorf("the server is still told of %+v", r)
		}
		s.leaseChunks(4, 20)
		time.Sleep(2 * time.Second)
		if got := s.lastProgress().Bytes.Origin; got != 16*100_000 {
			t.Errorf("%d bytes from the origin afterwards", got)
		}
	})
}

func TestWhoServesNobodySaysThatItHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.leaseChunks(0, 5)
		p := s.link("peer")
		s.joins(p)
		s.restrain(limited(wire.ScopeServe, false))
		p.mu.Lock()
		p.ctl, p.bulk = nil, nil
		p.mu.Unlock()
		other := s.link("other")
		s.joins(other, 7)
		s.joins(p)
		s.give(other, 7, s.chunks[7])
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameCredit, Total: 1 << 30})
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{2}})
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWantBody, Version: s.flow.ID, Length: uint32(len(s.body))})
		time.Sleep(time.Second)
		synctest.Wait()
		if _, refusals := p.heard(wire.FrameRefuse); refusals != 2 || len(p.bulk) > 0 || len(p.told()) > 0 || len(other.told()) > 0 {
			t.Errorf("%d refusals, %d frames of data, told %v and %v; want two, none and nothing", refusals, len(p.bulk), p.told(), other.told())
		}
		if got := s.lastProgress().Bytes.Peer; got != 100_000 {
			t.Errorf("took %d bytes of the peer", got)
		}
		s.restrain(nil)
		s.joins(p)
		if told := p.told(); len(told) != 6 || !told[7] {
			t.Errorf("told %v afterwards, want all six", told)
		}
		s.eng.Ctl(p, wire.Frame{Kind: wire.FrameWant, Version: s.flow.ID, Chunks: []uint32{2}})
		synctest.Wait()
		if len(p.bulk) == 0 {
			t.Error("nothing is served afterwards")
		}
	})
}

func TestPauseHereStopsBothWaysAndHoldsForUrgentFlowsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		urgent := s.sign(s.head, wire.High)
		s.restrain(limited(wire.ScopeAll, true)) // as after a restart: before anything is known
		s.want(urgent)
		s.leaseBody()
		p := s.link("peer")
		s.joins(p, 3)
		time.Sleep(time.Minute)
		if got := s.lastProgress(); got.Body || got.Restraint == nil || got.Restraint.Scope != wire.ScopeAll {
			t.Errorf("progress %+v, want nothing taken", got)
		}
		for _, kind := range []wire.FrameKind{wire.FrameWantBody, wire.FrameWant, wire.FrameJoin} {
			if _, frames := p.heard(kind); frames > 0 {
				t.Errorf("sent %d frames of kind %v", frames, kind)
			}
		}
		status, err := s.eng.Status(t.Context())
		if err != nil || status.Flows[0].State != "paused" || status.Flows[0].Reason != "somebody needs it" {
			t.Errorf("status %+v, %v", status.Flows, err)
		}
		s.restrain(nil)
		s.leaseBody()
		s.leaseChunks(0, 20)
		time.Sleep(2 * time.Second)
		if got := s.lastProgress(); !got.Complete {
			t.Errorf("afterwards %+v", got)
		}
	})
}

func TestUrgentFlowsGoPastWhatIsOnlyRegard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer func() { s.stop() }()
		s.want(s.flow)
		s.leaseBody()
		s.restrain(limited(wire.ScopeFetch, false))
		s.leaseChunks(0, 5)
		urgent := s.sign(s.head, wire.High)
		s.want(urgent) // an operator raises it
		s.leaseOf(urgent, 9, 5, 10)
		time.Sleep(2 * time.Second)
		if got := s.lastProgress(); got.Bytes.Origin != 500_000 || got.Restraint != nil {
			t.Errorf("progress %+v, want the second lease fetched", got)
		}
		s.restrain(limited(wire.ScopeFetch, true))
		s.leaseOf(urgent, 10, 10, 15)
		time.Sleep(2 * time.Second)
		if got := s.lastProgress(); got.Bytes.Origin != 500_000 || got.Restraint == nil {
			t.Errorf("progress %+v, want nothing more fetched", got)
		}
	})
}
