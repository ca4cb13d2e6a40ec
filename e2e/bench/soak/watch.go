//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// What is measured of each process.
const (
	memory = iota // anonymous, in MB: the least since the sample before
	descriptors
	goroutines
	measures
)

var units = [measures]string{"anonymous MB", "descriptors", "goroutines"}

// sample is one process at one time.
type sample [measures]float64

// curves are all samples of the processes that live throughout: the server first,
// then the spared agents.
type curves struct {
	at      []time.Duration
	samples [1 + spared][]sample
}

// watch samples until the end. Memory goes up and down with every version, as
// garbage does: what counts is where it comes down to, so it is looked at often.
func (s *soak) watch(ctx context.Context) error {
	fmt.Println("   time |               server                |        agents that live throughout: mean (most)")
	fmt.Println("        | anonymous MB descriptors goroutines | anonymous MB    descriptors   goroutines")
	var low floor
	for next := time.Now().Add(sampleEvery); !s.over(); {
		if err := rig.Pause(ctx, lookEvery); err != nil {
			return err
		}
		if err := s.look(&low); err != nil {
			return err
		}
		if time.Now().Before(next) {
			continue
		}
		next = next.Add(sampleEvery)
		if err := s.sample(ctx, low); err != nil { // on a machine too busy to answer
			s.did("no sample: %v", err)
		}
		low = floor{}
	}
	return nil
}

// floor is the least anonymous memory that each process was seen with, in bytes;
// 0 where it was not seen.
type floor [1 + spared]int64

// processes are those that live throughout. The caller holds server.
func (s *soak) processes() []*rig.Process {
	all := []*rig.Process{s.Server}
	for _, a := range s.Agents[0][:spared] {
		all = append(all, a.Process)
	}
	return all
}

func (s *soak) look(low *floor) error {
	s.server.Lock() // it may be away
	defer s.server.Unlock()
	for i, p := range s.processes() {
		bytes, err := p.Anonymous()
		if err != nil {
			return err
		}
		if low[i] == 0 || bytes < low[i] {
			low[i] = bytes
		}
	}
	return nil
}

func (s *soak) sample(ctx context.Context, low floor) error {
	s.server.Lock()
	defer s.server.Unlock()
	now := time.Since(s.begun)
	var all [1 + spared]sample
	for i, p := range s.processes() {
		count := func() (float64, error) { return s.ServerMetric(ctx, "go_goroutines") }
		if i > 0 {
			count = func() (float64, error) { return s.Agents[0][i-1].Metric(ctx, "go_goroutines") }
		}
		files, err := p.Descriptors()
		n, nerr := count()
		if err := errors.Join(err, nerr); err != nil {
			return err
		}
		all[i] = sample{float64(low[i]) / 1e6, float64(files), n}
	}
	var mean, most sample
	for i, one := range all {
		s.curves.samples[i] = append(s.curves.samples[i], one)
		for m := range one {
			if i > 0 {
				mean[m] += one[m] / spared
				most[m] = max(most[m], one[m])
			}
		}
	}
	server := all[0]
	s.curves.at = append(s.curves.at, now)
	fmt.Printf("%5.0f s | %12.1f %11.0f %10.0f | %6.1f (%.1f)   %5.1f (%.0f)   %6.1f (%.0f)\n", now.Seconds(),
		server[memory], server[descriptors], server[goroutines],
		mean[memory], most[memory], mean[descriptors], most[descriptors], mean[goroutines], most[goroutines])
	return nil
}

// judge fits a line to the second half of every curve and compares what it gains
// with the bound. A gain that may be chance, by twice its standard error, is none.
func (s *soak) judge() error {
	first := 0
	for first < len(s.curves.at) && s.begun.Add(s.curves.at[first]).Before(s.halved) {
		first++
	}
	at := s.curves.at[first:]
	if len(at) < 3 {
		return errors.New("too short to fit a line to the second half: give it 3 minutes at least")
	}
	span := (at[len(at)-1] - at[0]).Hours()
	fmt.Printf("\nsecond half, %d samples over %.1f minutes; the line is fitted by least squares\n\n", len(at), 60*span)
	fmt.Println("| process | of | mean | slope an hour | gained | bound | ok |")
	fmt.Println("|---|---|--:|--:|--:|--:|---|")
	bad := 0
	for i, curve := range s.curves.samples {
		name := "server"
		if i > 0 {
			name = s.Agents[0][i-1].Name
		}
		for m := range measures {
			var y []float64
			for _, one := range curve[first:] {
				y = append(y, one[m])
			}
			l := fit(at, y)
			gained, chance, most := l.slope*span, 2*l.err*span, bound(m, l.mean)
			verdict := "yes"
			if gained-chance > most {
				verdict = "**NO**"
				bad++
			}
			fmt.Printf("| %s | %s | %.1f | %+.1f | %+.1f ± %.1f | %.1f | %s |\n", name, units[m], l.mean, l.slope, gained, chance, most, verdict)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d curves grow", bad)
	}
	return nil
}

// bound is what a curve may gain over the second half: noise of the garbage
// collector, and of links and sockets that come and go with those who are killed.
func bound(measure int, mean float64) float64 {
	switch measure {
	case memory:
		return 2 + 0.1*mean
	case descriptors:
		return 3 + 0.1*mean
	}
	return 10 + 0.1*mean
}
