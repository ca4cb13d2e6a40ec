package rtc_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/rtc"
)

const (
	onePrint = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"
	sdpHead  = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
	sdpMedia = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
)

func TestFingerprintIsOneAndComplete(t *testing.T) {
	line := "a=fingerprint:sha-256 " + onePrint + "\r\n"
	evil := "a=fingerprint:sha-256 " + otherPrint
	for _, c := range []struct {
		name, sdp string
		ok        bool
	}{
		{"of the session", sdpHead + line + sdpMedia, true},
		{"of the medium", sdpHead + sdpMedia + line, true},
		{"at both levels", sdpHead + line + sdpMedia + line, false},
		{"twice", sdpHead + line + line + sdpMedia, false},
		{"beside another hash", sdpHead + line + strings.Replace(line, "256", "384", 1) + sdpMedia, false},
		{"after another hash", sdpHead + strings.Replace(line, "256", "1", 1) + sdpMedia + line, false},
		{"with a longer name", sdpHead + strings.Replace(line, "sha-256", "sha-2567", 1) + sdpMedia, false},
		{"with a name of other letters", sdpHead + strings.Replace(line, "sha", "ſha", 1) + sdpMedia, false},
		{"in small letters", sdpHead + strings.ToLower(line) + sdpMedia, true},
		{"with bare line feeds", strings.ReplaceAll(sdpHead+line+sdpMedia, "\r", ""), true},
		{"none", sdpHead + sdpMedia, false},
		{"no description", "hello", false},
		{"empty", "", false},
		{"two", sdpHead + line + sdpMedia + evil + "\r\n", false},
		{"two media", sdpHead + sdpMedia + line + sdpMedia + evil + "\r\n", false},
		{"another hash", sdpHead + strings.Replace(line, "256", "512", 1) + sdpMedia, false},
		{"too short", sdpHead + strings.Replace(line, "AA:BB:", "", 1) + sdpMedia, false},
		{"too long", sdpHead + strings.Replace(line, "AA:", "AA:AA:", 1) + sdpMedia, false},
		{"no digits", sdpHead + strings.Replace(line, "AA", "XY", 1) + sdpMedia, false},
		{"no colons", sdpHead + strings.ReplaceAll(line, ":", "-") + sdpMedia, false},
		{"and more", sdpHead + strings.Replace(line, "\r", " x\r", 1) + sdpMedia, false},
		{"hidden behind a carriage return", strings.Replace(sdpHead, "t=0 0\r", "t=0 0\r"+evil+"\r", 1) + sdpMedia + line, false},
		{"hidden in the time", strings.Replace(sdpHead, "t=0 0", "t=0 0\r"+evil, 1) + sdpMedia + line, false},
		{"only where the parser sees no line", sdpHead + "a=x\r" + line + sdpMedia, false},
	} {
		got, err := rtc.Fingerprint(c.sdp)
		if c.ok && (err != nil || got != "sha-256 "+onePrint) {
			t.Errorf("%s: got %q, %v; want sha-256 %s", c.name, got, err, onePrint)
		}
		if !c.ok && err == nil {
			t.Errorf("%s: got %q, want an error", c.name, got)
		}
	}
}

var canonicalPrint = regexp.MustCompile(`^sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}$`)

// FuzzFingerprint: what is accepted is canonical, and nothing that any reader
// could take for a fingerprint line at a line's beginning says otherwise.
func FuzzFingerprint(f *testing.F) {
	line := "a=fingerprint:sha-256 " + onePrint + "\r\n"
	f.Add(sdpHead + line + sdpMedia)
	f.Add(sdpHead + sdpMedia + line)
	f.Add(strings.Replace(sdpHead, "t=0 0", "t=0 0\ra=fingerprint:sha-256 "+otherPrint, 1) + sdpMedia + line)
	f.Fuzz(func(t *testing.T, sdp string) {
		got, err := rtc.Fingerprint(sdp)
		if err != nil {
			return
		}
		if !canonicalPrint.MatchString(got) {
			t.Fatalf("accepted %q", got)
		}
		for l := range strings.SplitSeq(sdp, "\n") {
			value, ok := strings.CutPrefix(strings.Trim(l, "\r"), "a=fingerprint:")
			if ok && !strings.EqualFold(strings.TrimRight(value, "\r"), got) {
				t.Fatalf("accepted %q beside the line %q", got, l)
			}
		}
	})
}

func TestNoncesRememberTheNewest(t *testing.T) {
	var n rtc.Nonces
	for i := range 3 * rtc.MaxNonces {
		if !n.Add(fmt.Sprint(i)) {
			t.Fatalf("%d is not new", i)
		}
		for _, old := range []int{i, max(0, i-rtc.MaxNonces+1)} {
			if n.Add(fmt.Sprint(old)) {
				t.Fatalf("after %d, %d counts as new, want it remembered", i, old)
			}
		}
	}
}
