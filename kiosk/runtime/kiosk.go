package runtime

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/hook"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	inboxEvents = 64
	// maxNews bounds what the agent said that was not looked at; beyond, only the last
	// counts.
	maxNews = 16
	// saveAgain is when a journal that could not be written is tried again. Until then
	// nothing changes.
	saveAgain = 5 * time.Second
)

// Journal keeps the journal of activations.
type Journal interface {
	Load(app string) (activation.Journal, error) // an empty one where there is none
	Save(j activation.Journal) error             // durable when it returns nil
}

// Parts are what a kiosk's loop works with.
type Parts struct {
	Config
	Journal Journal
	Content string // the folder of delivered versions
	URL     string // of the page, without the slash at its end
	// Hook runs a hook's command, and Ask a probe; nil: as package hook does, and as
	// Config.Probe says. For tests.
	Hook func(ctx context.Context, line string, limit time.Duration, env ...string) (string, error)
	Ask  func(ctx context.Context) error
}

// Kiosk owns the state of the activation. It is the [engine.User] of the agent.
type Kiosk struct {
	// Set by New, then constant.
	Parts
	slot    *serve.Slot
	inbox   chan activation.Event
	wake    chan struct{} // there is news
	changed chan struct{}
	anew    chan struct{} // the display is to be started anew

	wg sync.WaitGroup

	// Owned by Run.
	begin activation.Started // what an earlier process left
	state activation.State
	timer *time.Timer
	zone  zone

	// mu guards the rest.
	mu     sync.Mutex
	news   []news
	status activation.Status
	uses   engine.Uses
	shown  content.VersionID
	have   serve.Progress
	screen display.State
}

// news is what the agent said, and when.
type news struct {
	engine.Delivered
	at time.Time
}

// New returns a kiosk that does nothing until Run, but shows what its journal says, also
// where the disk can't be written.
func New(p Parts) *Kiosk {
	k := &Kiosk{Parts: p, slot: &serve.Slot{}, inbox: make(chan activation.Event, inboxEvents), wake: make(chan struct{}, 1),
		changed: make(chan struct{}, 1), anew: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	if k.Hook == nil {
		k.Hook = hook.Run
	}
	if k.Ask == nil {
		k.Ask = k.ask
	}
	k.begin = k.started()
	for _, v := range k.begin.Journal.Versions() {
		if !slices.Contains(k.begin.Missing, v.ID) {
			k.show(&v)
			break
		}
	}
	return k
}

// Slot is what is active.
func (k *Kiosk) Slot() *serve.Slot { return k.slot }

// Run owns the kiosk until ctx ends, and returns when everything it started has returned.
func (k *Kiosk) Run(ctx context.Context) error {
	defer k.wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	k.take(ctx, k.begin)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-k.wake:
			for _, n := range k.takeNews() {
				k.take(ctx, k.stock(n))
			}
		case ev := <-k.inbox:
			k.take(ctx, ev)
		case <-k.timer.C:
			k.take(ctx, activation.Ticked{})
		}
	}
	return nil
}

// started reads the journal, and looks whether what it names is there.
func (k *Kiosk) started() activation.Started {
	j, err := k.Journal.Load(k.App)
	if err != nil {
		k.Log.Error("what was active is not known: the newest complete version will be", "err", err)
		j = activation.NewJournal(k.App)
	}
	ev := activation.Started{Journal: j}
	for _, v := range j.Versions() {
		if info, err := os.Stat(k.root(v)); err != nil || !info.IsDir() {
			ev.Missing = append(ev.Missing, v.ID)
		}
	}
	return ev
}

// root is where a version lies.
func (k *Kiosk) root(v activation.Version) string {
	return filepath.Join(k.Content, v.Ref.Name, v.Ref.Version)
}

// take has an event decided on. What follows from it is done when the journal is durable;
// until that can be written, nothing else happens.
func (k *Kiosk) take(ctx context.Context, ev activation.Event) {
	for ctx.Err() == nil {
		next, acts := activation.Step(k.Policy, k.state, ev, time.Now())
		if slices.Contains(acts, activation.Action(activation.Save{})) {
			if err := k.Journal.Save(next.Journal); err != nil {
				k.Log.Error("the journal of activations can't be written; what is active stays", "err", err, "again_in", saveAgain)
				pause(ctx, saveAgain)
				continue
			}
		}
		k.state = next
		k.publish()
		for _, a := range acts {
			k.do(ctx, a)
		}
		return
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// do carries an action out. What takes time comes back as an event.
func (k *Kiosk) do(ctx context.Context, a activation.Action) {
	switch a := a.(type) {
	case activation.Show:
		k.show(a.Version)
	case activation.RunHook:
		k.later(ctx, func() activation.Event { return k.runHook(ctx, a) })
	case activation.Probe:
		k.later(ctx, func() activation.Event { return k.probe(ctx, a) })
	case activation.Restart:
		k.Log.Warn("the active version does its work no more: the display is started anew", "why", k.state.Status(k.Policy).Reason)
		signal(k.anew)
	case activation.Wake:
		k.timer.Reset(a.After)
	}
}

// later has work done whose outcome is an event.
func (k *Kiosk) later(ctx context.Context, work func() activation.Event) {
	k.wg.Go(func() {
		ev := work()
		select {
		case k.inbox <- ev:
		case <-ctx.Done(): // whoever starts next does it again
		}
	})
}

func (k *Kiosk) show(v *activation.Version) {
	k.mu.Lock()
	k.shown = content.VersionID{}
	if v != nil {
		k.shown = v.ID
	}
	k.mu.Unlock()
	if v == nil {
		k.slot.Clear()
		return
	}
	k.Log.Info("showing", "content", v.Ref.String(), "phase", k.state.Phase)
	k.slot.Show(serve.Version{Name: v.Ref.Name, Version: v.Ref.Version, Root: k.root(*v)})
}

// displayed hears what the screen does. Where that it is alive is what makes a version
// good, its end is the end of a trial.
func (k *Kiosk) displayed(s display.State) {
	k.mu.Lock()
	k.screen = s
	ev := activation.Probed{ID: k.shown, Err: "the display ended: " + s.Why, Fatal: true}
	k.mu.Unlock()
	if k.Probe.Kind == ProbeAlive && (s.Phase == display.Waiting || s.Phase == display.Failing) {
		select {
		case k.inbox <- ev:
		default: // the next probe finds it
		}
	}
}

// Delivered implements [engine.User].
func (k *Kiosk) Delivered(d engine.Delivered) {
	k.slot.Bar(func(v serve.Version) bool {
		_, blocked := d.Blocks.Of(content.Ref{Name: v.Name, Version: v.Version})
		return blocked
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.news) == maxNews {
		k.news = k.news[:maxNews-1]
	}
	k.news = append(k.news, news{d, time.Now()})
	signal(k.wake)
}

// signal wakes who waits on a channel that holds one signal.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (k *Kiosk) takeNews() (all []news) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, k.news = k.news, nil
	return all
}

// stock is what the decider has to know of what the agent said.
func (k *Kiosk) stock(n news) activation.Stock {
	out := activation.Stock{Known: n.Known}
	if !n.Now.IsZero() {
		out.Clock = activation.Clock{Server: n.Now, At: n.at, Zone: k.zone.load(n.Zone, k.Log)}
	}
	for _, b := range n.Blocks {
		if b.Content == k.App {
			out.Blocked = append(out.Blocked, activation.Block{Version: b.Version, Why: b.Why})
		}
	}
	var have serve.Progress
	for _, v := range n.Versions {
		if v.Head.Name != k.App {
			continue
		}
		out.Versions = append(out.Versions, activation.Delivered{Complete: v.Complete, Wanted: v.Wanted, Held: v.Held, At: v.At, Retry: v.Retry,
			Version: activation.Version{ID: v.ID, Ref: v.Head.Ref(), Serial: v.Head.Serial}})
		if v.Wanted {
			have.Have, have.Want = v.Head.Bytes/64*int64(v.Have), v.Head.Bytes
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.have = have
	return out
}

// Uses implements [engine.User].
func (k *Kiosk) Uses() engine.Uses {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.uses
}

// Changed implements [engine.User].
func (k *Kiosk) Changed() <-chan struct{} { return k.changed }
