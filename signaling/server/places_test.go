package server_test

import (
	"crypto/ed25519"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// enrolAs enrols an endpoint at a site that is there.
func (s *stand) enrolAs(name, site string, roaming bool) ed25519.PrivateKey {
	s.t.Helper()
	var made api.MadeEnrolment
	s.call("POST", "/api/v1/enrolments", s.admin(), api.NewEnrolment{Site: site, Uses: 1, TTLSeconds: 60, Roaming: roaming}, &made)
	token, err := wire.ParseEnrolToken(made.Token)
	s.must(err)
	public, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	s.call("POST", wire.PathEnrol, "", wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: public,
		Proof: ed25519.Sign(key, wire.EnrolClaim(token.ID)), Name: name, Device: wire.DeviceAgent}, nil)
	return key
}

// connect opens a socket from the network that is named, and returns the welcome.
func (s *stand) connect(key ed25519.PrivateKey, name string, subnets ...string) (*socket, *wire.Welcome) {
	s.t.Helper()
	k, status := s.dial(s.session(key).Token)
	if status != 101 {
		s.t.Fatalf("the socket answered %d", status)
	}
	s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: name, Device: wire.DeviceAgent, Subnets: subnets})
	body, _ := s.hear(k)
	w, ok := body.(*wire.Welcome)
	if !ok {
		s.t.Fatalf("%s heard %#v, want a welcome", name, body)
	}
	return k, w
}

// network changes the map.
func (s *stand) network(method string, n catalog.Network, dry bool) (change api.NetworkChange) {
	s.t.Helper()
	query := url.Values{"cidr": {n.CIDR}, "site": {n.Site}, "kind": {n.Kind}}
	if dry {
		query.Set("dry_run", "true")
	}
	s.call(method, "/api/v1/networks?"+query.Encode(), s.admin(), nil, &change)
	synctest.Wait()
	return change
}

// views lists endpoints by name.
func (s *stand) views(site string) map[string]view {
	s.t.Helper()
	var list []view
	s.call("GET", "/api/v1/endpoints?site="+site, s.admin(), nil, &list)
	by := map[string]view{}
	for _, e := range list {
		by[e.Name] = e
	}
	return by
}

type view = site.EndpointView

// hears reads until a message of a type comes.
func hears[T any](s *stand, k *socket) T {
	s.t.Helper()
	for {
		body, ok := s.hear(k)
		if !ok {
			s.t.Fatalf("the socket closed before a %T", *new(T))
		}
		if m, ok := body.(T); ok {
			return m
		}
	}
}

// TestAnUnknownNetworkIsInQuarantineUntilItIsAssigned goes the way of a laptop.
func TestAnUnknownNetworkIsInQuarantineUntilItIsAssigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "a", CIDRs: []string{"10.1.0.0/16"}}, nil)
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "b"}, nil)
		laptop, other := s.enrolAs("laptop", "a", true), s.enrolAs("other", "a", true)
		calm, w := s.connect(other, "other", "10.1.3.0/24")
		if w.Site != "a" || w.Quarantine != "" {
			t.Fatalf("welcomed as %+v, want at a", w)
		}
		hears[*wire.Flows](s, calm)
		k, w := s.connect(laptop, "laptop", "10.7.0.0/24")
		if w.Site != "" || !strings.Contains(w.Quarantine, "10.7.0.0/24") || len(w.ICE) != 0 {
			t.Fatalf("welcomed as %+v, want quarantine", w)
		}
		s.say(k, wire.KindSignal, 1, 0, wire.Signal{To: wire.IDOf(other.Public().(ed25519.PublicKey)), Link: "x", Candidate: "x"})
		synctest.Wait()

		var list []evidence.Quarantined
		s.call("GET", "/api/v1/quarantine", s.admin(), nil, &list)
		if len(list) != 1 || list[0].Endpoints != 1 || list[0].Public != "10.0.0.3/32" || list[0].Networks[0] != "10.7.0.0/24" || list[0].Reason != evidence.Unknown {
			t.Errorf("in quarantine is %+v", list)
		}
		for _, name := range []string{"", "a"} {
			if e := s.views(name)["laptop"]; !e.Quarantined || !e.Online || e.Site != "" || e.Enrolled != "a" || !e.Roaming || e.Evidence == "" {
				t.Errorf("of %q: %+v, want that it is in quarantine", name, e)
			}
		}
		since := s.views("a")["other"].Since

		lan := catalog.Network{CIDR: "10.7.0.0/16", Site: "b", Kind: catalog.NetworkLAN}
		if would := s.network("PUT", lan, true); len(would.Added) != 1 || len(would.Moves) != 1 || would.Moves[0].To != "b" || !would.DryRun {
			t.Errorf("it would change %+v", would)
		}
		time.Sleep(time.Second)
		if e := s.views("b"); len(e) != 0 {
			t.Errorf("a dry run released %+v", e)
		}
		if did := s.network("PUT", lan, false); len(did.Moves) != 1 || did.DryRun {
			t.Errorf("it changed %+v", did)
		}
		if e := s.farewell(k); e.Code != wire.CodeMoved {
			t.Fatalf("it was sent away with %+v", e)
		}
		k, w = s.connect(laptop, "laptop", "10.7.0.0/24")
		if w.Site != "b" {
			t.Fatalf("welcomed as %+v, want at b", w)
		}
		hears[*wire.Flows](s, k)
		if e := s.views("b")["laptop"]; e.Site != "b" || e.Enrolled != "a" || e.Quarantined || !e.Online {
			t.Errorf("at b: %+v", e)
		}
		views := s.views("a")
		if _, there := views["laptop"]; there || !views["other"].Since.Equal(since) || !views["other"].Online {
			t.Errorf("at a: %+v, want the other, undisturbed", views)
		}
		// Taken off the map again, it is nowhere again.
		s.network("DELETE", lan, false)
		if e := s.farewell(k); e.Code != wire.CodeMoved {
			t.Errorf("it was sent away with %+v", e)
		}
		if _, there := s.views("b")["laptop"]; there {
			t.Error("it is still at b")
		}
		_ = calm.conn.Close()
		s.end()
	})
}

// Who is in quarantine, or away from where it enrolled, is online as well.
func TestWhoIsElsewhereIsNotRemovedWhileOnlineAndEndsWhenRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "a"}, nil)
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "b", CIDRs: []string{"10.2.0.0/16"}}, nil)
		for site, subnet := range map[string]string{"b": "10.2.7.0/24", "": "10.3.0.0/24"} {
			key := s.enrolAs("laptop", "a", true)
			k, w := s.connect(key, "laptop", subnet)
			if w.Site != site {
				t.Fatalf("welcomed as %+v, want at %q", w, site)
			}
			synctest.Wait()
			endpoint := "/api/v1/endpoints/" + string(wire.IDOf(key.Public().(ed25519.PublicKey)))
			resp, text, err := s.do("10.0.0.2", "DELETE", base+endpoint, s.admin(), nil)
			if s.must(err); resp.StatusCode != http.StatusConflict {
				t.Fatalf("removing who is online at %q answered %d %s, want %d", site, resp.StatusCode, text, http.StatusConflict)
			}
			s.call("POST", endpoint+"/revocation", s.admin(), api.NewRevocation{Reason: "stolen"}, nil)
			if e := s.farewell(k); e.Code != wire.CodeUnauthorized || !strings.Contains(e.Detail, "stolen") {
				t.Errorf("at %q it was sent away with %+v", site, e)
			}
		}
		s.end()
	})
}

// What was there before the map stays as it was, unless the map says that it is elsewhere.
func TestWhoIsFixedStaysUnlessTheMapContradicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "a", CIDRs: []string{"10.1.0.0/16"}}, nil)
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "b"}, nil)
		key := s.enrolAs("till", "a", false)
		k, w := s.connect(key, "till", "10.9.0.0/24")
		if w.Site != "a" {
			t.Fatalf("welcomed as %+v, want at a: nothing says otherwise", w)
		}
		s.network("PUT", catalog.Network{CIDR: "10.0.0.3", Site: "b", Kind: catalog.NetworkEgress}, false)
		if e := s.farewell(k); e.Code != wire.CodeMoved {
			t.Fatalf("it was sent away with %+v", e)
		}
		k, w = s.connect(key, "till", "10.9.0.0/24")
		if w.Site != "" || w.Quarantine == "" {
			t.Errorf("welcomed as %+v, want that it is nowhere: a till was carried away", w)
		}
		var list []evidence.Quarantined
		s.call("GET", "/api/v1/quarantine", s.admin(), nil, &list)
		if len(list) != 1 || list[0].Reason != evidence.Conflict {
			t.Errorf("in quarantine is %+v", list)
		}
		_ = k.conn.Close()
		s.end()
	})
}

// A token is renewed at the site where the endpoint enrolled, wherever it is.
func TestATokenIsRenewedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "a"}, nil)
		s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: "b", CIDRs: []string{"10.2.0.0/16"}}, nil)
		laptop := s.enrolAs("laptop", "a", true)
		for site, subnet := range map[string]string{"b": "10.2.7.0/24", "": "10.3.0.0/24"} {
			k, w := s.connect(laptop, "laptop", subnet)
			if w.Site != site {
				t.Fatalf("welcomed as %+v, want at %q", w, site)
			}
			s.say(k, wire.KindRenew, 1, 0, wire.Renew{})
			if r := hears[*wire.Renew](s, k); r.Token == "" || (len(r.ICE) > 0) != (w.Site != "" && len(w.ICE) > 0) {
				t.Errorf("at %q it was renewed as %+v", site, r)
			}
			_ = k.conn.Close()
			time.Sleep(time.Minute)
		}
		s.end()
	})
}
