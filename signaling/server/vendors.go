package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// vendors looks whether files at somebody else's URL are still those that were published:
// when one is published, now and then while sites fetch it, and when an endpoint found
// another. It asks as an endpoint does, for the range of one chunk, and hashes that: so it
// finds what they would find, also where the vendor names neither ETag nor time, and a
// single endpoint behind something that spoils answers stops nobody else. What changed stays
// so until it is found as it was, or is published anew.
type vendors struct {
	// Set by newVendors, then constant.
	catalog  catalog.Catalog
	objects  blob.Store
	client   *http.Client
	insecure bool
	guard    guard
	log      *slog.Logger
	changed  func() // told when one changed, or is back
	// running lists the objects of those that sites fetch now.
	running func(context.Context) ([]content.Digest, error)
	wake    chan struct{}

	// Owned by run.
	bad    map[content.Digest]uint32    // a chunk that was found to be another
	looked map[content.Digest]time.Time // when last

	// mu guards suspects: a chunk of each file that an endpoint could not have.
	mu       sync.Mutex
	suspects map[content.Digest]uint32
}

const (
	// vendorEvery is how often what sites fetch is looked at, and vendorRest how long it is
	// at least between two looks that endpoints asked for.
	vendorEvery = 15 * time.Minute
	vendorRest  = 5 * time.Second
	// vendorTimeout bounds one look.
	vendorTimeout = 20 * time.Second
	maxSuspects   = 1024
	// vendorsName is who looks, for the audit log.
	vendorsName = "vendor check"
)

func newVendors(c catalog.Catalog, objects blob.Store, cfg Config) *vendors {
	v := &vendors{catalog: c, objects: objects, insecure: cfg.InsecureHTTP, guard: guard{private: cfg.PrivateVendors, dial: cfg.Dial}, log: cfg.Log,
		changed: func() {}, running: func(context.Context) ([]content.Digest, error) { return nil, nil }, wake: make(chan struct{}, 1),
		bad: map[content.Digest]uint32{}, looked: map[content.Digest]time.Time{}, suspects: map[content.Digest]uint32{}}
	follow := external.Redirected(v.insecure)
	v.client = &http.Client{Transport: v.guard.transport(), CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if err := follow(req, via); err != nil {
			return err
		}
		return v.guard.names(req.URL)
	}}
	return v
}

// suspect implements site.Config: it does not block.
func (v *vendors) suspect(object content.Digest, chunk uint32) {
	v.mu.Lock()
	if len(v.suspects) < maxSuspects {
		v.suspects[object] = chunk
	}
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default: // it looks anyhow
	}
}

// run looks until ctx ends.
func (v *vendors) run(ctx context.Context) error {
	defer v.client.CloseIdleConnections()
	tick := time.NewTicker(vendorEvery)
	defer tick.Stop()
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			v.lookAtAll(ctx)
			continue
		case <-v.wake:
		case <-again:
		}
		again = nil
		if wait := v.lookAtSuspects(ctx); wait > 0 {
			again = time.After(wait)
		}
	}
}

// lookAtSuspects looks at what endpoints said to have changed, and returns how long to wait
// with what was looked at a moment ago.
func (v *vendors) lookAtSuspects(ctx context.Context) (wait time.Duration) {
	v.mu.Lock()
	due := map[content.Digest]uint32{}
	for object, chunk := range v.suspects {
		if left := vendorRest - time.Since(v.looked[object]); left > 0 {
			wait = max(wait, left)
			continue
		}
		due[object] = chunk
		delete(v.suspects, object)
	}
	v.mu.Unlock()
	for object, chunk := range due {
		v.look(ctx, object, chunk)
	}
	return wait
}

// lookAtAll looks at what sites fetch now.
func (v *vendors) lookAtAll(ctx context.Context) {
	fetched, err := v.running(ctx)
	if err != nil && ctx.Err() == nil {
		v.log.Error("looking which vendors' files are fetched; it is done again", "err", err)
	}
	for object := range v.looked {
		if time.Since(v.looked[object]) > vendorEvery {
			delete(v.looked, object)
		}
	}
	for _, object := range fetched {
		chunk, known := v.bad[object]
		if !known {
			chunk = rand.Uint32()
		}
		v.look(ctx, object, chunk)
	}
}

// look looks at one file, at one chunk of it (of more than there are one is chosen so), and
// notes what it found. That nobody answers says nothing of the file.
func (v *vendors) look(ctx context.Context, object content.Digest, chunk uint32) {
	ctx, stop := context.WithTimeout(ctx, vendorTimeout)
	defer stop()
	v.looked[object] = time.Now()
	e, err := v.catalog.External(ctx, object)
	if err != nil {
		if !errors.Is(err, catalog.ErrNotFound) && ctx.Err() == nil {
			v.log.Error("reading what is known of a vendor's file", "object", object, "err", err)
		}
		return
	}
	body, err := v.body(ctx, e)
	if err == nil {
		chunk %= uint32(len(body.Chunks))
		err = v.same(ctx, e, body, chunk)
	}
	found, other := "", new(external.ChangedError)
	switch {
	case errors.As(err, &other):
		found, v.bad[object] = other.Detail, chunk
	case err != nil:
		v.log.Warn("a vendor's file can't be checked", "url", e.URL, "err", err)
		return
	default:
		delete(v.bad, object)
	}
	if err := v.catalog.CheckedExternal(ctx, vendorsName, object, found, time.Now()); err != nil {
		v.log.Error("noting what was found of a vendor's file", "url", e.URL, "err", err)
		return
	}
	if found != e.Changed {
		v.log.Warn("a vendor's file changed, or is back", "url", e.URL, "changed", found)
		v.changed()
	}
}

func (v *vendors) body(ctx context.Context, e catalog.External) (*content.Body, error) {
	encoded, err := blob.Read(ctx, v.objects, e.Body, content.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	body, err := content.DecodeBody(encoded)
	if err == nil && len(body.Chunks) == 0 {
		err = errors.New("it is empty")
	}
	return body, err
}

// verify looks whether a file that is about to be published is there.
func (v *vendors) verify(ctx context.Context, e catalog.External, body *content.Body) error {
	ctx, stop := context.WithTimeout(ctx, vendorTimeout)
	defer stop()
	if len(body.Chunks) == 0 {
		return nil
	}
	return v.same(ctx, e, body, rand.Uint32N(uint32(len(body.Chunks))))
}

// same asks for one chunk of a file as an endpoint does.
func (v *vendors) same(ctx context.Context, e catalog.External, body *content.Body, chunk uint32) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(external.Allowed(req.URL, v.insecure), v.guard.names(req.URL)); err != nil {
		return err
	}
	p, err := catalog.PlaceExternal(e, body)
	if err != nil {
		return err
	}
	at := p.Chunks[chunk]
	from, to := at.Offset, at.Offset+int64(at.Length)
	e.Ask(req.Header, from, to)
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := e.Answered(resp, from, to); err != nil {
		return err
	}
	data := make([]byte, at.Length)
	if _, err := io.ReadFull(resp.Body, data); err != nil {
		return fmt.Errorf("read bytes %d-%d: %w", from, to-1, err)
	}
	if content.Sum(data) != body.Chunks[chunk].Digest {
		return &external.ChangedError{Detail: fmt.Sprintf("its bytes %d-%d are not those that were published", from, to-1)}
	}
	return nil
}

// fetchedElsewhere lists the files at somebody else's URL that sites fetch now.
func (s *Server) fetchedElsewhere(ctx context.Context) (objects []content.Digest, err error) {
	refs, err := running(ctx, s.hub)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		spec, err := s.source.version(ctx, ref)
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return nil, err
		}
		if err == nil && spec.External != nil {
			objects = append(objects, spec.External.Object)
		}
	}
	return objects, nil
}

// external returns where the chunks of a placement lie, nil for at the origin.
func (s *source) external(ctx context.Context, p catalog.Placement) (*site.External, error) {
	e, err := catalog.ExternalOf(ctx, s.catalog, p)
	if e == nil || err != nil {
		return nil, err
	}
	return &site.External{File: e.File, Object: e.Object, Changed: e.Changed}, nil
}

// look has a flow go by what is known now of the file in which its chunks lie.
func (s *source) look(ctx context.Context, spec *site.FlowSpec) error {
	if spec.External == nil {
		return nil
	}
	e, err := s.catalog.External(ctx, spec.External.Object)
	if errors.Is(err, catalog.ErrNotFound) { // it was removed just now
		return nil
	}
	spec.External = &site.External{File: e.File, Object: e.Object, Changed: e.Changed}
	return err
}
