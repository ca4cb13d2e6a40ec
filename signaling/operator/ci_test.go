package operator_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
)

// publishing is a publish of some bytes, as from CI.
func (s *stand) publishing(version string, data []byte) operator.Publish {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "app.bin")
	s.must(os.WriteFile(file, data, 0o600))
	return operator.Publish{Remote: s.remote, Path: file, Name: "app", Version: version, JSON: true, RetryFor: time.Minute,
		Key: filepath.Join(s.data, "publisher.key")}
}

func (s *stand) report(c operator.Publish) operator.PublishReport {
	s.t.Helper()
	return decode[operator.PublishReport](s.t, s.run(c)) // which refuses all but one document
}

func TestPublishingTheSameAgainIsDoneAtOnceAndOtherBytesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		data := noise(1, 300_000)
		first := s.report(s.publishing("1", data))
		if first.Name != "app" || first.Version != "1" || first.Serial == 0 || first.Bytes != 300_000 || first.NewBytes != 300_000 ||
			first.Uploaded < 300_000 || first.Uploaded > 302_000 || first.Already {
			t.Errorf("published %+v, want all of it as new", first)
		}
		if told := s.err.take(); !strings.Contains(told, "Made a publisher key") || !strings.Contains(told, "1 files") {
			t.Errorf("told %q, want what is printed else", told)
		}
		before := s.stored()
		again := s.report(s.publishing("1", data))
		want := first
		want.NewBytes, want.Uploaded, want.Seconds, want.Already = 0, 0, again.Seconds, true
		if again != want || s.stored() != before {
			t.Errorf("published again %+v, and %d bytes more; want %+v", again, s.stored()-before, want)
		}
		if told := s.err.take(); strings.Contains(told, "Uploading") || !strings.Contains(told, "published already, with the same bytes") {
			t.Errorf("told %q, want that it was published", told)
		}
		other := s.publishing("1", noise(2, 300_000))
		if err := other.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "published already, with other bytes") || !strings.Contains(err.Error(), "another version") {
			t.Errorf("other bytes: %v, want that they need another version", err)
		}
		if got := s.out.take(); got != "" || s.stored() != before {
			t.Errorf("other bytes printed %q, and stored %d bytes more", got, s.stored()-before)
		}
		part := s.report(s.publishing("2", append(noise(1, 300_000), noise(3, 100_000)...)))
		if part.Bytes != 400_000 || part.NewBytes < 100_000 || part.NewBytes > 250_000 || part.Already {
			t.Errorf("published %+v, want what is new alone as new", part)
		}
		s.end()
	})
}

// cut is a connection that breaks when so much was written on all of them.
type cut struct {
	net.Conn
	left *atomic.Int64
}

func (c cut) Write(b []byte) (int, error) {
	if c.left.Add(-int64(len(b))) < 0 {
		_ = c.Close()
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Write(b)
}

// cutAfter has the network break once, after so many bytes.
func (s *stand) cutAfter(r operator.Remote, bytes int64) operator.Remote {
	left := new(atomic.Int64)
	left.Store(bytes)
	r.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := s.net.DialContext(ctx, network, addr)
		if err != nil || left.Load() < 0 {
			return conn, err
		}
		return cut{conn, left}, nil
	}
	return r
}

// TestAPackThatWasInterruptedGoesOnWhereItStopped: in the same run, and in a later one.
func TestAPackThatWasInterruptedGoesOnWhereItStopped(t *testing.T) {
	const size, until, lost = 20 << 20, 12 << 20, 2 << 20 // lost is what may be on its way
	for name, retryFor := range map[string]time.Duration{"in a later run": 0, "in the same run": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			c := s.publishing("1", noise(1, size))
			c.Remote, c.RetryFor = s.cutAfter(s.remote, until), retryFor
			var report operator.PublishReport
			sentBefore := int64(0)
			if retryFor == 0 {
				if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "upload app@1") {
					t.Fatalf("%s: it ended with %v", name, err)
				}
				sentBefore = until
				c.Remote, c.RetryFor = s.remote, time.Minute // until the server has seen that the connection broke
			}
			report = s.report(c)
			if all := report.Uploaded + sentBefore; all < size || all > size+lost || report.NewBytes != size {
				t.Errorf("%s: published %+v, and %d in all; want no byte twice but what was on its way", name, report, all)
			}
			if left, err := os.ReadDir(filepath.Join(s.data, "uploads")); len(left) > 0 || err != nil {
				t.Errorf("%s: left %v (%v)", name, left, err)
			}
			s.end()
		})
	}
}

// TestPublishOutlastsAServerThatIsAwayOrFails counts on nothing but time.
func TestPublishOutlastsAServerThatIsAwayOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.remote.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		began := time.Now()
		c := s.publishing("1", noise(1, 1000))
		if err := c.Run(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) < 30*time.Second || time.Since(began) > 2*time.Minute {
			t.Errorf("a server that is away: %v after %v, want a minute of tries", err, time.Since(began))
		}
		if told := s.err.take(); strings.Count(told, "trying again in") < 4 {
			t.Errorf("told %q, want each try", told)
		}
		began, c.RetryFor = time.Now(), 0
		if err := c.Run(t.Context()); err == nil || time.Since(began) > time.Second {
			t.Errorf("without patience: %v after %v", err, time.Since(began))
		}
		back := time.Now().Add(20 * time.Second)
		s.remote.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if time.Now().Before(back) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}
			return s.net.DialContext(ctx, network, addr)
		}
		if got := s.report(s.publishing("1", noise(1, 1000))); got.Already || got.NewBytes != 1000 {
			t.Errorf("published %+v once the server was back", got)
		}
		s.end()
	})
}

func TestWhatIsFinalIsNotTriedAgain(t *testing.T) {
	for status, tried := range map[int]int32{http.StatusForbidden: 1, http.StatusConflict: 1, http.StatusNotImplemented: 1,
		http.StatusServiceUnavailable: 8, http.StatusTooManyRequests: 8} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			s := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"code":"some","detail":"no"}`))
			})
			if err := s.publishing("1", nil).Run(t.Context()); err == nil || tried == 1 && asked.Load() != 1 || tried > 1 && asked.Load() < tried-2 {
				t.Errorf("status %d: asked %d times (%v), want %d", status, asked.Load(), err, tried)
			}
			s.end()
		})
	}
}

func TestVersionsAreRemovedAndKeptByRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		for i, version := range []string{"1", "2", "3"} {
			s.run(s.publishing(version, noise(byte(i), 100_000)))
		}
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", Site: []string{"shop-1"}, Priority: "normal"})
		err := operator.Remove{Remote: s.remote, Ref: "app@1"}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "app@1 is ordered to shop-1") || !strings.Contains(err.Error(), "sitecast purge") {
			t.Errorf("removing what is ordered: %v, want the reason and what to do", err)
		}
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@3", Site: []string{"shop-1"}, Priority: "normal"})
		if got, want := s.run(operator.Remove{Remote: s.remote, Ref: "app@1"}), "Removed app@1.\n"; got != want {
			t.Errorf("remove printed %q, want %q", got, want)
		}
		if err := s.publishing("1", noise(0, 100_000)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "removed") {
			t.Errorf("publishing it again: %v, want that its name is not used again", err)
		}
		if got := s.run(operator.Retention{Remote: s.remote}); !strings.HasPrefix(got, "Rule: all versions are kept.\n") {
			t.Errorf("retention printed %q", got)
		}
		if got := s.run(operator.Retention{Remote: s.remote, Keep: 1, Younger: time.Hour}); !strings.Contains(got, "the newest 1 versions of each content are kept, and all that are younger than 1h0m0s") {
			t.Errorf("retention printed %q", got)
		}
		s.run(s.publishing("4", noise(4, 100_000)))
		time.Sleep(4 * time.Hour)
		// The third is the base of the fourth's patches, and ordered.
		err = operator.Remove{Remote: s.remote, Ref: "app@2"}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "not found") {
			t.Errorf("the second: %v, want that the rule removed it", err)
		}
		got := decode[map[string]any](t, s.run(operator.Retention{Remote: s.remote, Rule: "off", JSON: true}))
		wantKeys(t, "retention", got, "keep", "younger_seconds", "origin")
		if at := got["origin"].(map[string]any); got["keep"] != 0.0 || at["versions"] != 2.0 || at["packs"] != 4.0 {
			t.Errorf("retention off printed %v, want no rule, two versions, and packs that wait for their day", got)
		}
		time.Sleep(100 * time.Hour)
		got = decode[map[string]any](t, s.run(operator.Retention{Remote: s.remote, JSON: true}))
		if at := got["origin"].(map[string]any); at["packs"] != 2.0 || at["dead_bytes"] != 0.0 {
			t.Errorf("retention printed %v, want the packs of two versions", got)
		}
		for what, spoilt := range map[string]operator.Retention{"none": {Keep: -1}, "only the young": {Younger: time.Hour}, "both": {Rule: "off", Keep: 1}} {
			if spoilt.Validate() == nil {
				t.Errorf("%s: no error", what)
			}
		}
		if (operator.Remove{Ref: "app"}).Validate() == nil {
			t.Error("a content without a version is removed")
		}
		s.end()
	})
}
