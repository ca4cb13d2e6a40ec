package rtc

import (
	"net/netip"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestAPeerOfTheOtherKindIsFoundAtTheOwnRelayedAddress(t *testing.T) {
	own4, own6 := netip.MustParseAddr("10.12.0.5"), netip.MustParseAddr("fd00:12::5")
	for _, c := range []struct {
		theirs, kind string
		own          netip.Addr
		want         string // "": there is none
	}{
		{"10.12.0.5:50001", wire.CandidateRelay, own6, "[fd00:12::5]:50001"},
		{"[fd00:12::5]:50002", wire.CandidateRelay, own4, "10.12.0.5:50002"},
		{"10.12.0.5:50001", wire.CandidateRelay, own4, ""}, // ICE pairs them as they are
		{"[fd00:12::5]:50002", wire.CandidateRelay, own6, ""},
		{"10.12.0.9:50001", wire.CandidateHost, own6, ""}, // nobody passes that on
		{"10.12.0.9:50001", wire.CandidateReflexive, own6, ""},
	} {
		theirs := wire.Candidate{Foundation: "a", Priority: 7, Addr: netip.MustParseAddrPort(c.theirs), Type: c.kind}
		got, ok := twin(theirs, c.own)
		if ok != (c.want != "") {
			t.Errorf("%s %s beside %s: %v, want %q", c.kind, c.theirs, c.own, got, c.want)
			continue
		}
		if want := theirs; ok {
			want.Addr = netip.MustParseAddrPort(c.want)
			if got != want {
				t.Errorf("%s beside %s: %v, want %v", c.theirs, c.own, got, want)
			}
		}
	}
	if got, ok := twin(wire.Candidate{Type: wire.CandidateRelay}, own4); ok {
		t.Errorf("a candidate that could not be read: %v", got)
	}
}
