//go:build linux

package netlab_test

import (
	"net"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

func TestWhatIsCutComesBackAsItWas(t *testing.T) {
	for name, link := range map[string]netlab.Link{
		"kernel":   {Rate: 100_000_000},
		"emulator": {Rate: 100_000_000, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: netlab.Both(link), NAT: true}}})
			site := lab.Sites[0]
			one, two := site.Endpoints[0], site.Endpoints[1]
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			want := func(when string, origin, peer bool) {
				t.Helper()
				if got := reaches(t, one, lab.Origin, origin); got != origin {
					t.Errorf("%s: an endpoint reaches the origin: %v, want %v", when, got, origin)
				}
				if got := reaches(t, one, two, peer); got != peer {
					t.Errorf("%s: an endpoint reaches its peer: %v, want %v", when, got, peer)
				}
			}
			want("at first", true, true)
			must(site.CutWAN())
			must(site.CutWAN())
			want("without the WAN", false, true)
			must(site.MendWAN())
			must(site.MendWAN())
			want("with the WAN again", true, true)
			must(site.CutLAN())
			want("without the LAN", false, false)
			must(site.MendLAN())
			want("with the LAN again", true, true)
			must(site.Unplug(1))
			want("with the peer unplugged", true, false)
			must(site.Plug(1))
			want("with the peer plugged in", true, true)
			must(site.Reboot(true, func() error { want("during a reboot", false, false); return nil }))
			want("after a reboot", true, true)
		})
	}
}

// reaches tells whether a connection from one host to another is made. Where it is
// expected it is tried again for a while: what a kernel has just found unreachable
// it may refuse for a second, and the machine may be busy.
func reaches(t *testing.T, from, to *netlab.Host, expected bool) bool {
	t.Helper()
	l, err := to.Listen("tcp4", to.IP().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for begun := time.Now(); ; {
		err = from.Do(func() error {
			conn, err := net.DialTimeout("tcp4", l.Addr().String(), 900*time.Millisecond)
			if err == nil {
				err = conn.Close()
			}
			return err
		})
		if err == nil || !expected || time.Since(begun) > 10*time.Second {
			return err == nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}
