package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/blobtest"
	"github.com/sitecast/sitecast/storage/blob/s3"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bucket    = "packs"
	keyID     = "AKIATEST"
	secret    = "not a secret"
	address   = "s3://" + bucket + "/site/cast?endpoint=http://127.0.0.1:9000"
	minPart   = 5 << 20 // that services take
	undecided = 0       // an answer that is left to the service
)

// service is an S3 in memory. It is asked without a network.
type service struct {
	handler http.Handler
	answer  func(r *http.Request) int // a status to answer at once; undecided: none

	// mu guards the rest.
	mu   sync.Mutex
	seen []string // methods and addresses
}

func newService(t *testing.T, opts ...gofakes3.Option) *service {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", keyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	backend := s3mem.New()
	if err := backend.CreateBucket(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
	opts = append([]gofakes3.Option{gofakes3.WithV4Auth(map[string]string{keyID: secret})}, opts...)
	return &service{handler: gofakes3.New(backend, opts...).Server(), answer: func(*http.Request) int { return undecided }}
}

// RoundTrip implements http.RoundTripper.
func (s *service) RoundTrip(out *http.Request) (*http.Response, error) {
	r := out.Clone(out.Context())
	r.RequestURI = out.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.RequestURI)
	s.mu.Unlock()
	w := httptest.NewRecorder()
	if status := s.answer(r); status != undecided {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	} else {
		s.handler.ServeHTTP(w, r)
	}
	answer := w.Result()
	answer.Request = out
	return answer, out.Context().Err()
}

// requests counts those since the last call that have that method and contain text.
func (s *service) requests(method, text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if strings.HasPrefix(r, method) && strings.Contains(r, text) {
			n++
		}
	}
	s.seen = nil
	return n
}

func location(t *testing.T, text string) s3.Location {
	t.Helper()
	at, err := s3.ParseLocation(text, false)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (s *service) open(t *testing.T) *s3.Store {
	t.Helper()
	store, err := s3.Open(t.Context(), location(t, address), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return newService(t).open(t) })
}

// What is larger than a part.
func TestLargeObjectsGoInPartsAndAllOrNothing(t *testing.T) {
	s := newService(t)
	store := s.open(t)
	store.SetPart(minPart)
	data := bytes.Repeat([]byte("0123456789abcde\n"), (2*minPart+1000)/16)
	digest := content.Sum(data)
	wrong := bytes.Clone(data)
	wrong[len(wrong)-1]++
	broken := errors.New("the publisher is gone")
	for name, r := range map[string]io.Reader{"too short": bytes.NewReader(data[:minPart+5]), "of another digest": bytes.NewReader(wrong),
		"too long": io.MultiReader(bytes.NewReader(data), strings.NewReader("x")), "cut off": io.MultiReader(bytes.NewReader(data[:len(data)-5]), failing{broken})} {
		s.requests("", "")
		err := store.Put(t.Context(), digest, int64(len(data)), r)
		if wrong := new(blob.MismatchError); !errors.As(err, &wrong) && !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if has, err := store.Has(t.Context(), digest); has || err != nil {
			t.Errorf("%s: it is there (%v)", name, err)
		}
		if n := s.requests("DELETE", "uploadId="); n != 1 {
			t.Errorf("%s: %d uploads aborted, want 1", name, n)
		}
	}
	failed := false
	s.answer = func(r *http.Request) int { // a part is sent again
		if strings.Contains(r.URL.RawQuery, "partNumber=2") && !failed {
			failed = true
			return http.StatusServiceUnavailable
		}
		return undecided
	}
	if err := store.Put(t.Context(), digest, int64(len(data)), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if n := s.requests("PUT", "partNumber="); n != 4 {
		t.Errorf("%d requests with parts, want 4: three parts and one once more", n)
	}
	object, _, err := store.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if got, err := io.ReadAll(object); !bytes.Equal(got, data) || err != nil {
		t.Errorf("read %d of %d bytes (%v)", len(got), len(data), err)
	}
	// 256 KiB, doubling up to 8 MiB.
	if n := s.requests("GET", digest.String()); n != 6 {
		t.Errorf("read in %d requests, want 6", n)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestUploadsBeyondSoManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		store := s.open(t)
		read, write := io.Pipe()
		var wg sync.WaitGroup
		for i := range s3.MaxUploads {
			wg.Go(func() {
				if err := store.Put(t.Context(), content.Sum([]byte{byte(i)}), 1, read); err == nil {
					t.Error("put from who gave up")
				}
			})
		}
		synctest.Wait()
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := store.Put(ctx, content.Sum(nil), 0, strings.NewReader("")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one more ended with %v, want that it waited", err)
		}
		_ = write.CloseWithError(errors.New("gave up"))
		wg.Wait()
	})
}

func TestWhatPassesIsTriedAgainAFewTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		store := s.open(t)
		fails := 0
		s.answer = func(*http.Request) int {
			if fails--; fails >= 0 {
				return http.StatusInternalServerError
			}
			return undecided
		}
		for times, want := range map[int]bool{3: true, 100: false} {
			fails = times
			s.requests("", "")
			began := time.Now()
			_, err := store.Has(t.Context(), content.Sum(nil))
			if took := time.Since(began); (err == nil) != want || took > 10*time.Second {
				t.Errorf("failing %d times: %v after %v", times, err, took)
			}
			if n := s.requests("HEAD", ""); n > 5 {
				t.Errorf("failing %d times: asked %d times", times, n)
			}
		}
	})
}

func TestReadingGoesOnWhereAnAnswerBreaksOff(t *testing.T) {
	s := newService(t)
	store := s.open(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	digest := content.Sum(data)
	if err := store.Put(t.Context(), digest, int64(len(data)), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	cut := &cutting{service: s}
	store, err := s3.Open(t.Context(), location(t, address), cut)
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int]bool{3: true, 1000: false} {
		cut.left = left
		object, _, err := store.Open(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		cut.each = 1000
		if !want {
			cut.each = 0
		}
		got, err := io.ReadAll(object)
		if whole := bytes.Equal(got, data); whole != want || (err == nil) != want {
			t.Errorf("broken %d times: read %d of %d bytes (%v)", left, len(got), len(data), err)
		}
		if err := object.Close(); err != nil {
			t.Error(err)
		}
		if _, err := object.ReadAt(make([]byte, 1), 0); err == nil {
			t.Error("read of what is closed")
		}
	}
}

// cutting breaks answers off after so many bytes, as long as some are left to break.
type cutting struct {
	*service
	each int64
	left int
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.service.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && c.left > 0 && r.Header.Get("Range") != "" {
		c.left--
		answer.Body = io.NopCloser(io.MultiReader(io.LimitReader(answer.Body, c.each), failing{io.ErrUnexpectedEOF}))
	}
	return answer, err
}

func TestWhatStandsInTheWayIsSaidAtTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T)
		at     string
		opts   []gofakes3.Option
		answer int
		want   string
	}{
		"no key":       {change: func(t *testing.T) { t.Setenv("AWS_ACCESS_KEY_ID", "") }, want: "there is no key: set AWS_ACCESS_KEY_ID"},
		"a session's":  {change: func(t *testing.T) { t.Setenv("AWS_SESSION_TOKEN", "x") }, want: "make one that lasts"},
		"another key":  {change: func(t *testing.T) { t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER") }, want: "the key is refused: check AWS_ACCESS_KEY_ID"},
		"wrong secret": {change: func(t *testing.T) { t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong") }, want: "the key is refused: check AWS_ACCESS_KEY_ID"},
		"no bucket":    {at: "s3://none?endpoint=http://127.0.0.1:9000", want: "there is no such bucket: create it"},
		"another time": {opts: []gofakes3.Option{gofakes3.WithTimeSource(gofakes3.FixedTimeSource(time.Now().Add(time.Hour)))}, want: "this machine's clock"},
		"no right":     {answer: http.StatusForbidden, want: "the key may not do this: it needs s3:ListBucket"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, c.opts...)
			if c.change != nil {
				c.change(t)
			}
			s.answer = func(*http.Request) int { return c.answer }
			at := address
			if c.at != "" {
				at = c.at
			}
			_, err := s3.Open(t.Context(), location(t, at), s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("opened with %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%v says the secret", err)
			}
		})
	}
}

// The service verifies no such address here, so this looks at what it says, and that it
// fetches the range.
func TestSignedAddressIsOfARangeAndATime(t *testing.T) {
	s := newService(t)
	store := s.open(t)
	digest := content.Sum([]byte("0123456789"))
	if err := store.Put(t.Context(), digest, 10, strings.NewReader("0123456789")); err != nil {
		t.Fatal(err)
	}
	public, err := s3.Open(t.Context(), location(t, address+"&public=https://cdn.example&region=eu-central-1"), s)
	if err != nil {
		t.Fatal(err)
	}
	for host, c := range map[string]struct {
		store *s3.Store
		ttl   time.Duration
		good  string
	}{
		"http://127.0.0.1:9000": {store, 1500 * time.Millisecond, "2"},
		"https://cdn.example":   {public, 30 * 24 * time.Hour, "604800"},
	} {
		s.requests("", "")
		address, err := c.store.Sign(digest, 2, 6, c.ttl)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if got := u.Scheme + "://" + u.Host; got != host || u.Path != "/packs/site/cast/"+digest.String() {
			t.Errorf("address %s, want one at %s", address, host)
		}
		if q.Get("X-Amz-Expires") != c.good || q.Get("X-Amz-SignedHeaders") != "host;range" || q.Get("X-Amz-Signature") == "" {
			t.Errorf("address %s, want one for %s s and a range", address, c.good)
		}
		if n := s.requests("", ""); n != 0 {
			t.Errorf("%d requests for an address", n)
		}
	}
}

func TestKeyMayLieInAFile(t *testing.T) {
	s := newService(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	file := filepath.Join(t.TempDir(), "credentials")
	write(t, file, fmt.Sprintf("[default]\naws_access_key_id = other\naws_secret_access_key = other\n[packs]\naws_access_key_id = %s\naws_secret_access_key = %s\n", keyID, secret))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_PROFILE", "packs")
	s.open(t)
}
