package activation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/content"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// number is a version of the content app, with its number as the serial.
func number(n int) activation.Version {
	return activation.Version{ID: content.VersionID{byte(n), 1}, Ref: content.Ref{Name: "app", Version: fmt.Sprint(n)},
		Serial: uint64(n)}
}

// wanted are complete versions, of which the last is wanted.
func wanted(numbers ...int) (out []activation.Delivered) {
	for i, n := range numbers {
		out = append(out, activation.Delivered{Version: number(n), Complete: true, Wanted: i == len(numbers)-1})
	}
	return out
}

// device is a kiosk without a disk and a screen. Its power may go before any action.
type device struct {
	t      *testing.T
	policy activation.Policy
	stock  activation.Stock
	gone   []content.VersionID // missing on the disk

	saved  []byte // the journal, as it is durable
	state  activation.State
	now    time.Time
	shown  *activation.Version
	said   []string // what was done, in words
	ticks  time.Duration
	events []activation.Event // to come

	cut    int // the power goes before so many actions are done; -1: it stays
	starts int

	bad    map[string]string // versions that do not do their work, and what the probe says
	answer map[string]activation.HookEnded
}

func newDevice(t *testing.T, p activation.Policy) *device {
	if p.Keep == 0 {
		p.Keep = 2
	}
	d := &device{t: t, policy: p, now: noon, cut: -1, bad: map[string]string{}, answer: map[string]activation.HookEnded{}}
	d.start()
	return d
}

// start begins a process with what is on the disk.
func (d *device) start() {
	journal := activation.NewJournal("app")
	if d.saved != nil {
		var err error
		if journal, err = activation.ParseJournal(d.saved, "app"); err != nil {
			d.t.Fatalf("%v in\n%s", err, d.saved)
		}
	}
	d.starts++
	d.state, d.shown, d.events, d.said = activation.State{}, nil, nil, append(d.said, "start")
	d.send(activation.Started{Journal: journal, Missing: d.gone})
	if d.stock.Versions != nil {
		d.send(d.stock)
	}
}

// hears brings what there is, also to processes that start later.
func (d *device) hears(known bool, versions []activation.Delivered) {
	d.stock.Versions, d.stock.Known = versions, known
	d.send(d.stock)
}

func (d *device) send(events ...activation.Event) {
	d.events = append(d.events, events...)
	for len(d.events) > 0 {
		ev := d.events[0]
		d.events = d.events[1:]
		state, acts := activation.Step(d.policy, d.state, ev, d.now)
		for _, a := range acts {
			if d.cut == 0 {
				d.cut = -1
				d.said = append(d.said, "power cut")
				d.start()
				return
			}
			d.cut--
			d.act(state, a)
		}
		d.state = state
	}
}

func (d *device) act(state activation.State, a activation.Action) {
	switch a := a.(type) {
	case activation.Save:
		text, err := state.Encode()
		if err != nil {
			d.t.Fatal(err)
		}
		d.saved = text
	case activation.Show:
		d.shown = a.Version
		d.said = append(d.said, "show "+name(a.Version))
	case activation.RunHook:
		d.said = append(d.said, fmt.Sprintf("%s %s, was %s %s", a.Hook, name(&a.Version), name(a.Previous), a.Outcome))
		end := d.answer[string(a.Hook)+" "+a.Version.Ref.Version]
		end.Hook, end.ID = a.Hook, a.Version.ID
		d.events = append(d.events, end)
	case activation.Probe:
		if d.shown == nil || d.shown.ID != a.Version.ID {
			d.t.Errorf("probe of %s while %s is shown", name(&a.Version), name(d.shown))
		}
		d.events = append(d.events, activation.Probed{ID: a.Version.ID, Err: d.bad[a.Version.Ref.Version]})
	case activation.Restart:
		d.said = append(d.said, fmt.Sprintf("restart after %v", d.now.Sub(noon)))
	case activation.Wake:
		d.ticks = a.After
	}
}

// pass lets time go by.
func (d *device) pass(total time.Duration) {
	for end := d.now.Add(total); d.now.Before(end); {
		if d.ticks <= 0 {
			d.t.Fatalf("it would wake after %v", d.ticks)
		}
		d.now = d.now.Add(min(d.ticks, end.Sub(d.now)))
		d.send(activation.Ticked{})
	}
}

func (d *device) want(state, active, reason string) {
	d.t.Helper()
	s := d.state.Status(d.policy)
	if s.State != state || name(s.Active) != active || s.Reason != reason {
		d.t.Errorf("%s with %s: %q, want %s with %s: %q", s.State, name(s.Active), s.Reason, state, active, reason)
	}
	if name(d.shown) != name(s.Active) {
		d.t.Errorf("%s is shown, and %s active", name(d.shown), name(s.Active))
	}
}

func (d *device) wantSaid(want ...string) {
	d.t.Helper()
	if !slices.Equal(d.said, want) {
		d.t.Errorf("it did %q, want %q", d.said, want)
	}
	d.said = nil
}

// history lists outcomes as "VERSION from FROM: OUTCOME", newest first.
func (d *device) history() (out []string) {
	for _, e := range d.state.History {
		out = append(out, fmt.Sprintf("%s from %s: %s", e.Version, e.From, e.Outcome))
	}
	return out
}

func name(v *activation.Version) string {
	if v == nil {
		return "nothing"
	}
	return v.Ref.Version
}
