package cache_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestAmountsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]cache.Amount{
		"none": {}, "20GB": {Bytes: 20e9}, "1.5 TB": {}, "1.5TB": {Bytes: 1.5e12}, "7B": {Bytes: 7}, "10%": {Percent: 10},
		"20GB,10%": {Bytes: 20e9, Percent: 10}, "0.5%, 3MB": {Bytes: 3e6, Percent: 0.5},
		"": {}, "10": {}, "0%": {}, "101%": {}, "-1GB": {}, "NaN%": {}, "1GB,2GB": {}, "10%,10%": {}, "1e300TB": {}, "GB": {}, "0B": {},
	} {
		var got cache.Amount
		err := got.UnmarshalText([]byte(text))
		if want == (cache.Amount{}) && text != "none" {
			if err == nil {
				t.Errorf("%q is read as %v, want an error", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
		var again cache.Amount
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%q is written as %q, which is read as %+v, %v", text, got, again, err)
		}
	}
}

func TestSettingsOutOfBoundsAreNamed(t *testing.T) {
	for _, p := range []cache.Policy{{Keep: -1}, {Keep: cache.MaxKeep + 1}, {Age: -1}, {Idle: -time.Hour}} {
		if p.Check() == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
	for _, device := range []string{wire.DeviceAgent, wire.DeviceKiosk} {
		if err := cache.DefaultPolicy(device).Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestMemoryOutlivesARestartAndAClockSetBack(t *testing.T) {
	id, m := content.VersionID{1}, cache.Memory{}
	m.Note(id, noon, false)
	m.Note(id, noon.Add(time.Hour), false)
	m.Note(id, noon.Add(2*time.Hour), true)
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := cache.ParseMemory(text)
	if err != nil || !again[id].Came.Equal(noon) || !again[id].Used.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("got %v, %v", again, err)
	}
	if changed := again.Note(id, noon.Add(-time.Hour), false); !changed || again[id].Came.After(noon.Add(-time.Hour)) || again[id].Used.After(noon.Add(-time.Hour)) {
		t.Errorf("got %v after the clock was set back, want no time to come", again)
	}
	if again.Note(id, noon, false) {
		t.Error("a version that is not in use is said to have changed")
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"0102030405060708090a0b0c0d0e0f10":{"came":"2026-11-26T12:00:00Z","used":"2026-11-26T12:00:00Z"}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := cache.ParseMemory(text)
		if err != nil {
			return
		}
		m.Note(content.VersionID{1}, noon, true)
		if _, err := m.Encode(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzAmount(f *testing.F) {
	f.Add("20GB,10%")
	f.Fuzz(func(t *testing.T, text string) {
		var a cache.Amount
		if err := a.UnmarshalText([]byte(text)); err == nil && (a.Bytes < 0 || a.Percent < 0 || a.Percent > 100) {
			t.Errorf("%q is read as %+v", text, a)
		}
	})
}
