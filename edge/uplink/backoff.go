package uplink

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	firstWait = 100 * time.Millisecond
	maxWait   = 30 * time.Second
	// settled is how long a socket must hold to be worth a resume: the next try then
	// comes within 800 ms, well inside the grace of the server.
	settled = 5 * time.Second
	resume  = 3
	// crowd is where the back-off begins when the server sent everybody away: up to
	// 3.2 s instead of 100 ms.
	crowd = 5
)

// backoff spreads the reconnects of many endpoints: each wait is drawn evenly
// between nothing and a limit that doubles ("full jitter").
type backoff struct{ tries int }

// after takes in how the last socket went.
func (b *backoff) after(lasted time.Duration, err error) {
	why := new(wire.RefusedError)
	refused := errors.As(err, &why)
	if lasted >= Stable {
		b.tries = 0
	}
	if lasted >= settled && !refused {
		b.tries = min(b.tries, resume)
	}
	if refused && why.Code == wire.CodeMoved { // one session ends, another can begin
		b.tries = crowd
	}
	if refused && (why.Code == wire.CodeShuttingDown || why.Code == wire.CodeOverloaded) {
		b.tries = max(b.tries, crowd)
	}
}

func (b *backoff) next() time.Duration {
	limit := maxWait
	if b.tries < 10 { // beyond, doubling only overflows
		limit = min(limit, firstWait<<b.tries)
	}
	b.tries++
	return rand.N(limit)
}
