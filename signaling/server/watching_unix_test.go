//go:build unix

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
)

// What BenchmarkWatching stands on: a minute of so many sites with so many endpoints each.
const (
	watchedSites     = 5000
	watchedEndpoints = 2
	watchedChunks    = 256
	collectionsAMin  = 4 // by one Prometheus
	watchedSeconds   = 60
)

// oneFlow wants the same version everywhere.
type oneFlow struct{ spec site.FlowSpec }

func newOneFlow() oneFlow {
	spec := site.FlowSpec{ID: content.VersionID{1}, Priority: wire.Normal, Envelope: json.RawMessage(`{}`),
		Head: content.Head{Name: "app", Version: "1", Chunks: watchedChunks, UniqueBytes: watchedChunks * 100_000, Body: content.Sum([]byte("body")), BodyBytes: 1000}}
	for i := range watchedChunks {
		spec.Places = append(spec.Places, schedule.Place{Pack: content.Sum([]byte("pack")), Offset: int64(i) * 100_000, Length: 100_000})
	}
	return oneFlow{spec}
}

func (o oneFlow) Desired(context.Context, string, []wire.Named) (site.Desired, error) {
	return site.Desired{Generation: 1, Flows: []site.FlowSpec{o.spec}, Cap: wire.Unlimited}, nil
}

// deaf takes what endpoints are sent.
type deaf struct{}

func (*deaf) Send(wire.Kind, any) bool { return true }
func (*deaf) Close(string, string)     {}

// cpu is what this process has used of processors.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// installation is the part of a server that knows of sites, and those who watch it.
type installation struct {
	b      *testing.B
	spec   site.FlowSpec
	hub    *site.Hub
	board  *board.Board
	ledger server.Ledger
	conns  []*deaf
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func install(b *testing.B, watched bool) *installation {
	c, err := sqlite.Open(b.Context(), sqlitetest.Put(b, filepath.Join(b.TempDir(), "sitecast.db")))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	flow := newOneFlow()
	in := &installation{b: b, spec: flow.spec, ledger: server.NewLedger(c, slog.New(slog.DiscardHandler))}
	cfg := site.Config{Epoch: 1, Log: slog.New(slog.DiscardHandler), URL: func(site.Object, time.Duration) string { return "/" }}
	if watched {
		cfg.Ledger, cfg.Accounts = in.ledger, &site.Accounts{}
	}
	in.hub = site.NewHub(cfg, flow)
	in.board = board.New(in.hub)
	ctx, stop := context.WithCancel(context.Background())
	in.stop = stop
	in.done.Go(func() { _ = in.hub.Run(ctx) })
	for !in.hub.Runs() {
		time.Sleep(time.Millisecond)
	}
	in.each(func(s *site.Site, id wire.EndpointID, conn *deaf) {
		s.Send(site.Joined{Conn: conn, Member: site.Member{ID: id, Address: "192.0.2.1", Hello: wire.Hello{Version: 1, Name: string(id), Device: wire.DeviceAgent}}})
	})
	in.settle()
	return in
}

// each calls do for each endpoint.
func (in *installation) each(do func(*site.Site, wire.EndpointID, *deaf)) {
	for i := range watchedSites {
		s := in.hub.Site(fmt.Sprintf("site-%04d", i))
		for j := range watchedEndpoints {
			at := i*watchedEndpoints + j
			if at == len(in.conns) {
				in.conns = append(in.conns, &deaf{})
			}
			do(s, wire.EndpointID((fmt.Sprintf("e%dx", at) + strings.Repeat("a", 32))[:32]), in.conns[at])
		}
	}
}

// settle waits until all sites took in what they were told.
func (in *installation) settle() {
	for _, name := range in.hub.Running() {
		if _, err := in.hub.Site(name).View(in.b.Context()); err != nil {
			in.b.Fatal(err)
		}
	}
}

// second has each endpoint tell what it received, as it does once a second.
func (in *installation) second(n int) {
	bits := content.NewBitmap(watchedChunks)
	held := watchedChunks * (n + 1) / (watchedSeconds + 1)
	for i := range held {
		bits.Set(uint32(i))
	}
	in.each(func(s *site.Site, id wire.EndpointID, conn *deaf) {
		s.Send(site.Heard{ID: id, Conn: conn, Body: &wire.Progress{Flow: in.spec.ID, Body: true, Have: []wire.Bits{{Bits: bits}}, Bytes: wire.Sources{Peer: int64(held) * 100_000}}})
	})
}

// end stops the sites, which hand over what is to be counted.
func (in *installation) end() {
	in.stop()
	in.done.Wait()
}

// BenchmarkWatching is a minute of 5,000 sites in which each of 10,000 endpoints is fetching
// and says so once a second: what loops take for that, and what metrics, days and somebody who
// watches the overview take of it. What a server takes besides, for sockets, TLS and JSON, is
// left out, so shares of all it does are smaller.
//
//	go test -run '^$' -bench Watching -benchtime 1x ./signaling/server
func BenchmarkWatching(b *testing.B) {
	for range b.N {
		minute := func(watched bool, metrics *time.Duration) time.Duration {
			in := install(b, watched)
			began, aside := cpu(b), time.Duration(0)
			spend := func(on *time.Duration, do func()) {
				at := cpu(b)
				do()
				took := cpu(b) - at
				*on += took
				aside += took
			}
			census := server.NewCensus(in.board)
			for n := range watchedSeconds {
				in.second(n)
				if watched && n%(watchedSeconds/collectionsAMin) == 0 {
					spend(metrics, func() { census.Collect(b) })
				}
			}
			in.end()
			total := cpu(b) - began - aside
			if watched {
				spend(metrics, in.ledger.Write)
			}
			return total
		}
		var metrics time.Duration
		bare := minute(false, nil)
		with := minute(true, &metrics)
		share := func(d time.Duration) float64 { return 100 * d.Seconds() / bare.Seconds() }
		b.ReportMetric(bare.Seconds(), "loops-cpu-s/min")
		b.ReportMetric(share(with-bare), "%counting")
		b.ReportMetric(share(metrics), "%metrics+days")

		in := install(b, true)
		in.second(watchedSeconds / 2)
		in.settle()
		at := cpu(b)
		if err := in.board.Look(b.Context(), in.hub.Running()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpu(b) - at).Microseconds()), "look-cpu-us/all-sites")
		at = cpu(b)
		if err := in.board.Look(b.Context(), in.hub.Running()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpu(b) - at).Microseconds()), "look-cpu-us/none-stirred")
		in.end()
	}
}
