// Command cache simulates copies placed ahead of need at a site whose endpoints come
// and go, for some weeks: the deciders of Sitecast beside placement at random and
// placement by room alone, on the same traces. A copy that is placed costs its
// bytes, unless the endpoint has them still. It prints how much of the time a
// version was there at all and in as many copies as wanted, what that cost, and
// whether eviction ever took what the site needed.
package main

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

func main() {
	days := flag.Int("days", 35, "days simulated")
	seeds := flag.Int("seeds", 2, "traces, each with its own seed")
	flag.Parse()
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "TRACE\tCOPIES\tPLACEMENT\tAT SITE\tAS MANY AS WANTED\tMOVED\tBESIDE RANDOM\tEVICTED\tLOST")
	for _, trace := range Traces {
		for _, copies := range []int{1, 2, 3} {
			var random float64
			for _, how := range Placements {
				var sum Result
				for seed := range *seeds {
					sum.add(Run(Plan{Trace: trace, Copies: copies, Days: *days, Seed: uint64(seed), Place: how.Place}))
				}
				moved := float64(sum.Moved) / 1e9 / float64(*seeds)
				if how.Name == "random" {
					random = moved
				}
				fmt.Fprintf(out, "%s\t%d\t%s\t%.2f %%\t%.2f %%\t%.0f GB\t%.2f\t%d\t%d\n", trace.Name, copies, how.Name,
					100*sum.There(), 100*sum.Whole(), moved, moved/random, sum.Evicted / *seeds, sum.Lost)
			}
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d days and %d traces a row; a look every %v\n", *days, *seeds, step.Round(time.Second))
}
