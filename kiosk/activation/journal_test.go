package activation_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/kiosk/activation"
)

func TestJournalIsRefusedThatCanNotBe(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                         "unexpected end",
		`{"format":2,"app":"app"}`:  "format 2",
		`{"format":1,"app":"till"}`: `of the content "till"`,
		`{"format":1,"app":"app","phase":"on_trial"}`:                                                        "not active",
		`{"format":1,"app":"app","phase":"asking_first"}`:                                                    "no version",
		`{"format":1,"app":"app","phase":"so so"}`:                                                           "is not known",
		`{"format":1,"app":"app","active":{"name":"app","version":"../x"}}`:                                  "version",
		`{"format":1,"app":"app","good":[{"name":"till","version":"1"}]}`:                                    "no version of app",
		`{"format":1,"app":"app","starts":9}`:                                                                "9 times",
		`{"format":1,"app":"app","failed":[{"reason":"` + strings.Repeat("x", activation.MaxText+1) + `"}]}`: "limit",
		strings.Repeat(" ", activation.MaxJournalBytes+1):                                                    "limit",
	} {
		if _, err := activation.ParseJournal([]byte(text), "app"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// The longest journal that can come about is read again.
func TestLongestJournalIsRead(t *testing.T) {
	hostile := strings.Repeat("\x01", 3*activation.MaxText) // a byte takes six
	d := newDevice(t, activation.Policy{Before: true, After: true, Keep: activation.MaxKeep})
	for n := 1; n < 130; n++ {
		last := number(n).Ref.Version
		if n > 105 {
			d.bad[last] = hostile
			d.answer["before "+last], d.answer["after "+last] = activation.HookEnded{Output: hostile}, activation.HookEnded{Output: hostile}
		}
		d.hears(true, wanted(n))
		d.pass(time.Minute)
	}
	if n := len(d.saved); n < activation.MaxJournalBytes/4 || n > activation.MaxJournalBytes {
		t.Errorf("%d bytes", n)
	}
	j, err := activation.ParseJournal(d.saved, "app")
	if err != nil || !reflect.DeepEqual(j, d.state.Journal) {
		t.Errorf("%v, or another journal", err)
	}
}

func FuzzParseJournal(f *testing.F) {
	f.Add([]byte(`{"format":1,"app":"app","phase":"on_trial","starts":1,"active":{"id":"01010000000000000000000000000000","name":"app","version":"2","serial":2,"kind":"tree"},"next":{"id":"01010000000000000000000000000000","name":"app","version":"2","serial":2,"kind":"tree"},"good":[{"id":"02010000000000000000000000000000","name":"app","version":"1","serial":1,"kind":"file"}],"history":[{"at":"2026-11-27T12:00:00Z","version":"1","outcome":"activated"}]}`))
	f.Add([]byte(`{"format":1,"app":"app","phase":"telling_after","next":{"name":"app","version":"2"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := activation.ParseJournal(text, "app")
		if err != nil {
			return
		}
		// Whatever it says, a process can go on with it, and writes what it can read.
		p := activation.Policy{Before: true, After: true, Keep: 2}
		s, _ := activation.Step(p, activation.State{}, activation.Started{Journal: j}, noon)
		s, _ = activation.Step(p, s, activation.Stock{Versions: wanted(1, 2), Known: true}, noon)
		_ = s.Status(p)
		s, _ = activation.Step(p, s, activation.HookEnded{Hook: activation.HookAfter, Err: "x"}, noon)
		s, _ = activation.Step(p, s, activation.Probed{ID: number(2).ID, Fatal: true, Err: "x"}, noon)
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := activation.ParseJournal(again, "app"); err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
	})
}
