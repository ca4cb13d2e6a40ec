package relay_test

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestAProbeHearsHowLongItLay(t *testing.T) {
	onStand(t, func(s *stand) {
		conn := s.listen(s.host("10.0.1.7"), "10.0.1.7:5000")
		defer conn.Close()
		request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
		send(t, conn, string(request.Raw), &net.UDPAddr{IP: net.ParseIP(relayIP), Port: 3478})
		b := make([]byte, 1500)
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		answer := stun.Message{Raw: b[:n]}
		if err := answer.Decode(); err != nil {
			t.Fatal(err)
		}
		if answer.TransactionID != request.TransactionID || answer.Type != stun.BindingSuccess {
			t.Errorf("the answer is %v, want success for the same transaction", answer)
		}
		if err := stun.Fingerprint.Check(&answer); err != nil {
			t.Error(err)
		}
		var seen stun.XORMappedAddress
		if err := seen.GetFrom(&answer); err != nil || seen.String() != "10.0.1.7:5000" {
			t.Errorf("the address is %v, %v, want 10.0.1.7:5000", seen, err)
		}
		lay, err := answer.Get(wire.AttrLay)
		if err != nil || len(lay) != 4 || binary.BigEndian.Uint32(lay) > uint32(time.Minute.Microseconds()) {
			t.Errorf("it lay there for %v, %v, want microseconds in a u32", lay, err)
		}
	})
}

func TestTheTimeItLayIsWhatPassedSinceItCame(t *testing.T) {
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	answer := relay.Answer(request.Raw, &net.UDPAddr{IP: net.ParseIP("::ffff:10.0.1.7"), Port: 5000}, 1500*time.Microsecond)
	if answer == nil {
		t.Fatal("no answer")
	}
	if lay, err := answer.Get(wire.AttrLay); err != nil || binary.BigEndian.Uint32(lay) != 1500 {
		t.Errorf("it lay there for %v, %v, want 1500 µs", lay, err)
	}
	var seen stun.XORMappedAddress
	if err := seen.GetFrom(answer); err != nil || seen.String() != "10.0.1.7:5000" {
		t.Errorf("the address is %v, %v, want 10.0.1.7:5000", seen, err)
	}
}

func TestWhatIsNoPlainProbeIsLeftToTURN(t *testing.T) {
	from := &net.UDPAddr{IP: net.IPv4(10, 0, 1, 7), Port: 5000}
	long := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	long.Add(0xfffe, make([]byte, 300))
	for name, b := range map[string][]byte{
		"nothing":            nil,
		"no STUN":            []byte("GET / HTTP/1.1\r\nHost: sitecast\r\n\r\n"),
		"an allocation":      stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)).Raw,
		"an answer":          stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw,
		"one that is signed": stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewShortTermIntegrity("x")).Raw,
		"a long one":         long.Raw,
	} {
		if answer := relay.Answer(b, from, 0); answer != nil {
			t.Errorf("%s: answered with %v", name, answer)
		}
	}
}

// FuzzAnswer holds that whatever comes, an answer is small and well-formed.
func FuzzAnswer(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		answer := relay.Answer(b, &net.UDPAddr{IP: net.IPv4(10, 0, 1, 7), Port: 5000}, time.Second)
		if answer == nil {
			return
		}
		again := stun.Message{Raw: answer.Raw}
		if err := again.Decode(); err != nil || len(answer.Raw) > 64 || again.TransactionID != [12]byte(b[8:20]) {
			t.Errorf("%x is answered with %x: %v", b, answer.Raw, err)
		}
	})
}
