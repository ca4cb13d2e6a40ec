package operator_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
)

// While one server takes over from another, reading waits for it, too.
func TestReadingWaitsForTheServerThatTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked < 3 {
				w.Header().Set("Retry-After", "1")
				refusal(w, http.StatusServiceUnavailable, "standby")
				return
			}
			_, _ = w.Write([]byte("[]"))
		})
		begun := time.Now()
		s.run(operator.Flows{Remote: s.remote})
		if took := time.Since(begun); asked != 3 || took != 2*time.Second {
			t.Errorf("asked %d times in %v, want 3 in 2 s", asked, took)
		}
		s.end()
	})
}
