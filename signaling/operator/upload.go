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
	open   func() (io.ReadCloser, error)
}

// upload sends the packs and the body, as far as the server lacks them.
func (c Publish) upload(ctx context.Context, server *client, r ingest.Result) error {
	objects := []object{{content.Sum(r.Encoded), int64(len(r.Encoded)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(r.Encoded)), nil
	}}}
	for _, p := range r.Packs {
		objects = append(objects, object{p.Digest, p.Size, func() (io.ReadCloser, error) { return os.Open(p.Path) }})
	}
	objects, err := server.lacking(ctx, objects)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, o := range objects {
		total += o.size
	}
	if total == 0 {
		return nil
	}
	p := newProgress(ctx, c.stderr())
	stage := p.begin("Uploading", total)
	var sent atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, o := range objects {
		group.Go(func() error { return server.put(ctx, o, func(n int) { stage.set(sent.Add(int64(n))) }) })
	}
	err = group.Wait()
	stage.end(err == nil)
	p.wait()
	return err
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

func (c *client) missing(ctx context.Context, path string, digests []content.Digest) (map[content.Digest]bool, error) {
	var out api.Objects
	if err := c.call(ctx, http.MethodPost, path, nil, api.Objects{Digests: digests}, &out); err != nil {
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

// put uploads one object, however long it takes.
func (c *client) put(ctx context.Context, o object, sent func(n int)) error {
	file, err := o.open()
	if err != nil {
		return err
	}
	defer file.Close()
	req, err := c.request(ctx, http.MethodPut, "/objects/"+o.digest.String(), nil, counted{file, sent})
	if err != nil {
		return err
	}
	req.ContentLength = o.size
	req.Header.Set("Content-Type", "application/octet-stream")
	if err := c.do(req, nil); err != nil {
		return fmt.Errorf("object %s: %w", o.digest, err)
	}
	return nil
}

// counted tells how much was read.
type counted struct {
	io.ReadCloser
	read func(n int)
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.read(n)
	return n, err
}
