package scrub_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/storage/content"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func version(n byte) scrub.Version {
	return scrub.Version{ID: content.VersionID{n}, Ref: content.Ref{Name: "app", Version: string('0' + n)}, Chunks: 100, Complete: true}
}

func TestWhatIsCheckedNext(t *testing.T) {
	week := scrub.Policy{Every: 7 * 24 * time.Hour}
	days := func(n int) scrub.Mark { return scrub.Mark{At: noon.AddDate(0, 0, -n)} }
	part, busy := version(3), version(2)
	part.Complete, busy.Busy = false, true
	for _, c := range []struct {
		name     string
		policy   scrub.Policy
		marks    map[byte]scrub.Mark
		versions []scrub.Version
		want     byte // 0: none
		from     uint32
		due      time.Time
		reason   string
	}{
		{"nothing is there", week, nil, nil, 0, 0, time.Time{}, "no version is complete"},
		{"switched off", scrub.Policy{}, nil, []scrub.Version{version(1)}, 0, 0, time.Time{}, "switched off"},
		{"never checked", week, nil, []scrub.Version{version(1)}, 1, 0, time.Time{}, "checks app@1"},
		{"all were checked lately", week, map[byte]scrub.Mark{1: days(2), 2: days(6)}, []scrub.Version{version(1), version(2)},
			0, 0, noon.AddDate(0, 0, 1), "all that is complete was checked"},
		{"the longest unchecked is first", week, map[byte]scrub.Mark{1: days(8), 2: days(9)}, []scrub.Version{version(1), version(2)}, 2, 0, time.Time{}, "app@2"},
		{"what was begun is finished first", week, map[byte]scrub.Mark{1: {At: days(8).At, Next: 50}, 2: days(9)},
			[]scrub.Version{version(2), version(1)}, 1, 50, time.Time{}, "app@1"},
		{"what is incomplete is not checked", week, nil, []scrub.Version{part}, 0, 0, time.Time{}, "no version is complete"},
		{"what is busy waits", week, map[byte]scrub.Mark{1: days(1)}, []scrub.Version{busy, version(1)}, 0, 0, noon.AddDate(0, 0, 6), "checked"},
		{"a mark beyond the end begins anew", week, map[byte]scrub.Mark{1: {Next: 100}}, []scrub.Version{version(1)}, 1, 0, time.Time{}, "app@1"},
		{"a clock that was set back", week, map[byte]scrub.Mark{1: days(-365)}, []scrub.Version{version(1)}, 0, 0, noon.AddDate(0, 0, 7), "checked"},
	} {
		var m scrub.Memory
		for n, mark := range c.marks {
			m.Note(content.VersionID{n}, mark)
		}
		got := scrub.Choose(c.policy, m, noon, c.versions)
		if got.Check != (c.want > 0) || got.ID[0] != c.want || got.From != c.from || !got.Due.Equal(c.due) || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %+v, want version %d from %d, due %v, because %q", c.name, got, c.want, c.from, c.due, c.reason)
		}
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	if err := scrub.DefaultPolicy().Check(); err != nil {
		t.Error(err)
	}
	for _, p := range []scrub.Policy{{Every: -1}, {Rate: -1}} {
		if p.Check() == nil {
			t.Errorf("%+v accepted", p)
		}
	}
}

func FuzzMemory(f *testing.F) {
	m := scrub.Memory{Bytes: 5, Damaged: 2, Healed: 1}
	m.Note(content.VersionID{7}, scrub.Mark{At: noon, Next: 3})
	text, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := scrub.ParseMemory(text)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			return // a year that JSON has no form for
		}
		n, err := scrub.ParseMemory(again)
		if err == nil && (n.Bytes != m.Bytes || n.Damaged != m.Damaged || !maps.EqualFunc(n.Marks, m.Marks, func(a, b scrub.Mark) bool { return a.At.Equal(b.At) && a.Next == b.Next })) {
			t.Errorf("%+v became %+v", m, n)
		}
	})
}
