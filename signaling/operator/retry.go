package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// The wait before something is tried again that failed: it doubles, up to a bound.
const (
	firstRetry = 500 * time.Millisecond
	maxRetry   = 15 * time.Second
)

// retries is how a command takes failures that may pass. The zero value gives up at
// once.
type retries struct {
	time time.Duration // for which it is tried again, without anything moving
	say  func(format string, args ...any)
}

// retry does something until it is done, the server has said its last word, or nothing
// moved for too long. do reports whether something moved, for which it has to be safe to
// be done again.
func (p retries) retry(ctx context.Context, do func() (moved bool, err error)) error {
	began, wait := time.Now(), firstRetry
	for {
		moved, err := do()
		if moved {
			began, wait = time.Now(), firstRetry
		}
		if err == nil || ctx.Err() != nil || !passes(err) || time.Since(began)+wait > p.time {
			return err
		}
		// Many that failed at the same moment are not to come again at the same moment.
		pause := wait + rand.N(wait/4)
		first, _, _ := strings.Cut(err.Error(), "\n")
		p.say("%s; trying again in %v", first, pause.Round(100*time.Millisecond))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		wait = min(2*wait, maxRetry)
	}
}

// once is retry for what moves nothing by itself.
func (p retries) once(ctx context.Context, do func() error) error {
	return p.retry(ctx, func() (bool, error) { return false, do() })
}

// passes reports whether it is of use to try again what failed. A server that can't be
// reached may start just now; one whose certificate or name is wrong is another one.
func passes(err error) bool {
	if refused := new(Refusal); errors.As(err, &refused) {
		return refused.Status >= http.StatusInternalServerError && refused.Status != http.StatusNotImplemented ||
			refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusRequestTimeout || refused.Code == "wrong_offset"
	}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	name, noName := errors.AsType[*net.DNSError](err)
	return !certificate && (!noName || !name.IsNotFound) && !errors.Is(err, context.Canceled)
}

// try is call, again where it failed for a reason that may pass.
func (c *client) try(ctx context.Context, method, path string, in, out any) error {
	return c.retries.once(ctx, func() error { return c.call(ctx, method, path, nil, in, out) })
}

// notice is where it is told that something is tried again.
func (r Remote) notice(format string, args ...any) { fmt.Fprintf(r.stderr(), format+"\n", args...) }
