package engine

import (
	"maps"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
)

// CacheStatus is what the agent shows of its store: all sizes are bytes on the
// disk, and every version has the reason why it is there or went.
type CacheStatus struct {
	Disk    int64           `json:"disk_bytes"` // of the file system, as measured last
	Free    int64           `json:"free_bytes"`
	Used    int64           `json:"used_bytes"` // by the store
	Policy  PolicyStatus    `json:"policy"`
	Held    []HeldStatus    `json:"versions"`
	Evicted []EvictedStatus `json:"evicted"` // lately, newest last
	// Short says what is missing after all that may go has gone.
	Short string `json:"short,omitempty"`

	Counts map[cache.Rule]int64 `json:"-"` // evictions since the start, by rule
}

// PolicyStatus is the settings in use.
type PolicyStatus struct {
	Quota   cache.Amount `json:"quota"`
	Floor   cache.Amount `json:"floor"`
	Least   int64        `json:"least_free_bytes,omitempty"` // that operators want free, whatever Floor says
	Age     string       `json:"age"`
	Idle    string       `json:"idle"`
	Keep    int          `json:"keep"`
	Largest cache.Amount `json:"largest"`
}

// HeldStatus is one version in the store.
type HeldStatus struct {
	Content  string    `json:"content"`
	Version  string    `json:"version"`
	Bytes    int64     `json:"bytes"`
	Complete bool      `json:"complete"`
	Safe     bool      `json:"safe"` // nothing takes it away; else it may go when room is needed
	Reason   string    `json:"reason"`
	Used     time.Time `json:"used,omitzero"` // when a flow needed it last
}

// EvictedStatus is one version that went.
type EvictedStatus struct {
	Content string     `json:"content"`
	Version string     `json:"version"`
	Bytes   int64      `json:"bytes"`
	Rule    cache.Rule `json:"rule"`
	Reason  string     `json:"reason"`
	At      time.Time  `json:"at"`
}

// cacheStatus is nil where nothing manages the store.
func (e *Engine) cacheStatus() *CacheStatus {
	k := e.cache
	if k == nil {
		return nil
	}
	p := k.Policy
	s := &CacheStatus{Disk: k.size, Free: k.free, Held: []HeldStatus{}, Evicted: append([]EvictedStatus{}, k.evicted...),
		Policy: PolicyStatus{p.Quota, p.Floor, p.Least, limit(p.Age), limit(p.Idle), p.Keep, p.Largest}, Counts: maps.Clone(k.counts)}
	state := e.holdings()
	add := func(v cache.Version, safe bool, why string) {
		s.Held = append(s.Held, HeldStatus{v.Ref.Name, v.Ref.Version, v.Bytes, v.Complete, safe, why, v.Used})
	}
	if !k.known {
		for _, v := range state.Versions {
			s.Used += v.Bytes
			add(v, true, "the server has not said yet what is wanted")
		}
		return s
	}
	plan := cache.Decide(p, state)
	s.Used, s.Short = plan.Used, plan.Why
	for _, kept := range plan.Keep {
		add(kept.Version, kept.Safe, kept.Reason)
	}
	for _, gone := range plan.Evict { // the next look at the disk has it removed
		add(gone.Version, false, gone.Reason)
	}
	return s
}

// limit writes a time that may be for ever.
func limit(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return d.String()
}
