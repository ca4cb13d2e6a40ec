//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	// quiet is how long the voice is alone.
	quiet = 4 * time.Second
	// gap lets queues run empty between two measurements.
	gap = 500 * time.Millisecond
	// webFor is how long pages are asked for.
	webFor = 20 * time.Second
	// settle is what a distribution or a rival gets to find its rate, and idleFor how
	// long that rate is then measured.
	settle  = 8 * time.Second
	idleFor = 6 * time.Second
	// backWithin is how long is waited for a distribution to be back at its rate.
	backWithin = 10 * time.Second
)

// stage is the network of one cell: endpoints, and as the site's last one the
// bystander, which has no agent. At the origin are all that the bystander talks to.
type stage struct {
	cell
	ctx       context.Context
	lab       *netlab.Lab
	site      *netlab.Site
	bystander *netlab.Host
	dir       string
	sender    string // congestion control of whatever is not the foreground
	sampler   *sampler
	voice     *voice
	close     func() error
}

// open builds the network and starts what stands at both ends of it.
func open(ctx context.Context, c cell, sender string) (s *stage, err error) {
	s = &stage{cell: c, ctx: ctx, sender: sender}
	var closers []func() error
	s.close = func() (err error) {
		for i := range closers {
			err = errors.Join(err, closers[len(closers)-1-i]())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "sitecast-harm-cell-"); err != nil {
		return nil, err
	}
	closers = append(closers, func() error { return os.RemoveAll(s.dir) })
	s.lab, err = netlab.Start(netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: c.endpoints() + 1, WAN: netlab.Both(c.link()), LAN: c.cable()}},
		Sysctls: settings(sender),
	})
	if err != nil {
		return nil, err
	}
	closers = append(closers, s.lab.Close)
	s.site = s.lab.Sites[0]
	s.bystander = s.site.Endpoints[c.endpoints()]
	for port, control := range map[int]string{webPort: c.foreground, bulkPort: sender} {
		var l net.Listener
		if l, err = serve(s.lab.Origin, port, control); err != nil {
			return nil, err
		}
		closers = append(closers, l.Close)
	}
	server, err := startIperf(ctx, s.lab.Origin)
	if err != nil {
		return nil, err
	}
	closers = append(closers, func() error { server.stop(); return nil })
	if s.voice, err = call(s.bystander, s.lab.Origin); err != nil {
		return nil, err
	}
	closers = append(closers, s.voice.hangUp)
	var stop func()
	s.sampler, stop = sample(ctx, s.site)
	closers = append(closers, func() error { stop(); return nil })
	return s, nil
}

// settings are what every host's kernel is told.
func settings(sender string) map[string]string {
	return map[string]string{
		"net.ipv4.tcp_congestion_control": sender,
		// Or each connection would begin with what the one before it had learned.
		"net.ipv4.tcp_no_metrics_save": "1",
	}
}

// solo measures everything that others do, while nothing else does anything.
func (s *stage) solo() (r solo, err error) {
	from := time.Now()
	if err := rig.Pause(s.ctx, quiet); err != nil {
		return r, err
	}
	trips, _ := s.voice.between(from, time.Now().Add(-gap))
	r.ProbeP95 = quantile(trips, 0.95)
	load := readLoad()
	f, err := s.foreground()
	if err != nil {
		return r, err
	}
	r.BPS, r.BesideP95, r.Lost, r.CPU = f.bps, f.p95, f.lost, load.since()
	r.WebP50, r.WebP95, err = s.browse()
	return r, err
}

// ran is what a foreground got.
type ran struct {
	bps         float64
	p95, lost   float64   // of the voice beside it
	first, last time.Time // when its data came
}

// foreground runs the foreground, and looks at the voice beside it.
func (s *stage) foreground() (r ran, err error) {
	from := time.Now()
	if r.bps, err = foreground(s.ctx, s.lab.Origin, s.bystander, s.cell.foreground); err != nil {
		return r, err
	}
	to := time.Now()
	line, err := s.sampler.all()
	if err != nil {
		return r, err
	}
	if r.first, r.last = line.busy(from, to); r.first.IsZero() {
		return r, errors.New("no foreground was seen on the WAN")
	}
	// The last packets are still on their way.
	if err := rig.Pause(s.ctx, gap); err != nil {
		return r, err
	}
	trips, lost := s.voice.between(r.first, r.last)
	r.p95, r.lost = quantile(trips, 0.95), lost
	return r, nil
}

// browse asks for pages and returns the median and the 95th percentile.
func (s *stage) browse() (p50, p95 float64, err error) {
	address := fmt.Sprintf("%v:%d", s.lab.Origin.IP(), webPort)
	took, err := browse(s.ctx, s.bystander, address, time.Now().Add(webFor))
	if err != nil {
		return 0, 0, err
	}
	return quantile(took, 0.50), quantile(took, 0.95), rig.Pause(s.ctx, gap)
}

// disturb looks what becomes of the bystander while something else downloads,
// which has been started already. What it ends with is up to the caller.
func (s *stage) disturb() (r beside, f ran, err error) {
	if err := rig.Pause(s.ctx, settle); err != nil {
		return r, f, err
	}
	from, load := time.Now(), readLoad()
	if err := rig.Pause(s.ctx, idleFor); err != nil {
		return r, f, err
	}
	to := time.Now()
	r.CPU = load.since()
	line, err := s.sampler.all()
	if err != nil {
		return r, f, err
	}
	seconds := to.Sub(from).Seconds()
	ours, others := line.between(from, to)
	r.IdleUse = ours / (float64(s.rate())/8*seconds - others)
	trips, _ := s.voice.between(from, to.Add(-gap))
	r.IdleP95 = quantile(trips, 0.95)

	load = readLoad()
	if f, err = s.foreground(); err != nil {
		return r, f, err
	}
	r.CPU = max(r.CPU, load.since())
	r.BPS, r.BesideP95, r.Lost = f.bps, f.p95, f.lost
	if line, err = s.sampler.all(); err != nil {
		return r, f, err
	}
	mine, theirs := line.between(f.first, f.last)
	r.Share = mine / (mine + theirs)
	// What comes later than that has only waited in the queue.
	r.Yield = line.falls(f.first, earlier(f.last, f.first.Add(foregroundFor)), 0.10*float64(s.rate())/8)
	r.Back, err = s.back(f.last, 0.90*ours/seconds)
	return r, f, err
}

// back waits until something is back at a rate, and says how long that took.
func (s *stage) back(since time.Time, rate float64) (float64, error) {
	for {
		line, err := s.sampler.all()
		if err != nil {
			return 0, err
		}
		now := time.Now()
		took := line.rises(since, now.Add(-sampleEvery), rate)
		if took != never || now.Sub(since) > backWithin {
			return took, nil
		}
		if err := rig.Pause(s.ctx, sampleEvery); err != nil {
			return 0, err
		}
	}
}
