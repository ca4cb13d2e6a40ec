package lab_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
)

// capped orders app@1 of a size to a site that may take so many bits per second.
func capped(t *testing.T, l *lab.Lab, rate operator.Rate, size int64) {
	t.Helper()
	l.Publish("app", "1", size)
	if err := (operator.Cap{Remote: l.Remote(io.Discard), Site: l.Sites[0].Name, WAN: rate}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Distribute("app@1")
}

// wantWithin fails where a second brought more than the budget, bytes per second, and
// a tenth.
func wantWithin(t *testing.T, seconds []lab.Second, budget int64) {
	t.Helper()
	for i, s := range seconds {
		if s.Bytes > budget*11/10 {
			t.Errorf("second %d brought %d bytes over the WAN, want at most %d and a tenth", i+1, s.Bytes, budget)
		}
	}
}

// sum is what came in some seconds.
func sum(seconds []lab.Second) (n int64) {
	for _, s := range seconds {
		n += s.Bytes
	}
	return n
}

func TestASlowCapIsUsedWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 6 * mib
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		begin := time.Now()
		capped(t, l, 800_000, size)
		f := l.AwaitComplete("app", l.Sites[0], 2*time.Minute)
		// 6 MiB at 100 kB/s are 63 s.
		if took := time.Since(begin); took < 60*time.Second || took > 90*time.Second || f.BytesOrigin != size {
			t.Errorf("complete after %v with %d bytes from the origin, want one copy in about 63 s", took, f.BytesOrigin)
		}
		for _, e := range l.Sites[0].Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestThreeFetchersStayWithinTheBudgetWhenTheHolderFallsSilent cuts whoever governs
// off from everybody. The server needs a while to notice; the stand-by does not.
func TestThreeFetchersStayWithinTheBudgetWhenTheHolderFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, budget = 12 * mib, 1_000_000
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond, Fetchers: 3})
		defer l.Close()
		s := l.Sites[0]
		capped(t, l, 8*budget, size)
		watched := l.Watch(s)
		time.Sleep(6 * time.Second)
		before := watched()
		watched = l.Watch(s)
		gone := l.Holder(s)
		s.Part([]*lab.Endpoint{gone})
		l.WAN.Cut(gone.Host)
		time.Sleep(5 * time.Second)
		silent := watched()
		if now := l.Holder(s); now != gone {
			t.Errorf("%s was appointed within 5 s: nobody had to stand in for %s", now.Name, gone.Name)
		}
		watched = l.Watch(s)
		s.Part()
		l.WAN.Heal(gone.Host)
		f := l.AwaitComplete("app", s, time.Minute)
		after := watched()
		t.Logf("before %v\nsilent %v\nafter %v", rates(before), rates(silent), rates(after))
		for _, part := range [][]lab.Second{before, silent, after} {
			wantWithin(t, part, budget)
		}
		if n := atWork(before[2:], budget/10); n < 3 {
			t.Errorf("%d endpoints fetched, want three", n)
		}
		if got := sum(before[2:]); got < 4*budget*8/10 {
			t.Errorf("%d bytes in 4 s, want most of the budget of %d each", got, budget)
		}
		// Who is left has its share of half the rate at first, and more when that disturbs
		// nobody.
		if n, got := atWork(silent[2:], budget/10), sum(silent[2:]); n < 2 || got < 3*budget*4/10 {
			t.Errorf("%d bytes at %d endpoints in the last 3 s without the holder, want that the stand-by lets others go on", got, n)
		}
		if after[0].Bytes < budget*4/10 {
			t.Errorf("%d bytes in the second after it was there again, want that who stands in goes on", after[0].Bytes)
		}
		if f.BytesOrigin > size+mib {
			t.Errorf("%d bytes from the origin, want one copy of %d and what was on its way", f.BytesOrigin, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestGroupsThatCannotLinkShareOneBudget has the holder's grants go by way of the
// server to where no link leads.
func TestGroupsThatCannotLinkShareOneBudget(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		const size, budget = 3 * mib, 500_000
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		s.Part(s.Endpoints[:2], s.Endpoints[2:])
		l.Publish("first", "1", 64<<10)
		l.Distribute("first@1")
		l.AwaitComplete("first", s, time.Minute) // now it is clear who can link
		begin := time.Now()
		watched := l.Watch(s)
		capped(t, l, 8*budget, size)
		f := l.AwaitComplete("app", s, 2*time.Minute)
		took, seconds := time.Since(begin), watched()
		t.Logf("%v in all, by second %v", took, rates(seconds))
		wantWithin(t, seconds, budget)
		if f.Groups != 2 || f.BytesOrigin != 2*size || took > 2*size*14/10/budget*time.Second {
			t.Errorf("%d groups took %d bytes in %v, want two copies of %d in little more than %d s", f.Groups, f.BytesOrigin, took, size, 2*size/budget)
		}
		together := 0 // seconds in which both had a good part
		for _, second := range seconds {
			one := second.Of[s.Endpoints[0]] + second.Of[s.Endpoints[1]]
			if least := min(one, second.Bytes-one); least > budget/4 {
				together++
			}
		}
		if together < 5 {
			t.Errorf("both groups had a good part of the budget in %d of %d seconds, want that they are granted it together", together, len(seconds))
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestWhatIsCountedByWayOfTheServerIsNotTakenForOtherTraffic: it comes late, and in
// lumps.
func TestWhatIsCountedByWayOfTheServerIsNotTakenForOtherTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 12 * mib
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		s.Part(s.Endpoints[:1], s.Endpoints[1:])
		l.Publish("first", "1", 64<<10)
		l.Distribute("first@1")
		l.AwaitComplete("first", s, time.Minute)
		l.Publish("app", "1", size)
		begin := time.Now()
		l.Distribute("app@1")
		f := l.AwaitComplete("app", s, time.Minute)
		// Each has a way of 2.5 MB/s of its own, so that nobody is in the way.
		if took := time.Since(begin); took > 12*time.Second || f.Receipt == nil || f.Receipt.YieldSeconds > 1 {
			t.Errorf("two copies of %d after %v, receipt %+v, want them in about 6 s and nobody to stand back", size, took, f.Receipt)
		}
	})
}

// rates are the bytes of each second.
func rates(seconds []lab.Second) (out []int64) {
	for _, s := range seconds {
		out = append(out, s.Bytes)
	}
	return out
}

// atWork is how many endpoints took more than so many bytes.
func atWork(seconds []lab.Second, bytes int64) (n int) {
	by := map[*lab.Endpoint]int64{}
	for _, s := range seconds {
		for e, got := range s.Of {
			by[e] += got
		}
	}
	for _, got := range by {
		if got > bytes {
			n++
		}
	}
	return n
}
