package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits of single fields, for bodies that came from elsewhere.
const (
	maxNameBytes    = 128 // software, host name, site, user name
	maxCodeBytes    = 64
	maxSessionBytes = 64
	maxLinkBytes    = 64
	maxTokenBytes   = 4 << 10
	maxURLBytes     = 2 << 10
	maxHeadBytes    = 8 << 10  // an envelope: base64 and signatures around content.MaxHeadBytes
	maxTrustBytes   = 48 << 10 // likewise around content.MaxTrustBytes
	maxSubnets      = 16
	maxICE          = 8 // servers, and URLs of one
	maxLeaseStates  = 128
	maxAttempt      = 1000
	// MaxReflectors bounds the addresses a governor measures an egress with.
	MaxReflectors = 8
	// MaxFetchers bounds the fetchers of one egress.
	MaxFetchers = 64
)

// Check reports what is wrong with a hello.
func (h Hello) Check() error {
	if h.Version < 1 {
		return errors.New("version must be at least 1")
	}
	switch h.Device {
	case "", DeviceAgent, DeviceKiosk, DeviceBrowser:
	default:
		return fmt.Errorf("device %.40q is not known", h.Device)
	}
	for _, list := range [][]string{h.Subnets, h.Aside} {
		if err := count("subnets", len(list), maxSubnets); err != nil {
			return err
		}
		for _, s := range list {
			if _, err := netip.ParsePrefix(s); err != nil {
				return fmt.Errorf("subnet %.60q is not a prefix", s)
			}
		}
	}
	return first(size("session", h.Session, maxSessionBytes), size("software", h.Software, maxNameBytes),
		size("name", h.Name, maxNameBytes), whole(h.Trust, h.Generation))
}

// Check reports what is wrong with a welcome.
func (w Welcome) Check() error {
	if w.Version < 1 || w.Version > Version {
		return fmt.Errorf("version %d is not spoken here, %d is", w.Version, Version)
	}
	if w.Session == "" || w.ServerTime.IsZero() {
		return errors.New("session and server time are needed")
	}
	return first(size("session", w.Session, maxSessionBytes), size("site", w.Site, maxNameBytes),
		size("quarantine", w.Quarantine, MaxReasonBytes), w.Endpoint.Check(), whole(w.Epoch), ice(w.ICE))
}

// Check reports what is wrong with a renewal.
func (r Renew) Check() error {
	if r.Token != "" && r.Expires.IsZero() {
		return errors.New("a token needs its expiry")
	}
	return first(size("token", r.Token, maxTokenBytes), ice(r.ICE))
}

// Check reports what is wrong with a trust document's envelope; its signature
// is not looked at.
func (t Trust) Check() error { return envelope("trust document", t.Document, maxTrustBytes) }

// Check reports what is wrong with a flow; the head's signature is not looked at.
func (f Flow) Check() error {
	switch f.Priority {
	case High, Normal, Low:
	default:
		return fmt.Errorf("priority %.20q is not known", f.Priority)
	}
	return first(envelope("head", f.Head, maxHeadBytes), f.Activate.check(), size("paused_by", f.PausedBy, MaxReasonBytes),
		size("relay", string(f.Relay), maxCodeBytes), whole(f.Generation))
}

// Check reports what is wrong with a list of flows.
func (f Flows) Check() error {
	if err := first(count("flows", len(f.IDs), MaxFlows), count("pins", len(f.Pins), MaxKeeping),
		count("purges", len(f.Purges), MaxKeeping), count("copies", len(f.Copies), MaxKeeping), f.PeersOn.Check(), f.Limits.check(), size("zone", f.Zone, maxNameBytes), whole(f.Generation), reportInterval(f.ReportMs)); err != nil {
		return err
	}
	for _, p := range f.Pins {
		if err := versions(p.Content, p.Version); err != nil {
			return err
		}
	}
	for _, p := range f.Purges {
		if err := first(versions(p.Content, p.Version), size("why", p.Why, MaxReasonBytes), whole(p.Serial)); err != nil {
			return err
		}
	}
	for _, c := range f.Copies {
		if c.Target < 0 || c.Target > MaxFlows || c.Others < 0 || c.Others > MaxFlows {
			return errors.New("a number of copies is out of range")
		}
	}
	return nil
}

func reportInterval(ms int64) error {
	if ms < 0 || ms > MaxReportInterval.Milliseconds() {
		return fmt.Errorf("reports every %d ms are out of range", ms)
	}
	return nil
}

// Check reports what is wrong with a stock.
func (s Stock) Check() error {
	if min(s.Room, s.Free, s.Used, s.Budget) < 0 || max(s.Room, s.Free, s.Used, s.Budget) > MaxNumber {
		return errors.New("room is out of range")
	}
	for _, v := range s.Spare {
		if err := first(content.Ref{Name: v.Content, Version: v.Version}.Check(), whole(v.Serial)); err != nil {
			return err
		}
	}
	return first(count("versions", len(s.Holds), MaxFlows), count("spare versions", len(s.Spare), MaxKeeping), s.Activation.check())
}

// versions checks the name of a content, or of one version of it.
func versions(name, version string) error {
	if version == "" {
		return content.CheckName(name)
	}
	return content.Ref{Name: name, Version: version}.Check()
}

// Check reports what is wrong with an obeyed generation.
func (o Obeyed) Check() error { return whole(o.Generation) }

// Check reports what is wrong with a dial.
func (d Dial) Check() error {
	if d.Attempt < 1 {
		return errors.New("attempts count from 1")
	}
	return first(d.Peer.Check(), attempt(d.Attempt), d.Visitor.check())
}

func (v *Visitor) check() error {
	if v == nil {
		return nil
	}
	return visited(v.Flows)
}

func visited(flows []content.VersionID) error {
	return count("flows of a visitor", len(flows), MaxNamed)
}

// Check reports what is wrong with what a peer takes part in.
func (v Visiting) Check() error { return first(v.Peer.Check(), visited(v.Flows)) }

// Check reports what is wrong with a hang-up.
func (h HangUp) Check() error { return h.Peer.Check() }

// Check reports what is wrong with a signal; statements are not verified.
func (s Signal) Check() error {
	set := 0
	for _, d := range []*Description{s.Offer, s.Answer} {
		if d == nil {
			continue
		}
		set++
		if d.SDP == "" {
			return errors.New("session description is empty")
		}
		if err := first(size("session description", d.SDP, MaxSDPBytes), count("bytes of key", len(d.Statement.Key), 64),
			count("bytes of signature", len(d.Statement.Signature), 128)); err != nil {
			return err
		}
	}
	for _, s := range []string{s.Candidate, s.Refused} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return errors.New("exactly one of offer, answer, candidate, refused is needed")
	}
	if s.Link == "" {
		return errors.New("link is needed")
	}
	return first(peer(s.From), s.To.Check(), s.Visitor.check(), size("link", s.Link, maxLinkBytes), attempt(s.Attempt),
		size("candidate", s.Candidate, MaxCandidateBytes), size("refused", s.Refused, MaxReasonBytes))
}

// Check reports what is wrong with a link report.
func (l Linked) Check() error {
	return first(l.Peer.Check(), attempt(l.Attempt), size("reason", l.Reason, MaxReasonBytes))
}

// Check reports what is wrong with a lease.
func (l Lease) Check() error {
	if l.From < 0 || l.To <= l.From || l.To > MaxNumber || l.TTLMs <= 0 || l.TTLMs > MaxNumber {
		return errors.New("range is empty or negative, or ttl_ms is not positive")
	}
	if l.URL == "" {
		return errors.New("url is needed")
	}
	if err := first(count("parts", len(l.Parts), MaxLeaseParts), size("url", l.URL, maxURLBytes), whole(l.Epoch, l.Lease)); err != nil {
		return err
	}
	if l.Body {
		if len(l.Parts) > 0 || l.Patch != nil || l.External != nil || l.To > content.MaxBodyBytes {
			return errors.New("the lease of a body has no parts or patches and ends within a body")
		}
		return nil
	}
	if err := l.External.check(l); err != nil {
		return err
	}
	sum := int64(0)
	for _, p := range l.Parts {
		if p.Length == 0 || p.Length > content.MaxChunkBytes || p.Chunk >= content.MaxChunks || p.Encoding > 1 {
			return fmt.Errorf("part of chunk %d with %d bytes in encoding %d", p.Chunk, p.Length, p.Encoding)
		}
		sum += p.Span()
	}
	if sum != l.To-l.From {
		return fmt.Errorf("parts of %d bytes in a range of %d", sum, l.To-l.From)
	}
	if l.Patch != nil {
		return l.Patch.check(len(l.Parts))
	}
	return nil
}

// check reports what is wrong with the patches of a lease of so many parts.
func (p Patch) check(parts int) error {
	switch {
	case p.From < 0 || p.To <= p.From || p.To > MaxNumber:
		return errors.New("range of patches is empty or negative")
	case p.URL == "":
		return errors.New("url of patches is needed")
	case len(p.Parts) != parts:
		return fmt.Errorf("%d patches for %d parts", len(p.Parts), parts)
	}
	sum := int64(0)
	for i, part := range p.Parts {
		dictionary := part.Encoding == 2
		if part.Length == 0 || part.Length > content.MaxChunkBytes || part.Encoding > 2 || dictionary != (part.Count > 0) ||
			part.Count > MaxDictionaryChunks || part.First >= content.MaxChunks {
			return fmt.Errorf("patch %d with %d bytes in encoding %d, made of %d chunks from %d on", i, part.Length, part.Encoding, part.Count, part.First)
		}
		sum += part.Span()
	}
	if sum != p.To-p.From {
		return fmt.Errorf("patches of %d bytes in a range of %d", sum, p.To-p.From)
	}
	return size("url of patches", p.URL, maxURLBytes)
}

// Check reports what is wrong with a revocation.
func (r Revoke) Check() error {
	return first(whole(r.Epoch, r.Lease), size("reason", r.Reason, MaxReasonBytes))
}

// Check reports what is wrong with a progress.
func (p Progress) Check() error {
	for _, n := range []int64{p.Bytes.Origin, p.Bytes.Peer, p.Bytes.Relay, p.Bytes.Reused, p.WAN} {
		if n < 0 || n > MaxNumber {
			return errors.New("a counter is out of range")
		}
	}
	for _, b := range p.Have {
		if b.From%8 != 0 || uint64(b.From)+8*uint64(len(b.Bits)) > content.MaxChunks {
			return fmt.Errorf("bits from %d do not fit a bitmap", b.From)
		}
	}
	if err := count("leases", len(p.Leases), maxLeaseStates); err != nil {
		return err
	}
	for _, l := range p.Leases {
		if l.Verified > MaxLeaseParts || l.Patched > MaxLeaseParts {
			return fmt.Errorf("%d parts verified, %d patched, limit %d", l.Verified, l.Patched, MaxLeaseParts)
		}
		if r := l.Range; r != nil && (r.From < 0 || r.To <= r.From || r.To > MaxNumber) {
			return errors.New("range of a lease is empty or negative")
		}
		if err := first(size("failed", l.Failed, MaxReasonBytes), size("code", l.Code, maxCodeBytes), whole(l.Epoch, l.Lease)); err != nil {
			return err
		}
	}
	return first(size("error", p.Error, MaxReasonBytes), size("code", p.Code, maxCodeBytes), p.Restraint.check())
}

// Check reports what is wrong with a report.
func (r Report) Check() error {
	if r.Code == "" {
		return errors.New("code is needed")
	}
	return first(peer(r.Peer), size("code", r.Code, maxCodeBytes), size("detail", r.Detail, MaxReasonBytes))
}

// Check reports what is wrong with an error.
func (e Error) Check() error {
	if e.Code == "" {
		return errors.New("code is needed")
	}
	return first(size("code", e.Code, maxCodeBytes), size("detail", e.Detail, MaxReasonBytes))
}

// first returns the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// size bounds a text. Text that is not UTF-8 would grow on the wire, where JSON
// writes three bytes for each that is wrong.
func size(what, s string, limit int) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	return count("bytes of "+what, len(s), limit)
}

// Clip makes text for a person fit a message: valid UTF-8 of at most
// MaxReasonBytes.
func Clip(s string) string {
	if s = strings.ToValidUTF8(s, "?"); len(s) <= MaxReasonBytes {
		return s
	}
	end := MaxReasonBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

func count(what string, n, limit int) error {
	if n > limit {
		return refuse(CodeTooLarge, "%d %s, limit %d", n, what, limit)
	}
	return nil
}

// whole refuses numbers that a double can't hold exactly: the twin of this
// package counts in them.
func whole(numbers ...uint64) error {
	for _, n := range numbers {
		if n > MaxNumber {
			return fmt.Errorf("number %d is beyond %d", n, uint64(MaxNumber))
		}
	}
	return nil
}

func attempt(n int) error {
	if n < 0 || n > maxAttempt {
		return fmt.Errorf("attempt %d is out of range", n)
	}
	return nil
}

// peer checks an endpoint id that may be left out.
func peer(id EndpointID) error {
	if id == "" {
		return nil
	}
	return id.Check()
}

func envelope(what string, raw []byte, limit int) error {
	if len(raw) == 0 || raw[0] != '{' {
		return fmt.Errorf("%s is needed, as an object", what)
	}
	return count("bytes of "+what, len(raw), limit)
}

func ice(servers []ICE) error {
	if err := count("ICE servers", len(servers), maxICE); err != nil {
		return err
	}
	for _, s := range servers {
		if err := first(count("ICE URLs", len(s.URLs), maxICE), size("username", s.Username, maxNameBytes),
			size("credential", s.Credential, maxNameBytes)); err != nil {
			return err
		}
		for _, u := range s.URLs {
			if err := size("ICE URL", u, maxURLBytes); err != nil {
				return err
			}
		}
	}
	return nil
}
