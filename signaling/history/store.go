package history

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
)

const (
	// Keep is how long a step is kept.
	Keep = 24 * time.Hour
	// fileEvery is how much of it is in one file.
	fileEvery = time.Hour
	// nameForm is how files are called, by the hour in UTC.
	nameForm = "2006-01-02T15"
	suffix   = ".history"
	// maxKept bounds the pictures that are kept for who looks at the same moment again, and goes on from there.
	maxKept = 4
	// keepPicture is how long.
	keepPicture = time.Minute
)

// ErrNotRecorded means that nobody recorded what was shown then.
var ErrNotRecorded = errors.New("nothing was recorded then")

// Span is a time from which there are pictures without a gap.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Store is a folder of files with what was recorded, each of an hour. What it says of
// itself is in memory, the rest is read when it is asked for. It may be used by several goroutines.
type Store struct {
	// Set by Open, then constant.
	dir   string
	limit int64

	// mu guards the rest, and is held while something is written.
	mu    sync.Mutex
	files []*file // by hour

	// keeping guards kept, and is held while a picture is put together: one at a time.
	keeping sync.Mutex
	kept    []keptPicture
}

// file is an hour.
type file struct {
	hour   time.Time
	size   int64
	frames []frame // in order
}

// keptPicture is one that was looked at.
type keptPicture struct {
	of   about
	step step
	*picture
	used time.Time
}

// about is what a picture is of.
type about struct {
	site  string // empty: all
	table int
}

// step names a frame.
type step struct {
	hour time.Time
	at   int // of its frames
}

// Open opens what is in a folder, or makes it. What was torn off at the end by a crash is cut
// off, and what is no file of this release's format is removed: it is of a day at most. All
// files together have at most limit bytes.
func Open(dir string, limit int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the history: %w", err)
	}
	s := &Store{dir: dir, limit: limit}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the history: %w", err)
	}
	for _, e := range entries {
		hour, err := time.Parse(nameForm+suffix, e.Name())
		if err != nil {
			continue // not ours
		}
		s.files = append(s.files, &file{hour: hour})
	}
	slices.SortFunc(s.files, func(a, b *file) int { return a.hour.Compare(b.hour) })
	for i, f := range s.files {
		if err := s.index(f, i == len(s.files)-1); err != nil {
			return nil, err
		}
	}
	s.files = slices.DeleteFunc(s.files, func(f *file) bool { return f.size == 0 })
	return s, nil
}

func (s *Store) path(hour time.Time) string {
	return filepath.Join(s.dir, hour.UTC().Format(nameForm)+suffix)
}

// index finds the frames of a file, up to where one is not whole. Of the last file the sums
// are looked at, too.
func (s *Store) index(f *file, last bool) (err error) {
	at, err := os.OpenFile(s.path(f.hour), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open the history: %w", err)
	}
	defer func() { err = cmp.Or(err, at.Close()) }()
	info, err := at.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, len(fileHead))
	if _, err := io.ReadFull(at, head); err != nil || string(head) != fileHead {
		return os.Remove(s.path(f.hour))
	}
	f.size = int64(len(fileHead))
	for f.size+frameBytes < info.Size() {
		next, err := readHead(at, f.size)
		if err != nil || next.offset+int64(next.length) > info.Size() || len(f.frames) == 0 && !next.full || len(f.frames) > 0 && next.at < f.frames[len(f.frames)-1].at {
			break
		}
		if last {
			if _, err := readFrame(at, next); err != nil {
				break
			}
		}
		f.frames = append(f.frames, next)
		f.size = next.offset + int64(next.length)
	}
	if len(f.frames) == 0 {
		f.size = 0
		return os.Remove(s.path(f.hour))
	}
	if f.size < info.Size() {
		return at.Truncate(f.size)
	}
	return nil
}

func readHead(from io.ReaderAt, at int64) (frame, error) {
	var head [frameBytes]byte
	if _, err := from.ReadAt(head[:], at); err != nil {
		return frame{}, err
	}
	return parseFrame(head, at+frameBytes)
}

// readFrame reads what a frame holds.
func readFrame(from io.ReaderAt, f frame) ([]byte, error) {
	var head [frameBytes]byte
	if _, err := from.ReadAt(head[:], f.offset-frameBytes); err != nil {
		return nil, err
	}
	packed := make([]byte, f.length)
	if _, err := from.ReadAt(packed, f.offset); err != nil {
		return nil, err
	}
	return f.payload(head, packed)
}

// begins reports whether a step at a time begins a file, and so has to be a whole picture.
func (s *Store) begins(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last()
	return last == nil || !last.hour.Equal(at.UTC().Truncate(fileEvery))
}

func (s *Store) last() *file {
	if len(s.files) == 0 {
		return nil
	}
	return s.files[len(s.files)-1]
}

// append adds a frame that was sealed. What could not be written is taken back. It is not
// made durable: a crash of the machine may take the last half minute along.
func (s *Store) append(text []byte) error {
	f, err := parseFrame([frameBytes]byte(text), 0)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hour := f.time().Truncate(fileEvery)
	last := s.last()
	switch {
	case last != nil && f.at < last.frames[len(last.frames)-1].at:
		return fmt.Errorf("the clock went back by %v: nothing is recorded until it is where it was", last.frames[len(last.frames)-1].time().Sub(f.time()))
	case last == nil || !last.hour.Equal(hour):
		if !f.full {
			return errors.New("a file begins with a whole picture")
		}
		last = &file{hour: hour}
	}
	if last.size == 0 {
		text = append([]byte(fileHead), text...)
		f.offset = int64(len(fileHead))
	} else {
		f.offset = last.size
	}
	f.offset += frameBytes
	if err := write(s.path(hour), text, last.size); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	last.size += int64(len(text))
	last.frames = append(last.frames, f)
	if len(last.frames) == 1 {
		s.files = append(s.files, last)
	}
	return s.prune(f.time())
}

// write puts text at the end of a file of a size, and leaves it as it was where that fails.
func write(path string, text []byte, size int64) error {
	at, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err = at.WriteAt(text, size); err != nil {
		err = errors.Join(err, at.Truncate(size))
	}
	return errors.Join(err, at.Close())
}

// prune removes what is too old or too much, the oldest first. mu is held.
func (s *Store) prune(now time.Time) error {
	total := int64(0)
	for _, f := range s.files {
		total += f.size
	}
	for len(s.files) > 1 {
		first := s.files[0]
		if now.Sub(first.frames[len(first.frames)-1].time()) <= Keep && total <= s.limit {
			return nil
		}
		if err := os.Remove(s.path(first.hour)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove what is old of the history: %w", err)
		}
		total -= first.size
		s.files = s.files[1:]
	}
	return nil
}

// Spans are the times of which there are pictures within Keep before now, the oldest first, and how
// long it was between two steps lately.
func (s *Store) Spans(now time.Time) (spans []Span, step time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := now.Add(-Keep).UnixMilli()
	for _, f := range s.files {
		for _, fr := range f.frames {
			step = time.Duration(fr.next) * time.Millisecond
			if fr.until() < oldest {
				continue
			}
			from, to := time.UnixMilli(max(fr.at, oldest)).UTC(), time.UnixMilli(min(fr.until(), now.UnixMilli())).UTC()
			if n := len(spans); n > 0 && !from.After(spans[n-1].To) {
				spans[n-1].To = to
				continue
			}
			spans = append(spans, Span{from, to})
		}
	}
	return spans, step
}

// find is the frame that shows a time, and all from the whole picture before it on.
func (s *Store) find(at time.Time) (hour time.Time, frames []frame, first int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := at.UnixMilli()
	n, _ := slices.BinarySearchFunc(s.files, ms, func(f *file, ms int64) int { return cmp.Compare(f.frames[0].at, ms+1) })
	if n == 0 {
		return hour, nil, 0, ErrNotRecorded
	}
	f := s.files[n-1]
	last, _ := slices.BinarySearchFunc(f.frames, ms, func(f frame, ms int64) int { return cmp.Compare(f.at, ms+1) })
	if last--; ms > f.frames[last].until() {
		return hour, nil, 0, ErrNotRecorded
	}
	for first = last; !f.frames[first].full; first-- { // the first of a file is
	}
	return f.hour, slices.Clone(f.frames[first : last+1]), first, nil
}

// Flows are those that were shown at a time: everywhere, or at the named site only.
func (s *Store) Flows(at time.Time, name string) (*Picture[site.FlowView], error) {
	return pictureOf(s, flowShape, at, about{name, tableFlows})
}

// Endpoints is Flows for endpoints that were online.
func (s *Store) Endpoints(at time.Time, name string) (*Picture[site.EndpointView], error) {
	return pictureOf(s, endpointShape, at, about{name, tableEndpoints})
}

func pictureOf[T any](s *Store, of *shape[T], at time.Time, what about) (*Picture[T], error) {
	p, err := s.at(at, what)
	if err != nil {
		return nil, err
	}
	return &Picture[T]{p, of}, nil
}

// at is what was shown at a time.
func (s *Store) at(at time.Time, what about) (*picture, error) {
	hour, frames, first, err := s.find(at)
	if err != nil {
		return nil, err
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	p, done := s.nearest(hour, first, len(frames), what)
	if done == len(frames) {
		return p, nil
	}
	from, err := os.Open(s.path(hour))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotRecorded // it just became too old
	}
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	defer func() { _ = from.Close() }()
	for _, f := range frames[done:] {
		raw, err := readFrame(from, f)
		if err == nil {
			p, err = readStep(raw, p, f.full, f.time(), what.site, what.table)
		}
		if err != nil {
			return nil, fmt.Errorf("read the history: %w", err)
		}
	}
	s.keep(keptPicture{what, step{hour, first + len(frames) - 1}, p, time.Now()})
	return p, nil
}

// nearest is a kept picture to go on from, and how many of the frames it has. keeping is held.
func (s *Store) nearest(hour time.Time, first, n int, what about) (p *picture, done int) {
	for i, k := range s.kept {
		if has := k.step.at - first + 1; k.of == what && k.step.hour.Equal(hour) && has > done && has <= n {
			p, done = k.picture, has
			s.kept[i].used = time.Now()
		}
	}
	return p, done
}

// keep remembers a picture in place of the one of the same site, or of the one that was used
// longest ago. keeping is held.
func (s *Store) keep(k keptPicture) {
	s.kept = slices.DeleteFunc(s.kept, func(o keptPicture) bool { return o.of == k.of })
	if len(s.kept) == maxKept {
		s.kept = slices.DeleteFunc(s.kept, func(o keptPicture) bool {
			return o.used.Equal(slices.MinFunc(s.kept, func(a, b keptPicture) int { return a.used.Compare(b.used) }).used)
		})
	}
	s.kept = append(s.kept, k)
}

// forget drops pictures at which nobody looks any more.
func (s *Store) forget(now time.Time) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(k keptPicture) bool { return now.Sub(k.used) > keepPicture })
}

// Bytes is what all files have.
func (s *Store) Bytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		n += f.size
	}
	return n
}
