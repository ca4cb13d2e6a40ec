package fleet

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// progressEvery is how often an active flow reports unless it is told otherwise, and again
	// how often one that lacks something does though nothing changed.
	progressEvery = time.Second
	again         = 5 * time.Second
	// maxHaveReport bounds the bitmap bytes of one report.
	maxHaveReport = 24 << 10
	wordChunks    = 64
)

// version is what the fleet knows of a version.
type version struct {
	id   content.VersionID
	head content.Head
}

// plain is how many content bytes a chunk has: as many as every other, and all of them
// together are the version.
func (v *version) plain(chunk uint32) int64 {
	n := int64(v.head.Chunks)
	return v.head.UniqueBytes*(int64(chunk)+1)/n - v.head.UniqueBytes*int64(chunk)/n
}

// holding is what an endpoint holds of a version, with what it has to say of it.
type holding struct {
	*version
	priority wire.Priority
	paused   bool

	have     []uint64 // chunk i is bit i mod 64 of word i div 64
	held     uint32
	body     bool
	complete bool
	bytes    wire.Sources
	wan      int64
	whole    time.Time // since when it lacks nothing
	credit   float64   // bytes that it may take from peers and has not

	reported   []uint64 // as the server knows it in this session
	reportedAt time.Time
	announced  bool // something was reported in this session
	dirty      bool
}

func newHolding(v *version) *holding {
	return &holding{version: v, have: make([]uint64, (v.head.Chunks+wordChunks-1)/wordChunks)}
}

func (h *holding) spare() wire.Spare {
	return wire.Spare{Content: h.head.Name, Version: h.head.Version, Serial: h.head.Serial}
}

// got is how many content bytes came.
func (h *holding) got() int64 { return h.bytes.Total() }

func (h *holding) has(chunk uint32) bool {
	return h.have[chunk/wordChunks]&(1<<(chunk%wordChunks)) != 0
}

// put takes a chunk in, and reports whether it is new.
func (h *holding) put(chunk uint32) bool {
	if chunk >= h.head.Chunks || h.has(chunk) {
		return false
	}
	h.have[chunk/wordChunks] |= 1 << (chunk % wordChunks)
	h.held++
	h.dirty = true
	return true
}

// finish makes what is whole complete, a moment after it is, and reports whether time
// alone will bring that.
func (h *holding) finish(now time.Time) (pending bool) {
	if h.complete || !h.body || h.held < h.head.Chunks {
		return false
	}
	if h.whole.IsZero() {
		h.whole = now
	}
	if now.Sub(h.whole) < commit {
		return true
	}
	h.complete, h.dirty, h.reportedAt = true, true, time.Time{}
	return false
}

// changed returns the parts of the bitmap that the server does not know yet, and whether
// more are left.
func (h *holding) changed() (parts []wire.Bits, more bool) {
	if h.reported == nil {
		h.reported = make([]uint64, len(h.have))
	}
	length, budget := int(h.head.Chunks+7)/8, maxHaveReport
	for i := 0; i < len(h.have); i++ {
		if h.have[i] == h.reported[i] {
			continue
		}
		from := i
		var out []byte
		for ; i < len(h.have) && h.have[i] != h.reported[i] && len(out) < budget; i++ {
			out = binary.LittleEndian.AppendUint64(out, h.have[i])
			h.reported[i] = h.have[i]
		}
		parts = append(parts, wire.Bits{From: uint32(from) * wordChunks, Bits: out[:min(len(out), length-8*from)]})
		if budget -= len(out) + 32; budget <= 0 {
			return parts, !slices.Equal(h.have, h.reported)
		}
	}
	return parts, false
}

// report sends what there is to say of a holding when it is due, and reports whether
// something is left to be said later.
func (e *endpoint) report(now time.Time, h *holding) (pending bool) {
	lacks := !h.complete && !h.paused
	if !h.dirty && lacks && h.announced && now.Sub(h.reportedAt) >= max(again, e.fleet.cfg.Report) {
		h.dirty = true
	}
	if !h.dirty || !e.open {
		return lacks
	}
	if h.announced && now.Sub(h.reportedAt) < max(e.reportEvery(h), e.fleet.cfg.Report) {
		return true
	}
	p := wire.Progress{Flow: h.id, Body: h.body, Complete: h.complete, Bytes: h.bytes, WAN: h.wan}
	more := false
	p.Have, more = h.changed()
	p.Leases = e.leaseStates(h)
	if !e.send(wire.KindProgress, p) {
		return true
	}
	h.reportedAt, h.announced, h.dirty = now, true, more
	if more {
		h.reportedAt = time.Time{}
	}
	if h.complete {
		e.stock()
	}
	return lacks || more
}

// reportEvery is how often a holding reports, as that of a real endpoint.
func (e *endpoint) reportEvery(h *holding) time.Duration {
	for _, l := range e.leases {
		if l.Flow == h.id {
			return progressEvery
		}
	}
	if h.complete {
		return progressEvery
	}
	return max(e.reports, progressEvery)
}

// lack calls take with each chunk that peer has and h lacks, in order, until take says
// that it is enough.
func (h *holding) lack(peer *holding, take func(chunk uint32) bool) {
	if peer.held == 0 {
		return
	}
	for i, word := range peer.have {
		for missing := word &^ h.have[i]; missing != 0; missing &= missing - 1 {
			if !take(uint32(i)*wordChunks + uint32(bits.TrailingZeros64(missing))) {
				return
			}
		}
	}
}
