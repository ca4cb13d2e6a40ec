package schedule_test

import (
	"testing"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestARelayBeyondTheWANIsUsedOnlyWhereItIsCheaperOrTheOriginIsNotReached(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		r    schedule.Relaying
		want wire.Relay
	}{
		"nobody holds it":                          {schedule.Relaying{Failing: true}, wire.RelayNever},
		"the origin is reached":                    {schedule.Relaying{Holder: true, Whole: true}, wire.RelayNever},
		"the origin is not":                        {schedule.Relaying{Holder: true, Failing: true}, wire.RelayUnreachable},
		"nor does the relay bring it":              {schedule.Relaying{Holder: true, Failing: true, Stalled: true}, wire.RelayUnreachable},
		"a fetch takes its content":                {schedule.Relaying{Holder: true, Whole: true, Wire: 9 * mib, Content: 9 * mib}, wire.RelayNever},
		"a fetch takes as much as the relay would": {schedule.Relaying{Holder: true, Whole: true, Wire: 5 * mib, Content: 2 * mib}, wire.RelayNever},
		"a fetch takes more":                       {schedule.Relaying{Holder: true, Whole: true, Wire: 6 * mib, Content: 2 * mib}, wire.RelayCheaper},
		"a fetch takes all and brings nothing":     {schedule.Relaying{Holder: true, Whole: true, Wire: mib}, wire.RelayCheaper},
		"too little to tell":                       {schedule.Relaying{Holder: true, Whole: true, Wire: 100_000, Content: 10_000}, wire.RelayNever},
		"the holder has only a part":               {schedule.Relaying{Holder: true, Wire: 6 * mib, Content: 2 * mib}, wire.RelayNever},
		"the relay brought nothing":                {schedule.Relaying{Holder: true, Whole: true, Stalled: true, Wire: 6 * mib, Content: 2 * mib}, wire.RelayNever},
	} {
		if got := c.r.Weigh(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
