package operator

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// maxPages bounds how long a list may be.
const maxPages = 10_000

// nextPage finds where a list goes on (RFC 8288), as our server writes it.
var nextPage = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next"?`)

// pagesOf reads a list to its end. A server of before sends all of it at once.
func pagesOf[T any](ctx context.Context, c *client, path string, query url.Values) ([]T, error) {
	all := []T{}
	for range maxPages {
		var some []T
		header, err := c.page(ctx, path, query, &some)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		link := nextPage.FindStringSubmatch(header.Get("Link"))
		if link == nil {
			return all, nil
		}
		next, err := url.Parse(link[1])
		if err != nil || next.RawQuery == query.Encode() {
			return nil, errors.New("the server does not say where its list goes on")
		}
		query = next.Query()
	}
	return nil, errors.New("the server's list has no end")
}

// page reads one page.
func (c *client) page(ctx context.Context, path string, query url.Values, out any) (header http.Header, err error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	err = repeated(ctx, false, func() error {
		req, err := c.request(ctx, http.MethodGet, path, query, nil)
		if err == nil {
			header, err = c.header(req, out)
		}
		return err
	})
	return header, err
}
