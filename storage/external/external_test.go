package external_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

const (
	monday  = "Mon, 23 Nov 2026 08:00:00 GMT"
	tuesday = "Tue, 24 Nov 2026 08:00:00 GMT"
)

func TestWhatIsNoAddressOfAFileIsRefused(t *testing.T) {
	for text, good := range map[string]bool{
		"https://vendor.example/app.msi": true, "http://vendor.example/app.msi?k=v": true, "https://[2001:db8::1]:8443/a": true,
		"": false, "app.msi": false, "ftp://vendor.example/a": false, "https:///a": false, "https://me:pw@vendor.example/a": false,
		"https://vendor.example/a#b": false, "https://vendor.example/a b": false, "https://vendor.example/ä": false,
		"https://vendor.example/" + strings.Repeat("a", 1024): false,
	} {
		if _, err := external.ParseURL(text); (err == nil) != good {
			t.Errorf("%.80q: %v, want good %v", text, err, good)
		}
	}
}

func TestPlainHTTPIsForLoopback(t *testing.T) {
	for text, want := range map[string][2]bool{ // as it is, and with --insecure-http
		"https://vendor.example/a": {true, true}, "http://127.0.0.1:80/a": {true, true}, "http://localhost/a": {true, true},
		"http://[::1]/a": {true, true}, "http://vendor.example/a": {false, true}, "ftp://vendor.example/a": {false, false},
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{external.Allowed(u, false) == nil, external.Allowed(u, true) == nil}; got != want {
			t.Errorf("%s: allowed %v, want %v", text, got, want)
		}
	}
}

func TestRedirectsEndAndStayOnHTTPS(t *testing.T) {
	follow := external.Redirected(false)
	to := func(text string) *http.Request {
		req, err := http.NewRequest(http.MethodGet, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Referer", "https://vendor.example/secret")
		return req
	}
	req := to("https://cdn.example/a")
	if err := follow(req, make([]*http.Request, external.MaxRedirects)); err != nil || req.Header.Get("Referer") != "" {
		t.Errorf("%v, referer %q", err, req.Header.Get("Referer"))
	}
	if follow(to("https://cdn.example/a"), make([]*http.Request, external.MaxRedirects+1)) == nil {
		t.Error("followed one more than there may be")
	}
	if follow(to("http://cdn.example/a"), nil) == nil {
		t.Error("followed to plain http")
	}
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestARequestSaysWhichFileItIsFor(t *testing.T) {
	for name, c := range map[string]struct {
		file external.File
		want http.Header
	}{
		"strong tag": {external.File{ETag: `"v1"`, Modified: monday}, header("If-Range", `"v1"`)},
		"time":       {external.File{Modified: monday}, header("If-Unmodified-Since", monday)},
		"neither":    {external.File{}, header()},
	} {
		h := http.Header{}
		c.file.Ask(h, 10, 20)
		c.want.Set("Range", "bytes=10-19")
		c.want.Set("Accept-Encoding", "identity")
		c.want.Set("User-Agent", "sitecast")
		for key := range c.want {
			if h.Get(key) != c.want.Get(key) || len(h) != len(c.want) {
				t.Errorf("%s: asked with %v, want %v", name, h, c.want)
			}
		}
	}
}

func TestAnAnswerOfAnotherFileIsKnown(t *testing.T) {
	tagged := external.File{ETag: `"v1"`, Modified: monday, Bytes: 100}
	timed := external.File{Modified: monday, Bytes: 100}
	bare := external.File{Bytes: 100}
	const good, gone, wrong = "good", "changed", "an error"
	for name, c := range map[string]struct {
		file   external.File
		status int
		header http.Header
		length int64
		want   string
	}{
		"as it was":              {tagged, 206, header("Content-Range", "bytes 10-19/100", "ETag", `"v1"`, "Last-Modified", tuesday), 10, good},
		"without a tag":          {tagged, 206, header("Content-Range", "bytes 10-19/100"), 10, good},
		"a weak tag":             {tagged, 206, header("Content-Range", "bytes 10-19/100", "ETag", `W/"v2"`), 10, good},
		"of unknown length":      {bare, 206, header("Content-Range", "bytes 10-19/*"), 10, good},
		"another tag":            {tagged, 206, header("Content-Range", "bytes 10-19/100", "ETag", `"v2"`), 10, gone},
		"another time":           {timed, 206, header("Content-Range", "bytes 10-19/100", "Last-Modified", tuesday), 10, gone},
		"the same time":          {timed, 206, header("Content-Range", "bytes 10-19/100", "Last-Modified", monday), 10, good},
		"a time nobody knew":     {bare, 206, header("Content-Range", "bytes 10-19/100", "Last-Modified", tuesday), 10, good},
		"longer":                 {tagged, 206, header("Content-Range", "bytes 10-19/101", "ETag", `"v1"`), 10, gone},
		"encoded":                {bare, 206, header("Content-Range", "bytes 10-19/100", "Content-Encoding", "gzip"), 10, gone},
		"another range":          {bare, 206, header("Content-Range", "bytes 0-19/100"), 20, wrong},
		"no range":               {bare, 206, header(), 10, wrong},
		"all of it":              {tagged, 200, header("ETag", `"v1"`), 100, gone},
		"all of another":         {tagged, 200, header("ETag", `"v2"`), 100, gone},
		"all of a longer one":    {tagged, 200, header(), 101, gone},
		"modified since":         {timed, 412, header(), 0, gone},
		"shorter":                {bare, 416, header(), 0, gone},
		"not there":              {bare, 404, header(), 0, gone},
		"gone":                   {bare, 410, header(), 0, gone},
		"forbidden":              {bare, 403, header(), 0, wrong},
		"overloaded":             {bare, 503, header(), 0, wrong},
		"a redirect to nowhere":  {bare, 302, header(), 0, wrong},
		"an answer of its cache": {bare, 304, header(), 0, wrong},
	} {
		err := c.file.Answered(&http.Response{StatusCode: c.status, Header: c.header, ContentLength: c.length}, 10, 20)
		got, change := good, new(external.ChangedError)
		if errors.As(err, &change) {
			got = gone
		} else if err != nil {
			got = wrong
		}
		if got != c.want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, c.want)
		}
	}
	if err := bare.Answered(&http.Response{StatusCode: 200, Header: header(), ContentLength: 100}, 0, 100); err != nil {
		t.Errorf("all of it, as was asked: %v", err)
	}
}

func TestWhatIsSeenOfAFile(t *testing.T) {
	const at = "https://vendor.example/app.msi"
	one := func(pairs ...string) http.Header { return header(append(pairs, "Content-Range", "bytes 0-0/100")...) }
	for name, c := range map[string]struct {
		status int
		header http.Header
		length int64
		want   external.File
		err    string
	}{
		"strong":        {206, one("ETag", `"v1"`, "Last-Modified", monday), 1, external.File{URL: at, ETag: `"v1"`, Modified: monday, Bytes: 100}, ""},
		"weak":          {206, one("ETag", `W/"v1"`, "Last-Modified", monday), 1, external.File{URL: at, Modified: monday, Bytes: 100}, ""},
		"weak only":     {206, one("ETag", `W/"v1"`), 1, external.File{URL: at, Bytes: 100}, ""},
		"a bad time":    {206, one("Last-Modified", "yesterday"), 1, external.File{URL: at, Bytes: 100}, ""},
		"no ranges":     {200, header(), 100, external.File{}, "answers no ranges"},
		"empty":         {200, header(), 0, external.File{}, "empty"},
		"not there":     {404, header(), 0, external.File{}, "404"},
		"no length":     {206, header("Content-Range", "bytes 0-0/*"), 1, external.File{}, "LENGTH"},
		"another range": {206, header("Content-Range", "bytes 0-1/100"), 2, external.File{}, "LENGTH"},
		"encoded":       {206, one("Content-Encoding", "gzip"), 1, external.File{}, "gzip"},
		"too large":     {206, header("Content-Range", "bytes 0-0/68719476737"), 1, external.File{}, "68719476737"},
	} {
		got, err := external.Seen(at, &http.Response{StatusCode: c.status, Status: http.StatusText(c.status) + " 404", Header: c.header, ContentLength: c.length})
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %+v (%v), want %+v or %q", name, got, err, c.want, c.err)
		}
	}
}

func TestAnObjectIsOfItsAddressAndItsBytes(t *testing.T) {
	one, two := content.Sum([]byte("1")), content.Sum([]byte("2"))
	seen := map[content.Digest]bool{}
	for _, at := range []string{"https://a.example/", "https://b.example/"} {
		for _, body := range []content.Digest{one, two} {
			seen[external.Object(at, body)] = true
		}
	}
	if len(seen) != 4 || !seen[external.Object("https://a.example/", one)] {
		t.Errorf("%d objects of two addresses and two bodies", len(seen))
	}
}

func FuzzAnswered(f *testing.F) {
	f.Add(206, "bytes 10-19/100", `"v1"`, monday, int64(10))
	f.Add(200, "bytes */100", `W/"v1"`, "", int64(100))
	f.Fuzz(func(t *testing.T, status int, of, tag, modified string, length int64) {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Range": {of}, "Etag": {tag}, "Last-Modified": {modified}}, ContentLength: length}
		file, err := external.Seen("https://vendor.example/app.msi", resp)
		if err == nil && file.Check() != nil {
			t.Errorf("saw %+v, which can't be kept: %v", file, file.Check())
		}
		was := external.File{ETag: `"v1"`, Bytes: 100}
		if err := was.Answered(resp, 10, 20); err == nil && status != 206 {
			t.Errorf("took an answer with status %d as a range", status)
		}
	})
}
