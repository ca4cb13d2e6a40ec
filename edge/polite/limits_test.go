package polite_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestEachLimitHoldsWhatItIsFor(t *testing.T) {
	limits := polite.DefaultLimits()
	limits.Allowance = 1_000_000
	for name, c := range map[string]struct {
		seen   polite.Seen
		code   string
		hold   wire.Scope
		urgent bool // an urgent flow is held, too
		reason string
	}{
		"paused":                                 {polite.Seen{Memory: polite.Memory{PausedUntil: noon.Add(time.Hour)}}, wire.RestraintPaused, wire.ScopeAll, true, "until 13:00 UTC"},
		"paused by a clock that was a day ahead": {seen: polite.Seen{Memory: polite.Memory{PausedUntil: noon.Add(25 * time.Hour)}}},
		"paused until now":                       {seen: polite.Seen{Memory: polite.Memory{PausedUntil: noon}}},
		"allowance":                              {polite.Seen{Memory: polite.Memory{Month: "2026-11", Bytes: 1_000_000}}, wire.RestraintAllowance, wire.ScopeFetch, true, "1.0 MB that it may over the WAN in 2026-11"},
		"within it":                              {seen: polite.Seen{Memory: polite.Memory{Month: "2026-11", Bytes: 999_999}}},
		"metered":                                {polite.Seen{Metered: "NetworkManager guesses so"}, wire.RestraintMetered, wire.ScopeFetch, true, "metered (NetworkManager guesses so)"},
		"tunnel":                                 {polite.Seen{Tunnel: "wg0"}, wire.RestraintVPN, wire.ScopeFetch, false, "tunnel (wg0)"},
		"low battery":                            {polite.Seen{Battery: true, Charge: 39}, wire.RestraintBattery, wire.ScopeServe, false, "less than 40 %"},
		"full battery":                           {seen: polite.Seen{Battery: true, Charge: 40}},
		"low, and charging":                      {seen: polite.Seen{Charge: 3}},
		"somebody works":                         {polite.Seen{Working: true}, wire.RestraintUser, "", false, "at most 80.0 Mbit/s"},
		"processor":                              {polite.Seen{Processor: "others compute"}, wire.RestraintProcessor, "", false, "others compute"},
		"disk":                                   {polite.Seen{Disk: "others write"}, wire.RestraintDisk, "", false, "others write"},
		"nothing":                                {},
	} {
		all := limits.Apply(noon, c.seen)
		got := polite.For(all, false)
		if got.Code != c.code || got.Scope != c.hold || !strings.Contains(got.Reason, c.reason) || (got.Reason == "") != (c.code == "") {
			t.Errorf("%s: %+v, want %s to hold %q because %q", name, got, c.code, c.hold, c.reason)
		}
		if urgent := polite.For(all, true); (urgent == got) != (c.urgent || c.code == "") || urgent != got && urgent != (wire.Restraint{}) {
			t.Errorf("%s: an urgent flow has %+v, others %+v", name, urgent, got)
		}
		if off := (polite.Limits{}).Apply(noon, c.seen); len(off) > 0 && c.code != wire.RestraintPaused && c.seen.Disk == "" && c.seen.Processor == "" {
			t.Errorf("%s: without limits %+v", name, off)
		}
	}
}

func TestSeveralLimitsHoldTogether(t *testing.T) {
	all := polite.DefaultLimits().Apply(noon, polite.Seen{Tunnel: "tun0", Battery: true, Metered: "NetworkManager says so"})
	got := polite.For(all, false)
	want := wire.Restraint{Code: wire.RestraintMetered, Scope: wire.ScopeServe,
		Reason: "its network is metered (NetworkManager says so); its way to the server is a tunnel (tun0); runs on a battery with less than 40 %"}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	want.Scope, want.Reason = wire.ScopeFetch, "its network is metered (NetworkManager says so)"
	if got := polite.For(all, true); got != want {
		t.Errorf("urgent: got %+v\nwant %+v", got, want)
	}
}

func TestWrongLimitsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*polite.Limits){
		"--on-vpn": func(l *polite.Limits) { l.VPN = "sometimes" }, "--battery-below": func(l *polite.Limits) { l.BatteryBelow = 101 },
		"allowance": func(l *polite.Limits) { l.Allowance = -1 },
	} {
		l := polite.DefaultLimits()
		change(&l)
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := polite.DefaultLimits().Check(); err != nil || !polite.DefaultLimits().Senses() || (polite.Limits{Allowance: 1}).Senses() {
		t.Errorf("the defaults: %v, or who senses", err)
	}
}

func TestAMonthBeginsAnewByTheServersTimeOnly(t *testing.T) {
	var m polite.Memory
	m.Spend(time.Time{}, 2) // the server was not heard yet
	m.Spend(noon, 3)
	m.Spend(time.Time{}, 6) // the server is not heard
	m.Spend(noon, 7)
	if want := (polite.Memory{Month: "2026-11", Bytes: 18}); m != want {
		t.Errorf("in November %+v, want %+v", m, want)
	}
	next := noon.AddDate(0, 1, 0)
	m.Spend(time.Time{}, 1)
	m.Spend(next, 2)
	if want := (polite.Memory{Month: "2026-12", Bytes: 2}); m != want {
		t.Errorf("in December %+v, want %+v", m, want)
	}
	m.Spend(noon, 3) // the server's clock was ahead
	if want := (polite.Memory{Month: "2026-11", Bytes: 5}); m != want {
		t.Errorf("after the clock was set back %+v, want %+v", m, want)
	}
}

func TestMemoryIsReadAsItWasWritten(t *testing.T) {
	want := polite.Memory{Month: "2026-11", Bytes: 7, PausedUntil: noon}
	text, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := polite.ParseMemory(text); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "{", `{"month":"soon"}`, `{"bytes":-1}`, `{"bytes":1e300}`, strings.Repeat(" ", polite.MaxMemoryBytes) + "{}"} {
		if got, err := polite.ParseMemory([]byte(bad)); err == nil {
			t.Errorf("%.40q was read as %+v", bad, got)
		}
	}
}

func FuzzParseMemory(f *testing.F) {
	f.Add([]byte(`{"month":"2026-11","bytes":7,"paused_until":"2026-11-27T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := polite.ParseMemory(text)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Skip() // a year that JSON can't write
		}
		if got, err := polite.ParseMemory(again); err != nil || got.Month != m.Month || got.Bytes != m.Bytes {
			t.Errorf("%s was read as %+v, %v", again, got, err)
		}
	})
}
