package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/storage/durable"
)

// regardName is the file in the data folder that says what came over the WAN in this
// month, and until when the user paused.
const regardName = "regard.json"

const (
	// regardEvery is how often the limits are looked at, and senseEvery of those looks
	// asks other programs, too.
	regardEvery = 2 * time.Second
	senseEvery  = 5
	// keepBytes and keepEvery are how much may come, and for how long, until what was
	// spent is written down: kill -9 forgets no more.
	keepBytes = 4 << 20
	keepEvery = 10 * time.Second
)

// regard has the endpoint go by its limits: it asks the senses, counts what comes over
// the WAN, and tells the engine what to do without.
type regard struct {
	// Set by newRegard, then constant.
	limits polite.Limits
	senses *host.Senses // nil: nothing asks for them
	iface  func() string
	now    func() time.Time // the server's, as well as known
	known  func() bool      // the server's time is
	taken  func() int64     // bytes from the origin since the start
	tell   func([]polite.Restraint)
	share  *polite.Manners // nil: disk and processor are nobody else's
	save   func(polite.Memory) error
	log    *slog.Logger
	wake   chan struct{}

	// Owned by run.
	looks   int
	counted int64 // of taken
	kept    polite.Memory
	keptAt  time.Time
	desktop host.Desktop

	// mu guards what the status shows, and the memory, which pause and resume change.
	mu      sync.Mutex
	memory  polite.Memory
	all     []polite.Restraint
	battery bool
	allowed int64 // bytes in a month, as operators set it; 0: no bound
}

// newRegard joins the parts of an agent that is assembled.
func newRegard(a *agent) *regard {
	path := filepath.Join(a.cfg.Data, regardName)
	r := &regard{limits: a.cfg.Limits, senses: a.cfg.Senses, iface: func() string { return wayTo(a.cfg.Server) },
		now: a.link.Now, known: a.link.Known, taken: a.origin.Taken, tell: a.eng.Restrain, share: a.share,
		log: a.cfg.Log, wake: make(chan struct{}, 1), memory: readRegard(path, a.cfg.Log),
		save: func(m polite.Memory) error {
			text, err := m.Encode()
			if err != nil {
				return err
			}
			return durable.WriteFile(path, text, 0o600)
		}}
	if r.senses == nil && a.cfg.Net == nil && r.limits.Senses() {
		r.senses = host.NewSenses("/", "")
	}
	if a.cfg.Net != nil { // its ways are not this computer's
		r.iface = func() string { return "" }
	}
	r.kept = r.memory
	return r
}

// run goes by the limits until ctx ends. The first look is before anything moves.
func (r *regard) run(ctx context.Context) error {
	ticker := time.NewTicker(regardEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.mu.Lock()
			r.count()
			r.mu.Unlock()
			r.keep(true)
			if r.senses != nil {
				r.senses.Close()
			}
			return nil
		case <-ticker.C:
		case <-r.wake:
		}
		r.look(ctx)
		r.keep(false)
	}
}

// look finds out what holds now, and tells the engine where that changed.
func (r *regard) look(ctx context.Context) {
	seen := r.sense(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.count()
	seen.Memory, r.battery = r.memory, seen.Battery
	all := r.bounds().Apply(now, seen)
	if slices.Equal(all, r.all) {
		return
	}
	for _, h := range all {
		if !slices.ContainsFunc(r.all, func(had polite.Restraint) bool { return had.Code == h.Code }) {
			r.log.Info("holds back", "code", h.Code, "why", h.Reason)
		}
	}
	r.all = all
	r.tell(all)
}

// bounds are the limits within what operators set: of two allowances the smaller counts. mu
// is held.
func (r *regard) bounds() polite.Limits {
	l := r.limits
	if r.allowed > 0 && (l.Allowance == 0 || r.allowed < l.Allowance) {
		l.Allowance = r.allowed
	}
	return l
}

// allow takes in what operators set: bytes in a month, or 0 for no bound.
func (r *regard) allow(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.allowed == bytes {
		return
	}
	r.allowed = bytes
	r.again()
}

// again has the limits looked at at once.
func (r *regard) again() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// count counts what came over the WAN since it did last, and returns the time. mu is held.
func (r *regard) count() (now time.Time) {
	now = r.now()
	month := now
	if !r.known() {
		month = time.Time{}
	}
	spent := r.taken()
	r.memory.Spend(month, spent-r.counted)
	r.counted = spent
	return now
}

// sense asks what the limits go by. Other programs are asked less often.
func (r *regard) sense(ctx context.Context) (seen polite.Seen) {
	if r.senses != nil {
		if r.looks%senseEvery == 0 {
			r.desktop = r.senses.Desktop(ctx)
		}
		r.looks++
		seen.Metered, seen.Tunnel, seen.Working = r.desktop.Metered, r.desktop.Tunnel, r.desktop.Working
		if name := r.iface(); r.senses.Tunnel(name) {
			seen.Tunnel = name
		}
		seen.Charge, seen.Battery = r.senses.Battery()
	}
	if r.share != nil {
		most := int64(polite.Unlimited)
		if seen.Working && r.limits.Working > 0 {
			most = r.limits.Working
		}
		r.share.Processor.Bound(most)
		seen.Disk, seen.Processor = r.share.Disk.Yielded(), r.share.Processor.Yielded()
	}
	return seen
}

// keep writes the memory down, where it changed and it is time.
func (r *regard) keep(now bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := time.Now()
	if r.memory == r.kept || !now && r.memory.Bytes-r.kept.Bytes < keepBytes && at.Sub(r.keptAt) < keepEvery {
		return
	}
	r.write(at)
}

// write does so at once. mu is held.
func (r *regard) write(at time.Time) {
	if err := r.save(r.memory); err != nil {
		r.log.Warn("what came over the WAN in this month is not written down", "err", err)
		return
	}
	r.kept, r.keptAt = r.memory, at
}

// pause stops everything at this endpoint for a while; 0 ends a pause. It holds also
// after a restart.
func (r *regard) pause(span time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memory.PausedUntil = time.Time{}
	if span > 0 {
		r.memory.PausedUntil = r.now().Add(min(span, polite.MaxPause)).Round(0)
	}
	r.write(time.Now())
	r.again()
}

// restraints is what holds now.
func (r *regard) restraints() []polite.Restraint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// onBattery reports whether the computer runs on one.
func (r *regard) onBattery() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.battery
}

// month is what came over the WAN in this month, and what may.
type month struct {
	Month     string `json:"month"`
	Bytes     int64  `json:"wan_bytes"`
	Allowance int64  `json:"allowance_bytes,omitempty"`
}

// spent is nil before anything came.
func (r *regard) spent() *month {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory.Month == "" {
		return nil
	}
	return &month{r.memory.Month, r.memory.Bytes, r.bounds().Allowance}
}

// readRegard reads what an earlier process kept. Without it nothing was spent.
func readRegard(path string, log *slog.Logger) polite.Memory {
	text, err := durable.ReadFile(path, polite.MaxMemoryBytes)
	var m polite.Memory
	if err == nil {
		m, err = polite.ParseMemory(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn(fmt.Sprintf("what came over the WAN in this month is not known: it counts from now on (%s is damaged)", path), "err", err)
	}
	return m
}
