//go:build linux

// Command netlab measures how true the emulated WAN links of e2e/netlab are: how far
// rate, delay and queue are from what was asked for, what the emulator takes to carry
// a packet, and what each kind of queue does to a TCP download and to others.
//
//	go run ./e2e/bench/netlab
//
// Needs root. Whoever writes figures down says what else the machine was doing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
)

const (
	// held is what a queue may hold, as a time at the link's rate.
	held = 100 * time.Millisecond
	// overload is the share of a link's rate that a flood sends.
	overload = 1.25
	// probeRate is how many probes a second measure delay, and probing how long they do.
	probeRate = 100
	probing   = 2 * time.Second
	// flooding is how long a flood lasts, and filling how much of its start is not
	// measured: the queue fills in it.
	flooding = 4 * time.Second
	filling  = time.Second
	// settling is how much of a download's start is not measured, and downloading how
	// long the rest is.
	settling, downloading = 4 * time.Second, 4 * time.Second
)

func main() {
	quick := flag.Bool("quick", false, "one rate and delay only")
	flag.Parse()
	command.Main("bench netlab", func(ctx context.Context) error { return measure(ctx, *quick) })
}

func measure(ctx context.Context, quick bool) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	fmt.Printf("%d cores, %s, load %s\n\n", runtime.NumCPU(), runtime.Version(), strings.Fields(string(load))[0])
	if err := links(ctx, quick); err != nil {
		return err
	}
	fmt.Println()
	return queues(ctx)
}

// links prints how true links of many rates and delays are, and first what a cable
// without any shaping reads on the same scale.
func links(ctx context.Context, quick bool) error {
	rates, delays := []int64{5e6, 20e6, 100e6}, []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond}
	if quick {
		rates, delays = rates[1:2], delays[1:2]
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "rate\tdelay\tUDP rate\tTCP of bound\tRTT error p50\tp99\tqueue error p50\tp99\tCPU\ta packet\t")
	trips, err := cable(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "cable\t-\t-\t-\t%s\t%s\t-\t-\t-\t-\t\n", ms(trips.at(0.5)), ms(trips.at(0.99)))
	for _, rate := range rates {
		for _, delay := range delays {
			r, err := link(ctx, rate, delay)
			if err != nil {
				return fmt.Errorf("%d Mbit/s, %v: %w", rate/1e6, delay, err)
			}
			fmt.Fprintf(table, "%d Mbit/s\t%v\t%+.2f %%\t%.1f %%\t%s\t%s\t%s\t%s\t%.1f %%\t%.1f µs\t\n", rate/1e6, delay,
				100*(r.flood-1), 100*r.download, ms(r.trips.at(0.5)), ms(r.trips.at(0.99)), ms(r.waits.at(0.5)), ms(r.waits.at(0.99)),
				100*r.cpu, r.perPacket.Seconds()*1e6)
		}
	}
	return table.Flush()
}

func ms(d time.Duration) string { return fmt.Sprintf("%+.2f ms", d.Seconds()*1e3) }

// result is what a link did.
type result struct {
	flood     float64 // what came through of a flood while something waited, as a share of the rate
	download  float64 // what TCP got, as a share of the most that its headers leave
	trips     sorted  // how much longer round trips on the idle link took than asked for
	waits     sorted  // how much longer a full queue took than asked for
	cpu       float64 // of the emulator's thread during the flood, as a share of a core
	perPacket time.Duration
}

// cable measures round trips where nothing is emulated: the error of measuring.
func cable(ctx context.Context) (sorted, error) {
	var trips sorted
	err := in(ctx, netlab.WAN{}, func(lab *netlab.Lab) (err error) {
		trips, err = roundTrips(ctx, lab, 0)
		return err
	})
	return trips, err
}

func link(ctx context.Context, rate int64, delay time.Duration) (r result, err error) {
	shaped := netlab.Link{Rate: rate, Delay: delay, Queue: netlab.Backlog(rate, held)}
	err = in(ctx, netlab.WAN{Down: shaped, Up: netlab.Link{Delay: delay}}, func(lab *netlab.Lab) error {
		own := onWire(probeSize, rate)
		if r.trips, err = roundTrips(ctx, lab, 2*delay+own); err != nil {
			return err
		}
		if err := flood(ctx, lab, shaped, &r); err != nil {
			return err
		}
		got, err := download(ctx, lab)
		r.download = got / (float64(rate) * segment / frame)
		return err
	})
	return r, err
}

// flood sends more than the link can carry.
func flood(ctx context.Context, lab *netlab.Lab, l netlab.Link, r *result) error {
	site := lab.Sites[0]
	before, _, cpuBefore := site.EmulatorStats()
	begun := time.Now()
	got, err := stream(ctx, lab.Origin, site.Endpoints[0], datagram, overload*float64(l.Rate)/frame/8, flooding)
	if err != nil {
		return err
	}
	took := time.Since(begun)
	after, _, cpu := site.EmulatorStats()
	r.cpu = (cpu - cpuBefore).Seconds() / took.Seconds()
	moved := after.Carried + after.Dropped - before.Carried - before.Dropped
	r.perPacket = (cpu - cpuBefore) / time.Duration(max(1, moved))
	var busy time.Duration // that the wire was, for frames that came through
	frames := 0
	for i := 1; i < len(got); i++ {
		last, a := got[i-1], got[i]
		if last.at.Sub(begun) < filling || a.number < last.number {
			continue
		}
		// The wire had a frame after the last one where this one was there by then, so
		// that a flood that falters for a moment spoils nothing.
		if gap := a.at.Sub(last.at); a.took-l.Delay > gap {
			busy, frames = busy+gap, frames+1
		}
		// The queue was full with the last one where the next was dropped.
		if last.known && a.number > last.number+1 {
			r.waits = append(r.waits, last.took-l.Delay-held)
		}
	}
	if frames < 100 || len(r.waits) < 10 {
		return fmt.Errorf("%d datagrams of a flood came through and %d filled the queue, too few to measure", frames, len(r.waits))
	}
	r.waits.sort()
	r.flood = float64(frames) * frame * 8 / busy.Seconds() / float64(l.Rate)
	return nil
}

// queues prints what each kind of queue does to a download and to another's probes.
func queues(ctx context.Context) error {
	const rate, delay = int64(20e6), 20 * time.Millisecond
	fmt.Printf("%d Mbit/s, %v one way, a cubic download and another's probes:\n", rate/1000000, delay)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "queue\tTCP of bound\tadded p50\tp95\tprobes lost\t")
	for _, aqm := range []netlab.AQM{netlab.DropTail, netlab.CoDel, netlab.FairQueue, netlab.FQCoDel} {
		l := netlab.Link{Rate: rate, Delay: delay, Queue: netlab.Backlog(rate, held), AQM: aqm}
		err := in(ctx, netlab.WAN{Down: l, Up: netlab.Link{Delay: delay}}, func(lab *netlab.Lab) error {
			share, added, lost, err := beside(ctx, lab, l)
			if err == nil {
				fmt.Fprintf(table, "%v\t%.1f %%\t%s\t%s\t%.1f %%\t\n", aqm, 100*share, ms(added.at(0.5)), ms(added.at(0.95)), 100*lost)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%v: %w", aqm, err)
		}
	}
	return table.Flush()
}

// beside runs a download to one endpoint and probes to another.
func beside(ctx context.Context, lab *netlab.Lab, l netlab.Link) (share float64, added sorted, lost float64, err error) {
	type outcome struct {
		got float64
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		got, err := download(ctx, lab)
		ended <- outcome{got, err}
	}()
	_ = wait(ctx, settling)
	probes, err := stream(ctx, lab.Origin, lab.Sites[0].Endpoints[1], probeSize, probeRate, downloading-time.Second)
	o := <-ended
	if err = errors.Join(err, o.err, ctx.Err()); err != nil {
		return 0, nil, 0, err
	}
	for _, a := range probes {
		if a.known {
			added = append(added, a.took-l.Delay-onWire(probeSize, l.Rate))
		}
	}
	added.sort()
	sent := probeRate * (downloading - time.Second).Seconds()
	return o.got / (float64(l.Rate) * segment / frame), added, 1 - float64(len(probes))/sent, nil
}

// in builds a network of one site for a measurement.
func in(ctx context.Context, wan netlab.WAN, f func(*netlab.Lab) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	lab, err := netlab.Start(netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: 2, WAN: wan}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
	})
	if err != nil {
		return err
	}
	return errors.Join(f(lab), lab.Close())
}
