package main

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
)

// siteRate is the line that leases are sized for: 20 Mbit/s in bytes per second.
const siteRate = 20e6 / 8

// origin is where versions are published, as the server keeps it.
type origin struct {
	dir    string
	chunks map[content.Digest]schedule.Place
}

func newOrigin() (*origin, error) {
	dir, err := os.MkdirTemp("", "sitecast-delta-")
	return &origin{dir: dir, chunks: map[content.Digest]schedule.Place{}}, err
}

func (o *origin) close() { _ = os.RemoveAll(o.dir) }

// publish takes in a version; only chunks that no earlier one had are packed.
func (o *origin) publish(path string) (ingest.Result, error) {
	known := func(_ context.Context, digests []content.Digest) (map[content.Digest]bool, error) {
		out := make(map[content.Digest]bool, len(digests))
		for _, d := range digests {
			_, out[d] = o.chunks[d]
		}
		return out, nil
	}
	result, err := ingest.Run(context.Background(), path, o.dir, ingest.Options{Known: known, Parallel: workers})
	if err != nil {
		return result, err
	}
	for _, p := range result.Packs {
		for _, e := range p.Entries {
			o.chunks[e.Digest] = schedule.Place{Pack: p.Digest, Offset: e.Offset, Length: e.Length, Encoding: uint8(e.Encoding)}
		}
	}
	return result, nil
}

// fetched is what a site takes over the WAN.
type fetched struct {
	bytes    int64 // of requests: chunks as packed, and the list of chunks
	waste    int64 // of those, what it held or has no use for
	list     int64 // of those, the list
	requests []int64
}

// median is the size of the middle request for chunks.
func (f fetched) median() int64 {
	if len(f.requests) < 2 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(f.requests[1:])) // without the list's
	return sorted[len(sorted)/2]
}

// fetch takes leases as a site does whose endpoints hold all chunks of have.
func (o *origin) fetch(version ingest.Result, have *content.Body) (fetched, error) {
	body, err := pack.EncodeBody(version.Encoded)
	if err != nil {
		return fetched{}, err
	}
	held := map[content.Digest]bool{}
	if have != nil {
		for _, c := range have.Chunks {
			held[c.Digest] = true
		}
	}
	places := make([]schedule.Place, len(version.Body.Chunks))
	for i, c := range version.Body.Chunks {
		places[i] = o.chunks[c.Digest]
	}
	supply, needed, list := schedule.NewSupply(places), int64(0), int64(len(body))
	for i, c := range version.Body.Chunks {
		if held[c.Digest] {
			supply.Change(uint32(i)&^7, 0, 1<<(i%8))
		} else {
			needed += int64(places[i].Length)
		}
	}
	f := fetched{bytes: list, list: list, requests: []int64{list}}
	for granted := 0; ; granted++ {
		run, ok := supply.Next(schedule.LeaseBytes(granted, siteRate), nil)
		if !ok {
			f.waste = f.bytes - needed - list
			return f, nil
		}
		supply.Lease(run.Parts)
		f.bytes += run.To - run.From
		f.requests = append(f.requests, run.To-run.From)
	}
}

// hash times publishing what the origin has already: reading, chunking, hashing.
func (o *origin) hash(path string) (bytesPerSecond float64, err error) {
	start := time.Now()
	result, err := o.publish(path)
	return float64(result.Bytes) / time.Since(start).Seconds(), err
}

// warm lets the coders of packs set up before anything is timed.
func warm() { pack.Encode(make([]byte, content.MinChunkBytes), nil) }
