package operator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"
)

const (
	// attempts is how often a request is sent at most.
	attempts = 6
	// firstPause is the time before it is sent again; it doubles each time.
	firstPause = 500 * time.Millisecond
	// maxPause bounds it, also where the server asks for more.
	maxPause = 30 * time.Second
)

// outage means that no whole answer came.
type outage struct {
	error
	reached bool // there was a connection, so the server may have done what was asked
}

// Unwrap returns what went wrong.
func (o *outage) Unwrap() error { return o.error }

// repeated tries until an answer is the last word, or attempts are used up. A change is
// also sent again when its answer was lost: the server knows it by its key and does it once.
// Other requests are sent again only when there were too many, or another server takes over.
func repeated(ctx context.Context, change bool, try func() error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := try()
		after, passes := transient(err, change, n > 1)
		if !passes || n == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(max(pause, after)):
		}
		pause = min(2*pause, maxPause)
	}
}

// transient reports whether trying again may help, and when at the earliest. A server that
// was there before is not given up because it can't be reached now: it may be starting anew.
func transient(err error, change, before bool) (after time.Duration, ok bool) {
	refused, lost := new(Refusal), new(outage)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return 0, false
	case errors.As(err, &refused):
		switch refused.Status {
		case http.StatusTooManyRequests:
			return refused.after, true
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return refused.after, change || refused.Code == "standby"
		}
		return refused.after, change && refused.Code == "in_progress"
	case errors.As(err, &lost):
		// A balancer that finds nobody hangs up on who comes.
		hungUp := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
		return 0, change && (lost.reached || hungUp || before)
	}
	return 0, false
}
