package operator

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
	"github.com/sitecast/sitecast/storage/ingest"
)

// A file at a vendor's URL is downloaded once, to be cut and hashed, and not uploaded: sites
// fetch it from there. All of it is asked for by ranges, as endpoints will, so that what they
// could not do shows here.

const (
	// vendorPatience bounds the wait for an answer to begin, and for the next byte of one.
	vendorPatience = 30 * time.Second
	// vendorTries is how often a download goes on where it broke off, without anything new.
	vendorTries = 4
	vendorPause = time.Second
	vendorStep  = 256 << 10
)

// isURL reports whether a PATH is an address.
func isURL(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// checkPath reports what is wrong with what is to be published.
func (c Publish) checkPath() error {
	if !isURL(c.Path) {
		_, err := os.Stat(c.Path)
		return err
	}
	if c.Unpack {
		return errors.New("--unpack is for archives on your own disk: sites fetch a vendor's file as it is")
	}
	at, err := external.ParseURL(c.Path)
	if err == nil {
		err = external.Allowed(at, c.InsecureHTTP)
	}
	return err
}

// vendor downloads from somebody else's URL.
type vendor struct {
	http *http.Client
	file external.File
}

// vendorAt asks for the first byte of the file at an address. None of the server's
// credentials go there.
func (c Publish) vendorAt(ctx context.Context) (*vendor, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	v := &vendor{http: &http.Client{CheckRedirect: external.Redirected(c.InsecureHTTP), Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dial, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: vendorPatience,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DisableCompression: true}}}
	resp, err := v.get(ctx, external.File{URL: c.Path}, 0, 1)
	if err == nil {
		v.file, err = external.Seen(c.Path, resp)
		_ = resp.Body.Close() // it was only looked at
	}
	if err != nil {
		v.http.CloseIdleConnections()
		return nil, fmt.Errorf("%s can't be published from where it is: %w\n  download it and publish the file", c.Path, err)
	}
	return v, nil
}

func (v *vendor) get(ctx context.Context, f external.File, from, to int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, err
	}
	f.Ask(req.Header, from, to)
	resp, err := v.http.Do(req)
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err // the rest repeats the address
	}
	return resp, err
}

// download writes the file to out. It goes on where it broke off.
func (v *vendor) download(ctx context.Context, out io.Writer, progress func(done, total int64)) error {
	done, tries := int64(0), 0
	for done < v.file.Bytes {
		n, err := v.rest(ctx, out, done, func(n int64) { progress(done+n, v.file.Bytes) })
		if done += n; n > 0 {
			tries = 0
		}
		changed, disk := new(external.ChangedError), new(os.PathError)
		if tries++; err != nil && (tries == vendorTries || ctx.Err() != nil || errors.As(err, &changed) || errors.As(err, &disk)) {
			return err
		}
		if err != nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(vendorPause):
			}
		}
	}
	return nil
}

// rest writes what is left of the file from some byte on, and returns how much came.
func (v *vendor) rest(ctx context.Context, out io.Writer, from int64, progress func(n int64)) (n int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := v.get(ctx, v.file, from, v.file.Bytes)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if err := v.file.Answered(resp, from, v.file.Bytes); err != nil {
		return 0, err
	}
	stalled := time.AfterFunc(vendorPatience, func() { cancel(fmt.Errorf("nothing came for %v", vendorPatience)) })
	defer stalled.Stop()
	for n < v.file.Bytes-from {
		some, err := io.CopyN(out, resp.Body, min(vendorStep, v.file.Bytes-from-n))
		n += some
		progress(n)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return n, err
		}
		stalled.Reset(vendorPatience)
	}
	return n, nil
}

// fetch downloads what is at the URL into dir, and returns the file. It has the name that it
// has in the URL, where a file may be called so, or else that of the content.
func (c Publish) fetch(ctx context.Context, v *vendor, dir string) (string, error) {
	at, err := external.ParseURL(c.Path)
	if err != nil {
		return "", err
	}
	name := path.Base(at.Path)
	if content.CheckPath(name) != nil || strings.ContainsAny(name, `/\`) {
		name = path.Base(c.Name)
	}
	inside := filepath.Join(dir, "vendor")
	if err := os.Mkdir(inside, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make a folder for the download: %w", err)
	}
	out, err := os.Create(filepath.Join(inside, name))
	if err != nil {
		return "", fmt.Errorf("make a file for the download: %w", err)
	}
	err = c.staged(ctx, "Downloading", func(progress func(done, total int64)) error {
		return v.download(ctx, out, progress)
	})
	if err = errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("download %s: %w", c.Path, err)
	}
	return out.Name(), nil
}

// publishFrom publishes what is at the URL. What was published before from there with the
// same bytes is known anew by what its server says of it now.
func (c Publish) publishFrom(ctx context.Context, server *client, key ed25519.PrivateKey, dir string, there *api.Published) (PublishReport, error) {
	v, err := c.vendorAt(ctx)
	if err != nil {
		return PublishReport{}, err
	}
	defer v.http.CloseIdleConnections()
	file := v.file
	if file.ETag == "" && file.Modified == "" {
		c.notice("%s names neither a strong ETag nor Last-Modified: that the file changed will be noticed by its length, and by hashes of chunks that are fetched", c.Path)
	}
	from := &api.VendorFile{URL: file.URL, ETag: file.ETag, Modified: file.Modified, Bytes: file.Bytes}
	local, err := c.fetch(ctx, v, dir)
	if err != nil {
		return PublishReport{}, err
	}
	if there != nil {
		return c.compareFrom(ctx, server, *there, local, dir, from)
	}
	serial, err := c.prepare(ctx, server, key)
	if err != nil {
		return PublishReport{}, err
	}
	return c.send(ctx, server, key, allKnown, local, dir, serial, from)
}

// compareFrom tells whether what is published is what is at the URL, and renews by what that
// is known.
func (c Publish) compareFrom(ctx context.Context, server *client, there api.Published, local, dir string, from *api.VendorFile) (PublishReport, error) {
	result, err := c.ingest(ctx, allKnown, local, dir)
	if err != nil {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.Path, err)
	}
	report, err := c.same(there, result)
	if err != nil || there.External == nil || there.External.VendorFile == *from && there.External.Changed == "" {
		return report, err
	}
	if err := server.try(ctx, http.MethodPut, versionPath(c.ref())+"/external", from, nil); err != nil {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.ref(), err)
	}
	c.tell("Its file is known anew by what %s says of it now.", from.URL)
	return report, nil
}

// summarizeFrom says what became of a file at a vendor's URL.
func (c Publish) summarizeFrom(r ingest.Result, done api.Published) {
	c.tell("%s in %d chunks, which sites fetch from %s", bytesText(r.Bytes), len(r.Body.Chunks), c.Path)
	if done.External != nil && done.External.Checked.IsZero() {
		c.notice("the server could not reach that URL, so it will hear only from endpoints that the file changed")
	}
}
