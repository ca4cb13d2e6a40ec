package lab_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
)

// manySites is how many sites one server leads; SITECAST_LAB_SITES says otherwise,
// as `make test-many` does for 200.
const manySites = 12

// TestOneServerServesManySites has one server lead many sites of 3 endpoints through
// the same distribution at once.
func TestOneServerServesManySites(t *testing.T) {
	sites := manySites
	if text := os.Getenv("SITECAST_LAB_SITES"); text != "" {
		var err error
		if sites, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		const size = 256 << 10
		l := lab.New(t, lab.Plan{Sites: slices.Repeat([]int{3}, sites), Path: wan, LAN: time.Millisecond})
		defer l.Close()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		start := time.Now()
		for _, s := range l.Sites {
			if f := l.AwaitComplete("app", s, 30*time.Second); f.BytesOrigin != size || f.BytesPeer != 2*size {
				t.Errorf("%s: %d bytes from the origin and %d from peers, want one copy and two", s.Name, f.BytesOrigin, f.BytesPeer)
			}
		}
		t.Logf("%v for all", time.Since(start))
	})
}
