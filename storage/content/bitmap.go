package content

import "math/bits"

// BlockChunks is the number of consecutive chunks in a block, the unit of
// leases and have-summaries.
const BlockChunks = 16

// A Bitmap says which chunks of one version are held: chunk i is bit i%8 of
// byte i/8, least significant first. The length in bytes is fixed by [NewBitmap].
// Bits past the last chunk are zero.
type Bitmap []byte

// NewBitmap returns a bitmap of n chunks, none of them set.
func NewBitmap(n uint32) Bitmap { return make(Bitmap, (uint64(n)+7)/8) }

// Has reports whether chunk i is set; a chunk outside the bitmap is not.
func (b Bitmap) Has(i uint32) bool {
	return uint64(i)/8 < uint64(len(b)) && b[i/8]&(1<<(i%8)) != 0
}

// Set marks chunk i. A chunk outside the bitmap is ignored.
func (b Bitmap) Set(i uint32) {
	if uint64(i)/8 < uint64(len(b)) {
		b[i/8] |= 1 << (i % 8)
	}
}

// Clear unmarks chunk i.
func (b Bitmap) Clear(i uint32) {
	if uint64(i)/8 < uint64(len(b)) {
		b[i/8] &^= 1 << (i % 8)
	}
}

// Count returns how many chunks are set.
func (b Bitmap) Count() uint32 {
	n := 0
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return uint32(n)
}

// Clone returns an independent copy.
func (b Bitmap) Clone() Bitmap { return append(Bitmap(nil), b...) }

// Or sets in b every chunk that is set in other.
func (b Bitmap) Or(other Bitmap) {
	for i := range min(len(b), len(other)) {
		b[i] |= other[i]
	}
}

// Patch overwrites whole bytes of b from chunk `from` (a multiple of 8) with
// bits, and reports false, changing nothing, where they do not fit.
func (b Bitmap) Patch(from uint32, bits []byte) bool {
	at := uint64(from / 8)
	if from%8 != 0 || at+uint64(len(bits)) > uint64(len(b)) {
		return false
	}
	copy(b[at:], bits)
	return true
}

// Trim clears the bits past chunk n-1, so that bits sent by somebody else can
// not count chunks that do not exist.
func (b Bitmap) Trim(n uint32) {
	for i := n; uint64(i) < uint64(len(b))*8; i++ {
		b.Clear(i)
	}
}
