package origin_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
)

// sender is a Sitecast server that paces, and what it is told.
type sender struct {
	o       object
	says    bool          // that it paces
	thinks  time.Duration // before it answers
	mu      sync.Mutex
	rate    int64
	deaf    bool // its socket is gone
	asked   []string
	told    []wire.Pace
	refused int // told while deaf
}

func (s *sender) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Header.Get(wire.PaceHeader))
	says := s.says
	s.mu.Unlock()
	time.Sleep(s.thinks)
	if says {
		w.Header().Set(wire.PacedHeader, "1")
	}
	if !says || r.Header.Get(wire.PaceHeader) == "" {
		s.o.handler(w, r)
		return
	}
	var rate int64
	if _, err := fmt.Sscanf(r.Header.Get(wire.PaceHeader), "%s %d", new(string), &rate); err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.rate = rate
	s.mu.Unlock()
	http.ServeContent(w, r, "", time.Time{}, paced{bytes.NewReader(s.o.encoded), s})
}

// paced gives what the sender may send in a hundredth of a second at a time.
type paced struct {
	*bytes.Reader
	s *sender
}

func (p paced) Read(b []byte) (int, error) {
	for {
		p.s.mu.Lock()
		rate := p.s.rate
		p.s.mu.Unlock()
		if rate == wire.Unlimited || rate > 1<<40 {
			return p.Reader.Read(b)
		}
		time.Sleep(10 * time.Millisecond)
		if n := int(rate / 100); n > 0 {
			return p.Reader.Read(b[:min(n, len(b))])
		}
	}
}

// WriteTo hides the faster way.
func (p paced) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{p}) }

func (s *sender) hear(p wire.Pace) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		s.refused++
		return false
	}
	s.told = append(s.told, p)
	s.rate = p.BytesPerSecond
	return true
}

// rates are those it was told since the last call, all under one key.
func (s *sender) rates(t *testing.T) (rates []int64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.told {
		if err := p.Check(); err != nil || !strings.HasPrefix(s.asked[len(s.asked)-1], p.Key+" ") {
			t.Errorf("told %+v after it was asked %q: %v", p, s.asked, err)
		}
		rates = append(rates, p.BytesPerSecond)
	}
	s.told = nil
	return rates
}

func wantActuator(t *testing.T, c *origin.Client, want origin.Actuator, why string) {
	t.Helper()
	if got, reason := c.Actuator(); got != want || !strings.Contains(reason, why) {
		t.Errorf("the actuator is %s as %q, want %s as %q", got, reason, want, why)
	}
}

// running begins a fetch that takes seconds, and returns what waits for its end.
func running(t *testing.T, c *origin.Client, o object, address string) (wait func()) {
	done := make(chan error, 1)
	go func() {
		lease := o.lease()
		lease.URL = address
		_, err := fetch(c, o, lease)
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
	return func() {
		t.Helper()
		c.SetRate(wire.Unlimited, 0, false)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSenderIsToldThatTheLineLosesPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(20, 50_000), says: true}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		c.SetRate(100_000, 0, true)
		wait := running(t, c, s.o, "/packs/x")
		if len(s.asked) != 1 || !strings.HasSuffix(s.asked[0], " 100000 lossy") {
			t.Errorf("asked %q, want a key, the rate and that", s.asked)
		}
		c.SetRate(100_000, 0, true)
		c.SetRate(100_000, 0, false)
		s.mu.Lock()
		if len(s.told) != 1 || s.told[0].Lossy {
			t.Errorf("told %+v, want that it loses none any more", s.told)
		}
		s.mu.Unlock()
		wait()
	})
}

func TestSenderIsToldTheRateWhenItChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(20, 50_000), says: true}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		c.SetRate(100_000, 0, false)
		wait := running(t, c, s.o, "/packs/x")
		if len(s.asked) != 1 || !strings.HasSuffix(s.asked[0], " 100000") || len(s.asked[0]) != wire.PaceKeyBytes+7 {
			t.Errorf("asked %q, want a key and the rate", s.asked)
		}
		wantActuator(t, c, origin.SenderPaces, "Sitecast server")
		for range 20 {
			c.SetRate(100_000, 20*time.Millisecond, false)
		}
		c.SetRate(100_400, 0, false) // not worth a message
		c.SetRate(80_000, 0, false)
		c.SetRate(80_000, 0, false)
		c.SetRate(0, 0, false)
		s.mu.Lock()
		s.deaf = true
		s.mu.Unlock()
		c.SetRate(50_000, 0, false)
		s.mu.Lock()
		s.deaf = false
		s.mu.Unlock()
		c.SetRate(50_000, 0, false)
		if got := s.rates(t); !slices.Equal(got, []int64{80_000, 0, 50_000}) || s.refused != 1 {
			t.Errorf("told %v and %d in vain, want each change once", got, s.refused)
		}
		wait()
		if got := s.rates(t); !slices.Equal(got, []int64{wire.Unlimited}) {
			t.Errorf("told %v, want that the bound was lifted", got)
		}
		c.SetRate(10_000, 0, false)
		if got := s.rates(t); len(got) > 0 {
			t.Errorf("told %v of an answer that ended", got)
		}
	})
}

func TestRateThatChangedBeforeTheAnswerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(20, 50_000), says: true, thinks: time.Second}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		c.SetRate(100_000, 0, false)
		wait := running(t, c, s.o, "/packs/x")
		c.SetRate(20_000, 0, false)
		time.Sleep(2 * time.Second)
		if got := s.rates(t); !slices.Equal(got, []int64{20_000}) {
			t.Errorf("told %v, want the rate of now", got)
		}
		wait()
	})
}

func TestWhoeverPacesTheRateIsHeld(t *testing.T) {
	const want = 100_000
	for _, says := range []bool{true, false} {
		t.Run(fmt.Sprint(says), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sender{o: newObject(20, 50_000), says: says}
				c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
				c.SetRate(100_000, 0, false)
				start := time.Now()
				if _, err := fetch(c, s.o, s.o.lease()); err != nil {
					t.Fatal(err)
				}
				if got := float64(len(s.o.encoded)) / time.Since(start).Seconds(); got < 0.95*want || got > 1.06*want {
					t.Errorf("read %.0f bytes a second, want about %d", got, want)
				}
			})
		})
	}
}

func TestOriginThatDoesNotSayThatItPacesIsToldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(20, 50_000)}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		c.SetRate(100_000, 0, false)
		wait := running(t, c, s.o, "/packs/x")
		wantActuator(t, c, origin.PacedReads, "does not pace")
		c.SetRate(50_000, 0, false)
		wait()
		if got := s.rates(t); len(got) > 0 {
			t.Errorf("told %v", got)
		}
	})
}

func TestKeysGoToTheSitecastServerAlone(t *testing.T) {
	const foreign = "10.0.0.2:80"
	for name, address := range map[string]string{"its own address": "http://" + foreign + "/packs/x", "redirected": "/packs/moved"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sender{o: newObject(20, 50_000), says: true}
				other := &sender{o: s.o, says: true} // it says so, but can't be told
				c := serveAt(t, s.hear, map[string]http.HandlerFunc{
					home: func(w http.ResponseWriter, r *http.Request) {
						http.Redirect(w, r, "http://"+foreign+"/packs/x", http.StatusFound)
					},
					foreign: other.serve,
				})
				c.SetRate(100_000, 0, false)
				wait := running(t, c, s.o, address)
				wantActuator(t, c, origin.PacedReads, "does not pace")
				c.SetRate(50_000, 0, false)
				if len(s.told) > 0 {
					t.Errorf("the server was told %v of another's answer", s.told)
				}
				wait()
				if !slices.Equal(other.asked, []string{""}) {
					t.Errorf("a foreign host was asked %q", other.asked)
				}
			})
		})
	}
}

func TestRedirectsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { asked++; http.Redirect(w, r, "/again", http.StatusFound) })
		o := newObject(2, 1000)
		if _, err := fetch(c, o, o.lease()); err == nil || asked > 11 {
			t.Errorf("asked %d times, and it ended with %v", asked, err)
		}
	})
}

func TestEachAnswerHasAKeyOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(2, 50_000), says: true}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		for range 3 {
			if _, err := fetch(c, s.o, s.o.lease()); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(s.asked)
		if len(slices.Compact(s.asked)) != 3 {
			t.Errorf("asked %q, want three keys", s.asked)
		}
		if !strings.HasSuffix(s.asked[0], fmt.Sprint(" ", int64(wire.MaxNumber))) {
			t.Errorf("asked %q without a bound, want the largest number", s.asked[0])
		}
	})
}

func TestWindowIsClampedWhereItIsLargeEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(2, 1000)
		c := serve(t, o.handler)
		want, why := origin.WindowClamp, "does not pace"
		if !origin.CanClamp {
			want, why = origin.PacedReads, "this system has no window clamp"
		}
		c.SetRate(1_000_000, 40*time.Millisecond, false)
		wantActuator(t, c, want, why)
		c.SetRate(273_100, 40*time.Millisecond, false) // 45 ms of it are 12 KiB
		wantActuator(t, c, want, why)
		if origin.CanClamp {
			c.SetRate(272_000, 40*time.Millisecond, false)
			wantActuator(t, c, origin.PacedReads, "a window of 12240 bytes is too small")
			c.SetRate(1_000_000, 0, false)
			wantActuator(t, c, origin.PacedReads, "no round trip is known")
		}
	})
}

func TestRateIsOfAllFetchesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(20, 50_000)
		c := serve(t, o.handler)
		c.SetRate(300_000, 0, false)
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := fetch(c, o, o.lease()); err != nil {
					t.Error(err)
				}
			})
		}
		// And it is for all of them that it changes.
		time.AfterFunc(time.Second, func() { c.SetRate(100_000, 0, false) })
		time.Sleep(1100 * time.Millisecond) // what was waited for by then came at the old rate
		at := c.Taken()
		time.Sleep(2 * time.Second)
		if got := c.Taken() - at; got < 150_000 || got > 260_000 {
			t.Errorf("%d bytes came in two seconds at 100 kB/s over three fetches", got)
		}
		wg.Wait()
		want := time.Second + time.Duration((3*float64(len(o.encoded))-300_000)/100_000*float64(time.Second))
		if took := time.Since(start); took < want*9/10 || took > want*11/10 {
			t.Errorf("three times %d bytes took %v, want about %v", len(o.encoded), took, want)
		}
	})
}

func TestTakenAndHeldSayWhatCameAndWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(20, 50_000)
		c := serve(t, o.handler)
		if now, held := c.Fetching(); now || held != 0 || c.Taken() != 0 {
			t.Errorf("before: fetching %v, held %v, taken %d", now, held, c.Taken())
		}
		during := false
		err := c.FetchParts(context.Background(), o.lease(), func(i uint32) uint32 { return uint32(len(o.plain[i])) },
			func(wire.Part, []byte) error {
				during, _ = c.Fetching()
				time.Sleep(30 * time.Millisecond)
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		now, held := c.Fetching()
		if now || !during || held != 20*30*time.Millisecond {
			t.Errorf("fetching %v during and %v after, held for %v; want 600 ms", during, now, held)
		}
		if taken, size := c.Taken(), int64(len(o.encoded)); taken < size || taken > size+1000 {
			t.Errorf("%d bytes were taken for %d", taken, size)
		}
		c.SetRate(0, 0, false)
		time.AfterFunc(time.Minute, func() { c.SetRate(wire.Unlimited, 0, false) })
		if _, err := fetch(c, o, o.lease()); err != nil {
			t.Fatal(err)
		}
		if _, after := c.Fetching(); after != held {
			t.Errorf("a wait for the rate counts as held: %v", after-held)
		}
	})
}

func TestSenderThatCannotBeToldIsReadAtTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{o: newObject(40, 50_000), says: true}
		c := serveAt(t, s.hear, map[string]http.HandlerFunc{home: s.serve})
		c.SetRate(200_000, 0, false)
		wait := running(t, c, s.o, "/packs/x")
		s.mu.Lock()
		s.deaf = true
		s.mu.Unlock()
		c.SetRate(20_000, 0, false)
		time.Sleep(time.Second)
		at := c.Taken()
		c.SetRate(20_000, 0, false)
		time.Sleep(5 * time.Second)
		if got := c.Taken() - at; got > 180_000 { // and what the buffers between hold
			t.Errorf("%d bytes came in five seconds at 20 kB/s", got)
		}
		s.mu.Lock()
		s.deaf = false
		s.mu.Unlock()
		wait()
	})
}
