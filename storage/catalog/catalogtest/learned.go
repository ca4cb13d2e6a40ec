package catalogtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// learned are a receipt and a line with something in every field.
func learned(at time.Time) ([]catalog.Receipt, []catalog.Line) {
	busy := make([]float64, catalog.WeekHours)
	busy[9], busy[167] = 0.25, 1
	return []catalog.Receipt{{Version: versionOf("app", "1", 1).ID, ActiveMs: 1 << 40, YieldMs: 7, Added: []uint32{3, 0, 1<<32 - 1}}},
		[]catalog.Line{{Egress: "203.0.113.7", Capacity: 1 << 40, Base: map[string]int64{"192.0.2.7:3478": 40_100}, Busy: busy, At: at}}
}

func learnedIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	at := time.Date(2026, 3, 4, 5, 6, 7, 8_000_000, time.UTC)
	receipts, lines := learned(at)
	must(t, c.KeepLearned(t.Context(), "shop", receipts, lines))
	receipts[0].ActiveMs, lines[0].Capacity = 9, 10 // the newest counts
	lines = append(lines, catalog.Line{At: at})     // of private addresses; nothing is known of it
	for range 2 {
		must(t, c.KeepLearned(t.Context(), "shop", receipts, lines))
	}
	must(t, c.KeepLearned(t.Context(), "shop", nil, nil))
	slices.Reverse(lines) // by name
	gotReceipts, gotLines, err := c.Learned(t.Context(), "shop")
	if !reflect.DeepEqual(gotReceipts, receipts) || !reflect.DeepEqual(gotLines, lines) || err != nil {
		t.Errorf("got %+v, %+v (%v), want %+v, %+v", gotReceipts, gotLines, err, receipts, lines)
	}
	if gotReceipts, gotLines, err := c.Learned(t.Context(), "other"); len(gotReceipts)+len(gotLines) != 0 || err != nil {
		t.Errorf("of another site: got %+v, %+v (%v), want nothing", gotReceipts, gotLines, err)
	}
	if entries := latest(t, c); entries != 2 {
		t.Errorf("got %d audit entries, want those of the sites", entries)
	}
}

func learnedIsRefused(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	receipts, lines := learned(time.Now())
	wantErr(t, "keep of a missing site", c.KeepLearned(t.Context(), "nowhere", receipts, lines), catalog.ErrNotFound)
	_, _, err := c.Learned(t.Context(), "nowhere")
	wantErr(t, "read of a missing site", err, catalog.ErrNotFound)
	lines[0].Busy = lines[0].Busy[1:]
	if err := c.KeepLearned(t.Context(), "shop", receipts, lines); err == nil {
		t.Error("a week of 167 hours: accepted")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	wantErr(t, "an ended context", c.KeepLearned(ctx, "shop", receipts, nil), context.Canceled)
	if receipts, lines, err := c.Learned(t.Context(), "shop"); len(receipts)+len(lines) != 0 || err != nil {
		t.Errorf("got %+v, %+v (%v) after that, want nothing", receipts, lines, err)
	}
}

func linesAreBounded(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	must(t, c.KeepLearned(t.Context(), "other", nil, []catalog.Line{{Egress: "old", At: at.Add(-time.Hour)}}))
	for i := range catalog.MaxLines + 3 {
		must(t, c.KeepLearned(t.Context(), "shop", nil, []catalog.Line{{Egress: fmt.Sprintf("%02d", i), At: at.Add(time.Duration(i) * time.Second)}}))
	}
	_, lines, err := c.Learned(t.Context(), "shop")
	if len(lines) != catalog.MaxLines || err != nil || lines[0].Egress != "03" {
		t.Errorf("got %d lines from %+v on (%v), want the newest %d", len(lines), lines[:min(1, len(lines))], err, catalog.MaxLines)
	}
	if _, lines, err := c.Learned(t.Context(), "other"); len(lines) != 1 || err != nil {
		t.Errorf("got %d lines of another site (%v), want its one", len(lines), err)
	}
}
