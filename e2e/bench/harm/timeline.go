//go:build linux

package main

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

const (
	// fullFrame is the largest frame on the WAN, with its Ethernet header.
	fullFrame = 1514
	// sampleEvery is how often the counters are read.
	sampleEvery = 50 * time.Millisecond
	// window is how long a rate must last to count: a moment's chance is no yielding.
	window = 500 * time.Millisecond
)

// tally is what had crossed the WAN toward the site by a moment.
type tally struct {
	at        time.Time
	total     float64 // bytes
	bystander float64 // of them, to the bystander
}

func (t tally) ours() float64 { return t.total - t.bystander }

// timeline is tallies in the order of time.
type timeline []tally

// by is the tally of a moment, on a line between the two samples around it.
func (l timeline) by(at time.Time) tally {
	i := sort.Search(len(l), func(i int) bool { return l[i].at.After(at) })
	if i == 0 || i == len(l) {
		return l[min(i, len(l)-1)]
	}
	a, b := l[i-1], l[i]
	part := float64(at.Sub(a.at)) / float64(b.at.Sub(a.at))
	return tally{at, a.total + part*(b.total-a.total), a.bystander + part*(b.bystander-a.bystander)}
}

// between is what crossed in a stretch of time: ours, and the bystander's.
func (l timeline) between(from, to time.Time) (ours, bystander float64) {
	a, b := l.by(from), l.by(to)
	return b.ours() - a.ours(), b.bystander - a.bystander
}

// busy is the first and the last moment between two at which the bystander got
// data, and not just single packets.
func (l timeline) busy(from, to time.Time) (first, last time.Time) {
	for i := 1; i < len(l); i++ {
		if l[i-1].at.Before(from) || l[i].at.After(to) || l[i].bystander-l[i-1].bystander < 2*fullFrame {
			continue
		}
		if first.IsZero() {
			first = l[i-1].at
		}
		last = l[i].at
	}
	return first, last
}

// falls is how long after a moment our rate is at most so many bytes per second,
// for a while.
func (l timeline) falls(from, to time.Time, most float64) float64 {
	return l.when(from, to, func(rate float64) bool { return rate <= most })
}

// rises is how long after a moment our rate is at least so many bytes per second,
// for a while.
func (l timeline) rises(from, to time.Time, least float64) float64 {
	return l.when(from, to, func(rate float64) bool { return rate >= least })
}

// when is how long after a moment a stretch begins whose mean rate is good.
func (l timeline) when(from, to time.Time, good func(rate float64) bool) float64 {
	const step = 10 * time.Millisecond
	for at := from; !at.Add(window).After(to); at = at.Add(step) {
		if ours, _ := l.between(at, at.Add(window)); good(ours / window.Seconds()) {
			return at.Sub(from).Seconds()
		}
	}
	return never
}

// sampler reads the counters of a site until it is stopped.
type sampler struct {
	// mu guards line and err.
	mu   sync.Mutex
	line timeline
	err  error
}

// sample starts reading; the bystander is the site's last endpoint.
func sample(ctx context.Context, site *netlab.Site) (*sampler, func()) {
	s := &sampler{}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for s.read(site) && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
	return s, func() { stop(); <-done }
}

func (s *sampler) read(site *netlab.Site) bool {
	total, endpoints, err := site.Toward()
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err != nil {
		return false
	}
	s.line = append(s.line, tally{now, float64(total), float64(endpoints[len(endpoints)-1])})
	return true
}

// all is what was sampled so far.
func (s *sampler) all() (timeline, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line, s.err
}
