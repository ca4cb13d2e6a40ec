package operator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

// uploads is how many objects are on their way to the server at once.
const uploads = 2

// object is something to upload.
type object struct {
	digest content.Digest
	size   int64
	open   func() (io.ReadSeekCloser, error)
}

// inMemory is a file that is none.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// upload sends the packs and the body, as far as the server lacks them, and returns how
// many bytes it sent.
func (c Publish) upload(ctx context.Context, server *client, r ingest.Result) (int64, error) {
	objects := []object{{content.Sum(r.Encoded), int64(len(r.Encoded)), func() (io.ReadSeekCloser, error) {
		return inMemory{bytes.NewReader(r.Encoded)}, nil
	}}}
	for _, p := range r.Packs {
		objects = append(objects, object{p.Digest, p.Size, func() (io.ReadSeekCloser, error) { return os.Open(p.Path) }})
	}
	objects, err := server.lacking(ctx, objects)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, o := range objects {
		total += o.size
	}
	if total == 0 {
		return 0, nil
	}
	p := newProgress(ctx, c.stderr())
	stage := p.begin("Uploading", total)
	var sent, there atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, o := range objects {
		group.Go(func() error {
			last := int64(0)
			n, err := server.put(ctx, o, func(at int64) {
				stage.set(there.Add(at - last)) // back where some of it has to be sent again
				last = at
			})
			sent.Add(n)
			return err
		})
	}
	err = group.Wait()
	stage.end(err == nil)
	p.wait()
	return sent.Load(), err
}

// known implements ingest.Known: which chunks some version at the origin has.
func (c *client) known(ctx context.Context, chunks []content.Digest) (map[content.Digest]bool, error) {
	missing, err := c.missing(ctx, "/chunks/missing", chunks)
	if err != nil {
		return nil, fmt.Errorf("ask which chunks the server has: %w", err)
	}
	known := make(map[content.Digest]bool, len(chunks))
	for _, d := range chunks {
		known[d] = !missing[d]
	}
	return known, nil
}

// allKnown implements ingest.Known for who only wants to know what the content is.
func allKnown(_ context.Context, chunks []content.Digest) (map[content.Digest]bool, error) {
	known := make(map[content.Digest]bool, len(chunks))
	for _, d := range chunks {
		known[d] = true
	}
	return known, nil
}

func (c *client) missing(ctx context.Context, path string, digests []content.Digest) (map[content.Digest]bool, error) {
	var out api.Objects
	if err := c.try(ctx, http.MethodPost, path, api.Objects{Digests: digests}, &out); err != nil {
		return nil, err
	}
	missing := map[content.Digest]bool{}
	for _, d := range out.Digests {
		missing[d] = true
	}
	return missing, nil
}

// lacking returns the objects that the server does not have.
func (c *client) lacking(ctx context.Context, objects []object) ([]object, error) {
	digests := make([]content.Digest, len(objects))
	for i, o := range objects {
		digests[i] = o.digest
	}
	missing, err := c.missing(ctx, "/objects/missing", digests)
	if err != nil {
		return nil, err
	}
	var lacking []object
	for _, o := range objects {
		if missing[o.digest] {
			lacking = append(lacking, o)
		}
	}
	return lacking, nil
}
