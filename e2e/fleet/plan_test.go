package fleet

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var small = Plan{Seed: 7, Prefix: "f", Places: 3, Endpoints: 10, Roaming: 0.5, WAN: 1e6, LAN: 1e7}

func TestPlansThatCannotBeAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"no sites":          func(p *Plan) { p.Places = 0 },
		"too many sites":    func(p *Plan) { p.Places = MaxPlaces + 1 },
		"nobody":            func(p *Plan) { p.Endpoints = 0 },
		"too many at sites": func(p *Plan) { p.Endpoints = 3*maxHere + 1 },
		"no line":           func(p *Plan) { p.WAN = 0 },
		"all and more roam": func(p *Plan) { p.Roaming = 1.1 },
		"a bad name":        func(p *Plan) { p.Prefix = "../x" },
	} {
		p := small
		if change(&p); p.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := small.Check(); err != nil {
		t.Error(err)
	}
}

func TestFleetsOfOneSeedAreAlike(t *testing.T) {
	same, other := small, small
	other.Seed++
	ids := map[wire.EndpointID]bool{}
	for k := range small.Endpoints {
		if small.ID(k) != same.ID(k) || small.ID(k) == other.ID(k) {
			t.Errorf("endpoint %d: %s and %s, with another seed %s", k, small.ID(k), same.ID(k), other.ID(k))
		}
		ids[small.ID(k)] = true
	}
	if len(ids) != small.Endpoints {
		t.Errorf("%d keys for %d endpoints", len(ids), small.Endpoints)
	}
	hosts := map[string]bool{}
	for i := range MaxPlaces {
		at := small.Place(i)
		if !at.Host.IsLoopback() || !at.LAN.Addr().IsPrivate() {
			t.Fatalf("site %d: %v and %v", i, at.Host, at.LAN)
		}
		hosts[at.Host.String()] = true
	}
	if len(hosts) != MaxPlaces {
		t.Errorf("%d addresses for %d sites", len(hosts), MaxPlaces)
	}
}

func TestAllChunksTogetherAreTheVersion(t *testing.T) {
	for _, n := range []uint32{1, 7, 64, 65, 1000} {
		h := newHolding(&version{head: content.Head{Chunks: n, UniqueBytes: 1_000_003}})
		sum := int64(0)
		for i := range n + 3 {
			if h.put(i) {
				sum += h.plain(i)
			}
		}
		if sum != 1_000_003 || h.held != n || h.put(0) {
			t.Errorf("%d chunks: %d bytes in %d, want all once", n, sum, h.held)
		}
	}
}

// TestReportsBringTheServersBitmapUpToDate applies what is reported as a server does.
func TestReportsBringTheServersBitmapUpToDate(t *testing.T) {
	const n = 3000
	h, server := newHolding(&version{head: content.Head{Chunks: n, UniqueBytes: n}}), content.NewBitmap(n)
	rng := small.random("test", 1)
	for range 20 {
		for range 100 {
			h.put(uint32(rng.IntN(n)))
		}
		parts, more := h.changed()
		for _, part := range parts {
			if !server.Patch(part.From, part.Bits) {
				t.Fatalf("%d bytes from %d do not fit", len(part.Bits), part.From)
			}
		}
		if more || server.Count() != h.held {
			t.Fatalf("the server knows of %d, %d are held", server.Count(), h.held)
		}
	}
	big := newHolding(&version{head: content.Head{Chunks: 1 << 20, UniqueBytes: 1 << 20}})
	for i := range big.head.Chunks {
		big.put(i)
	}
	rounds := 0
	for more := true; more; rounds++ {
		parts, left := big.changed()
		if len(parts) == 0 || len(parts[0].Bits) > maxHaveReport {
			t.Fatalf("round %d: %d parts", rounds, len(parts))
		}
		more = left
	}
	if rounds != 6 {
		t.Errorf("%d reports of a large bitmap, want 6", rounds)
	}
}

func TestStatementsAndDescriptionsAreWhatPeersCheck(t *testing.T) {
	f, err := New(Config{Plan: small, Server: mustURL(t, "http://127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.endpoints[0], f.endpoints[3]
	a.stay = &stay{e: a, place: f.places[0]}
	name := newName()
	d := a.describe("offer", b, name)
	_, rest, _ := strings.Cut(d.SDP, "a=fingerprint:")
	fingerprint, _, _ := strings.Cut(rest, "\r\n")
	claim := wire.Claim{Role: "offer", From: a.id, To: b.id, Site: f.places[0].Name, Link: name, Fingerprint: fingerprint}
	if err := claim.Verify(d.Statement); err != nil {
		t.Error(err)
	}
	s := wire.Signal{To: b.id, Link: name, Offer: d}
	if err := s.CheckCandidates(false, nil); err != nil {
		t.Error(err)
	}
	if err := s.CheckCandidates(false, wire.Networks{f.places[0].LAN}); err != nil {
		t.Error(err)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
