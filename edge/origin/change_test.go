package origin_test

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/origin"
)

// A fetch over a connection that is dead would wait for StallTimeout; what follows it
// has a connection of its own.
func TestFetchFromAnAddressThatHasGoneEndsAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		change host.Change
		ends   time.Duration
	}{
		"its address":  {host.Change{Gone: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, 2 * time.Second},
		"a long sleep": {host.Change{Away: true}, 2 * time.Second},
		"another":      {host.Change{Gone: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}, origin.StallTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newObject(4, 1000)
				fetches := 0
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if fetches++; fetches > 1 {
						o.handler(w, r)
						return
					}
					w.Header().Set("Content-Range", "bytes 0-"+strconv.Itoa(len(o.encoded)-1)+"/*")
					w.WriteHeader(http.StatusPartialContent)
					_, _ = w.Write(o.encoded[:o.parts[0].Length])
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				})
				time.AfterFunc(2*time.Second, func() { client.Changed(c.change) })
				begin := time.Now()
				got, err := fetch(client, o, o.lease())
				if took := time.Since(begin); took != c.ends || len(got) != 1 {
					t.Errorf("ended after %v with %d parts (%v), want %v and the one that came", took, len(got), err, c.ends)
				}
				if ours := c.ends == 2*time.Second; ours != (err != nil && strings.Contains(err.Error(), "network of this host")) {
					t.Errorf("ended with %v", err)
				}
				if _, err := fetch(client, o, o.lease()); err != nil {
					t.Errorf("the next fetch: %v", err)
				}
			})
		})
	}
}
