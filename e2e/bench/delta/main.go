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

// compare prints the tables of one pair.
func compare(p pair) error {
	o, err := newOrigin()
	if err != nil {
		return err
	}
	defer o.close()
	first, err := o.publish(p.from)
	if err != nil {
		return err
	}
	install, err := o.fetch(first, nil, nil)
	if err != nil {
		return err
	}
	second, err := o.publish(p.to)
	if err != nil {
		return err
	}
	whole, err := o.fetch(second, first.Body, nil)
	if err != nil {
		return err
	}
	patches, took, err := o.patch(first, second)
	if err != nil {
		return err
	}
	delta, err := o.fetch(second, first.Body, patches)
	if err != nil {
		return err
	}
	later, err := o.fetch(second, nil, nil)
	if err != nil {
		return err
	}
	speed, err := o.hash(p.to)
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
	tree := second.Kind == content.KindTree
	fmt.Printf("\n%s: %.1f MB in %d files\n\n", p.name, mb(second.Bytes), len(second.Body.Files))
	fmt.Println("| what | MB | of the tree | list MB | waste % | requests | median MB |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|")
	row("casync, first install", theirInstall, first.Bytes, "", "")
	row("**Sitecast**, first install", install, first.Bytes, miss(tree && share(install.bytes, first.Bytes) > maxFirst), "")
	row("**Sitecast**, first install of the second", later, second.Bytes, "", "")
	row("casync, update", theirDelta, second.Bytes, "", "")
	row("Sitecast, update, chunks whole", whole, second.Bytes, "", "")
	bytesMiss := tree && share(delta.bytes, theirDelta.bytes) > maxBytesOfCasync || !tree && share(delta.bytes, second.Bytes) > maxInPlace
	row("**Sitecast**, update", delta, second.Bytes, miss(bytesMiss),
		miss(float64(len(delta.requests)) > maxRequestsOfCasync*float64(len(theirDelta.requests))))
	if tree {
		if err := o.comparePatches(p, first, second); err != nil {
			return err
		}
	}
	fmt.Printf("\nUpdate beside casync: %.2f of its bytes, %.2f of its requests. ", share(delta.bytes, theirDelta.bytes),
		float64(len(delta.requests))/float64(len(theirDelta.requests)))
	fmt.Printf("Read, chunk and hash with %d workers: %.2f GB/s%s; casync make of what it has: %.2f GB/s.\n", workers,
		speed/1e9, miss(speed < minHash), float64(second.Bytes)/theirTime.Seconds()/1e9)
	if patches != nil {
		fmt.Printf("Patches of %d chunks made and applied in %.1f s by one processor.\n", len(patches.Places), took.Seconds())
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
