package patch

import (
	"sort"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// spot is a chunk that the older version lacks, and the chunks of it that lie around
// where it would be: its dictionary. None where the older version has nothing.
type spot struct{ chunk, first, count uint32 }

// spotsOf lists the chunks that older lacks, in order. Where a chunk would be is said by
// the file of its path, or by the last chunk before it that both have: what was put in
// or taken out above moves what follows.
func spotsOf(older, newer *content.Body) (spots []spot) {
	s := newStream(older)
	shift, low, high := int64(0), int64(0), s.bytes
	seen := content.NewBitmap(uint32(len(newer.Chunks)))
	file, end, at := -1, int64(0), int64(0)
	for _, r := range newer.Runs {
		for i := r.First; i < r.First+r.Count; i++ {
			c := newer.Chunks[i]
			middle := at + int64(c.Length)/2
			for end <= middle {
				file++
				f := newer.Files[file]
				if was, known := s.files[f.Path]; known && f.Size > 0 {
					shift, low, high = was.start-end, was.start, was.end
				} else {
					low, high = 0, s.bytes // it may be called otherwise now
				}
				end += f.Size
			}
			if k, has := s.chunks[c.Digest]; !has {
				if !seen.Has(i) {
					spots = append(spots, s.around(i, middle+shift))
				}
			} else if was := s.starts[k]; was >= low && was < high {
				shift = was - at
			}
			seen.Set(i)
			at += int64(c.Length)
		}
	}
	return spots
}

// stream says where in the stream of a version its chunks and files are.
type stream struct {
	body   *content.Body
	bytes  int64
	starts []int64                // of each chunk of the stream
	index  []uint32               // which chunk of the body that is
	chunks map[content.Digest]int // where each is used first
	files  map[string]extent
}

// extent is a range of a stream.
type extent struct{ start, end int64 }

func newStream(body *content.Body) *stream {
	s := &stream{body: body, chunks: make(map[content.Digest]int, len(body.Chunks)), files: make(map[string]extent, len(body.Files))}
	for _, r := range body.Runs {
		for i := r.First; i < r.First+r.Count; i++ {
			c := body.Chunks[i]
			if _, used := s.chunks[c.Digest]; !used {
				s.chunks[c.Digest] = len(s.starts)
			}
			s.starts, s.index = append(s.starts, s.bytes), append(s.index, i)
			s.bytes += int64(c.Length)
		}
	}
	at := int64(0)
	for _, f := range body.Files {
		if f.Size > 0 {
			s.files[f.Path] = extent{at, at + f.Size}
		}
		at += f.Size
	}
	return s
}

// around chooses the dictionary of a chunk whose middle is expected at a place in the
// stream: what lies there, and before and after it about as much.
func (s *stream) around(chunk uint32, at int64) spot {
	if s.bytes == 0 {
		return spot{chunk: chunk}
	}
	at = min(max(at, 0), s.bytes-1)
	k := sort.Search(len(s.starts), func(k int) bool { return s.starts[k] > at }) - 1
	length := func(i uint32) int64 { return int64(s.body.Chunks[i].Length) }
	first := s.index[k]
	next, before, after := first+1, at-s.starts[k], s.starts[k]+length(first)-at
	for int(next-first) < pack.MaxDictionaryChunks {
		room := pack.MaxDictionary - before - after
		down := first > 0 && length(first-1) <= room
		up := int(next) < len(s.body.Chunks) && length(next) <= room
		switch {
		case down && (before <= after || !up):
			first--
			before += length(first)
		case up:
			after += length(next)
			next++
		default:
			return spot{chunk, first, next - first}
		}
	}
	return spot{chunk, first, next - first}
}
