package ingest

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// chunk is one chunk on its way. Whoever took it from a channel owns it.
type chunk struct {
	plain    []byte
	digest   content.Digest
	known    bool // to the origin
	encoding pack.Encoding
	encoded  []byte

	ready chan struct{} // holds a token once a worker is done with the chunk
}

// A line brings chunks from a source through parallel workers to a sink, which
// gets them in the order of the source. The number of chunks on the way is fixed,
// and with it the memory.
type line struct {
	// Set by newLine, then constant.
	workers int
	known   func(content.Digest) bool

	free    chan *chunk // empty chunks
	work    chan *chunk // to the workers
	ordered chan *chunk // the same chunks, to the sink

	mu   sync.RWMutex
	took map[content.Digest]struct{} // what the sink has taken
}

// chunksPerWorker lets the source and the workers run ahead of a chunk that takes
// long, by some 4 MiB each at most.
const chunksPerWorker = 8

func newLine(workers int, known func(content.Digest) bool) *line {
	n := workers * chunksPerWorker
	l := &line{
		workers: workers,
		known:   known,
		free:    make(chan *chunk, n),
		work:    make(chan *chunk, n),
		ordered: make(chan *chunk, n),
		took:    make(map[content.Digest]struct{}),
	}
	for range n {
		l.free <- &chunk{ready: make(chan struct{}, 1)}
	}
	return l
}

// run returns when the source is at its end and the sink has taken everything, or
// with the first error, once all goroutines have returned.
func (l *line) run(ctx context.Context, source func(emit func([]byte) error) error, sink func(*chunk) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(l.work)
		defer close(l.ordered)
		return source(func(plain []byte) error { return l.put(ctx, plain) })
	})
	for range l.workers {
		g.Go(func() error {
			for c := range l.work {
				l.prepare(c)
				c.ready <- struct{}{}
			}
			return nil
		})
	}
	g.Go(func() error {
		for c := range l.ordered {
			<-c.ready // it comes: workers take all there is, also after an error
			if err := sink(c); err != nil {
				return err
			}
			l.mu.Lock()
			l.took[c.digest] = struct{}{}
			l.mu.Unlock()
			l.free <- c
		}
		return nil
	})
	return g.Wait()
}

// put sends a copy of plain on its way, as soon as a chunk is free.
func (l *line) put(ctx context.Context, plain []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c := <-l.free:
		c.plain = append(c.plain[:0], plain...)
		l.work <- c // neither blocks: there is room for every chunk there is
		l.ordered <- c
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare hashes a chunk, and encodes it if it may be needed. The sink alone
// decides what is: a chunk it has taken already is certain to be a repetition,
// whereas one that recurs before that is encoded twice, to the same bytes.
func (l *line) prepare(c *chunk) {
	c.digest = content.Sum(c.plain)
	c.known = l.known != nil && l.known(c.digest)
	l.mu.RLock()
	_, repeated := l.took[c.digest]
	l.mu.RUnlock()
	if !c.known && !repeated {
		c.encoded, c.encoding = pack.Encode(c.plain, c.encoded[:0])
	}
}
