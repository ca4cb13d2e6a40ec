package relay_test

import (
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
