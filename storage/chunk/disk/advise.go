package disk

import (
	"os"
	"sync"
)

// What the store writes and reads goes through the system's cache, where it would take
// the place of what the user's programs need. So it is let go of again, but for what
// peers are likely to ask for: what was written or read last. What lay in the cache
// before a read stays in any case; somebody else may have it there, the application
// whose files these are for one.

// lingerBytes is how much of what was written or read last stays in the cache.
const lingerBytes = 64 << 20

// lingering is what lies in the system's cache because of the store, the oldest first.
type lingering struct {
	limit int64
	over  chan struct{} // there is more than may be

	// mu guards the rest.
	mu     sync.Mutex
	ranges []cached
	bytes  int64
}

// cached is a range of a file of a version.
type cached struct {
	v     *version
	file  int
	at    int64
	bytes int64
}

func newLingering() *lingering {
	return &lingering{limit: lingerBytes, over: make(chan struct{}, 1)}
}

// add takes in a range that was written, durably, or read.
func (l *lingering) add(r cached) {
	if r.bytes == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes += r.bytes
	if n := len(l.ranges); n > 0 {
		if last := &l.ranges[n-1]; last.v == r.v && last.file == r.file && last.at+last.bytes == r.at && last.bytes < l.limit/16 {
			last.bytes += r.bytes
			r.bytes = 0
		}
	}
	if r.bytes > 0 {
		l.ranges = append(l.ranges, r)
	}
	if l.bytes > l.limit {
		signal(l.over)
	}
}

// excess takes out the oldest of what is too much.
func (l *lingering) excess() (out []cached) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for ; n < len(l.ranges) && l.bytes > l.limit; n++ {
		l.bytes -= l.ranges[n].bytes
	}
	out = append(out, l.ranges[:n]...)
	clear(l.ranges[:n]) // or they would keep their versions
	l.ranges = l.ranges[n:]
	return out
}

// of takes out what there is of v.
func (l *lingering) of(v *version) (out []cached) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest []cached
	for _, r := range l.ranges {
		if r.v == v {
			l.bytes -= r.bytes
			out = append(out, r)
		} else {
			rest = append(rest, r)
		}
	}
	l.ranges = rest
	return out
}

// coolAll lets go of what is too much, until the store is closed.
func (s *Store) coolAll() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.lingering.over:
		}
		for _, r := range s.lingering.excess() {
			r.v.moving.RLock()
			r.v.cool(r)
			r.v.moving.RUnlock()
		}
	}
}

// cool lets go of a range. It needs moving.
func (v *version) cool(r cached) {
	if v.tree == nil {
		return
	}
	f, err := v.tree.Open(v.onDisk[r.file].Path)
	if err != nil {
		return // somebody deleted it
	}
	dropCached(f, r.at, r.bytes)
	_ = f.Close() // it was only read from
}

// linger notes chunks that were made durable.
func (v *version) linger(chunks []uint32) {
	for _, i := range chunks {
		for _, s := range v.layout.Segments(i) {
			v.store.lingering.add(cached{v, s.File, s.Offset, int64(s.Length)})
		}
	}
}

// read fills b from a file of v, whose pages stay or go as they should.
func (v *version) read(files *files, file int, f *os.File, b []byte, at int64) error {
	v.store.waits.begin()
	defer v.store.waits.end()
	coldAt, cold := coldPart(f, at, int64(len(b)))
	_, err := f.ReadAt(b, at)
	switch {
	case cold == 0:
	case files.passing:
		dropCached(f, coldAt, cold)
	default:
		v.store.lingering.add(cached{v, file, coldAt, cold})
	}
	return err
}
