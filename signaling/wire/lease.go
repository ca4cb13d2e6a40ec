package wire

import (
	"github.com/sitecast/sitecast/storage/content"
)

// Lease is the right to fetch one range from the origin, once, for the site.
// An endpoint holds its current and its next lease. Progress renews it; without
// it the lease ends after TTL. Epoch and Lease fence it: a report under an older
// pair than the server's is void.
type Lease struct {
	Flow  content.VersionID `json:"flow"`
	Epoch uint64            `json:"epoch"`
	Lease uint64            `json:"lease"`
	// Body says that the range is the whole body and not chunks of a pack.
	Body bool           `json:"body,omitempty"`
	Pack content.Digest `json:"pack"` // the object
	URL  string         `json:"url"`  // signed, absolute or relative to the server
	From int64          `json:"from"` // first byte in the object
	To   int64          `json:"to"`   // one past the last byte
	// Parts are the chunks in the range, in order and without gaps.
	Parts []Part `json:"parts,omitempty"`
	TTLMs int64  `json:"ttl_ms"`
	Next  bool   `json:"next,omitempty"` // begin it when the current lease is done
	// Patch is another way to the same chunks; nil: there is none.
	Patch *Patch `json:"patch,omitempty"`
	// External says that the object is a file at somebody else's URL, which may be changed
	// there; nil: it is one of the origin's. No page gets such a lease.
	External *External `json:"external,omitempty"`
}

// Part is one chunk as it lies in a pack.
type Part struct {
	Chunk    uint32 `json:"c"`
	Length   uint32 `json:"n"`           // encoded bytes
	Encoding uint8  `json:"e,omitempty"` // pack.Encoding: 0 plain, 1 zstd
	Skip     uint32 `json:"s,omitempty"` // bytes before it in the range that are of no use
}

// Span is how many bytes of the range the part takes, with those it skips.
func (p Part) Span() int64 { return int64(p.Skip) + int64(p.Length) }

// Patch names the chunks of a lease once more, in a range of another object, where they
// lie as patches: each is made of what an older version has around its place. Who holds
// that version whole fetches this range in place of the lease's own; all others, and
// whoever fails at it, take the lease's own, or what is left of it.
type Patch struct {
	Base content.VersionID `json:"base"` // the older version
	Pack content.Digest    `json:"pack"` // the object
	URL  string            `json:"url"`  // signed, absolute or relative to the server
	From int64             `json:"from"` // first byte in the object
	To   int64             `json:"to"`   // one past the last byte
	// Parts are the lease's, one for each, in order and without gaps.
	Parts []PatchPart `json:"parts"`
}

// PatchPart is one chunk as it lies among patches.
type PatchPart struct {
	Length   uint32 `json:"n"`           // encoded bytes
	Encoding uint8  `json:"e,omitempty"` // pack.Encoding: 0 plain, 1 zstd, 2 zstd with a dictionary
	Skip     uint32 `json:"s,omitempty"` // bytes before it in the range that are of no use
	// First and Count are the chunks of the base that are the dictionary, back to back.
	First uint32 `json:"f,omitempty"`
	Count uint32 `json:"k,omitempty"`
}

// Span is how many bytes of the range the part takes, with those it skips.
func (p PatchPart) Span() int64 { return int64(p.Skip) + int64(p.Length) }

// Revoke ends a lease early; the endpoint stops its request and reports progress.
type Revoke struct {
	Epoch  uint64 `json:"epoch"`
	Lease  uint64 `json:"lease"`
	Reason string `json:"reason,omitempty"`
}

// LeaseState reports how far a lease got. Verified counts the leading parts
// whose chunks are verified and stored.
type LeaseState struct {
	Epoch    uint64 `json:"epoch"`
	Lease    uint64 `json:"lease"`
	Verified uint32 `json:"verified"`
	Done     bool   `json:"done,omitempty"`
	Failed   string `json:"failed,omitempty"` // why the endpoint gave it back
	// Patched is how many of the leading parts came as patches, or were held before.
	Patched uint32 `json:"patched,omitempty"`
	// Code is why it was given back, where that is what was fetched, or that it could not
	// be: CodeExternal, CodeBadChunk or CodeOrigin.
	Code string `json:"code,omitempty"`
	// Range announces a lease that outlived the session it was granted in. The
	// server takes it over, under the pair it was granted with, or revokes it.
	Range *LeaseRange `json:"range,omitempty"`
}

// LeaseRange is what a lease covers: the body, or bytes of a pack.
type LeaseRange struct {
	Body bool           `json:"body,omitempty"`
	Pack content.Digest `json:"pack"` // the object
	From int64          `json:"from"`
	To   int64          `json:"to"`
}
