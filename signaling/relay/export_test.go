package relay

import (
	"bufio"
	"net"
	"time"

	"github.com/pion/turn/v5"
)

// Authenticate is whom a relay with that secret takes a user for.
func Authenticate(secret []byte, req *turn.RequestAttributes) (user string, key []byte, ok bool) {
	return (&Relay{cfg: Config{Secret: secret}}).authenticate(req)
}

// Answer is what a reflector answers to what lay there for a while, nil for nothing.
var Answer = reflect

// Accounts are what endpoints and sites took.
type Accounts struct{ *accounts }

// NewAccounts begins with nothing taken.
func NewAccounts(endpoint, site Quota) Accounts { return Accounts{newAccounts(endpoint, site)} }

// Charge, MayAllocate and Count are the accounts' methods.
func (a Accounts) Charge(user string, n int, now time.Time) bool {
	return a.charge(a.payers(user), n, now)
}

// MayAllocate reports whether a user may.
func (a Accounts) MayAllocate(user string, now time.Time) bool { return a.mayAllocate(user, now) }

// Count notes allocations.
func (a Accounts) Count(user string, by int, now time.Time) { a.count(user, by, now) }

// Len is how many accounts there are.
func (a Accounts) Len() int { return len(a.by) }

// BindAll is where a relay listens that was told an address, or none.
var BindAll = bindAll

// Behind is how many bytes wait for clients over streams.
func (r *Relay) Behind() int64 { return r.ports.behind.Load() }

// Close ends what the relay was given.
func (r *Relay) Close() error { return r.server.Close() }

// Passed reads what a client says over a stream as TURN is given it.
func Passed(conn net.Conn) net.Conn {
	return &stream{Conn: conn, in: bufio.NewReaderSize(conn, readBuffer)}
}
