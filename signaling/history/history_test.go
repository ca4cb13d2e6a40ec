package history

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
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

// wantThen compares what is said of a time with what a board showed, of all sites or of one.
func wantThen(t *testing.T, s *Store, at time.Time, name string, want []*board.Shown) {
	t.Helper()
	flows, err := s.Flows(at, name)
	if err != nil {
		t.Fatal(err)
	}
	wantPicture(t, flows, name, want, lasting, func(s *board.Shown) []board.Item[site.FlowView] { return s.Flows })
	endpoints, err := s.Endpoints(at, name)
	if err != nil {
		t.Fatal(err)
	}
	wantPicture(t, endpoints, name, want, lastingEndpoint, func(s *board.Shown) []board.Item[site.EndpointView] { return s.Endpoints })
}

func wantPicture[T any](t *testing.T, p *Picture[T], name string, want []*board.Shown, lasting func(T) T, of func(*board.Shown) []board.Item[T]) {
	t.Helper()
	sites, rows := 0, 0
	for _, s := range want {
		items := of(s)
		if len(items) == 0 || name != "" && s.Site != name {
			continue
		}
		sites, rows = sites+1, rows+len(items)
		got := p.Rows(s.Site)
		if len(got) != len(items) {
			t.Fatalf("at %v site %s has %d rows, want %d", p.at, s.Site, len(got), len(items))
		}
		for i, item := range items {
			view, err := p.View(got[i])
			if err != nil {
				t.Fatal(err)
			}
			if got[i].Key != item.Key || !reflect.DeepEqual(view, lasting(item.View)) {
				t.Fatalf("at %v %s of %s is\n%+v, want\n%+v", p.at, item.Key, s.Site, view, item.View)
			}
		}
	}
	if len(p.Names()) != sites || p.rows != rows {
		t.Fatalf("at %v there are %d sites with %d rows, want %d with %d", p.at, len(p.Names()), p.rows, sites, rows)
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
		at := start.Add(time.Duration(n)*Step + time.Duration(r.Int64N(int64(Step))))
		for _, store := range []*Store{s, again} {
			wantThen(t, store, at, "", days[n])
			wantThen(t, store, at, fmt.Sprint("shop-", r.IntN(4)), days[n])
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
		if _, err := s.Flows(start.Add(after), ""); (err == nil) != want || err != nil && !errors.Is(err, ErrNotRecorded) {
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
		wantThen(t, s, start.Add(Step), "", want)
		take(t, s, start.Add(2*Step), want, two, true)
		wantThen(t, open(t, dir, UsualBytes), start.Add(2*Step), "", two)
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
	row := Row{"", make([]value, len(columns))}
	if err := row.readDiff(in, columns); err != nil || len(in.rest) > 0 {
		t.Fatal(err, in.rest)
	}
	got, err := endpointShape.view(columns, row)
	if err != nil {
		t.Fatal(err)
	}
	if want := (site.EndpointView{Site: "shop", Name: "till"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzStep holds that whatever a step is made of, it is read or refused, by itself as among others.
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
		for table := range tables {
			p, err := readStep(whole, nil, true, start, "", table)
			if err != nil {
				return
			}
			q, err := readStep(next, p, false, start, "", table)
			if err != nil {
				return
			}
			only, err := readStep(next, p, false, start, "a", table)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(only.Rows("a"), q.Rows("a")) {
				t.Errorf("read by itself the site is %+v, want %+v", only.Rows("a"), q.Rows("a"))
			}
			rows := 0
			for _, name := range q.Names() {
				all := q.Rows(name)
				if rows += len(all); !slices.IsSortedFunc(all, func(a, b Row) int { return strings.Compare(a.Key, b.Key) }) {
					t.Errorf("the rows of %q are in no order", name)
				}
				for _, row := range all {
					_, _ = flowShape.view(q.columns, row) // what is no JSON is refused
				}
			}
			if rows != q.rows {
				t.Errorf("%d rows were counted of %d", q.rows, rows)
			}
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
		if p, err := s.Flows(start, ""); err == nil && p == nil {
			t.Error("nothing, and no error")
		}
	})
}
