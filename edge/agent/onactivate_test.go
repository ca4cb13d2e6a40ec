package agent

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/storage/content"
)

// waits lists the versions whose command is about to run.
func (h *hooks) waits() (versions string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.waiting {
		versions += c.head.Version
	}
	return versions
}

func TestCommandRunsWhenAVersionIsUsed(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) // by this process
	server := now.Add(-10 * time.Minute)
	version := func(n byte, bend func(*engine.Delivery)) engine.Delivery {
		v := engine.Delivery{ID: content.VersionID{n}, Head: content.Head{Name: "app", Version: string('0' + rune(n))}, Complete: true, Wanted: true}
		if bend != nil {
			bend(&v)
		}
		return v
	}
	in := func(d time.Duration) func(*engine.Delivery) {
		return func(v *engine.Delivery) { v.At = server.Add(d) }
	}
	for name, c := range map[string]struct {
		told engine.Delivered
		at   map[time.Duration]string // what waits then
	}{
		"at once": {engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, nil)}}, map[time.Duration]string{0: "1"}},
		"held":    {engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, func(v *engine.Delivery) { v.Held = true })}}, map[time.Duration]string{time.Hour: ""}},
		"at its instant": {engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, in(time.Hour))}},
			map[time.Duration]string{time.Hour - time.Second: "", time.Hour: "1"}},
		"without a server": {engine.Delivered{Now: server, Versions: []engine.Delivery{version(1, in(time.Hour)), version(2, nil)}},
			map[time.Duration]string{time.Hour: "12"}},
		"while nobody knows what time it is": {engine.Delivered{Versions: []engine.Delivery{version(1, in(-time.Hour))}}, map[time.Duration]string{time.Hour: ""}},
		"not complete": {engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, func(v *engine.Delivery) { v.Complete, v.At = false, server })}},
			map[time.Duration]string{time.Hour: ""}},
	} {
		for after, want := range c.at {
			h := newHooks(Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), OnComplete: OnComplete{Commands: map[string]string{"app": "true"}}}, "")
			h.delivered(c.told, now)
			if h.ripen(now.Add(after)); len(h.waits()) != len(want) {
				t.Errorf("%s: after %v %q is about to run, want %q", name, after, h.waits(), want)
			}
		}
	}
	h := newHooks(Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), OnComplete: OnComplete{Commands: map[string]string{"app": "true"}}}, "")
	h.delivered(engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, in(time.Hour))}}, now)
	h.delivered(engine.Delivered{Known: true, Now: server, Versions: []engine.Delivery{version(1, func(v *engine.Delivery) { v.Held = true })}}, now)
	if h.ripen(now.Add(2 * time.Hour)); h.waits() != "" {
		t.Errorf("%q is about to run though its instant was withdrawn", h.waits())
	}
}
