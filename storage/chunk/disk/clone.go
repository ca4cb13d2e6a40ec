package disk

import (
	"context"
	"errors"
	"os"
	"path"
	"sort"
	"sync"

	"github.com/sitecast/sitecast/storage/content"
)

// Where the file system can, what a version has in common with another shares its
// blocks on the disk (a reflink). Blocks are shared in whole, and chunks begin
// anywhere: so it is done for the longest ranges that lie the same way in both
// files, and their ends are copied. Bytes that are shared are hashed like all
// others before they count, after they were shared: from then on they change for
// nobody. A copy by the kernel (copy_file_range) would gain nothing, since the bytes
// have to be read anyway to be hashed.
const (
	// cloneUnit is what the offsets of shared ranges are multiples of.
	cloneUnit = 4 << 10
	// cloneLeast is the shortest range worth an extent of its own.
	cloneLeast = 16 << 10
)

// extent is a range that a file of a version has in common with one of its lender.
type extent struct {
	file, from     int // the file, and that of the lender
	at, fromAt     int64
	bytes          int64
	first, pastEnd int // which of the loans lie in it, at least partly
}

// extents lists the ranges that v may share with a lender, in the order of v's stream.
func (v *version) extents(l *lender) []extent {
	var all []extent
	for k, n := range l.loans {
		to, from := v.firstPlace(n.chunk), l.firstPlace(n.from)
		for t, f := 0, 0; t < len(to) && f < len(from); {
			part := min(to[t].Length, from[f].Length)
			e := extent{to[t].File, from[f].File, to[t].Offset, from[f].Offset, int64(part), k, k + 1}
			if last := len(all) - 1; last >= 0 && all[last].continues(e) {
				all[last].bytes += e.bytes
				all[last].pastEnd = e.pastEnd
			} else {
				all = append(all, e)
			}
			if to[t] = cut(to[t], part); to[t].Length == 0 {
				t++
			}
			if from[f] = cut(from[f], part); from[f].Length == 0 {
				f++
			}
		}
	}
	whole := all[:0]
	for _, e := range all {
		if e.align(v.body.Files[e.file].Size, l.body.Files[e.from].Size) {
			whole = append(whole, e)
		}
	}
	return whole
}

// cut takes bytes off the beginning of a segment.
func cut(s content.Segment, bytes int) content.Segment {
	return content.Segment{File: s.File, Offset: s.Offset + int64(bytes), Start: s.Start + bytes, Length: s.Length - bytes}
}

// continues reports whether next goes on where e ends, in both files.
func (e extent) continues(next extent) bool {
	return e.file == next.file && e.from == next.from && e.at+e.bytes == next.at && e.fromAt+e.bytes == next.fromAt
}

// align shrinks e to whole blocks, and to the end of both files where it reaches
// that. It reports whether it is worth while.
func (e *extent) align(size, fromSize int64) bool {
	if e.at%cloneUnit != e.fromAt%cloneUnit {
		return false
	}
	end := e.at + e.bytes
	if end != size || e.fromAt+e.bytes != fromSize {
		end -= end % cloneUnit
	}
	skip := (cloneUnit - e.at%cloneUnit) % cloneUnit
	e.at, e.fromAt = e.at+skip, e.fromAt+skip
	e.bytes = end - e.at
	return e.bytes >= cloneLeast
}

// split divides a segment into what lies in extents, which are in order, and the rest.
func split(s content.Segment, extents []extent) (in, out []content.Segment) {
	first := sort.Search(len(extents), func(k int) bool {
		e := extents[k]
		return e.file > s.File || e.file == s.File && e.at+e.bytes > s.Offset
	})
	for _, e := range extents[first:] {
		if e.file != s.File || e.at >= s.Offset+int64(s.Length) || s.Length == 0 {
			break
		}
		if before := int(e.at - s.Offset); before > 0 {
			out = append(out, content.Segment{File: s.File, Offset: s.Offset, Start: s.Start, Length: before})
			s = cut(s, before)
		}
		part := int(min(int64(s.Length), e.at+e.bytes-s.Offset))
		in = append(in, content.Segment{File: s.File, Offset: s.Offset, Start: s.Start, Length: part})
		s = cut(s, part)
	}
	if s.Length > 0 {
		out = append(out, s)
	}
	return in, out
}

// share shares blocks with a lender, and returns where.
func (v *version) share(ctx context.Context, l *lender) (shared []extent, err error) {
	extents := v.extents(l)
	if len(extents) == 0 || !v.store.clones() {
		return nil, nil
	}
	for _, e := range extents {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch ok, err := v.clone(l, e); {
		case ok:
			shared = append(shared, e)
		case errors.Is(err, errClosed):
			return nil, err
		case err != nil: // it is copied
			v.store.log.Debug("a range can't be shared", "content", v.head.Ref().String(), "err", err)
		}
	}
	return shared, nil
}

// clone shares one range, of which nothing may be held. Nobody puts anything into it meanwhile.
func (v *version) clone(l *lender, e extent) (bool, error) {
	v.moving.Lock()
	defer v.moving.Unlock()
	if v.tree == nil {
		return false, errClosed
	}
	if v.placed {
		return false, nil
	}
	for _, n := range l.loans[e.first:e.pastEnd] {
		if v.holds(n.chunk) {
			return false, nil
		}
	}
	err := l.files.with(fileKey{l.version, e.from}, l.reader(e.from), func(from *os.File) error {
		return v.store.files.with(fileKey{v, e.file}, v.opener(e.file), func(to *os.File) error {
			return v.store.sys.clone(to, from, e.at, e.fromAt, e.bytes)
		})
	})
	return err == nil, err
}

// savings lists what a version that is to be made will share with others.
func (v *version) savings(ctx context.Context) (shared []extent, err error) {
	err = v.eachLender(ctx, func(l *lender, w *wanted) error {
		for _, n := range l.loans {
			w.given.Set(n.chunk)
		}
		shared = append(shared, v.extents(l)...)
		return nil
	})
	if err != nil || len(shared) == 0 || !v.store.clones() {
		return nil, err
	}
	sort.Slice(shared, func(a, b int) bool {
		return shared[a].file < shared[b].file || shared[a].file == shared[b].file && shared[a].at < shared[b].at
	})
	return shared, nil
}

// cloner finds out once whether the file system can share blocks.
type cloner struct {
	once sync.Once
	can  bool
}

// An encrypted version shares nothing: the same bytes lie on the disk as others.
func (s *Store) clones() bool {
	if s.vault != nil {
		return false
	}
	s.cloner.once.Do(func() { s.cloner.can = s.tryClone() == nil })
	return s.cloner.can
}

// tryClone shares a block of a file with another one.
func (s *Store) tryClone() (err error) {
	names := []string{path.Join(storeName, "clone-from"+newSuffix), path.Join(storeName, "clone-to"+newSuffix)}
	defer func() {
		for _, name := range names {
			err = errors.Join(err, s.sys.remove(s.root, name))
		}
	}()
	for _, name := range names {
		if err := s.sys.writeNew(s.root, name, make([]byte, 2*cloneUnit)); err != nil {
			return err
		}
	}
	from, err := s.root.Open(names[0])
	if err != nil {
		return err
	}
	defer from.Close() // it is only read from
	to, err := s.sys.create(s.root, names[1], os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(s.sys.clone(to, from, cloneUnit, 0, cloneUnit), to.Close())
}
