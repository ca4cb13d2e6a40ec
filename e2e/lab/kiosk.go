package lab

import (
	"context"
	"io"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/clock"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/runtime"
	"github.com/sitecast/sitecast/signaling/operator"
)

// probeTime is how long a version is on trial on a kiosk of the lab.
const probeTime = 2 * time.Second

// device is what an endpoint is beside its agent.
type device struct {
	// Off is how far its clock is ahead of the server's, Boots how often it was booted.
	Off   time.Duration
	Boots int

	app     string         // that its kiosk shows; empty: it is none
	journal *memoryJournal // of the kiosk
	kiosk   *runtime.Kiosk // as it runs
}

// clocks are what its clocks show. They count from one moment whatever is booted; a boot
// that is another makes that number mean nothing.
func (e *Endpoint) clocks() clock.Reading {
	now := time.Now()
	return clock.Reading{Wall: now.Add(e.Off), Boot: string(rune('a' + e.Boots)), Up: now.Sub(time.Unix(0, 0))}
}

// Show makes the endpoint a kiosk from the next Start on, which shows a content.
func (e *Endpoint) Show(app string) {
	e.app, e.journal = app, &memoryJournal{kept: activation.NewJournal(app)}
}

// Active is the version that the kiosk shows; empty: none.
func (e *Endpoint) Active() string {
	v, _ := e.kiosk.Slot().Active()
	return v.Version
}

// run runs the agent, and the kiosk if it is one.
func (e *Endpoint) run(ctx context.Context, cfg agent.Config) error {
	cfg.Clock = e.clocks
	k := e.kiosk
	if k == nil {
		return agent.Run(ctx, cfg)
	}
	cfg.User = k
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.Run(ctx) })
	group.Go(func() error { return agent.Run(ctx, cfg) })
	return group.Wait()
}

// prepare makes the kiosk for the next run.
func (e *Endpoint) prepare() {
	if e.app == "" {
		return
	}
	e.kiosk = runtime.New(runtime.Parts{Config: runtime.Config{App: e.app, Policy: activation.Policy{Keep: 2, ProbeTime: probeTime}, Log: e.lab.log(e.Name)},
		Journal: e.journal, Content: filepath.Join(e.Data, "content"), Ask: func(context.Context) error { return nil }})
}

// memoryJournal keeps a journal over restarts of a lab's kiosk.
type memoryJournal struct {
	mu   sync.Mutex
	kept activation.Journal
}

// Load implements runtime.Journal.
func (m *memoryJournal) Load(string) (activation.Journal, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, nil
}

// Save implements runtime.Journal.
func (m *memoryJournal) Save(j activation.Journal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = j
	return nil
}

// DistributeHeld orders a version to all sites, in rings or at once, to be used from some
// time on or (zero) when it is activated.
func (l *Lab) DistributeHeld(ref string, at time.Time, rings ...string) {
	l.t.Helper()
	d := operator.Distribute{Remote: l.Remote(io.Discard), Ref: ref, All: true, Priority: "normal", Aiming: operator.Aiming{Ring: rings}}
	d.Activate, d.Key = "hold", filepath.Join(l.dir, "publisher.key")
	if !at.IsZero() {
		d.Activate = "now"
		l.must(d.ActivateAt.UnmarshalText([]byte(at.Format(time.RFC3339))))
	}
	l.must(d.Run(l.t.Context()))
}
