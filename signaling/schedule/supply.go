package schedule

import (
	"math/bits"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Place is where a chunk lies at the origin.
type Place struct {
	Pack     content.Digest
	Offset   int64
	Length   uint32 // encoded
	Encoding uint8  // pack.Encoding
}

// Supply knows of one flow which chunks live endpoints of the site hold and which
// are under a live lease. A chunk that is neither is open: it has to come over
// the WAN.
type Supply struct {
	places  []Place
	holders []uint16 // of each chunk
	leased  content.Bitmap
	missing int64    // encoded bytes of chunks that nobody holds
	absent  uint32   // how many those are
	open    uint32   // how many chunks are open
	bytes   int64    // encoded, of those
	first   uint32   // no chunk before it is open
	savings []uint32 // encoded bytes that patches save of each chunk; nil: there are none
	saved   int64    // and of those that are missing
}

// NewSupply returns the supply of a version whose chunks lie at places; nobody
// holds any of them.
func NewSupply(places []Place) *Supply {
	n := uint32(len(places))
	s := &Supply{places: places, holders: make([]uint16, n), leased: content.NewBitmap(n), open: n, absent: n}
	for _, p := range places {
		s.missing += int64(p.Length)
		s.bytes += int64(p.Length)
	}
	return s
}

// Missing returns the encoded bytes of all chunks that nobody holds: those that
// are open, and those that are on their way.
func (s *Supply) Missing() int64 { return s.missing }

// Saved returns how many encoded bytes of Missing patches would save.
func (s *Supply) Saved() int64 { return s.saved }

// Patch notes what patches there are now.
func (s *Supply) Patch(p *Patches) {
	s.savings, s.saved = p.savings(s.places), 0
	for i, n := range s.savings {
		if s.holders[i] == 0 {
			s.saved += int64(n)
		}
	}
}

// lack notes that so many more bytes are missing as chunk i has, or (sign is -1) fewer.
func (s *Supply) lack(i uint32, sign int64) {
	s.missing += sign * int64(s.places[i].Length)
	if s.savings != nil {
		s.saved += sign * int64(s.savings[i])
	}
}

// Absent returns what part of all chunks nobody holds, 0 to 1.
func (s *Supply) Absent() float64 { return float64(s.absent) / float64(max(len(s.places), 1)) }

// Open returns how many chunks are open.
func (s *Supply) Open() uint32 { return s.open }

// OpenBytes returns how many encoded bytes the open chunks have.
func (s *Supply) OpenBytes() int64 { return s.bytes }

// Leased reports whether chunk i is under a lease.
func (s *Supply) Leased(i uint32) bool { return s.leased.Has(i) }

// Holders returns how many endpoints hold chunk i.
func (s *Supply) Holders(i uint32) int { return int(s.holders[i]) }

func (s *Supply) isOpen(i uint32) bool { return s.holders[i] == 0 && !s.leased.Has(i) }

// update notes that chunk i, open or not before, may be the other now.
func (s *Supply) update(i uint32, was bool) {
	switch is := s.isOpen(i); {
	case was && !is:
		s.open--
		s.bytes -= int64(s.places[i].Length)
	case !was && is:
		s.open++
		s.bytes += int64(s.places[i].Length)
		s.first = min(s.first, i)
	}
}

// Change notes that one endpoint held the eight chunks from `from` on as the bits
// of was say, and now holds them as is says.
func (s *Supply) Change(from uint32, was, is byte) {
	for diff := was ^ is; diff != 0; diff &= diff - 1 {
		bit := bits.TrailingZeros8(diff)
		i := from + uint32(bit)
		if uint64(i) >= uint64(len(s.holders)) {
			return
		}
		open := s.isOpen(i)
		if is>>bit&1 == 1 {
			if s.holders[i]++; s.holders[i] == 1 {
				s.lack(i, -1)
				s.absent--
			}
		} else {
			if s.holders[i]--; s.holders[i] == 0 {
				s.lack(i, 1)
				s.absent++
			}
		}
		s.update(i, open)
	}
}

// Lease notes that the parts are under a lease, and Free that they no longer are.
func (s *Supply) Lease(parts []wire.Part) {
	for _, p := range parts {
		open := s.isOpen(p.Chunk)
		s.leased.Set(p.Chunk)
		s.update(p.Chunk, open)
	}
}

// Free undoes Lease.
func (s *Supply) Free(parts []wire.Part) {
	for _, p := range parts {
		open := s.isOpen(p.Chunk)
		s.leased.Clear(p.Chunk)
		s.update(p.Chunk, open)
	}
}
