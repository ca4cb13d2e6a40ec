// Package external knows files that lie at somebody else's URL, such as a vendor's: what
// was seen of one when it was published, how a range of it is asked for, and whether an
// answer is of the same file. It opens no connection and sends no credentials.
package external

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits.
const (
	// MaxBytes bounds a file.
	MaxBytes = 64 << 30
	// MaxRedirects is how many redirects are followed. They are followed anew for each
	// request, since what they lead to may be good for a while only.
	MaxRedirects      = 5
	maxURLBytes       = 1 << 10
	maxValidatorBytes = 256
)

// File is what was seen of a file when it was published.
type File struct {
	URL      string
	ETag     string // a strong one; empty: there was none
	Modified string // Last-Modified as it was sent; empty: there was none
	Bytes    int64
}

// A ChangedError says that what is at the URL is not the file that was published, or can't
// be fetched by ranges any more.
type ChangedError struct{ Detail string }

func (e *ChangedError) Error() string { return e.Detail }

// An AddressError says that nobody fetches a file at an address, whatever is there.
type AddressError struct{ Detail string }

func (e *AddressError) Error() string { return e.Detail }

func changed(format string, args ...any) error { return &ChangedError{fmt.Sprintf(format, args...)} }

// Object names a file among the objects at the origin: that of a URL with the bytes that a
// body lists.
func Object(url string, body content.Digest) content.Digest {
	return content.Sum([]byte("sitecast external 1\n" + url + "\n" + body.String()))
}

// ParseURL reads the address of a file. Its error says what is wrong with it.
func ParseURL(text string) (*url.URL, error) {
	if len(text) > maxURLBytes {
		return nil, fmt.Errorf("the URL has %d bytes, limit %d", len(text), maxURLBytes)
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return nil, errors.New("the URL has characters that have to be escaped in one")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("it is no URL such as https://vendor.example/app.msi")
	case u.User != nil:
		return nil, errors.New("the URL has a name or password in it, which every endpoint would be told: use one without")
	case u.Fragment != "":
		return nil, errors.New("the URL has a fragment (#), which no server sees: leave it out")
	}
	return u, nil
}

// Allowed reports why a file may not be fetched at an address (an [*AddressError]): plain
// http is for this computer itself, unless something else protects the path.
func Allowed(u *url.URL, insecure bool) error {
	if u.Scheme == "https" || u.Scheme == "http" && (insecure || loopback(u.Hostname())) {
		return nil
	}
	return &AddressError{fmt.Sprintf("%s://%s is neither https nor on loopback", u.Scheme, u.Host)}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Redirected returns what follows redirects for an [http.Client], to where it is allowed.
// The address that led there is not told: it may be known to few.
func Redirected(insecure bool) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > MaxRedirects {
			return fmt.Errorf("more than %d redirects", MaxRedirects)
		}
		req.Header.Del("Referer")
		return Allowed(req.URL, insecure)
	}
}

// Check reports what is wrong with what was seen of a file.
func (f File) Check() error {
	if _, err := ParseURL(f.URL); err != nil {
		return err
	}
	switch {
	case f.Bytes < 1 || f.Bytes > MaxBytes:
		return fmt.Errorf("a file of %d bytes, want 1 to %d", f.Bytes, int64(MaxBytes))
	case len(f.ETag) > maxValidatorBytes || len(f.Modified) > maxValidatorBytes:
		return fmt.Errorf("a validator is longer than %d bytes", maxValidatorBytes)
	case f.ETag != "" && strong(f.ETag) == "":
		return fmt.Errorf("%.60q is not a strong ETag", f.ETag)
	case f.Modified != "" && date(f.Modified) == "":
		return fmt.Errorf("%.60q is not a time as of Last-Modified", f.Modified)
	}
	return nil
}

// strong returns an ETag by which ranges of one file can be told from those of another,
// or "" (RFC 9110, 8.8.3).
func strong(tag string) string {
	if len(tag) < 2 || len(tag) > maxValidatorBytes || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return ""
	}
	for _, c := range []byte(tag[1 : len(tag)-1]) {
		if c <= ' ' || c > '~' || c == '"' {
			return ""
		}
	}
	return tag
}

// date returns a Last-Modified that can be sent back, or "".
func date(text string) string {
	if _, err := http.ParseTime(text); err != nil || len(text) > maxValidatorBytes {
		return ""
	}
	return text
}

// Ask has a request be for the bytes from up to but not including to, of that file or none.
func (f File) Ask(h http.Header, from, to int64) {
	h.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	h.Set("Accept-Encoding", "identity")
	h.Set("User-Agent", "sitecast")
	switch {
	case f.ETag != "":
		h.Set("If-Range", f.ETag)
	case f.Modified != "":
		h.Set("If-Unmodified-Since", f.Modified)
	}
}

// Answered reports what is wrong with the answer to Ask, before its body is read: a
// [*ChangedError] where it can't be of the file any more.
func (f File) Answered(resp *http.Response, from, to int64) error {
	switch resp.StatusCode {
	case http.StatusPartialContent:
		at, total, err := contentRange(resp.Header.Get("Content-Range"))
		switch {
		case err != nil:
			return err
		case total >= 0 && total != f.Bytes:
			return changed("it has %d bytes, and had %d", total, f.Bytes)
		case at != [2]int64{from, to - 1}:
			return fmt.Errorf("it answered range %.80q, want bytes %d-%d", resp.Header.Get("Content-Range"), from, to-1)
		case resp.Header.Get("Content-Encoding") != "" && resp.Header.Get("Content-Encoding") != "identity":
			return changed("it comes encoded as %.40q", resp.Header.Get("Content-Encoding"))
		}
		return f.same(resp.Header)
	case http.StatusOK:
		if resp.ContentLength >= 0 && resp.ContentLength != f.Bytes {
			return changed("it has %d bytes, and had %d", resp.ContentLength, f.Bytes)
		}
		if err := f.same(resp.Header); err != nil {
			return err
		}
		if from == 0 && to == f.Bytes && resp.ContentLength == f.Bytes {
			return nil
		}
		return changed("all of it was sent where a range was asked for")
	case http.StatusPreconditionFailed:
		return changed("it was modified after %s", f.Modified)
	case http.StatusRequestedRangeNotSatisfiable:
		return changed("it has no bytes %d-%d any more", from, to-1)
	case http.StatusNotFound, http.StatusGone:
		return changed("it is not there any more (%s)", resp.Status)
	}
	return fmt.Errorf("it answered %s", resp.Status)
}

// same compares what an answer says of the file with what was seen of it.
func (f File) same(h http.Header) error {
	if f.ETag != "" {
		if now := strong(h.Get("ETag")); now != "" && now != f.ETag {
			return changed("its ETag is %s, and was %s", now, f.ETag)
		}
		return nil
	}
	if now := date(h.Get("Last-Modified")); f.Modified != "" && now != "" && now != f.Modified {
		return changed("it was modified on %s, and on %s before", now, f.Modified)
	}
	return nil
}

// Seen returns what an answer to a request for the first byte says of the file at a URL.
// Its error says why nobody could fetch ranges there.
func Seen(at string, resp *http.Response) (File, error) {
	f := File{URL: at, ETag: strong(resp.Header.Get("ETag")), Modified: date(resp.Header.Get("Last-Modified"))}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		of, total, err := contentRange(resp.Header.Get("Content-Range"))
		if err != nil || of != [2]int64{0, 0} || total < 0 {
			return f, fmt.Errorf("it answered range %.80q, want bytes 0-0/LENGTH", resp.Header.Get("Content-Range"))
		}
		f.Bytes = total
	case http.StatusOK, http.StatusRequestedRangeNotSatisfiable:
		if resp.ContentLength == 0 || resp.StatusCode != http.StatusOK {
			return f, errors.New("the file is empty")
		}
		return f, errors.New("its server answers no ranges (it sent all of the file for the first byte)")
	default:
		return f, fmt.Errorf("it answered %s", resp.Status)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return f, fmt.Errorf("its server sends it encoded as %.40q although it was asked not to", e)
	}
	return f, f.Check()
}

// contentRange reads which bytes an answer holds, first and last, of how many; -1: it does
// not say.
func contentRange(text string) (of [2]int64, total int64, err error) {
	if n, _ := fmt.Sscanf(text, "bytes %d-%d/%d", &of[0], &of[1], &total); n == 3 {
		return of, total, nil
	}
	if n, _ := fmt.Sscanf(text, "bytes %d-%d/", &of[0], &of[1]); n == 2 && strings.HasSuffix(text, "/*") {
		return of, -1, nil
	}
	return of, 0, fmt.Errorf("it answered range %.80q", text)
}
