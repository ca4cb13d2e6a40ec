package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Placement says where the chunks of a version lie at the origin.
type Placement struct {
	Packs  []content.Digest
	Chunks []Place // by chunk
}

// Place is where one chunk lies.
type Place struct {
	Pack     uint16 // index into Packs
	Offset   int64
	Length   uint32 // encoded
	Encoding uint8
}

// Packed is where a chunk lies at the origin, whatever versions it is part of.
type Packed struct {
	content.Chunk
	Pack     content.Digest
	Offset   int64
	Length   uint32 // encoded
	Encoding uint8
}

// PlaceChunks says where the chunks of a body lie, given where those chunks lie that the
// origin has. Its error names a chunk that is missing, or is another than the body
// says.
func PlaceChunks(chunks []content.Chunk, at map[content.Digest]Packed) (Placement, error) {
	p := Placement{Packs: []content.Digest{}, Chunks: make([]Place, len(chunks))}
	index := map[content.Digest]uint16{}
	for i, c := range chunks {
		lies, ok := at[c.Digest]
		switch {
		case !ok:
			return p, fmt.Errorf("chunk %d (%s) is in none of the packs", i, c.Digest)
		case lies.Chunk.Length != c.Length:
			return p, fmt.Errorf("chunk %d (%s) has length %d in pack %s, want %d", i, c.Digest, lies.Chunk.Length, lies.Pack, c.Length)
		}
		pack, known := index[lies.Pack]
		if !known {
			if len(p.Packs) == maxPacks {
				return p, fmt.Errorf("chunks in more than %d packs", maxPacks)
			}
			pack = uint16(len(p.Packs))
			index[lies.Pack] = pack
			p.Packs = append(p.Packs, lies.Pack)
		}
		p.Chunks[i] = Place{Pack: pack, Offset: lies.Offset, Length: lies.Length, Encoding: lies.Encoding}
	}
	return p, nil
}

// placeBytes is the encoded size of a Place: u16 pack, u48 offset, u32 length,
// u8 encoding.
const (
	placeBytes = 2 + 6 + 4 + 1
	maxPacks   = 1 << 16
)

var errPlacement = errors.New("malformed placement")

// Encode returns the bytes that DecodePlacement reads: u32 packs, u32 chunks, the
// digests, the places; big-endian.
func (p Placement) Encode() []byte {
	be := binary.BigEndian
	out := make([]byte, 0, 8+len(p.Packs)*len(content.Digest{})+len(p.Chunks)*placeBytes)
	out = be.AppendUint32(out, uint32(len(p.Packs)))
	out = be.AppendUint32(out, uint32(len(p.Chunks)))
	for _, d := range p.Packs {
		out = append(out, d[:]...)
	}
	for _, c := range p.Chunks {
		out = be.AppendUint16(out, c.Pack)
		out = be.AppendUint16(out, uint16(c.Offset>>32))
		out = be.AppendUint32(out, uint32(c.Offset))
		out = be.AppendUint32(out, c.Length)
		out = append(out, c.Encoding)
	}
	return out
}

// DecodePlacement reads an encoded placement and checks that it is consistent.
func DecodePlacement(b []byte) (Placement, error) {
	be := binary.BigEndian
	if len(b) < 8 {
		return Placement{}, errPlacement
	}
	packs, chunks := uint64(be.Uint32(b)), uint64(be.Uint32(b[4:]))
	b = b[8:]
	if packs > maxPacks || chunks > content.MaxChunks || uint64(len(b)) != packs*uint64(len(content.Digest{}))+chunks*placeBytes {
		return Placement{}, fmt.Errorf("%w: %d packs, %d chunks, %d bytes", errPlacement, packs, chunks, len(b))
	}
	p := Placement{Packs: make([]content.Digest, packs), Chunks: make([]Place, chunks)}
	for i := range p.Packs {
		b = b[copy(p.Packs[i][:], b):]
	}
	for i := range p.Chunks {
		p.Chunks[i] = Place{Pack: be.Uint16(b), Offset: int64(be.Uint16(b[2:]))<<32 | int64(be.Uint32(b[4:])),
			Length: be.Uint32(b[8:]), Encoding: b[12]}
		if uint64(p.Chunks[i].Pack) >= packs {
			return Placement{}, fmt.Errorf("%w: chunk %d lies in pack %d of %d", errPlacement, i, p.Chunks[i].Pack, packs)
		}
		b = b[placeBytes:]
	}
	return p, nil
}
