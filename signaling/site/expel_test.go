package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// farewell is why a session was closed, if it was.
func (f *fake) farewell() (code, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.got {
		if m.kind == "" {
			code, detail = m.code, m.body.(string)
		}
	}
	return code, detail
}

func TestRevokedEndpointIsExpelledAndItsPeersHangUp(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("app", 8)
		s.order(spec)
		thief, till, desk := s.join("thief"), s.join("till"), s.join("desk")
		s.pass(time.Second)
		thief.report(spec, chunks(0, 8))
		for _, f := range []*fake{thief, till, desk} {
			take[wire.HangUp](f)
		}
		s.want.Revoked = map[wire.EndpointID]string{thief.id: "stolen"}
		s.again()
		if code, detail := thief.farewell(); code != wire.CodeUnauthorized || detail != "the endpoint was revoked: stolen" {
			t.Errorf("its session was closed with %q, %q", code, detail)
		}
		for _, f := range []*fake{till, desk} {
			if got := take[wire.HangUp](f); len(got) != 1 || got[0].Peer != thief.id {
				t.Errorf("%s was told to hang up on %+v, want on the thief, once", f.id.Short(), got)
			}
		}
		if v := s.view(); len(v.Endpoints) != 2 || v.Flows[0].Endpoints != 2 {
			t.Errorf("%d endpoints and %d in the flow, want 2", len(v.Endpoints), v.Flows[0].Endpoints)
		}
		// It does not come back, and who was away is told when he tells of a link.
		back := s.join("thief")
		if code, _ := back.farewell(); code != wire.CodeUnauthorized || len(take[wire.Flow](back)) > 0 {
			t.Errorf("it came back, and its session was closed with %q", code)
		}
		till.say(&wire.Linked{Peer: thief.id, Attempt: 1, Up: true})
		if got := take[wire.HangUp](till); len(got) != 1 || got[0].Peer != thief.id {
			t.Errorf("till was told to hang up on %+v", got)
		}
		s.again()
		s.pass(time.Minute)
		if got := take[wire.HangUp](desk); len(got) > 0 {
			t.Errorf("desk was told again: %+v", got)
		}
		if till.say(&wire.Linked{Peer: thief.id, Attempt: 1}); len(take[wire.HangUp](till)) > 0 {
			t.Error("a link that went down is to be hung up")
		}
	})
}

func TestLeaseOfARevokedEndpointGoesToAnother(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("app", 8)
		s.order(spec)
		thief, till := s.join("thief"), s.join("till")
		thief.report(spec, nil)
		till.report(spec, nil)
		if len(take[wire.Lease](thief)) == 0 {
			t.Fatal("it was not to fetch")
		}
		s.want.Revoked = map[wire.EndpointID]string{thief.id: ""}
		s.again()
		s.pass(time.Minute)
		if len(take[wire.Lease](till)) == 0 {
			t.Error("nobody fetches")
		}
		if _, detail := thief.farewell(); detail != "the endpoint was revoked" {
			t.Errorf("it is told %q", detail)
		}
	})
}
