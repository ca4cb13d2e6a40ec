package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
)

// siteRate is the line that leases are sized for: 20 Mbit/s in bytes per second.
const siteRate = 20e6 / 8

// origin is where versions are published, as the server keeps it.
type origin struct {
	dir     string
	objects *dir.Store
	chunks  map[content.Digest]catalog.Packed
}

func newOrigin() (*origin, error) {
	folder, err := os.MkdirTemp("", "sitecast-delta-")
	if err != nil {
		return nil, err
	}
	objects, err := dir.Open(filepath.Join(folder, "objects"))
	return &origin{dir: folder, objects: objects, chunks: map[content.Digest]catalog.Packed{}}, err
}

func (o *origin) close() {
	_ = o.objects.Close() // nothing of it is needed any more
	_ = os.RemoveAll(o.dir)
}

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
		if err := o.upload(p.Path, p.Digest); err != nil {
			return result, err
		}
		for _, e := range p.Entries {
			o.chunks[e.Digest] = catalog.Packed{Chunk: content.Chunk{Digest: e.Digest, Length: e.Plain}, Pack: p.Digest,
				Offset: e.Offset, Length: e.Length, Encoding: uint8(e.Encoding)}
		}
	}
	return result, nil
}

// upload moves a file to the objects.
func (o *origin) upload(path string, digest content.Digest) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(path)) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return o.objects.Put(context.Background(), digest, info.Size(), file)
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

// fetch takes leases as a site does whose endpoints hold all chunks of have, and of
// which who fetches takes patches, where there are any.
func (o *origin) fetch(version ingest.Result, have *content.Body, patches *schedule.Patches) (fetched, error) {
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
		at := o.chunks[c.Digest]
		places[i] = schedule.Place{Pack: at.Pack, Offset: at.Offset, Length: at.Length, Encoding: at.Encoding}
	}
	supply, list := schedule.NewSupply(places), int64(len(body))
	for i, c := range version.Body.Chunks {
		if held[c.Digest] {
			supply.Change(uint32(i)&^7, 0, 1<<(i%8))
		}
	}
	f := fetched{bytes: list, list: list, requests: []int64{list}}
	for granted := 0; ; granted++ {
		run, ok := supply.Next(schedule.LeaseBytes(granted, siteRate), nil)
		if !ok {
			return f, nil
		}
		supply.Lease(run.Parts)
		size, wanted := run.To-run.From, int64(0)
		for _, p := range run.Parts {
			if !held[version.Body.Chunks[p.Chunk].Digest] {
				wanted += int64(p.Length)
			}
		}
		if patches != nil {
			if p, ok := patches.For(run); ok {
				size, wanted = p.To-p.From, 0
				for _, part := range p.Parts {
					wanted += int64(part.Length)
				}
			}
		}
		f.bytes += size
		f.waste += size - wanted
		f.requests = append(f.requests, size)
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
