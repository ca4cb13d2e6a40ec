// Command delta measures what an update costs: two releases of one content are
// published, and it counts what a site that has the first takes over the WAN to get
// the second, in bytes and in requests: by the patches that the server makes, which it
// makes and applies, and without. On the same trees casync cuts and stores
// both versions, and zstd makes a patch of one to the other, and one for each chunk that
// is new, from what was in its place. Bytes include the list of chunks that each has to
// fetch, and of Sitecast what leases read beyond what is needed. It prints a table, good
// or bad; `!` marks a figure that misses its bound, as does a request for little where
// little is missing.
//
//	go run ./e2e/bench/delta
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

// workers is how many goroutines read, chunk and hash.
const workers = 2

// Bounds.
const (
	maxBytesOfCasync    = 0.8
	maxRequestsOfCasync = 0.1
	maxInPlace          = 0.02
	maxFirst            = 0.35
	maxWaste            = 0.02
	minMedian           = 1 << 20
	minHash             = 1e9 // bytes per second
)

func main() {
	from := flag.String("from", "go1.26.6", "older Go release")
	to := flag.String("to", "go1.26.7", "newer Go release")
	deb := flag.String("package", "libreoffice-core", "Debian package of which apt serves two versions; empty: none")
	flag.Parse()
	if err := bench(*from, *to, *deb); err != nil {
		fmt.Fprintln(os.Stderr, "bench-delta:", err)
		os.Exit(1)
	}
}

func bench(from, to, deb string) (err error) {
	dir, err := os.MkdirTemp("", "delta-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	warm()
	pairs := make([]pair, 0, 3)
	p, err := toolchains(from, to)
	if err != nil {
		return err
	}
	pairs = append(pairs, p)
	if deb != "" {
		if p, err = packages(filepath.Join(dir), deb); err != nil {
			fmt.Fprintln(os.Stderr, "without a Debian package:", err)
		} else {
			pairs = append(pairs, p)
		}
	}
	if p, err = image(filepath.Join(dir, "image")); err != nil {
		return err
	}
	pairs = append(pairs, p)
	fmt.Printf("%s, %d cores\n", runtime.Version(), runtime.NumCPU())
	for _, p := range pairs {
		if err := compare(p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// measured is what one pair costs by Sitecast.
type measured struct {
	first, second ingest.Result
	install       fetched           // of the first
	whole, delta  fetched           // of the second by who has the first, without patches and with
	later         fetched           // of the second by who has nothing
	patches       *schedule.Patches // nil where they are not worth it
	took          time.Duration     // to make and apply them
	speed         float64           // of hashing, bytes a second
}

// measure publishes a pair and fetches it.
func (o *origin) measure(p pair) (m measured, err error) {
	if m.first, err = o.publish(p.from); err != nil {
		return m, err
	}
	if m.install, err = o.fetch(m.first, nil, nil); err != nil {
		return m, err
	}
	if m.second, err = o.publish(p.to); err != nil {
		return m, err
	}
	if m.patches, m.took, err = o.patch(m.first, m.second); err != nil {
		return m, err
	}
	var errs [3]error
	m.whole, errs[0] = o.fetch(m.second, m.first.Body, nil)
	m.delta, errs[1] = o.fetch(m.second, m.first.Body, m.patches)
	m.later, errs[2] = o.fetch(m.second, nil, nil)
	if err := errors.Join(errs[:]...); err != nil {
		return m, err
	}
	m.speed, err = o.hash(p.to)
	return m, err
}

// compare prints the tables of one pair.
func compare(p pair) error {
	o, err := newOrigin()
	if err != nil {
		return err
	}
	defer o.close()
	m, err := o.measure(p)
	if err != nil {
		return err
	}
	c, err := newCasync()
	if err != nil {
		return err
	}
	defer c.close()
	theirInstall, _, err := c.make(p.from, "from")
	if err != nil {
		return err
	}
	theirDelta, _, err := c.make(p.to, "to")
	if err != nil {
		return err
	}
	_, theirTime, err := c.make(p.to, "again")
	if err != nil {
		return err
	}
	first, second := m.first, m.second
	tree := second.Kind == content.KindTree
	fmt.Printf("\n%s: %.1f MB in %d files\n\n", p.name, mb(second.Bytes), len(second.Body.Files))
	fmt.Println("| what | MB | of the tree | list MB | waste % | requests | median MB |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|")
	row("casync, first install", theirInstall, first.Bytes, "", "")
	row("**Sitecast**, first install", m.install, first.Bytes, miss(tree && share(m.install.bytes, first.Bytes) > maxFirst), "")
	row("**Sitecast**, first install of the second", m.later, second.Bytes, "", "")
	row("casync, update", theirDelta, second.Bytes, "", "")
	row("Sitecast, update, chunks whole", m.whole, second.Bytes, "", "")
	bytesMiss := tree && share(m.delta.bytes, theirDelta.bytes) > maxBytesOfCasync || !tree && share(m.delta.bytes, second.Bytes) > maxInPlace
	row("**Sitecast**, update", m.delta, second.Bytes, miss(bytesMiss),
		miss(float64(len(m.delta.requests)) > maxRequestsOfCasync*float64(len(theirDelta.requests))))
	if tree {
		if err := o.comparePatches(p, first, second); err != nil {
			return err
		}
	}
	fmt.Printf("\nUpdate beside casync: %.2f of its bytes, %.2f of its requests. ", share(m.delta.bytes, theirDelta.bytes),
		float64(len(m.delta.requests))/float64(len(theirDelta.requests)))
	fmt.Printf("Read, chunk and hash with %d workers: %.2f GB/s%s; casync make of what it has: %.2f GB/s.\n", workers,
		m.speed/1e9, miss(m.speed < minHash), float64(second.Bytes)/theirTime.Seconds()/1e9)
	if m.patches != nil {
		fmt.Printf("Patches of %d chunks made and applied in %.1f s by one processor.\n", len(m.patches.Places), m.took.Seconds())
	}
	return nil
}

// comparePatches prints what patches would take.
func (o *origin) comparePatches(p pair, first, second ingest.Result) error {
	whole, err := patchFrom(p.from, p.to)
	if err != nil {
		return err
	}
	chunks, err := o.patched(first, second, p.from, p.to)
	if err != nil {
		return err
	}
	fmt.Printf("| zstd --patch-from, the whole | %.3f | %.4f | | | 1 | |\n", mb(whole), share(whole, second.Bytes))
	fmt.Printf("| zstd --patch-from, chunk by chunk | %.3f | %.4f | | | | |\n", mb(chunks), share(chunks, second.Bytes))
	return nil
}

func row(what string, f fetched, size int64, bytesMiss, requestsMiss string) {
	medianMiss := miss(strings.Contains(what, "Sitecast") && f.median() < minMedian)
	fmt.Printf("| %s | %.2f%s | %.3f | %.2f | %.1f%s | %d%s | %.2f%s |\n", what, mb(f.bytes), bytesMiss, share(f.bytes, size), mb(f.list),
		100*share(f.waste, f.bytes-f.waste), miss(share(f.waste, f.bytes-f.waste) > maxWaste), len(f.requests), requestsMiss, mb(f.median()), medianMiss)
}

// miss marks a figure that misses its bound.
func miss(missed bool) string {
	if missed {
		return " !"
	}
	return ""
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func share(n, of int64) float64 { return float64(n) / float64(max(of, 1)) }
