package reason

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Codes are read by scripts, sentences by people, and both are in one table.
func TestTheTableIsWhole(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	named := regexp.MustCompile(`{([^}]*)}`)
	for code, m := range meanings {
		if !snake.MatchString(string(code)) {
			t.Errorf("%q is no snake_case", code)
		}
		if !slices.Contains([]Kind{Done, Moving, Waiting, Stopped}, m.is) || m.says == "" {
			t.Errorf("%s is %+v", code, m)
		}
		for _, text := range []string{m.says, m.do} {
			for _, name := range named.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(params, name[1]) {
					t.Errorf("%s names {%s}, which nothing fills", code, name[1])
				}
			}
			if strings.Count(text, "[") != strings.Count(text, "]") || strings.Count(text, "{") != strings.Count(text, "}") {
				t.Errorf("%s has brackets that do not match: %q", code, text)
			}
		}
		full := Reason{Code: code, Who: "till", What: "app@1", N: 8, Until: time.Unix(0, 0)}
		about := Subject{"shop", "app@2", "kiosk"}
		for _, r := range []Reason{full, {Code: code}} {
			if text := r.Text(nil) + r.Do(nil, about); strings.ContainsAny(text, "{}[]|") {
				t.Errorf("%s says %q", code, text)
			}
		}
	}
	if _, none := meanings[""]; none || (Reason{}).Text(nil) != "" {
		t.Error("no reason says something")
	}
}

func TestWhatAReasonLacksIsLeftOut(t *testing.T) {
	at := time.Date(2026, 11, 27, 21, 0, 0, 0, time.UTC)
	zone := time.FixedZone("CET", 3600)
	for want, r := range map[string]Reason{
		"from the origin: no holder at the site":                                                {Code: FromOrigin},
		"from the origin by till: no holder at the site for 8 s":                                {Code: FromOrigin, Who: "till", N: 8},
		"from the origin: no holder at the site for 1h1m5s":                                     {Code: FromOrigin, N: 3665},
		"waiting for window until Fri 27 Nov 22:00 CET":                                         {Code: WindowClosed, Until: at},
		"waiting for window, and there is no other":                                             {Code: WindowClosed},
		"paused: ann paused app":                                                                {Code: Paused, What: "ann paused app"},
		"paused":                                                                                {Code: Paused},
		"waiting until 22:00:00 CET for a peer that holds it":                                   {Code: HeldOff, Until: at},
		"asked the origin, and nothing came yet":                                                {Code: WaitingOrigin},
		"from the origin: nobody gets what till says it holds":                                  {Code: OriginHolderSilent, What: "till"},
		"paused: {until} [at] |":                                                                {Code: Paused, What: "{until} [at] |"}, // what others say is no template
		"the origin failed for till: no route; it is asked again at 22:00:00 CET at the latest": {Code: OriginFailing, Who: "till", What: "no route", Until: at},
	} {
		if got := r.Text(zone); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	s := Subject{Site: "shop", Endpoint: "b"}
	if got, want := (Reason{Code: NoLink, Who: "a"}).Do(nil, s), "sitecast doctor pair --site shop b a says what stands between them."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (Reason{Code: PeersSilent}).Do(nil, Subject{Site: "shop"}), "sitecast doctor pair --site shop, with two of its endpoints, says what stands between them."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatOthersSayIsBounded(t *testing.T) {
	h := NewHistory(4)
	h.Note(time.Unix(0, 0), Reason{Code: EndpointFailed, Who: strings.Repeat("é", MaxText), What: strings.Repeat("é", MaxText/2)})
	r, _, _ := h.Now()
	if len(r.Who) > MaxText || !strings.HasSuffix(r.Who, "é...") || r.What != strings.Repeat("é", MaxText/2) {
		t.Errorf("kept %d bytes %q", len(r.Who), r.Who)
	}
}

// letters notes reasons, a letter each at a second each, and writes the history as letters with
// how often each came.
func letters(h *History, text string) string {
	for i, l := range text {
		h.Note(time.Unix(int64(i), 0), Reason{Code: Paused, What: string(l)})
	}
	var b strings.Builder
	for _, m := range h.Moments(nil) {
		b.WriteString(m.What)
		if m.Times > 1 {
			b.WriteByte('0' + byte(m.Times))
		}
	}
	return b.String()
}

func TestRepetitionsAreMerged(t *testing.T) {
	for text, want := range map[string]string{
		"":              "",
		"aaa":           "a",
		"aabbbc":        "abc",
		"aba":           "aba",
		"abab":          "a2b2",
		"ababa":         "a2b2a",
		"ababababab":    "a5b5",
		"xabab":         "xa2b2",
		"ababc":         "a2b2c",
		"abcabc":        "abcabc",
		"abcdefghijklm": "fghijklm",
	} {
		h := NewHistory(8)
		if got := letters(&h, text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
		if text == "" {
			continue
		}
		if r, _, ok := h.Now(); !ok || r.What != text[len(text)-1:] {
			t.Errorf("after %s it is %s", text, r.What)
		}
	}
	h := NewHistory(8)
	letters(&h, "abab")
	if _, since, _ := h.Now(); !since.Equal(time.Unix(3, 0)) {
		t.Errorf("b holds since %v, want the second time", since)
	}
}

func TestWordsOfALooseReasonMayChange(t *testing.T) {
	h := NewHistory(8)
	for i, what := range []string{"one", "two"} {
		h.Note(time.Unix(int64(i), 0), Reason{Code: Yielding, What: what})
	}
	if m := h.Moments(nil); len(m) != 1 || m[0].What != "two" || !m[0].At.Equal(time.Unix(0, 0)) {
		t.Errorf("got %+v, want one moment with the words of now", m)
	}
}

func TestTheLastSourceIsRemembered(t *testing.T) {
	h := NewHistory(8)
	if _, _, came := h.Source(); came {
		t.Error("there is a source of nothing")
	}
	for i, r := range []Reason{{Code: FromOrigin, N: 8}, {Code: FromPeers}, {Code: Paused}} {
		h.Note(time.Unix(int64(i), 0), r)
	}
	if r, since, came := h.Source(); !came || r.Code != FromPeers || !since.Equal(time.Unix(1, 0)) {
		t.Errorf("got %+v since %v, want peers", r, since)
	}
}
