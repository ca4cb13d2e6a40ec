package ingest

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// Bounds of a batch. Asking the origin what it knows costs a round trip a batch.
const (
	batchBytes  = 4 << 20
	batchChunks = 1024
)

// batchesPerWorker lets the source and the workers run ahead of a batch that takes
// long.
const batchesPerWorker = 2

// chunk is one chunk on its way; its bytes lie in the buffers of its batch.
type chunk struct {
	plain    []byte
	digest   content.Digest
	known    bool // to the origin
	encoding pack.Encoding
	encoded  []byte
}

// batch is a stretch of chunks on its way. Whoever took it from a channel owns it.
type batch struct {
	objects [][]content.File // for a worker to read and cut; none where chunks are there
	bytes   int64            // of those
	files   int              // in those
	chunks  []chunk
	plain   []byte // of the chunks, back to back
	encoded []byte
	err     error

	ready chan struct{} // holds a token once a worker is done with the batch
}

func (b *batch) reset() {
	clear(b.objects)
	clear(b.chunks)
	b.objects, b.chunks, b.plain, b.encoded = b.objects[:0], b.chunks[:0], b.plain[:0], b.encoded[:0]
	b.bytes, b.files, b.err = 0, 0, nil
}

// add copies a chunk into the batch. There is room for it, so that the chunks
// before it stay where they are.
func (b *batch) add(plain []byte) {
	at := len(b.plain)
	b.plain = append(b.plain, plain...)
	b.chunks = append(b.chunks, chunk{plain: b.plain[at:]})
}

// fill reads the objects of the batch, for whose bytes there is room, and cuts them
// where they lie.
func (b *batch) fill(r *reader) error {
	for _, object := range b.objects {
		at := len(b.plain)
		var err error
		if b.plain, err = r.read(object, b.plain); err != nil {
			return err
		}
		err = content.SplitBytes(b.plain[at:], func(plain []byte) error {
			b.chunks = append(b.chunks, chunk{plain: plain})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A line brings chunks from a source through parallel workers to a sink, which
// gets them in the order of the source. A worker reads and cuts small objects
// itself; a large one is cut by the source, for each cut needs the one before it.
// The number of batches on the way is fixed, and with it the memory.
type line struct {
	in      *input
	workers int
	known   Known // nil: nothing is

	free    chan *batch // empty ones
	work    chan *batch // to the workers
	ordered chan *batch // the same batches, to the sink

	mu   sync.RWMutex
	took map[content.Digest]struct{} // what the sink has taken; mu guards it
}

func newLine(in *input, workers int, known Known) *line {
	n := workers * batchesPerWorker
	l := &line{
		in:      in,
		workers: workers,
		known:   known,
		free:    make(chan *batch, n),
		work:    make(chan *batch, n),
		ordered: make(chan *batch, n),
		took:    make(map[content.Digest]struct{}),
	}
	for range n {
		l.free <- &batch{ready: make(chan struct{}, 1)}
	}
	return l
}

// run returns when the source is at its end and the sink has taken everything, or
// with the first error, once all goroutines have returned.
func (l *line) run(ctx context.Context, sink func(*chunk) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(l.work)
		defer close(l.ordered)
		return l.source(ctx)
	})
	for range l.workers {
		g.Go(func() error {
			r := &reader{in: l.in}
			for b := range l.work {
				b.err = l.prepare(ctx, r, b)
				b.ready <- struct{}{}
			}
			return r.close()
		})
	}
	g.Go(func() error {
		for b := range l.ordered {
			<-b.ready // it comes: workers take all there is, also after an error
			if err := l.sink(ctx, b, sink); err != nil {
				return err
			}
			b.reset()
			l.free <- b
		}
		return nil
	})
	return g.Wait()
}

// source puts every object on its way, in order.
func (l *line) source(ctx context.Context) error {
	var b *batch // that is being filled
	for from, to := range content.Objects(l.in.files) {
		object := l.in.files[from:to]
		size := bytesOf(object)
		if b != nil && (b.bytes+size > batchBytes || b.files+len(object) > batchChunks) {
			l.put(b)
			b = nil
		}
		if size > batchBytes || len(object) > batchChunks {
			if err := l.cut(ctx, object); err != nil {
				return err
			}
			continue
		}
		if b == nil {
			var err error
			if b, err = l.next(ctx); err != nil {
				return err
			}
		}
		b.objects = append(b.objects, object)
		b.bytes, b.files = b.bytes+size, b.files+len(object)
	}
	if b != nil {
		l.put(b)
	}
	return nil
}

func bytesOf(object []content.File) (size int64) {
	for _, f := range object {
		size += f.Size
	}
	return size
}

// cut cuts an object that is larger than a batch.
func (l *line) cut(ctx context.Context, object []content.File) error {
	r := &reader{in: l.in}
	defer r.close() // it was only read
	var b *batch
	err := r.cut(object, func(plain []byte) error {
		if b != nil && (len(b.plain)+len(plain) > batchBytes || len(b.chunks) == batchChunks) {
			l.put(b)
			b = nil
		}
		if b == nil {
			var err error
			if b, err = l.next(ctx); err != nil {
				return err
			}
		}
		b.add(plain)
		return nil
	})
	if b != nil {
		l.put(b)
	}
	return err
}

// next waits for an empty batch.
func (l *line) next(ctx context.Context) (*batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case b := <-l.free:
		if b.plain == nil {
			b.plain = make([]byte, 0, batchBytes+content.MaxChunkBytes) // which the last object may need to be cut
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// put sends a batch on its way.
func (l *line) put(b *batch) {
	l.work <- b // neither blocks: there is room for every batch there is
	l.ordered <- b
}

// prepare cuts, hashes, and encodes what may be needed. The sink alone decides what
// is: a chunk it has taken already is certain to be a repetition, whereas one that
// recurs before that is encoded twice, to the same bytes.
func (l *line) prepare(ctx context.Context, r *reader, b *batch) error {
	if err := b.fill(r); err != nil {
		return err
	}
	for i := range b.chunks {
		b.chunks[i].digest = content.Sum(b.chunks[i].plain)
	}
	if err := l.ask(ctx, b); err != nil {
		return err
	}
	for i := range b.chunks {
		c := &b.chunks[i]
		l.mu.RLock()
		_, repeated := l.took[c.digest]
		l.mu.RUnlock()
		if c.known || repeated {
			continue
		}
		at := len(b.encoded)
		b.encoded, c.encoding = pack.Encode(c.plain, b.encoded)
		c.encoded = b.encoded[at:]
	}
	return nil
}

// ask notes which chunks of a batch the origin has.
func (l *line) ask(ctx context.Context, b *batch) error {
	if l.known == nil || len(b.chunks) == 0 {
		return nil
	}
	digests := make([]content.Digest, len(b.chunks))
	for i, c := range b.chunks {
		digests[i] = c.digest
	}
	known, err := l.known(ctx, digests)
	if err != nil {
		return err
	}
	for i := range b.chunks {
		b.chunks[i].known = known[b.chunks[i].digest]
	}
	return nil
}

// sink gives it the chunks of a batch.
func (l *line) sink(ctx context.Context, b *batch, take func(*chunk) error) error {
	if b.err != nil {
		return b.err
	}
	for i := range b.chunks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(&b.chunks[i]); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range b.chunks {
		l.took[c.digest] = struct{}{}
	}
	return nil
}
