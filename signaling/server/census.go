package server

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// census is what there is in sites, for metrics. Who collects often is told what was found
// a moment ago.
type census struct {
	// Set by the server, then constant.
	board *board.Board

	// mu guards the rest, and is held while sites are asked.
	mu    sync.Mutex
	found headcount
	at    time.Time
}

// headcount is what there was in sites.
type headcount struct {
	kinds, states map[string]int
	bytes         wire.Sources
	wan           int64
	wanBPS, lan   int64
	sites         []siteCount // those with the most bytes first
}

// siteCount is what there was at one.
type siteCount struct {
	name        string
	bytes       wire.Sources
	wan         int64
	wanBPS, lan int64
	online      int
}

// take counts, unless that was done a moment ago; false where a site did not answer in time.
func (c *census) take(ctx context.Context) (headcount, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < censusEvery {
		return c.found, true
	}
	if err := c.board.LookAtRunning(ctx); err != nil {
		return headcount{}, false
	}
	c.found, c.at = countAll(c.board.All()), time.Now()
	return c.found, true
}

func countAll(all []*board.Shown) headcount {
	out := headcount{kinds: map[string]int{wire.DeviceAgent: 0, wire.DeviceKiosk: 0, wire.DeviceBrowser: 0},
		states: map[string]int{site.StateWaiting: 0, site.StateRunning: 0, site.StatePaused: 0, site.StateComplete: 0, site.StateFailed: 0, site.StateHalted: 0}}
	for _, shown := range all {
		one := siteCount{name: shown.Site, wanBPS: shown.WANBPS, lan: shown.PeerBPS, online: len(shown.Endpoints)}
		for _, f := range shown.Flows {
			out.states[f.View.State]++
			one.bytes = plus(one.bytes, wire.Sources{Origin: f.View.BytesOrigin, Peer: f.View.BytesPeer, Relay: f.View.BytesRelay, Reused: f.View.BytesReused})
			one.wan += f.View.WANBytes
		}
		for _, e := range shown.Endpoints {
			out.kinds[cmp.Or(e.View.Kind, wire.DeviceAgent)]++
		}
		out.bytes = plus(out.bytes, one.bytes)
		out.wan, out.wanBPS, out.lan = out.wan+one.wan, out.wanBPS+one.wanBPS, out.lan+one.lan
		out.sites = append(out.sites, one)
	}
	slices.SortFunc(out.sites, func(a, b siteCount) int {
		return cmp.Or(cmp.Compare(b.bytes.Total(), a.bytes.Total()), cmp.Compare(a.name, b.name))
	})
	return out
}

func plus(a, b wire.Sources) wire.Sources {
	return wire.Sources{Origin: a.Origin + b.Origin, Peer: a.Peer + b.Peer, Relay: a.Relay + b.Relay, Reused: a.Reused + b.Reused}
}

// bySource are bytes by the names of their sources.
func bySource(b wire.Sources) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		_ = yield("origin", b.Origin) && yield("peer", b.Peer) && yield("relay", b.Relay) && yield("reused", b.Reused)
	}
}

// tell tells what was counted, and of some sites by themselves.
func (h headcount) tell(to sink, sites int) {
	for kind, n := range h.kinds {
		to.gauge(kindsDesc, float64(n), kind)
	}
	for state, n := range h.states {
		to.gauge(flowsDesc, float64(n), state)
	}
	for source, n := range bySource(h.bytes) {
		to.gauge(bytesDesc, float64(n), source)
	}
	to.gauge(wanDesc, float64(h.wan))
	to.gauge(rateDesc, float64(h.wanBPS)/8, "wan")
	to.gauge(rateDesc, float64(h.lan)/8, "peers")
	for _, one := range h.sites[:min(sites, MaxMetricsSites, len(h.sites))] {
		for source, n := range bySource(one.bytes) {
			to.gauge(siteBytesDesc, float64(n), one.name, source)
		}
		to.gauge(siteWANDesc, float64(one.wan), one.name)
		to.gauge(siteRateDesc, float64(one.wanBPS)/8, one.name, "wan")
		to.gauge(siteRateDesc, float64(one.lan)/8, one.name, "peers")
		to.gauge(siteKindsDesc, float64(one.online), one.name)
	}
}
