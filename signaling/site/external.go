package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// The chunks of a flow may lie in a file at somebody else's URL, a vendor's. Its leases name
// that address in place of a signed one, and what was seen of the file when it was
// published. Who finds another file there says so as it gives its lease back: then nobody
// fetches for a while, so that the server can look for itself, and nobody at all once it
// found the same. Body and peers are as with every flow. Pages fetch nothing there.

// External is where the chunks of a flow lie, if not at the origin.
type External struct {
	external.File
	Object  content.Digest // that its places name
	Changed string         // why nobody fetches it any more; empty: it is as it was
}

// vendor is how a site fares with somebody else's URL.
type vendor struct {
	until   time.Time // nobody fetches before: it is being checked
	off     time.Duration
	trouble string // why a fetch failed last, since something came
}

const (
	// vendorOff is how long nobody fetches a file of which it was said that it changed. It
	// doubles each time, up to maxVendorOff, until something comes.
	vendorOff    = 10 * time.Second
	maxVendorOff = 5 * time.Minute
)

// Codes in [ExternalView.Code].
const (
	CodeExternalChanged  = wire.CodeExternal
	CodeExternalChecking = "external_checking"
	CodeExternalFailing  = "external_failing"
	CodeExternalNoAgent  = "external_no_agent"
)

// ExternalView is a file at somebody else's URL in which a flow's chunks lie.
type ExternalView struct {
	URL string `json:"url"`
	// Code says what keeps the site from fetching it; absent: nothing. The flow's reason says
	// more.
	Code string `json:"code,omitempty" enum:"external_changed,external_checking,external_failing,external_no_agent"`

	why string
}

// reason is why nothing is fetched there, in words.
func (v *ExternalView) reason() string {
	if v == nil {
		return ""
	}
	return v.why
}

// vendorChanged reports whether a flow's chunks can't be had where they lie any more.
func (f *flow) vendorChanged() bool { return f.External != nil && f.External.Changed != "" }

// vendorShut says why nobody may fetch a flow's chunks where they lie, "" if somebody may.
func (s *Site) vendorShut(now time.Time, f *flow) string {
	switch {
	case f.External == nil:
	case f.vendorChanged():
		return "the vendor's file changed since it was published: publish it again (" + f.External.Changed + ")"
	case now.Before(f.vendor.until):
		return "the server checks whether the vendor's file changed (" + f.vendor.trouble + ")"
	}
	return ""
}

// vendorOf is the address of a lease at somebody else's URL; "" where it is at the origin.
func (s *Site) vendorOf(f *flow, l *lease) (string, *wire.External) {
	e := f.External
	if e == nil || l.body {
		return "", nil
	}
	return e.URL, &wire.External{ETag: e.ETag, Modified: e.Modified, Bytes: e.Bytes}
}

// vendorFailed takes in that a lease at somebody else's URL was given back.
func (s *Site) vendorFailed(now time.Time, f *flow, l *lease, state wire.LeaseState) {
	if f.External == nil || l.body || state.Code == "" {
		return
	}
	v := &f.vendor
	v.trouble = state.Failed
	if state.Code != wire.CodeExternal && state.Code != wire.CodeBadChunk {
		return
	}
	v.off = min(max(2*v.off, vendorOff), maxVendorOff)
	v.until = now.Add(v.off)
	for _, other := range s.leases {
		if other.flow == f.ID && !other.body {
			s.revoke(now, other, "somebody found another file at the vendor's URL")
		}
	}
	if s.cfg.Suspect != nil && len(l.parts) > 0 {
		s.cfg.Suspect(f.External.Object, l.parts[min(int(state.Verified), len(l.parts)-1)].Chunk)
	}
}

// vendorServed takes in that all of a lease came.
func (f *flow) vendorServed(l *lease) {
	if !l.body {
		f.vendor = vendor{}
	}
}

// externalView says where a flow's chunks lie, if not at the origin, and what is the matter
// there; nil: they are at the origin.
func (s *Site) externalView(now time.Time, f *flow) *ExternalView {
	if f.External == nil {
		return nil
	}
	v := &ExternalView{URL: f.External.URL}
	if s.missing(now, f) == 0 {
		return v
	}
	v.why = s.vendorShut(now, f)
	switch {
	case f.vendorChanged():
		v.Code = CodeExternalChanged
	case v.why != "":
		v.Code = CodeExternalChecking
	case s.pagesOnly(f):
		v.Code, v.why = CodeExternalNoAgent, "its bytes lie at a vendor's URL, which no page may fetch from: it waits for an agent at the site that takes part"
	case f.vendor.trouble != "":
		v.Code, v.why = CodeExternalFailing, "fetching from the vendor failed: "+f.vendor.trouble
	}
	return v
}

// pagesOnly reports whether nobody takes part in a flow but pages.
func (s *Site) pagesOnly(f *flow) bool {
	pages := false
	for _, m := range s.members {
		if f.wantedBy(m) {
			if !m.browser() {
				return false
			}
			pages = true
		}
	}
	return pages
}
