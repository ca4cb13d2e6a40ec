package activation_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/content"
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
	hostile := strings.Repeat("\x01", activation.MaxText) // a byte takes six
	v := number(1)
	v.Ref.Version = strings.Repeat("9", content.MaxNameBytes)
	j := activation.NewJournal("app")
	j.Phase, j.Active, j.Next, j.From, j.BeforeOutput = activation.OnTrial, &v, &v, &v, hostile
	for range activation.MaxKeep {
		j.Good = append(j.Good, v)
	}
	for range activation.MaxHistory {
		j.History = append(j.History, activation.Entry{At: noon, Version: v.Ref.Version, From: v.Ref.Version, Outcome: activation.RolledBack,
			Reason: hostile, Before: hostile, After: hostile})
	}
	for range activation.MaxFailed {
		j.Failed = append(j.Failed, activation.Failure{ID: v.ID, Reason: hostile})
	}
	text, err := j.Encode()
	if err != nil || len(text) < activation.MaxJournalBytes/4 || len(text) > activation.MaxJournalBytes {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	if got, err := activation.ParseJournal(text, "app"); err != nil || !reflect.DeepEqual(got, j) {
		t.Errorf("%v, or another journal", err)
	}
}

// What hooks and probes say is cut to what the journal takes, its end is kept.
func TestWordsOfHooksAndProbesAreBounded(t *testing.T) {
	wordy := strings.Repeat("é", activation.MaxText) + " at last"
	d := onFirst(t, activation.Policy{Before: true, After: true})
	d.bad["2"] = wordy
	d.answer["before 2"], d.answer["after 2"] = activation.HookEnded{Output: wordy}, activation.HookEnded{Output: wordy, Err: wordy}
	d.hears(true, wanted(1, 2))
	d.pass(time.Minute)
	d.start() // reads what it wrote
	h := d.state.History[0]
	for _, s := range []string{h.Reason, h.Before, h.After} {
		if len(s) > activation.MaxText || !strings.HasSuffix(s, "at last") || !utf8.ValidString(s) {
			t.Errorf("%d bytes: %.20q", len(s), s)
		}
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
		p := activation.Policy{Before: true, After: true, Keep: 2, Watch: activation.Watch{Do: activation.WatchRollback, Every: time.Second, Failures: 1}}
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
