package clock_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/clock"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// device has clocks that a test sets.
type device struct {
	clock.Reading
	kept clock.Mark
	says error // of the disk
	n    int   // marks kept
}

func (d *device) start() *clock.Clock {
	return clock.New(d.kept, func() clock.Reading { return d.Reading }, func(m clock.Mark) error {
		if d.says == nil {
			d.kept, d.n = m, d.n+1
		}
		return d.says
	})
}

// pass lets time go by, switched on or off.
func (d *device) pass(span time.Duration) { d.Wall, d.Up = d.Wall.Add(span), d.Up+span }

func TestServersTimeOutlivesWhatHappensToADevice(t *testing.T) {
	const wrong = 10 * time.Minute
	for name, c := range map[string]struct {
		off  time.Duration // of the device's clock
		then func(d *device)
		want time.Duration // after noon
		at   time.Duration // how exactly
	}{
		"its clock is ahead":            {wrong, func(d *device) { d.pass(time.Hour) }, time.Hour, 0},
		"its clock is behind":           {-wrong, func(d *device) { d.pass(time.Hour) }, time.Hour, 0},
		"its clock is set meanwhile":    {0, func(d *device) { d.pass(time.Hour); d.Wall = d.Wall.Add(-72 * time.Hour) }, time.Hour, 0},
		"it is booted anew":             {wrong, func(d *device) { d.pass(time.Hour); d.Boot, d.Up = "two", time.Minute }, time.Hour, 0},
		"its clock is lost with a boot": {0, func(d *device) { d.Wall, d.Boot, d.Up = time.Unix(0, 0), "two", 0 }, 0, 0},
		"nobody counts from its boot":   {wrong, func(d *device) { d.Boot = ""; d.pass(time.Hour) }, time.Hour, 0},
	} {
		d := &device{Reading: clock.Reading{Wall: noon.Add(c.off), Boot: "one", Up: 5 * time.Hour}}
		if _, known := d.start().Now(); known {
			t.Errorf("%s: time is known before the server was heard", name)
		}
		if err := d.start().Heard(noon); err != nil {
			t.Fatal(err)
		}
		c.then(d)
		now, known := d.start().Now()
		if got := now.Sub(noon); !known || (got-c.want).Abs() > c.at {
			t.Errorf("%s: %v after noon, want %v", name, got, c.want)
		}
	}
}

func TestWhatIsKeptFollowsAClockThatIsSet(t *testing.T) {
	d := &device{Reading: clock.Reading{Wall: noon, Boot: "one"}}
	c := d.start()
	for range 3 {
		if err := errors.Join(c.Look(), c.Heard(noon)); err != nil {
			t.Fatal(err)
		}
	}
	if d.n != 1 {
		t.Errorf("it was kept %d times though nothing changed", d.n)
	}
	d.pass(10 * time.Minute)
	d.Wall = d.Wall.Add(-3 * time.Hour) // set, without a server to ask
	if err := c.Look(); err != nil || d.n != 2 {
		t.Errorf("kept %d times, %v; want it kept anew", d.n, err)
	}
	d.pass(10 * time.Minute)
	d.Boot, d.Up = "two", 0
	if now, _ := d.start().Now(); !now.Equal(noon.Add(20 * time.Minute)) {
		t.Errorf("after a boot it is %v, want 20 minutes past noon", now)
	}
	c = d.start()
	d.says = errors.New("no space left")
	if err := c.Heard(noon.Add(time.Hour)); !errors.Is(err, d.says) {
		t.Errorf("it was kept: %v", err)
	}
	if now, _ := c.Now(); !now.Equal(noon.Add(time.Hour)) {
		t.Errorf("it is %v, though the server said one", now)
	}
}

func FuzzParse(f *testing.F) {
	text, err := json.Marshal(clock.Mark{Server: noon, Wall: noon, Boot: "one", Up: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"server":"2026-11-27T12:00:00Z","wall":"0001-01-01T00:00:01Z","up_ns":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := clock.Parse(text)
		if err != nil {
			return
		}
		if now := m.At(clock.Reading{Wall: noon, Boot: m.Boot}); now.Before(m.Server) {
			t.Errorf("%+v runs back to %v", m, now)
		}
	})
}
