package history

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 27, 14, 0, 5, 0, time.UTC)

// aFlow is one in which every kind of member says something.
func aFlow(name string, n int) site.FlowView {
	return site.FlowView{Site: name, Content: "app", Version: "1", ID: content.VersionID{1, 2}, State: site.StateRunning, Priority: wire.High, Endpoints: n, Complete: n / 2,
		UniqueBytes: 1 << 40, BytesPeer: int64(n) * 100_000, WANBPS: -int64(n), CapBPS: new(int64(n)), Fetchers: []string{"till-1", fmt.Sprint("till-", n)}, Ordered: start, ReadyBy: start.Add(time.Hour),
		Superseded: n%2 == 0, Receipt: &site.ReceiptView{ActiveSeconds: float64(n)}, External: &site.ExternalView{URL: "https://vendor.example/app"},
		Why: reason.Why{Code: "from_peers", Kind: "moving", Text: fmt.Sprint("it comes from ", n), Since: start}}
}

func anEndpoint(name string, n int) site.EndpointView {
	return site.EndpointView{ID: wire.EndpointID(name), Name: name, Site: "shop", Kind: wire.DeviceKiosk, Online: true, Since: start, Links: n, Obeyed: uint64(n),
		Holds: []string{"app@1"}, Flows: []site.EndpointInFlow{{Flow: "app@1", Chunks: 9, Held: uint32(n), Why: &reason.Why{Text: "so"}}},
		Activation: &wire.Activation{Content: "app", Version: "1", State: "active"}}
}

// shown is a site with rows of "key number" pairs; seq is the number.
func shown(name string, flows, endpoints map[string]int) *board.Shown {
	s := &board.Shown{Site: name}
	for _, key := range sortedKeys(flows) {
		s.Flows = append(s.Flows, board.Item[site.FlowView]{Key: key, Seq: uint64(flows[key]), View: aFlow(name, flows[key])})
	}
	for _, key := range sortedKeys(endpoints) {
		s.Endpoints = append(s.Endpoints, board.Item[site.EndpointView]{Key: key, Seq: uint64(endpoints[key]), View: anEndpoint(key, endpoints[key])})
	}
	return s
}

// wantPicture compares a picture with what a board showed.
func wantPicture(t *testing.T, p *Picture, want []*board.Shown) {
	t.Helper()
	n := 0
	for _, s := range want {
		if len(s.Flows)+len(s.Endpoints) == 0 {
			continue
		}
		n++
		got := p.Sites[s.Site]
		if got == nil || len(got.Flows) != len(s.Flows) || len(got.Endpoints) != len(s.Endpoints) {
			t.Fatalf("at %v site %s is %+v, want %+v", p.At, s.Site, got, s)
		}
		for i, f := range s.Flows {
			if got.Flows[i].Key != f.Key || !reflect.DeepEqual(got.Flows[i].View, lasting(f.View)) {
				t.Fatalf("at %v flow %s of %s is\n%+v, want\n%+v", p.At, f.Key, s.Site, got.Flows[i].View, f.View)
			}
		}
		for i, e := range s.Endpoints {
			if got.Endpoints[i].Key != e.Key || !reflect.DeepEqual(got.Endpoints[i].View, lastingEndpoint(e.View)) {
				t.Fatalf("at %v endpoint %s of %s is\n%+v, want\n%+v", p.At, e.Key, s.Site, got.Endpoints[i].View, e.View)
			}
		}
	}
	if len(p.Sites) != n {
		t.Fatalf("at %v there are %d sites, want %d", p.At, len(p.Sites), n)
	}
}

// take appends a step to a store.
func take(t *testing.T, s *Store, at time.Time, was, now []*board.Shown, full bool) {
	t.Helper()
	full = full || s.begins(at)
	raw, err := appendStep(nil, was, now, full)
	if err != nil {
		t.Fatal(err)
	}
	text := appendFrame(nil, raw, at, full)
	seal(text, Step)
	if err := s.append(text); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, limit int64) *Store {
	t.Helper()
	s, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A day of rows that come, change and go: whatever moment is asked for, of all sites or of
// one, is as it was, also for who opens the files again.
func TestAMomentIsAsItWas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	s := open(t, dir, UsualBytes)
	var days [][]*board.Shown
	var was []*board.Shown
	seq, state := 0, map[string][2]map[string]int{}
	const steps = 800
	for n := range steps {
		for range r.IntN(4) {
			name := fmt.Sprint("shop-", r.IntN(4))
			rows, ok := state[name]
			if !ok {
				rows = [2]map[string]int{{}, {}}
				state[name] = rows
			}
			which, key := rows[r.IntN(2)], fmt.Sprint("row-", r.IntN(4))
			if seq++; r.IntN(3) == 0 {
				delete(which, key)
			} else {
				which[key] = seq
			}
		}
		var now []*board.Shown
		for _, name := range sortedKeys(state) {
			now = append(now, shown(name, state[name][0], state[name][1]))
		}
		take(t, s, start.Add(time.Duration(n)*Step), was, now, n%60 == 0)
		days, was = append(days, now), now
	}
	again := open(t, dir, UsualBytes)
	for range 300 {
		n := r.IntN(steps)
		at := start.Add(time.Duration(n)*Step + time.Duration(r.IntN(int(Step))))
		for _, store := range []*Store{s, again} {
			p, err := store.At(at, "")
			if err != nil {
				t.Fatal(err)
			}
			wantPicture(t, p, days[n])
			name := fmt.Sprint("shop-", r.IntN(4))
			if p, err = store.At(at, name); err != nil {
				t.Fatal(err)
			}
			var one []*board.Shown
			for _, site := range days[n] {
				if site.Site == name {
					one = append(one, site)
				}
			}
			wantPicture(t, p, one)
		}
	}
	spans, step := again.Spans(start.Add(steps * Step))
	if len(spans) != 1 || !spans[0].From.Equal(start) || step != Step {
		t.Errorf("there are %v, each %v", spans, step)
	}
}

func TestWhereNobodyRecordedThereIsAGap(t *testing.T) {
	s := open(t, t.TempDir(), UsualBytes)
	now := []*board.Shown{shown("shop", map[string]int{"app@1": 1}, nil)}
	take(t, s, start, nil, now, true)
	take(t, s, start.Add(Step), now, now, false)
	take(t, s, start.Add(10*time.Minute), now, now, true)
	for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, Step: true, 3 * Step: true, 4*Step + time.Second: false, 9 * time.Minute: false, 10 * time.Minute: true, time.Hour: false} {
		if _, err := s.At(start.Add(after), ""); (err == nil) != want || err != nil && !errors.Is(err, ErrNotRecorded) {
			t.Errorf("after %v: %v, want it to be there: %v", after, err, want)
		}
	}
	spans, _ := s.Spans(start.Add(10*time.Minute + Step))
	want := []Span{{start, start.Add(4 * Step)}, {start.Add(10 * time.Minute), start.Add(10*time.Minute + Step)}}
	if !reflect.DeepEqual(spans, want) {
		t.Errorf("got %v, want %v", spans, want)
	}
	if spans, _ := s.Spans(start.Add(25 * time.Hour)); len(spans) != 0 {
		t.Errorf("a day later there are %v", spans)
	}
}

// Whatever a crash leaves of the end, what came before is there, and recording goes on.
func TestATornTailIsCutOff(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, UsualBytes)
	one := []*board.Shown{shown("shop", map[string]int{"app@1": 1}, nil)}
	two := []*board.Shown{shown("shop", map[string]int{"app@1": 2}, nil)}
	take(t, s, start, nil, one, true)
	path := s.path(start.Truncate(time.Hour))
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	take(t, s, start.Add(Step), one, two, false)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := map[string][]byte{"garbage": append(bytes.Clone(whole), 1, 2, 3), "zeros": append(bytes.Clone(whole), make([]byte, 100)...)}
	for n := len(first) + 1; n < len(whole); n++ {
		torn[fmt.Sprint(n, " bytes")] = whole[:n]
	}
	flipped := bytes.Clone(whole)
	flipped[len(whole)-1] ^= 1
	torn["a bit"] = flipped
	for name, text := range torn {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, UsualBytes)
		want := one
		if name == "garbage" || name == "zeros" {
			want = two
		}
		p, err := s.At(start.Add(Step), "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantPicture(t, p, want)
		take(t, s, start.Add(2*Step), want, two, true)
		if p, err = open(t, dir, UsualBytes).At(start.Add(2*Step), ""); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantPicture(t, p, two)
	}
	for name, text := range map[string][]byte{"empty": nil, "another format": []byte("sitecast history 9\n" + string(whole)), "without a picture": whole[:len(fileHead)]} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if s := open(t, dir, UsualBytes); len(s.files) != 0 {
			t.Errorf("%s: there are %d files", name, len(s.files))
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: it was left there: %v", name, err)
		}
	}
}

func TestWhatIsOldOrTooMuchIsRemoved(t *testing.T) {
	dir := t.TempDir()
	now := []*board.Shown{shown("shop", map[string]int{"app@1": 1}, nil)}
	s := open(t, dir, UsualBytes)
	stranger := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(stranger, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for hour := range 30 {
		take(t, s, start.Add(time.Duration(hour)*time.Hour), nil, now, true)
	}
	if n := len(s.files); n != 25 {
		t.Errorf("after 30 hours there are %d files, want those of a day", n)
	}
	few := open(t, dir, 3*s.files[0].size)
	take(t, few, start.Add(30*time.Hour), nil, now, true)
	if len(few.files) != 3 || few.Bytes() > few.limit {
		t.Errorf("of %d bytes at most there are %d in %d files", few.limit, few.Bytes(), len(few.files))
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 4 {
		t.Errorf("the folder has %d files, want three and the one that is not ours", len(entries))
	}
}

func TestTheClockDoesNotGoBackInAFile(t *testing.T) {
	s := open(t, t.TempDir(), UsualBytes)
	now := []*board.Shown{shown("shop", map[string]int{"app@1": 1}, nil)}
	take(t, s, start, nil, now, true)
	text := appendFrame(nil, nil, start.Add(-time.Second), false)
	seal(text, Step)
	if err := s.append(text); err == nil {
		t.Error("a step before the last one was taken")
	}
	take(t, s, start.Add(Step), now, now, false)
}

// Where more changes than the disk has room for, steps are further apart, so that a day fits.
func TestStepsAreFurtherApartWhereMuchChanges(t *testing.T) {
	for name, c := range map[string]struct {
		bytes    int
		want     time.Duration // from one to the next, in the long run
		tolerant time.Duration
	}{
		"little":   {1000, Step, 0},
		"much":     {60_000, time.Minute, time.Second},
		"too much": {6_000_000, maxStep, 0},
	} {
		b := budget{rate: 1000, most: 10_000}
		at, next := start, time.Duration(0)
		for range 100 {
			next = b.spend(at, c.bytes)
			at = at.Add(next)
		}
		if next < c.want-c.tolerant || next > c.want+c.tolerant {
			t.Errorf("%s: %v from one to the next, want %v", name, next, c.want)
		}
	}
}

// What another release wrote, with members that this one lacks, is read as far as it is known.
func TestUnknownMembersArePassedOver(t *testing.T) {
	type newer struct {
		Site  string `json:"site"`
		Added int    `json:"added"`
		More  []int  `json:"more"`
		Links string `json:"links"` // was a number
		Name  string `json:"name"`
	}
	of := shapeOf[newer]()
	raw, err := of.appendDiff(of.appendColumns(nil), &newer{}, &newer{"shop", 3, []int{1}, "many", "till"})
	if err != nil {
		t.Fatal(err)
	}
	in := &input{raw}
	columns, err := endpointShape.readColumns(in)
	if err != nil {
		t.Fatal(err)
	}
	var got site.EndpointView
	if err := readDiff(in, columns, &got); err != nil || len(in.rest) > 0 {
		t.Fatal(err, in.rest)
	}
	if want := (site.EndpointView{Site: "shop", Name: "till"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzStep holds that whatever a step is made of, it is read or refused, and that what was
// read is written and read as the same.
func FuzzStep(f *testing.F) {
	now := []*board.Shown{shown("a", map[string]int{"app@1": 1}, map[string]int{"e": 2}), shown("b", map[string]int{"app@1": 3}, nil)}
	whole, err := appendStep(nil, nil, now, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, []byte{})
	next, err := appendStep(nil, now, []*board.Shown{shown("a", map[string]int{"app@2": 4}, map[string]int{"e": 5})}, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, next)
	f.Fuzz(func(t *testing.T, whole, next []byte) {
		p, err := readStep(whole, nil, true, start, "")
		if err != nil {
			return
		}
		q, err := readStep(next, p, false, start, "")
		if err != nil {
			return
		}
		if _, err := readStep(next, p, false, start, "a"); err != nil {
			t.Error(err)
		}
		var boards []*board.Shown
		for _, name := range q.Names() {
			s := &board.Shown{Site: name}
			for _, f := range q.Sites[name].Flows {
				s.Flows = append(s.Flows, board.Item[site.FlowView]{Key: f.Key, View: f.View})
			}
			for _, e := range q.Sites[name].Endpoints {
				s.Endpoints = append(s.Endpoints, board.Item[site.EndpointView]{Key: e.Key, View: e.View})
			}
			boards = append(boards, s)
		}
		text, err := appendStep(nil, nil, boards, true)
		if err != nil {
			return // JSON of what was damaged may be longer, or none
		}
		if again, err := readStep(text, nil, true, start, ""); err != nil || len(again.Sites) != len(q.Sites) {
			t.Errorf("what was read can't be read again: %v", err)
		}
	})
}

// FuzzFile holds that a file of anything is opened, cut or removed, and never believed beyond
// its sums.
func FuzzFile(f *testing.F) {
	raw, err := appendStep(nil, nil, []*board.Shown{shown("a", map[string]int{"app@1": 1}, nil)}, true)
	if err != nil {
		f.Fatal(err)
	}
	text := appendFrame([]byte(fileHead), raw, start, true)
	seal(text[len(fileHead):], Step)
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, start.Format(nameForm)+suffix)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, UsualBytes)
		if err != nil {
			t.Fatal(err)
		}
		s.Spans(start)
		if p, err := s.At(start, ""); err == nil && p == nil {
			t.Error("nothing, and no error")
		}
	})
}
