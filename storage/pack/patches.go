package pack

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/sitecast/sitecast/storage/content"
)

// Patches are what makes a version of the one before it: its chunks that the older
// one, the base, lacks, each as a patch where that is clearly smaller. They lie back to
// back in an object of their own, in the order of the version, so that a range of them
// does what a longer range of a pack would.
type Patches struct {
	Base    content.VersionID
	Entries []PatchEntry // by chunk, in order
}

// PatchEntry says where one chunk lies.
type PatchEntry struct {
	Chunk    uint32 // which one of the version it is
	Offset   int64  // from the start of the object
	Length   uint32 // encoded
	Encoding Encoding
	// First and Count name the chunks of the base that are the dictionary, for Patch; 0
	// for other encodings.
	First, Count uint32
}

// MaxDictionaryChunks bounds the chunks of a dictionary: they may be small.
const MaxDictionaryChunks = 64

// The layout of such an object, integers big-endian:
//
//	3 bytes "SCD", u8 version 1
//	the encoded chunks, back to back
//	each entry: u32 chunk, u32 encoded length, u8 encoding, u32 first, u32 count
//	footer: 16 bytes id of the base, u32 entries, 3 bytes "SCD", u8 version 1
//
// History: 1, the first release.
const (
	patchMagic       = "SCD\x01"
	patchEntryBytes  = 4 + 4 + 1 + 4 + 4
	patchFooterBytes = 16 + 4 + 4
)

// ReadPatches reads and checks the table of an object of size bytes: what it returns
// covers the object from its header to the table, without gap or overlap. It reads
// nothing but header, table and footer.
func ReadPatches(r io.ReaderAt, size int64) (Patches, error) {
	p, err := readPatches(r, size)
	if err != nil {
		return Patches{}, fmt.Errorf("read patches: %w", err)
	}
	return p, nil
}

func readPatches(r io.ReaderAt, size int64) (p Patches, err error) {
	if size < headerBytes+patchFooterBytes || size > MaxBytes {
		return p, fmt.Errorf("object of %d bytes, want %d to %d", size, headerBytes+patchFooterBytes, MaxBytes)
	}
	var header [headerBytes]byte
	var footer [patchFooterBytes]byte
	if err := errors.Join(readFull(r, header[:], 0), readFull(r, footer[:], size-patchFooterBytes)); err != nil {
		return p, err
	}
	if string(header[:]) != patchMagic || string(footer[20:]) != patchMagic {
		return p, errors.New("no patches of version 1")
	}
	count := int64(binary.BigEndian.Uint32(footer[16:]))
	if count > content.MaxChunks || headerBytes+count*patchEntryBytes+patchFooterBytes > size {
		return p, fmt.Errorf("%d entries in %d bytes, limit %d", count, size, content.MaxChunks)
	}
	table := make([]byte, count*patchEntryBytes)
	if err := readFull(r, table, size-patchFooterBytes-int64(len(table))); err != nil {
		return p, err
	}
	p = Patches{Base: content.VersionID(footer[:16]), Entries: make([]PatchEntry, count)}
	at, next := int64(headerBytes), uint32(0)
	for i := range p.Entries {
		e := parsePatchEntry(table[i*patchEntryBytes:], at)
		if err := e.check(next); err != nil {
			return p, fmt.Errorf("entry %d: %w", i, err)
		}
		at, next = at+int64(e.Length), e.Chunk+1
		p.Entries[i] = e
	}
	if end := size - patchFooterBytes - int64(len(table)); at != end {
		return p, fmt.Errorf("chunks end at %d, want %d", at, end)
	}
	return p, nil
}

func parsePatchEntry(b []byte, at int64) PatchEntry {
	be := binary.BigEndian
	return PatchEntry{Chunk: be.Uint32(b), Offset: at, Length: be.Uint32(b[4:]), Encoding: Encoding(b[8]),
		First: be.Uint32(b[9:]), Count: be.Uint32(b[13:])}
}

func (e PatchEntry) append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, e.Chunk)
	b = be.AppendUint32(b, e.Length)
	b = append(b, byte(e.Encoding))
	b = be.AppendUint32(b, e.First)
	return be.AppendUint32(b, e.Count)
}

// check bounds the fields of e, whose chunk is next or a later one.
func (e PatchEntry) check(next uint32) error {
	switch {
	case e.Chunk < next || e.Chunk >= content.MaxChunks:
		return fmt.Errorf("chunk %d, want %d or a later one", e.Chunk, next)
	case e.Length == 0 || e.Length > content.MaxChunkBytes:
		return fmt.Errorf("%d bytes, want 1 to %d", e.Length, content.MaxChunkBytes)
	case e.Encoding <= Zstd && e.First == 0 && e.Count == 0:
		return nil
	case e.Encoding == Patch && e.Count > 0 && e.Count <= MaxDictionaryChunks && e.First < content.MaxChunks:
		return nil
	}
	return fmt.Errorf("encoding %d with chunks %d+%d as its dictionary", e.Encoding, e.First, e.Count)
}

// A PatchWriter writes patches to w. It belongs to one goroutine. What it wrote is
// whole, and has a name, only after Finish.
type PatchWriter struct {
	out     *bufio.Writer
	hash    hash.Hash
	patches Patches
	size    int64 // of header and chunks
}

// NewPatchWriter begins the patches of a base.
func NewPatchWriter(w io.Writer, base content.VersionID) (*PatchWriter, error) {
	h := sha256.New()
	p := &PatchWriter{out: bufio.NewWriterSize(io.MultiWriter(w, h), 1<<20), hash: h, patches: Patches{Base: base}, size: headerBytes}
	if _, err := p.out.WriteString(patchMagic); err != nil {
		return nil, fmt.Errorf("write patches: %w", err)
	}
	return p, nil
}

// Size returns the length of the object if it is finished now.
func (p *PatchWriter) Size() int64 {
	return p.size + int64(len(p.patches.Entries))*patchEntryBytes + patchFooterBytes
}

// Fits reports whether there is room for one more chunk of n encoded bytes.
func (p *PatchWriter) Fits(n int) bool { return p.Size()+int64(n)+patchEntryBytes <= MaxBytes }

// Append writes an encoded chunk; its entry's offset and length are filled in. Chunks
// come in order.
func (p *PatchWriter) Append(e PatchEntry, encoded []byte) error {
	e.Offset, e.Length = p.size, uint32(len(encoded))
	next := uint32(0)
	if n := len(p.patches.Entries); n > 0 {
		next = p.patches.Entries[n-1].Chunk + 1
	}
	if err := e.check(next); err != nil {
		return fmt.Errorf("write patches: %w", err)
	}
	if !p.Fits(len(encoded)) {
		return errors.New("write patches: no room for another chunk")
	}
	if _, err := p.out.Write(encoded); err != nil {
		return fmt.Errorf("write patches: %w", err)
	}
	p.patches.Entries = append(p.patches.Entries, e)
	p.size += int64(len(encoded))
	return nil
}

// Finish writes the table, and returns the name of the object and what it holds.
func (p *PatchWriter) Finish() (content.Digest, Patches, error) {
	table := make([]byte, 0, len(p.patches.Entries)*patchEntryBytes+patchFooterBytes)
	for _, e := range p.patches.Entries {
		table = e.append(table)
	}
	table = append(table, p.patches.Base[:]...)
	table = binary.BigEndian.AppendUint32(table, uint32(len(p.patches.Entries)))
	table = append(table, patchMagic...)
	if _, err := p.out.Write(table); err != nil {
		return content.Digest{}, Patches{}, fmt.Errorf("finish patches: %w", err)
	}
	if err := p.out.Flush(); err != nil {
		return content.Digest{}, Patches{}, fmt.Errorf("finish patches: %w", err)
	}
	return content.Digest(p.hash.Sum(nil)), p.patches, nil
}
