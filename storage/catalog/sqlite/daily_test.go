package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
)

// BenchmarkCountDaily counts what each of 10,000 endpoints of 5,000 sites received since the
// minute before.
func BenchmarkCountDaily(b *testing.B) {
	c, err := sqlite.Open(b.Context(), sqlitetest.Put(b, filepath.Join(b.TempDir(), "catalog.db")))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tallies := make([]catalog.Tally, 10_000)
	at := time.Now()
	for i := range tallies {
		tallies[i] = catalog.Tally{Site: fmt.Sprint("site-", i/2), Day: "2026-11-27", Content: "app", Version: content.VersionID{1}, Endpoint: fmt.Sprintf("endpoint-%028d", i), WirePPM: 1_000_000}
	}
	for n := range b.N {
		for i := range tallies {
			tallies[i].At, tallies[i].Peer = at.Add(time.Duration(n)*time.Minute), int64(n+1)*1000
		}
		for i := 0; i < len(tallies); i += 1000 {
			if err := c.CountDaily(b.Context(), tallies[i:i+1000]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(tallies)), "us/endpoint")
}
