//go:build unix

package history

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// What the benchmark stands on.
const (
	benchSites     = 5000
	benchFlows     = 3
	benchEndpoints = 2
	benchSteps     = 40 // from one whole picture to the next, where all move
)

// fleet is what so many sites show at a step, where one in `moving` moves.
func fleet(step, moving int) (all []*board.Shown) {
	names := []string{"till-app", "price-list", "signage-loop"}
	for i := range benchSites {
		name := fmt.Sprintf("site-%04d", i)
		s := &board.Shown{Site: name}
		n := 0
		if i%moving == 0 {
			n = step
		}
		held := int64(n*(i%97+3)) * 131_071
		for j := range benchFlows {
			s.Flows = append(s.Flows, board.Item[site.FlowView]{Key: names[j] + "@4.2", Seq: uint64(n), View: site.FlowView{Site: name, Content: names[j], Version: "4.2",
				ID: content.VersionID{byte(j)}, State: site.StateRunning, Priority: wire.Normal, Endpoints: benchEndpoints, UniqueBytes: 4e9, BytesTotal: 8e9, BytesOrigin: held, BytesPeer: held - 131_071*int64(j),
				WANBytes: held / 2, WANBPS: 4_000_000 + held%999_983, PeerBPS: 3_900_000 + held%99_991, ETASeconds: float64(3600 - 10*n + i%60), Fetchers: []string{fmt.Sprintf("till-%d", n/6%2)}, Groups: 1,
				Ordered: start, Why: reason.Why{Code: "from_origin", Kind: "moving", Text: "till-1 fetches it from the origin, and the others have it from there", Since: start}}})
		}
		for j := range benchEndpoints {
			e := site.EndpointView{ID: wire.EndpointID(fmt.Sprintf("%08x%024x", i*7919, j)), Name: fmt.Sprintf("till-%d", j), Site: name, Kind: wire.DeviceAgent, Online: true, Since: start, Version: "1.0.0",
				Address: fmt.Sprintf("198.51.%d.%d", i/256, i%256), Links: 1, Obeyed: 7, Holds: []string{}}
			for k := range benchFlows {
				e.Flows = append(e.Flows, site.EndpointInFlow{Flow: names[k] + "@4.2", Chunks: 40_000, Held: uint32(held / 100_000), Why: &reason.Why{Code: "from_peers", Kind: "moving", Text: "it comes from peers", Since: start}})
			}
			s.Endpoints = append(s.Endpoints, board.Item[site.EndpointView]{Key: string(e.ID), Seq: uint64(n), View: e})
		}
		all = append(all, s)
	}
	return all
}

// cpu is what this process has used of processors.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkRecord is a minute of 5,000 sites with 3 flows and 2 endpoints each, of which all,
// or one in 20, move: what a whole picture and a step have on the disk, how much of a processor a minute of
// steps takes, how far apart they come to be within the usual bound, and how long it takes to
// read the moment of which most has to be read. Asking the sites' loops is left out:
// see look-cpu-us of Watching in signaling/server.
//
//	go test -run '^$' -bench Record -benchtime 1x ./signaling/history
func BenchmarkRecord(b *testing.B) {
	for _, moving := range []int{1, 20} {
		b.Run(fmt.Sprintf("moving=1in%d", moving), func(b *testing.B) {
			for b.Loop() {
				s, err := Open(b.TempDir(), UsualBytes)
				if err != nil {
					b.Fatal(err)
				}
				whole, step, took := record(b, s, moving)
				rate := float64(UsualBytes) / (hoursOfBytes * time.Hour).Seconds()
				apart := max(Step.Seconds(), float64(step)/(rate-float64(whole)/wholeEvery.Seconds()))
				b.ReportMetric(float64(whole), "B/whole")
				b.ReportMetric(float64(step), "B/step")
				b.ReportMetric(took.Seconds()*1000*time.Minute.Seconds()/apart, "cpu-ms/min")
				b.ReportMetric(apart, "s-apart")
				b.ReportMetric((float64(step)*86400/apart+float64(whole)*144)/1e6, "MB/day")
				read := func(name, unit string) {
					began := cpu(b)
					if p, err := s.Flows(start.Add(benchSteps*Step), name); err != nil || len(p.Names()) == 0 {
						b.Fatal(err)
					}
					b.ReportMetric(float64((cpu(b) - began).Milliseconds()), unit)
				}
				read("", "read-all-cpu-ms")
				read("site-0040", "read-site-cpu-ms")
			}
		})
	}
}

// record writes a whole picture and as many steps as there are until the next one. It returns how
// many bytes these have, and what of a processor a step takes.
func record(b *testing.B, s *Store, moving int) (whole, step int, took time.Duration) {
	was := fleet(1, moving)
	for n := range benchSteps + 1 {
		now := was
		if n > 0 {
			now = fleet(n+1, moving)
		}
		for i := range now {
			if i%moving != 0 { // a site where nothing stirs shows what it did
				now[i] = was[i]
			}
		}
		began := cpu(b)
		raw, err := appendStep(nil, was, now, n == 0)
		if err != nil {
			b.Fatal(err)
		}
		text := appendFrame(nil, raw, start.Add(time.Duration(n)*Step), n == 0)
		seal(text, Step)
		if err := s.append(text); err != nil {
			b.Fatal(err)
		}
		if was = now; n == 0 {
			whole = len(text)
			continue
		}
		took += cpu(b) - began
		step += len(text)
	}
	return whole, step / benchSteps, took / benchSteps
}
