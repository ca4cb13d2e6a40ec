package rtc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// ofChromium is an offer in the form that Chromium 156 writes for two data channels: its
// address hidden behind a name, another one over TCP, and messages of 256 KiB.
func ofChromium(print string) string {
	return strings.ReplaceAll(fmt.Sprintf(`v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 51472 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:2230659700 1 udp 2113937151 7f0ec2f4-24c5-4d7e-9a4c-3f6b1a0c9d11.local 51472 typ host generation 0 network-cost 999
a=candidate:3561107460 1 udp 2113939711 ab2e1d52-0f1b-4f3e-8a55-9d0b1c2d3e4f.local 51473 typ host generation 0 network-cost 999
a=candidate:1510613869 1 tcp 1518280447 7f0ec2f4-24c5-4d7e-9a4c-3f6b1a0c9d11.local 9 typ host tcptype active generation 0 network-cost 999
a=candidate:842163049 1 udp 1677729535 192.0.2.33 51472 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999
a=ice-ufrag:Jx2b
a=ice-pwd:asd88fgpdd777uzjYhagZg1K
a=ice-options:trickle
a=fingerprint:sha-256 %s
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
`, print), "\n", "\r\n")
}

func TestADescriptionOfChromiumIsUnderstood(t *testing.T) {
	print := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	text := ofChromium(print)
	if got, err := rtc.Fingerprint(text); err != nil || got != "sha-256 "+print {
		t.Errorf("its fingerprint is %q (%v)", got, err)
	}
	sdp, candidates, err := rtc.Sift(text)
	if err != nil || len(candidates) != 4 {
		t.Fatalf("sifted %q, %v", candidates, err)
	}
	for _, line := range []string{"a=max-message-size:262144", "a=sctp-port:5000", "a=setup:actpass", "a=ice-ufrag:Jx2b", "a=extmap-allow-mixed"} {
		if !strings.Contains(sdp, line+"\r\n") {
			t.Errorf("what is left lacks %s", line)
		}
	}
	for i, text := range candidates {
		c, err := wire.ParseCandidate(text)
		if named := i < 3; named != errors.Is(err, wire.ErrUnused) || !named && (err != nil || c.Check(false) != nil) {
			t.Errorf("%s is %+v, %v", text, c, err)
		}
	}
	// The server passes it on, with and without networks that links go over, and its
	// candidates that follow.
	for _, on := range []wire.Networks{nil, networks("192.0.2.0/24")} {
		for _, sig := range []wire.Signal{{Offer: &wire.Description{SDP: text}}, {Candidate: strings.TrimPrefix(candidates[0], "a=")}, {Candidate: "candidate:" + candidates[2]}} {
			if err := sig.CheckCandidates(false, on); err != nil {
				t.Errorf("%+v is not passed on: %v", sig, err)
			}
		}
	}
	second := strings.Replace(text, "a=setup:", "a=fingerprint:sha-256 "+strings.Replace(print, "AB", "CD", 1)+"\r\na=setup:", 1)
	if got, err := rtc.Fingerprint(second); err == nil {
		t.Errorf("of two fingerprints %s counts", got)
	}
}
