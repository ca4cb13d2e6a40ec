package relay_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/wire"
)

// FuzzUserName holds that a user name is one that was handed out, at least in form,
// and that quotas can't be dodged by writing it in another way.
func FuzzUserName(f *testing.F) {
	good, _ := credential.TURN([]byte("secret"), wire.EndpointID(strings.Repeat("a", 32)), "shop", time.Now())
	for _, user := range []string{good, "", ":", "1:", ":a", "99999999999999999999:a", "+1:a", "1:a:b", strings.Repeat("9", 200) + ":a"} {
		f.Add(user)
	}
	f.Fuzz(func(t *testing.T, user string) {
		id, key, ok := relay.Authenticate([]byte("secret"), &turn.RequestAttributes{Username: user, Realm: "sitecast", Method: stun.MethodRefresh})
		expiry, rest, found := strings.Cut(user, ":")
		switch {
		case !ok:
			if id != "" || key != nil {
				t.Errorf("%q is refused, and %q all the same", user, id)
			}
		case !found || rest == "" || id != rest || expiry == "" || len(user) > 128 || len(key) == 0:
			t.Errorf("%q is taken for %q", user, id)
		}
	})
}

// said is a connection of which only what the other end said is known.
type said struct {
	net.Conn
	*bytes.Reader
}

func (s said) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// FuzzStream holds that TURN is given what came over a stream without a channel that is known,
// message by message and no other bytes, up to what is neither.
func FuzzStream(f *testing.F) {
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw
	for _, text := range []string{"", "\x40", string(binding), "\x40\x00\x00\x05hello\x00\x00\x00" + string(binding), "\x40\x00\xff\xff", "\x00\x01\xff\xff", "\x80\x00\x00\x00"} {
		f.Add([]byte(text), uint16(1600))
		f.Add([]byte(text), uint16(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, room uint16) {
		conn, b := relay.Passed(said{Reader: bytes.NewReader(text)}), make([]byte, max(1, room))
		for at := 0; ; {
			n, err := conn.Read(b)
			if err != nil {
				if n > 0 {
					t.Errorf("%d bytes and %v", n, err)
				}
				return
			}
			if n == 0 || at+n > len(text) || !bytes.Equal(b[:n], text[at:at+n]) {
				t.Fatalf("%d bytes at %d are not those that came", n, at)
			}
			at += n
		}
	})
}
