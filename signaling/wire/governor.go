package wire

import (
	"errors"
	"time"
)

// Unlimited as a rate means that nothing bounds it.
const Unlimited = -1

// Govern appoints the holder of the governor of one egress: the line to the WAN
// that members behind one public address share. It goes to the holder, the
// stand-by, every fetcher, and those who were one of these until now. Sent whole
// whenever something in it changes.
type Govern struct {
	Epoch uint64 `json:"epoch"` // of the site's owner
	// Term counts changes at the egress; with Epoch it fences grants.
	Term    uint64     `json:"term"`
	Holder  EndpointID `json:"holder"`
	StandBy EndpointID `json:"stand_by,omitempty"`
	// Fetchers hold leases, the holder perhaps among them.
	Fetchers []EndpointID `json:"fetchers,omitempty"`
	// Bound is bytes per second the egress may take at most: a cap, or what
	// suffices for a deadline. Unlimited for none.
	Bound int64 `json:"bound"`
	// Reflectors are further UDP addresses (host:port) that answer STUN, beyond the
	// line to the WAN; the server's own is in the welcome.
	Reflectors []string `json:"reflectors,omitempty"`
	Line       Line     `json:"line,omitzero"`
}

// AttrLay is the STUN attribute in which a server says for how many microseconds, as
// a u32, a binding request lay with it before it was answered. Who does not know it
// may pass over it (RFC 8489, 14).
const AttrLay = 0xff53

// Line is what was learned of an egress: hints, never bounds.
type Line struct {
	// Capacity is the content bytes per second it carried at most.
	Capacity int64 `json:"capacity,omitempty"`
	// Busy is the share of time, 0 to 1, that other traffic takes the line at this
	// hour of the week.
	Busy float64 `json:"busy,omitempty"`
	// Base maps a reflector to the least round trip seen, in microseconds.
	Base map[string]int64 `json:"base,omitempty"`
}

// Grant lets a fetcher take so much over the WAN, over all its leases. It comes
// from the holder, in a frame or, where there is no link, by way of the server. A
// grant with a lower (Epoch, Term, Seq) than the last is void.
type Grant struct {
	From  EndpointID `json:"from,omitempty"` // the server writes who sent it
	To    EndpointID `json:"to,omitempty"`
	Epoch uint64     `json:"epoch"`
	Term  uint64     `json:"term"`
	Seq   uint64     `json:"seq"`
	// BytesPerSecond is the fetcher's, Site the sum over all; a stand-by begins from
	// that.
	BytesPerSecond int64 `json:"bytes_per_second"`
	Site           int64 `json:"site"`
	// Floor is the sum over all below which the egress never falls.
	Floor   int64  `json:"floor"`
	ValidMs uint32 `json:"valid_ms"`
	// Lossy: the line loses packets by itself.
	Lossy bool `json:"lossy,omitempty"`
}

// Taken is what a fetcher took over the WAN since it started, and whether it
// could use more.
type Taken struct {
	From  EndpointID `json:"from,omitempty"` // the server writes who sent it
	To    EndpointID `json:"to,omitempty"`
	Bytes uint64     `json:"bytes"` // encoded
	Wants bool       `json:"wants,omitempty"`
}

// Pace tells the server, where it is the origin, how fast to send the answer to
// one request. The request carries the key in [PaceHeader].
type Pace struct {
	Key            string `json:"key"`
	BytesPerSecond int64  `json:"bytes_per_second"`
	// Lossy asks for a sender that does not take each packet lost for a full queue: the
	// line loses some by itself.
	Lossy bool `json:"lossy,omitempty"`
}

// A request to an origin that is a Sitecast server asks by PaceHeader, "KEY RATE" or
// "KEY RATE [PaceLossy]", to be answered at RATE bytes a second. The key is made by the asker for this one
// request, so that nobody else can guess it; with it the rate is changed by
// [Pace]. An origin that does so says [PacedHeader] in its answer.
const (
	PaceHeader  = "Sitecast-Pace"
	PacedHeader = "Sitecast-Paced"
	PaceLossy   = "lossy"
	// PaceKeyBytes is the length of a key, as hexadecimal digits.
	PaceKeyBytes = 32
)

// Governed tells the server what the holder's governor saw and did since the last
// one, once a second while a fetcher is at work.
type Governed struct {
	Epoch  uint64 `json:"epoch"`
	Term   uint64 `json:"term"`
	State  string `json:"state"`            // of the controller
	Reason string `json:"reason,omitempty"` // for it, for a person
	// Rate is the bytes per second allowed now.
	Rate    int64   `json:"rate"`
	Receipt Receipt `json:"receipt"`
	Line    Line    `json:"line"`
}

// Receipt is proof of how little a flow disturbed others: how much longer a
// bystander's packets took while it ran, and how long it stood back for them.
type Receipt struct {
	ActiveMs int64 `json:"active_ms"` // a fetcher was at work
	YieldMs  int64 `json:"yield_ms"`  // of that, it stood back for other traffic
	// Added counts the bystander's packets by the delay added to them, in the
	// buckets of DelayBucket; trailing zeros are left out. Those that crossed while it
	// stood back are left out but for the first second: their delay is of others.
	Added []uint32 `json:"added,omitempty"`
}

// DelayBuckets is how many buckets a receipt has. Bucket i holds delays below
// 0.25 ms times sqrt(2) to the power of i, and the last one all others.
const DelayBuckets = 26

// firstBucket is the upper edge of bucket 0.
const firstBucket = 250 * time.Microsecond

// delayEdges are the upper edges of the buckets but the last.
var delayEdges = func() (edges [DelayBuckets - 1]time.Duration) {
	for i := range edges {
		edges[i] = firstBucket << (i / 2)
		if i%2 == 1 {
			edges[i] = edges[i] * 181 / 128 // sqrt(2)
		}
	}
	return edges
}()

// DelayBucket is the bucket that an added delay belongs in.
func DelayBucket(d time.Duration) int {
	for i, edge := range delayEdges {
		if d < edge {
			return i
		}
	}
	return DelayBuckets - 1
}

// Note adds a bystander's packet that was delayed by d.
func (r *Receipt) Note(d time.Duration) {
	i := DelayBucket(d)
	for len(r.Added) <= i {
		r.Added = append(r.Added, 0)
	}
	r.Added[i]++
}

// Add adds another receipt to r.
func (r *Receipt) Add(other Receipt) {
	r.ActiveMs += other.ActiveMs
	r.YieldMs += other.YieldMs
	for i, n := range other.Added {
		for len(r.Added) <= i {
			r.Added = append(r.Added, 0)
		}
		r.Added[i] += n
	}
}

// Quantile is the delay that a share q of the bystander's packets did not exceed:
// the upper edge of its bucket. It is 0 when none was measured.
func (r Receipt) Quantile(q float64) time.Duration {
	var all, sum float64
	for _, n := range r.Added {
		all += float64(n)
	}
	for i, n := range r.Added {
		sum += float64(n)
		if sum > 0 && sum >= q*all {
			return delayEdges[min(i, len(delayEdges)-1)]
		}
	}
	return 0
}

// Check reports what is wrong with an appointment.
func (g Govern) Check() error {
	if err := rate(g.Bound); err != nil {
		return err
	}
	for _, id := range g.Fetchers {
		if err := id.Check(); err != nil {
			return err
		}
	}
	for _, r := range g.Reflectors {
		if err := size("reflector", r, maxNameBytes); err != nil {
			return err
		}
	}
	return first(peer(g.Holder), peer(g.StandBy), count("fetchers", len(g.Fetchers), MaxFetchers),
		count("reflectors", len(g.Reflectors), MaxReflectors), g.Line.check(), whole(g.Epoch, g.Term))
}

func (l Line) check() error {
	if !(l.Busy >= 0 && l.Busy <= 1) {
		return errors.New("busy is not a share")
	}
	if err := count("base delays", len(l.Base), MaxReflectors); err != nil {
		return err
	}
	for r, us := range l.Base {
		if us < 0 || us > MaxNumber {
			return errors.New("a base delay is out of range")
		}
		if err := size("reflector", r, maxNameBytes); err != nil {
			return err
		}
	}
	return rate(l.Capacity)
}

// Check reports what is wrong with a grant.
func (g Grant) Check() error {
	return first(peer(g.From), peer(g.To), rate(g.BytesPerSecond), rate(g.Site), rate(g.Floor), whole(g.Epoch, g.Term, g.Seq))
}

// Check reports what is wrong with a count of bytes.
func (t Taken) Check() error { return first(peer(t.From), peer(t.To), whole(t.Bytes)) }

// Check reports what is wrong with a pace.
func (p Pace) Check() error {
	if len(p.Key) != PaceKeyBytes {
		return errors.New("key of a pace has the wrong length")
	}
	return first(size("key", p.Key, PaceKeyBytes), rate(p.BytesPerSecond))
}

// Check reports what is wrong with the holder's account.
func (g Governed) Check() error {
	if g.Receipt.ActiveMs < 0 || g.Receipt.YieldMs < 0 || g.Receipt.ActiveMs > MaxNumber || g.Receipt.YieldMs > MaxNumber {
		return errors.New("a time is out of range")
	}
	return first(rate(g.Rate), g.Line.check(), count("buckets", len(g.Receipt.Added), DelayBuckets),
		size("state", g.State, maxCodeBytes), size("reason", g.Reason, MaxReasonBytes), whole(g.Epoch, g.Term))
}

func rate(r int64) error {
	if r < Unlimited || r > MaxNumber {
		return errors.New("a rate is out of range")
	}
	return nil
}
