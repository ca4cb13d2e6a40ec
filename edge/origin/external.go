package origin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/external"
	"github.com/sitecast/sitecast/storage/pack"
)

// A lease may be of a file at somebody else's URL. It is asked for a range like any origin,
// but for nothing else than the file that was published, and redirects are followed to
// where an endpoint may fetch at all: https, or this computer. Whoever answers learns of
// Sitecast only its name.

// insecure reports whether plain http is good enough for who configured the endpoint.
func (c *Client) insecure() bool {
	return c.base.Scheme == "http" && external.Allowed(c.base, false) != nil
}

// ask has a request be for what a lease names, and returns who makes it.
func (c *Client) ask(req *http.Request, lease wire.Lease) (*http.Client, error) {
	switch {
	case lease.External != nil:
		if err := external.Allowed(req.URL, c.insecure()); err != nil {
			return nil, fmt.Errorf("the lease's address: %w", err)
		}
		lease.File().Ask(req.Header, lease.From, lease.To)
		return c.vendors, nil
	case lease.Body && lease.From == 0: // a range would be one of the compressed body
		req.Header.Set("Accept-Encoding", pack.BodyEncoding)
	default:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", lease.From, lease.To-1))
		req.Header.Set("Accept-Encoding", "identity")
	}
	return c.http, nil
}

// check counts and returns what is wrong with an answer.
func (c *Client) check(resp *http.Response, lease wire.Lease) error {
	code, err := wire.CodeOrigin, error(nil)
	if lease.External == nil {
		err = checkRange(resp, lease)
	} else if err = lease.File().Answered(resp, lease.From, lease.To); err != nil {
		if changed := new(external.ChangedError); errors.As(err, &changed) {
			code = wire.CodeExternal
		}
		err = fmt.Errorf("%s: %w", resp.Request.URL.Host, err)
	}
	if err != nil {
		c.refused.Add(wire.DoorOrigin, code)
	}
	return err
}
