package governor_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// BenchmarkLate prints what a CUBIC foreground keeps, over 20 s from its start, beside a
// download that takes 0.975 of the idle line and stops for good so many round trips after
// the foreground began. Whoever learns of others from the line learns it a round trip or
// more after their packets have met, so this is a bound for every governor, ours too.
// Run it as BenchmarkCells.
func BenchmarkLate(b *testing.B) {
	only := regexp.MustCompile(os.Getenv("SITECAST_GOVERNOR_CELLS"))
	for b.Loop() {
		for _, mbit := range []float64{5, 20, 100} {
			for _, rtt := range []time.Duration{40, 120} {
				for _, queue := range []string{"0.5", "1", "4", "codel"} {
					c := cell{mbit, rtt * time.Millisecond, queue, false, 0}
					if !only.MatchString(c.String()) {
						continue
					}
					var kept strings.Builder
					for _, late := range []int{0, 1, 2, 3, 4, 5, 6, 8} {
						fmt.Fprintf(&kept, " %d: %.3f", late, c.keptBesideOneThatStops(time.Duration(late)*c.rtt))
					}
					fmt.Printf("%-24s kept, by round trips until it stops:%s\n", c, &kept)
				}
			}
		}
	}
}

func (c cell) keptBesideOneThatStops(late time.Duration) float64 {
	alone := c.bench()
	solo := alone.tcp(2, c.bbr, -1)
	alone.run(beside)

	b := c.bench()
	ours := b.tcp(1, false, -1)
	ours.pace = 0.975 * b.rate
	b.run(idle)
	b.after(late, ours.stop)
	foreground := b.tcp(2, c.bbr, -1)
	b.run(idle + beside)
	return float64(foreground.acked) / float64(solo.acked)
}
