package wire

import (
	"slices"
	"sync"
)

// Door is where bytes of others come in.
type Door string

// The doors of server and endpoints. PROTOCOL.md says what is refused at each.
const (
	DoorSocket    Door = "socket"    // the control socket, at both of its ends
	DoorSignal    Door = "signal"    // descriptions and candidates, at endpoints and on their way
	DoorCtl       Door = "ctl"       // frames of peers
	DoorBulk      Door = "bulk"      // likewise
	DoorOrigin    Door = "origin"    // what the origin answers
	DoorAPI       Door = "api"       // HTTP requests
	DoorEnrolment Door = "enrolment" // those of endpoints that have no token yet
	DoorObjects   Door = "objects"   // uploads and signed downloads
	DoorReport    Door = "report"    // what endpoints reported, as the server heard it
)

// Codes that stand in counters only: what they refuse is dropped, and ends nothing.
const (
	CodeReplayed    = "replayed"     // a message or offer that came before
	CodeUnknownPeer = "unknown_peer" // names an endpoint that is not online at the sender's site
	CodeUnknownFlow = "unknown_flow" // names a flow that the site does not have
	CodeDistrusted  = "distrusted"   // a link between two of whom one reported the other
	CodeCandidate   = "candidate"    // an address that no peer can have, or too many
	codeOther       = "other"
)

var reportable = []string{CodeBadChunk, CodeBadBody, CodeBadHead, CodeBadInstant, CodeProtocol, CodeStatement, CodeDiskFull,
	CodeUnsafePath, CodeStore, CodeOrigin, CodeExternal, CodeUnauthorized, CodeTooLarge, CodeUnknownType}

// CountedCode is the name under which a code that came from elsewhere is counted:
// one that this build does not know is "other", so that nobody makes up labels.
func CountedCode(code string) string {
	if slices.Contains(reportable, code) {
		return code
	}
	return codeOther
}

// A Refusal is one kind of bad input.
type Refusal struct {
	Door Door
	Code string
}

// Refusals counts what was refused, by door and code. Its zero value is ready for
// use by several goroutines; a nil one counts nothing.
type Refusals struct {
	// mu guards counts.
	mu     sync.Mutex
	counts map[Refusal]uint64
}

// Add counts one refusal. Code must be one of a fixed number.
func (r *Refusals) Add(door Door, code string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[Refusal]uint64{}
	}
	r.counts[Refusal{door, code}]++
}

// Each calls f with every kind of refusal there was, and how often.
func (r *Refusals) Each(f func(Refusal, uint64)) {
	for _, k := range r.kinds() {
		f(k, r.Count(k.Door, k.Code))
	}
}

func (r *Refusals) kinds() []Refusal {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := make([]Refusal, 0, len(r.counts))
	for k := range r.counts {
		kinds = append(kinds, k)
	}
	return kinds
}

// Count is how often a door refused for a code.
func (r *Refusals) Count(door Door, code string) uint64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[Refusal{door, code}]
}
