package site

import (
	"runtime"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
)

// dialsPerProcessor is how many links all sites together begin in a second for each of the
// server's processors. A link takes about ten messages, more than a millisecond of one (`make
// bench-fleet`, a version to all sites). Where more are begun than the server can carry, offers
// and answers come too late, and all is begun again, for ever.
const dialsPerProcessor = 250

// Dials is what bounds the links that all sites together begin. Its methods may be called on nil, which
// bounds nothing.
type Dials struct {
	// mu guards budget.
	mu     sync.Mutex
	budget schedule.Bucket
}

// NewDials returns what bounds links on this machine.
func NewDials() *Dials {
	rate := float64(runtime.GOMAXPROCS(0) * dialsPerProcessor)
	return &Dials{budget: schedule.NewBucket(rate, rate)}
}

// take reports whether a link may be begun now.
func (d *Dials) take(now time.Time) bool {
	if d == nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ok, _ := d.budget.Take(now)
	return ok
}
