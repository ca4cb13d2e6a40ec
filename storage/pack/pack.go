// Package pack keeps chunks in packs: immutable files, named by the SHA-256 of
// their bytes, in which chunks lie back to back, each compressed on its own where
// that pays, so that a range of a pack decodes without the rest of it.
//
// Bytes read from a pack are bounded before memory is taken for them, and are not
// to be trusted before the chunk they decode to matches its digest: that is left
// to whoever stores the chunk. Where packs are kept is the business of package blob.
package pack

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits of a pack.
const (
	MaxBytes   = 256 << 20 // the whole file
	MaxEntries = 1 << 20
)

// Encoding says how a chunk lies in a pack.
type Encoding uint8

// The encodings of a chunk.
const (
	Plain Encoding = 0
	Zstd  Encoding = 1 // one frame (RFC 8878), single segment, with its content size, without checksum
	Patch Encoding = 2 // the same with a dictionary, which an older version holds; in no pack, see [Patches]
)

// Entry says where a chunk lies in a pack.
type Entry struct {
	Digest   content.Digest
	Offset   int64  // from the start of the pack
	Length   uint32 // encoded
	Encoding Encoding
	Plain    uint32 // length of the chunk
}

// The layout of a pack, integers big-endian:
//
//	3 bytes "SCP", u8 version 1
//	the encoded chunks, back to back
//	each entry: 32 bytes digest, u32 encoded length, u32 plain length, u8 encoding
//	footer: u32 entries, 3 bytes "SCP", u8 version 1
//
// The offsets of chunks and of the index follow from the lengths.
// History: 1, the first release.
const (
	magic       = "SCP\x01"
	headerBytes = 4
	entryBytes  = 32 + 4 + 4 + 1
	footerBytes = 4 + 4
)

// ReadIndex reads and checks the index of a pack of size bytes: what it returns
// covers the pack from its header to the index, without gap or overlap, and lists
// no chunk twice. It reads nothing but header, index and footer.
func ReadIndex(r io.ReaderAt, size int64) ([]Entry, error) {
	index, err := readIndex(r, size)
	if err != nil {
		return nil, fmt.Errorf("read index of pack: %w", err)
	}
	entries := make([]Entry, len(index)/entryBytes)
	seen := make(map[content.Digest]struct{}, len(entries))
	at := int64(headerBytes)
	for i := range entries {
		e := parseEntry(index[i*entryBytes:], at)
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("read index of pack: entry %d: %w", i, err)
		}
		at += int64(e.Length)
		seen[e.Digest] = struct{}{}
		entries[i] = e
	}
	if end := size - footerBytes - int64(len(index)); at != end {
		return nil, fmt.Errorf("read index of pack: chunks end at %d, want %d", at, end)
	}
	if len(seen) != len(entries) {
		return nil, fmt.Errorf("read index of pack: a chunk is listed twice")
	}
	return entries, nil
}

// Verify reads all of a pack and returns what [ReadIndex] does, once every chunk
// decodes to what its digest says. It takes the memory of one chunk.
func Verify(ctx context.Context, r io.ReaderAt, size int64) ([]Entry, error) {
	entries, err := ReadIndex(r, size)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, headerBytes, size-headerBytes), 1<<20)
	var encoded, plain []byte
	for i, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		encoded = slices.Grow(encoded[:0], int(e.Length))[:e.Length]
		if _, err := io.ReadFull(in, encoded); err != nil {
			return nil, fmt.Errorf("verify pack: entry %d: %w", i, err)
		}
		if plain, err = Decode(e.Encoding, encoded, e.Plain, plain[:0]); err != nil {
			return nil, fmt.Errorf("verify pack: entry %d: %w", i, err)
		}
		if got := content.Sum(plain); got != e.Digest {
			return nil, fmt.Errorf("verify pack: entry %d is chunk %s, and not %s", i, got, e.Digest)
		}
	}
	return entries, nil
}

// readIndex returns the bytes of the index, after checking what surrounds it.
func readIndex(r io.ReaderAt, size int64) ([]byte, error) {
	if size < headerBytes+footerBytes || size > MaxBytes {
		return nil, fmt.Errorf("pack of %d bytes, want %d to %d", size, headerBytes+footerBytes, MaxBytes)
	}
	var header [headerBytes]byte
	var footer [footerBytes]byte
	if err := readFull(r, header[:], 0); err != nil {
		return nil, err
	}
	if err := readFull(r, footer[:], size-footerBytes); err != nil {
		return nil, err
	}
	if string(header[:]) != magic || string(footer[4:]) != magic {
		return nil, errors.New("no pack of version 1")
	}
	count := int64(binary.BigEndian.Uint32(footer[:]))
	if count > MaxEntries || headerBytes+count*entryBytes+footerBytes > size {
		return nil, fmt.Errorf("%d entries in %d bytes, limit %d", count, size, MaxEntries)
	}
	index := make([]byte, count*entryBytes)
	return index, readFull(r, index, size-footerBytes-int64(len(index)))
}

// readFull reads all of b; io.EOF together with all of it is no error.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func parseEntry(b []byte, at int64) Entry {
	return Entry{
		Digest:   content.Digest(b[:32]),
		Offset:   at,
		Length:   binary.BigEndian.Uint32(b[32:]),
		Plain:    binary.BigEndian.Uint32(b[36:]),
		Encoding: Encoding(b[40]),
	}
}

func (e Entry) append(b []byte) []byte {
	b = append(b, e.Digest[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Length)
	b = binary.BigEndian.AppendUint32(b, e.Plain)
	return append(b, byte(e.Encoding))
}

// check bounds the fields of e: a chunk is compressed only where that makes it smaller.
func (e Entry) check() error {
	switch {
	case e.Plain == 0 || e.Plain > content.MaxChunkBytes:
		return fmt.Errorf("chunk of %d bytes, want 1 to %d", e.Plain, content.MaxChunkBytes)
	case e.Encoding == Plain && e.Length == e.Plain:
		return nil
	case e.Encoding == Zstd && e.Length > 0 && e.Length < e.Plain:
		return nil
	}
	return fmt.Errorf("%d bytes with encoding %d for a chunk of %d", e.Length, e.Encoding, e.Plain)
}
