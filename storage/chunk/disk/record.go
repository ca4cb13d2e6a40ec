package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// A journal, integers big-endian:
//
//	header: 3 bytes "SCJ", u8 version 1, 16 bytes version id, u64 generation, u32 chunks, u32 checksum
//	each record: u32 length of what follows but the checksum,
//	    u64 bytes of each source in order, u64 WAN bytes,
//	    u32 cleared runs, u32 set runs, each run: u32 first chunk, u32 count,
//	    u32 checksum
//
// A checksum is the CRC32C of all before it in the header or record, begun with
// the generation: so nothing of an older journal passes for a part of this one.
// Counters are absolute, runs are changes, cleared before set. What follows the
// last whole record was being written when the process ended, and is void.
// History: 1, the first release.
const (
	journalMagic  = "SCJ\x01"
	headerBytes   = 4 + 16 + 8 + 4 + 4
	countersBytes = (len(chunk.Counters{}.Bytes) + 1) * 8
	leastRecord   = countersBytes + 2*4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// state is what a journal says.
type state struct {
	have     content.Bitmap
	counters chunk.Counters
}

// record is one step from a state to the next.
type record struct {
	counters     chunk.Counters
	cleared, set []content.Run
}

// changes returns the step from one state to another.
func changes(from content.Bitmap, to state, chunks uint32) record {
	r := record{counters: to.counters}
	for i := uint32(0); i < chunks; i++ {
		if i%8 == 0 && from[i/8] == to.have[i/8] {
			i += 7
			continue
		}
		switch was, is := from.Has(i), to.have.Has(i); {
		case was && !is:
			r.cleared = extend(r.cleared, i)
		case is && !was:
			r.set = extend(r.set, i)
		}
	}
	return r
}

func extend(runs []content.Run, i uint32) []content.Run {
	if n := len(runs); n > 0 && runs[n-1].First+runs[n-1].Count == i {
		runs[n-1].Count++
		return runs
	}
	return append(runs, content.Run{First: i, Count: 1})
}

// apply takes the step r.
func (s *state) apply(r record) {
	s.counters = r.counters
	for _, run := range r.cleared {
		for i := run.First; i < run.First+run.Count; i++ {
			s.have.Clear(i)
		}
	}
	for _, run := range r.set {
		for i := run.First; i < run.First+run.Count; i++ {
			s.have.Set(i)
		}
	}
}

func appendHeader(b []byte, id content.VersionID, generation uint64, chunks uint32) []byte {
	start := len(b)
	b = append(b, journalMagic...)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, generation)
	b = binary.BigEndian.AppendUint32(b, chunks)
	return binary.BigEndian.AppendUint32(b, checksum(generation, b[start:]))
}

func appendRecord(b []byte, generation uint64, r record) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(leastRecord+8*(len(r.cleared)+len(r.set))))
	for _, n := range r.counters.Bytes {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.counters.WAN))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.cleared)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.set)))
	for _, run := range slices.Concat(r.cleared, r.set) {
		b = binary.BigEndian.AppendUint32(b, run.First)
		b = binary.BigEndian.AppendUint32(b, run.Count)
	}
	return binary.BigEndian.AppendUint32(b, checksum(generation, b[start:]))
}

func checksum(generation uint64, b []byte) uint32 {
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], generation)
	return crc32.Update(crc32.Checksum(seed[:], castagnoli), castagnoli, b)
}

// readJournal returns what a journal says, its generation, and where its last
// whole record ends. It takes memory for the chunks only, whatever data claims.
func readJournal(data []byte, id content.VersionID, chunks uint32) (s state, generation uint64, end int, err error) {
	if len(data) < headerBytes {
		return state{}, 0, 0, errors.New("the header is cut off")
	}
	generation = binary.BigEndian.Uint64(data[20:])
	if got := appendHeader(nil, id, generation, chunks); string(got) != string(data[:headerBytes]) {
		return state{}, 0, 0, fmt.Errorf("no journal of version 1 for %d chunks of %s", chunks, id)
	}
	s.have = content.NewBitmap(chunks)
	for end = headerBytes; ; {
		r, n, ok := readRecord(data[end:], generation, chunks)
		if !ok {
			return s, generation, end, nil
		}
		s.apply(r)
		end += n
	}
}

// readRecord reports false where there is no whole record.
func readRecord(b []byte, generation uint64, chunks uint32) (r record, size int, ok bool) {
	if len(b) < 4+leastRecord+4 {
		return record{}, 0, false
	}
	length := int64(binary.BigEndian.Uint32(b))
	if length < int64(leastRecord) || 4+length+4 > int64(len(b)) {
		return record{}, 0, false
	}
	size = int(4 + length + 4)
	if checksum(generation, b[:size-4]) != binary.BigEndian.Uint32(b[size-4:]) {
		return record{}, 0, false
	}
	b = b[4 : size-4]
	for i := range r.counters.Bytes {
		r.counters.Bytes[i] = int64(binary.BigEndian.Uint64(b))
		b = b[8:]
	}
	r.counters.WAN = int64(binary.BigEndian.Uint64(b))
	cleared, set := int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))
	if b = b[16:]; int64(len(b)) != 8*(cleared+set) {
		return record{}, 0, false
	}
	runs := make([]content.Run, cleared+set)
	for i := range runs {
		runs[i] = content.Run{First: binary.BigEndian.Uint32(b), Count: binary.BigEndian.Uint32(b[4:])}
		if uint64(runs[i].First)+uint64(runs[i].Count) > uint64(chunks) {
			return record{}, 0, false
		}
		b = b[8:]
	}
	r.cleared, r.set = runs[:cleared], runs[cleared:]
	return r, size, true
}
