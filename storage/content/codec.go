package content

import (
	"encoding/binary"
	"fmt"
)

// The encoding of a body, integers big-endian:
//
//	3 bytes "SCB", u8 version 1
//	u32 chunks, u32 runs, u32 files
//	each chunk: 32 bytes digest, u32 length
//	each run:   u32 first chunk, u32 count
//	each file:  u8 flags (1 executable, 2 folder), u64 size, u16 length of path, path
//
// History: 1, the first release.
const (
	bodyMagic       = "SCB\x01"
	bodyHeaderBytes = 4 + 3*4
	chunkBytes      = 32 + 4
	runBytes        = 2 * 4
	fileBytes       = 1 + 8 + 2 // and the path

	flagExecutable = 1
	flagDir        = 2
)

// Encode returns the one encoding of b, which must pass [Body.Check].
func (b *Body) Encode() []byte {
	size := bodyHeaderBytes + len(b.Chunks)*chunkBytes + len(b.Runs)*runBytes
	for _, f := range b.Files {
		size += fileBytes + len(f.Path)
	}
	out := append(make([]byte, 0, size), bodyMagic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.Chunks)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.Runs)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.Files)))
	for _, c := range b.Chunks {
		out = append(out, c.Digest[:]...)
		out = binary.BigEndian.AppendUint32(out, c.Length)
	}
	for _, r := range b.Runs {
		out = binary.BigEndian.AppendUint32(out, r.First)
		out = binary.BigEndian.AppendUint32(out, r.Count)
	}
	for _, f := range b.Files {
		out = append(out, f.flags())
		out = binary.BigEndian.AppendUint64(out, uint64(f.Size))
		out = binary.BigEndian.AppendUint16(out, uint16(len(f.Path)))
		out = append(out, f.Path...)
	}
	return out
}

func (f File) flags() byte {
	var flags byte
	if f.Executable {
		flags |= flagExecutable
	}
	if f.Dir {
		flags |= flagDir
	}
	return flags
}

// DecodeBody decodes and checks a body. What it accepts, [Body.Encode] encodes to
// the same bytes. Unsafe paths are refused with a [*PathError].
func DecodeBody(encoded []byte) (*Body, error) {
	b, err := decodeBody(encoded)
	if err == nil {
		err = b.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	return b, nil
}

func decodeBody(in []byte) (*Body, error) {
	if len(in) > MaxBodyBytes {
		return nil, fmt.Errorf("%d bytes, limit %d", len(in), MaxBodyBytes)
	}
	if len(in) < bodyHeaderBytes || string(in[:len(bodyMagic)]) != bodyMagic {
		return nil, fmt.Errorf("no body of version 1")
	}
	chunks, runs, files := u32(in[4:]), u32(in[8:]), u32(in[12:])
	if err := checkCounts(chunks, runs, files); err != nil {
		return nil, err
	}
	in = in[bodyHeaderBytes:]
	if least := chunks*chunkBytes + runs*runBytes + files*fileBytes; least > len(in) {
		return nil, fmt.Errorf("%d bytes after the header, want at least %d", len(in), least)
	}
	b := &Body{Chunks: make([]Chunk, chunks), Runs: make([]Run, runs), Files: make([]File, files)}
	for i := range b.Chunks {
		b.Chunks[i] = Chunk{Digest: Digest(in[:32]), Length: binary.BigEndian.Uint32(in[32:])}
		in = in[chunkBytes:]
	}
	for i := range b.Runs {
		b.Runs[i] = Run{First: binary.BigEndian.Uint32(in), Count: binary.BigEndian.Uint32(in[4:])}
		in = in[runBytes:]
	}
	return b, decodeFiles(b.Files, in)
}

func decodeFiles(files []File, in []byte) error {
	for i := range files {
		if len(in) < fileBytes {
			return fmt.Errorf("file %d is cut off", i)
		}
		flags, size, length := in[0], binary.BigEndian.Uint64(in[1:]), int(binary.BigEndian.Uint16(in[9:]))
		in = in[fileBytes:]
		switch {
		case flags&^(flagExecutable|flagDir) != 0:
			return fmt.Errorf("file %d with unknown flags %#x", i, flags)
		case length > len(in):
			return fmt.Errorf("path of file %d is cut off", i)
		}
		files[i] = File{
			Path:       string(in[:length]),
			Size:       int64(size), // a size over 63 bits turns negative, and Check refuses it
			Executable: flags&flagExecutable != 0,
			Dir:        flags&flagDir != 0,
		}
		in = in[length:]
	}
	if len(in) != 0 {
		return fmt.Errorf("%d bytes after the last file", len(in))
	}
	return nil
}

func u32(b []byte) int { return int(binary.BigEndian.Uint32(b)) }
