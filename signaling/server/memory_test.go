package server_test

import (
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/content"
)

// TestWhatSitesLearnedIsThereAfterARestart: what was handed over before the end is
// written in the end.
func TestWhatSitesLearnedIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	open := func() *sqlite.Catalog {
		c, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	line := site.LineMemory{Capacity: 77, Base: map[string]int64{"x:1": 40}, At: time.UnixMilli(1_800_000_000_000).UTC()}
	line.Busy[167] = 0.5
	want := site.Learned{Receipts: map[content.VersionID]wire.Receipt{{1}: {ActiveMs: 9, YieldMs: 2, Added: []uint32{1, 0, 2}}, {2}: {ActiveMs: 1}},
		Lines: map[string]site.LineMemory{"203.0.113.7": line, "": {At: line.At}}, Spent: site.Spent{Month: "2026-11", Bytes: 9}}
	c := open()
	if err := c.CreateSite(t.Context(), "test", catalog.Site{Name: "shop", Cap: catalog.NoCap}); err != nil {
		t.Fatal(err)
	}
	m := server.NewMemory(c, slog.New(slog.DiscardHandler))
	m.Keep("shop", site.Learned{Receipts: map[content.VersionID]wire.Receipt{{1}: {ActiveMs: 5}, {2}: {ActiveMs: 1}},
		Lines: map[string]site.LineMemory{"": {At: line.At}}, Spent: site.Spent{Month: "2026-11", Bytes: 7}})
	m.Keep("shop", site.Learned{Receipts: map[content.VersionID]wire.Receipt{{1}: want.Receipts[content.VersionID{1}]},
		Lines: map[string]site.LineMemory{"203.0.113.7": line}, Spent: want.Spent}) // the newer counts
	m.Keep("shop", site.Learned{}) // nothing of it is new
	m.Keep("gone", want)
	ended := make(chan struct{})
	close(ended)
	m.Run(ended)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open()
	defer c.Close()
	got, err := server.NewMemory(c, slog.New(slog.DiscardHandler)).Recall(t.Context(), "shop")
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("recalled %+v (%v), want %+v", got, err, want)
	}
}
