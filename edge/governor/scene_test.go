package governor_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// scene is a governed download on a bench beside whatever else is put there.
type scene struct {
	*bench
	c      *governor.Controller
	ours   *tcp
	taken  int64
	base   time.Duration
	queues []time.Duration // added to probes
	trace  func(string)
}

const probeEvery = 50 * time.Millisecond

const startEvery = 25 * time.Millisecond

func newScene(b *bench, limits governor.Limits) *scene {
	s := &scene{bench: b, c: governor.NewController(limits), base: math.MaxInt64}
	s.ours = b.tcp(1, false, -1)
	s.ours.pace = s.c.Rate() * onWire / segment
	number := 0
	var probe func()
	probe = func() {
		p := &packet{flow: 1000 + number%2, size: 100, sent: b.now}
		number++
		p.to = func(p *packet) { b.after(b.delay, func() { s.probed(b.now - p.sent) }) }
		p.lost = func(*packet) {}
		b.send(p)
		every := probeEvery
		if s.c.Alert() {
			every = startEvery
		}
		b.after(every, probe)
	}
	b.after(0, probe)
	var tick func()
	tick = func() { s.step(false, 0); b.after(probeEvery, tick) }
	b.after(25*time.Millisecond, tick)
	return s
}

func (s *scene) probed(rtt time.Duration) {
	s.base = min(s.base, rtt)
	s.queues = append(s.queues, rtt-s.base)
	s.step(true, rtt-s.base)
}

func (s *scene) step(fresh bool, q time.Duration) {
	base := s.base
	if base == math.MaxInt64 {
		base = 0
	}
	got := s.ours.acked - s.taken
	s.taken = s.ours.acked
	before, _ := s.c.Mode()
	rate := s.c.Step(governor.Sample{Now: time.Unix(0, 0).Add(s.now), Fresh: fresh, Queue: q, Base: base, Taken: got, Wants: true})
	after, why := s.c.Mode()
	if s.trace != nil && before != after {
		s.trace(fmt.Sprintf("%7.2f s  %5s -> %-5s rate %.2f of %.2f Mbit/s, queue %v: %s", s.now.Seconds(), before, after, rate*8e-6, s.c.Capacity()*8e-6, q, why))
	}
	s.after(s.delay, func() { s.ours.pace = rate * onWire / segment; s.ours.more() })
}

func TestGrid(t *testing.T) {
	for _, mbit := range []float64{5, 20, 100} {
		for _, rtt := range []time.Duration{10, 40, 120} {
			for _, q := range []string{"0.5", "1", "4", "codel", "fair"} {
				for _, bbr := range []bool{false, true} {
					if o := os.Getenv("ONLY"); o != "" && !regexp.MustCompile(o).MatchString(name(mbit, rtt*time.Millisecond, q, bbr)) {
						continue
					}
					cell(t, mbit, rtt*time.Millisecond, q, bbr)
				}
			}
		}
	}
}

func makeBench(mbit float64, rtt time.Duration, q string) *bench {
	bdp := map[string]float64{"0.5": 0.5, "1": 1, "4": 4, "codel": 4, "fair": 4}[q]
	b := newBench(mbit, rtt, time.Duration(float64(rtt)*bdp))
	if q == "codel" {
		b.codel = &codel{}
	}
	b.fair = q == "fair"
	return b
}

func name(mbit float64, rtt time.Duration, q string, bbr bool) string {
	return fmt.Sprint(mbit, " ", rtt, " ", q, " ", bbr)
}

const idle, beside, back = 20 * time.Second, 20 * time.Second, 10 * time.Second

func cell(t *testing.T, mbit float64, rtt time.Duration, q string, bbr bool) {
	alone := makeBench(mbit, rtt, q)
	f := alone.tcp(2, bbr, -1)
	alone.run(beside)
	solo := f.acked

	b := makeBench(mbit, rtt, q)
	s := newScene(b, governor.Limits{})
	if testing.Verbose() && os.Getenv("TRACE") != "" {
		s.trace = func(line string) { t.Log(line) }
	}
	b.run(10 * time.Second)
	at := s.ours.acked
	b.run(idle)
	use := float64(s.ours.acked-at) * onWire / segment / (b.rate * (idle - 10*time.Second).Seconds())
	f = b.tcp(2, bbr, -1)
	var yielded time.Duration
	ours := s.ours.acked
	for yielded == 0 && b.now < idle+beside {
		at, now := s.ours.acked, b.now
		b.run(b.now + 100*time.Millisecond)
		if float64(s.ours.acked-at)*onWire/segment < 0.1*b.rate*(b.now-now).Seconds() {
			yielded = b.now - idle
		}
	}
	b.run(idle + beside)
	kept := float64(f.acked) / float64(solo)
	share := float64(s.ours.acked-ours) * onWire / segment / (b.rate * beside.Seconds())
	f.stop()
	var again time.Duration
	for again == 0 && b.now < idle+beside+back {
		at, now := s.ours.acked, b.now
		b.run(b.now + 200*time.Millisecond)
		if float64(s.ours.acked-at)*onWire/segment >= 0.9*0.95*b.rate*(b.now-now).Seconds() {
			again = b.now - idle - beside
		}
	}
	// Web-like requests, alone and beside us.
	webAlone, webBeside := makeBench(mbit, rtt, q), makeBench(mbit, rtt, q)
	w := newScene(webBeside, governor.Limits{})
	webBeside.run(idle)
	solo95, _ := requests(webAlone, bbr)
	beside95, _ := requests(webBeside, bbr)
	_ = w
	fmt.Printf("%4.0f Mbit/s %6v queue %-5s bbr %-5v idle %.3f kept %.3f share %.3f yield %5.2f s back %5.2f s web %.2f (%v)\n",
		mbit, rtt, q, bbr, use, kept, share, yielded.Seconds(), again.Seconds(), float64(beside95)/float64(solo95), solo95)
}

// requests makes requests of 100 kB for 20 s and returns the 95th percentile and
// the median of how long they took.
func requests(b *bench, bbr bool) (p95, p50 time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	var took []time.Duration
	flow := 10
	var next func()
	end := b.now + 20*time.Second
	next = func() {
		if b.now > end {
			return
		}
		flow++
		at := b.now
		var f *tcp
		b.after(2*b.delay, func() { // connect
			f = b.tcp(flow, bbr, 70)
			f.done = func() { took = append(took, b.now-at) }
		})
		b.after(time.Duration(random.ExpFloat64()*float64(500*time.Millisecond)), next)
	}
	next()
	b.run(end + 10*time.Second)
	slices.Sort(took)
	return took[len(took)*95/100], took[len(took)/2]
}
