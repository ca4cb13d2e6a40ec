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

// A Writer writes one pack to w. It belongs to one goroutine. What it wrote is
// whole, and has a name, only after Finish.
type Writer struct {
	out     *bufio.Writer
	hash    hash.Hash
	entries []Entry
	size    int64 // of header and chunks
}

// NewWriter begins a pack.
func NewWriter(w io.Writer) (*Writer, error) {
	h := sha256.New()
	p := &Writer{out: bufio.NewWriterSize(io.MultiWriter(w, h), 1<<20), hash: h, size: headerBytes}
	if _, err := p.out.WriteString(magic); err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	return p, nil
}

// Size returns the length of the pack if it is finished now.
func (p *Writer) Size() int64 {
	return p.size + int64(len(p.entries))*entryBytes + footerBytes
}

// SizeWith returns the length of the pack if it is finished after one more chunk
// of n encoded bytes.
func (p *Writer) SizeWith(n int) int64 { return p.Size() + int64(n) + entryBytes }

// Append writes a chunk that [Encode] encoded from plain bytes. It refuses one
// that the pack has no room for.
func (p *Writer) Append(digest content.Digest, encoding Encoding, encoded []byte, plain uint32) error {
	e := Entry{Digest: digest, Offset: p.size, Length: uint32(len(encoded)), Encoding: encoding, Plain: plain}
	if err := e.check(); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	if len(p.entries) == MaxEntries || p.SizeWith(len(encoded)) > MaxBytes {
		return errors.New("write pack: no room for another chunk")
	}
	if _, err := p.out.Write(encoded); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	p.entries = append(p.entries, e)
	p.size += int64(len(encoded))
	return nil
}

// Finish writes the index, and returns the name of the pack and what it holds.
func (p *Writer) Finish() (content.Digest, []Entry, error) {
	index := make([]byte, 0, len(p.entries)*entryBytes+footerBytes)
	for _, e := range p.entries {
		index = e.append(index)
	}
	index = binary.BigEndian.AppendUint32(index, uint32(len(p.entries)))
	index = append(index, magic...)
	if _, err := p.out.Write(index); err != nil {
		return content.Digest{}, nil, fmt.Errorf("finish pack: %w", err)
	}
	if err := p.out.Flush(); err != nil {
		return content.Digest{}, nil, fmt.Errorf("finish pack: %w", err)
	}
	return content.Digest(p.hash.Sum(nil)), p.entries, nil
}
