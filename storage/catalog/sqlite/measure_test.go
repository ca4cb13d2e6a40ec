package sqlite_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
)

// TestOperationsAreMeasuredByTheirNames: by itself and together with others.
func TestOperationsAreMeasuredByTheirNames(t *testing.T) {
	c := open(t, sqlitetest.Put(t, newPath(t)))
	var mu sync.Mutex
	var took []string
	c.Measure(func(operation string, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		took = append(took, operation)
	})
	for name, does := range map[string]struct {
		do   func(context.Context) error
		want []string // each at least once, and no others
	}{
		"a change": {func(ctx context.Context) error { return c.CreateSite(ctx, "ann", catalog.Site{Name: "shop"}) }, []string{"CreateSite"}},
		"a query":  {func(ctx context.Context) error { _, err := c.Rules(ctx); return err }, []string{"Rules"}},
		"within":   {func(ctx context.Context) error { _, err := c.FourEyes(ctx); return err }, []string{"Meta"}}, // which it reads
		"together": {func(ctx context.Context) error {
			return c.Together(ctx, func(ctx context.Context) error { return c.SetFourEyes(ctx, "ann", true) })
		}, []string{"SetFourEyes", "Together"}},
	} {
		took = nil
		if err := does.do(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		slices.Sort(took)
		if got := slices.Compact(took); !slices.Equal(got, does.want) {
			t.Errorf("%s: measured %v, want %v", name, got, does.want)
		}
	}
}

// BenchmarkMeasured reads a row with and without being measured.
func BenchmarkMeasured(b *testing.B) {
	for name, measure := range map[string]bool{"not": false, "measured": true} {
		b.Run(name, func(b *testing.B) {
			c, err := sqlite.Open(b.Context(), sqlitetest.Put(b, filepath.Join(b.TempDir(), "catalog.db")))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if measure {
				c.Measure(func(string, time.Duration) {})
			}
			for b.Loop() {
				if _, err := c.FourEyes(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
