package content

import "sort"

// Segment is a part of a chunk that lies in one file: bytes [Start, Start+Length)
// of the chunk are at Offset of Files[File].
type Segment struct {
	File          int
	Offset        int64
	Start, Length int
}

// Layout says where the chunks of a body lie in its files. It is constant, takes
// 12 bytes a chunk of the stream and 8 a file, and finds a place in O(log files).
type Layout struct {
	chunks []Chunk
	ends   []int64  // ends[i] is the offset in the stream after file i
	first  []uint32 // the uses of chunk c are uses[first[c]:first[c+1]]
	uses   []int64  // offsets in the stream
}

// NewLayout prepares the layout of b, which has passed [Body.Check].
func NewLayout(b *Body) *Layout {
	l := &Layout{
		chunks: b.Chunks,
		ends:   make([]int64, len(b.Files)),
		first:  make([]uint32, len(b.Chunks)+1),
	}
	var end int64
	for i, f := range b.Files {
		end += f.Size
		l.ends[i] = end
	}
	// A counting sort: how often each chunk is used, then where its uses begin.
	for _, r := range b.Runs {
		for c := r.First; c < r.First+r.Count; c++ {
			l.first[c+1]++
		}
	}
	for c := range b.Chunks {
		l.first[c+1] += l.first[c]
	}
	l.uses = make([]int64, l.first[len(b.Chunks)])
	next := append([]uint32(nil), l.first...)
	var at int64
	for _, r := range b.Runs {
		for c := r.First; c < r.First+r.Count; c++ {
			l.uses[next[c]] = at
			next[c]++
			at += int64(b.Chunks[c].Length)
		}
	}
	return l
}

// Segments returns every place where the chunk lies, in stream order: several
// when it spans files or recurs. A chunk that the body does not list lies nowhere.
func (l *Layout) Segments(chunk uint32) []Segment {
	if uint64(chunk) >= uint64(len(l.chunks)) {
		return nil
	}
	var out []Segment
	for _, at := range l.uses[l.first[chunk]:l.first[chunk+1]] {
		out = l.place(out, at, int(l.chunks[chunk].Length))
	}
	return out
}

// place appends the segments of length bytes at offset at of the stream.
func (l *Layout) place(out []Segment, at int64, length int) []Segment {
	file := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] > at })
	for start := 0; start < length; file++ {
		begin := int64(0)
		if file > 0 {
			begin = l.ends[file-1]
		}
		if l.ends[file] == begin {
			continue // an empty file or folder
		}
		n := int(min(int64(length-start), l.ends[file]-at))
		out = append(out, Segment{File: file, Offset: at - begin, Start: start, Length: n})
		start, at = start+n, at+int64(n)
	}
	return out
}
