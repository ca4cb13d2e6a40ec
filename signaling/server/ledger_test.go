package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
)

func openDaily(t *testing.T) *sqlite.Catalog {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlitetest.Put(t, filepath.Join(t.TempDir(), "sitecast.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestKillsCountNothingTwice has servers that are killed, with what they had not written, and
// endpoints that go on and tell the next one all they received: in the end each byte has
// counted once.
func TestKillsCountNothingTwice(t *testing.T) {
	c := openDaily(t)
	began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	runs := 0
	rapid.Check(t, func(r *rapid.T) {
		runs++
		name := fmt.Sprint("run", runs)
		endpoints := make([]catalog.Tally, rapid.IntRange(1, 4).Draw(r, "endpoints"))
		for i := range endpoints {
			endpoints[i] = catalog.Tally{Site: "shop", Content: name, Version: content.VersionID{byte(runs), byte(runs >> 8)}, Endpoint: fmt.Sprint(name, i), WirePPM: 1_000_000}
		}
		l := server.NewLedger(c, slog.New(slog.DiscardHandler))
		say := func(i, step int) {
			e := &endpoints[i]
			e.At = began.Add(time.Duration(step) * time.Hour)
			e.Day = catalog.DayOf(e.At)
			l.Count([]catalog.Tally{*e})
		}
		for step := range rapid.IntRange(1, 12).Draw(r, "steps") {
			i := rapid.IntRange(0, len(endpoints)-1).Draw(r, "endpoint")
			endpoints[i].Origin += rapid.Int64Range(0, 1000).Draw(r, "origin")
			endpoints[i].Peer += rapid.Int64Range(0, 1000).Draw(r, "peer")
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				say(i, step)
			case 1:
				say(i, step)
				l.Write()
			case 2:
				l.Write()
			default: // the server is killed
				l = server.NewLedger(c, slog.New(slog.DiscardHandler))
			}
		}
		want := catalog.Received{}
		for i := range endpoints {
			say(i, 100)
			want.Origin, want.Peer = want.Origin+endpoints[i].Origin, want.Peer+endpoints[i].Peer
		}
		l.Write()
		rows, err := c.Report(t.Context(), catalog.ReportQuery{From: "2026-11-01", To: "2026-12-31", Content: name, By: catalog.ByAll})
		if err != nil {
			r.Fatal(err)
		}
		got := catalog.Received{}
		for _, row := range rows {
			got.Origin, got.Peer = row.Origin, row.Peer
		}
		if got != want {
			r.Fatalf("counted %+v, want %+v", got, want)
		}
	})
}

// away is a catalog that can't be written at times.
type away struct {
	catalog.Daily
	gone bool
}

func (a *away) CountDaily(ctx context.Context, tallies []catalog.Tally) error {
	if a.gone {
		return catalog.ErrUnavailable
	}
	return a.Daily.CountDaily(ctx, tallies)
}

func TestWhatCannotBeWrittenWaits(t *testing.T) {
	c := &away{Daily: openDaily(t), gone: true}
	l := server.NewLedger(c, slog.New(slog.DiscardHandler))
	tally := catalog.Tally{Site: "shop", Day: "2026-11-01", Content: "app", Endpoint: "e1", At: time.Now(), Received: catalog.Received{Peer: 5}}
	l.Count([]catalog.Tally{tally})
	l.Write()
	tally.Peer, tally.At = 9, tally.At.Add(time.Second)
	l.Count([]catalog.Tally{tally})
	if n := l.Waiting(); n != 1 {
		t.Errorf("%d wait, want the last word of one", n)
	}
	c.gone = false
	l.Write()
	rows, err := c.Report(t.Context(), catalog.ReportQuery{From: "2026-11-01", To: "2026-11-01", By: catalog.ByAll})
	if err != nil || len(rows) != 1 || rows[0].Peer != 9 || l.Waiting() != 0 {
		t.Errorf("got %+v (%v), and %d wait", rows, err, l.Waiting())
	}
}

func TestLedgerWritesAtTheEnd(t *testing.T) {
	c := openDaily(t)
	synctest.Test(t, func(t *testing.T) {
		l := server.NewLedger(c, slog.New(slog.DiscardHandler))
		ended, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			l.Run(ended)
		}()
		l.Count([]catalog.Tally{{Site: "shop", Day: "2026-11-01", Content: "app", Endpoint: "e1", At: time.Now(), Received: catalog.Received{Peer: 5}}})
		close(ended)
		<-done
		if l.Waiting() != 0 {
			t.Error("something waits after the end")
		}
	})
}
