package wire_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestPongTellsHowLongThePingLay(t *testing.T) {
	ping := wire.PingPayload(7)
	if n, _, isLay := wire.ParsePong(string(ping)); n != 7 || isLay {
		t.Errorf("the answer proper is read as of %d, lay %v", n, isLay)
	}
	for _, c := range []struct{ lay, want time.Duration }{
		{0, 0}, {-time.Second, 0}, {1234567 * time.Nanosecond, 1234 * time.Microsecond}, {2 * time.Hour, time.Hour},
	} {
		told, ok := wire.PingLay(string(ping), c.lay)
		if n, lay, isLay := wire.ParsePong(string(told)); !ok || n != 7 || lay != c.want || !isLay {
			t.Errorf("%v is told as %q and read as of %d, %v, lay %v", c.lay, told, n, lay, isLay)
		}
	}
	for _, ping := range []string{"", "x", "-1", "1+2", "99999999999999999999"} {
		if told, ok := wire.PingLay(ping, time.Second); ok {
			t.Errorf("a ping %q that measures nothing is told %q", ping, told)
		}
	}
}

func FuzzParsePong(f *testing.F) {
	for _, s := range []string{"", "1", "1+2", "1+", "+1", "1+-2", "1+99999999999999999999", "1+2+3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, lay, isLay := wire.ParsePong(s); lay < 0 || lay > time.Hour || lay > 0 && !isLay || n == 0 && lay > 0 && s[0] != '0' {
			t.Errorf("%q is read as of %d, %v, lay %v", s, n, lay, isLay)
		}
	})
}
