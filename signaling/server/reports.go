package server

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// reportsPerSecond is how many reports of endpoints one processor hears in a second with a
// quarter of its time. (130 microseconds each, `make bench-fleet`, flows move.)
const reportsPerSecond = 2000

// reportEvery is how often endpoints shall report when so many are online, on a machine of
// so many processors; now is how often they do. It doubles from a second, and falls again only
// where there is room to spare, as to change it is to tell everybody.
func reportEvery(now time.Duration, online, processors int) time.Duration {
	room := func(every time.Duration) int { return int(every.Seconds() * float64(processors*reportsPerSecond)) }
	now = max(now, time.Second)
	for now < wire.MaxReportInterval && online > room(now) {
		now *= 2
	}
	for now > time.Second && online < room(now)/4 {
		now /= 2
	}
	return now
}

// reports says how often endpoints shall report.
type reports struct{ every atomic.Int64 }

// get is 0 while it is once a second, as of an endpoint that was told nothing.
func (r *reports) get() time.Duration { return time.Duration(r.every.Load()) }

// note takes in how many are online.
func (r *reports) note(online int) {
	every := reportEvery(r.get(), online, runtime.GOMAXPROCS(0))
	if every == time.Second {
		every = 0
	}
	r.every.Store(int64(every))
}
