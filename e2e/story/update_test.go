//go:build linux

package story

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

func TestCopiesAheadOfNeedCrossTheWANOnceAndThenServeAll(t *testing.T) {
	const size = 16 * mib
	s := begin(t, oneSite(5, 50), size)
	s.sitecast("distribute", "app@1", "--all", "--pre-stage", "2", "--wait")
	if f := s.flow("app", 0); f.PreStage != 2 || f.Endpoints != 2 || f.Complete != 2 {
		t.Fatalf("flow %+v, want two copies ahead of need", f)
	}
	placed := 0
	for _, a := range s.Agents[0] {
		if _, err := os.Stat(filepath.Join(a.Placed("app", "1"), "app")); err == nil {
			placed++
		}
	}
	if placed != 2 {
		t.Errorf("%d endpoints have it, want two", placed)
	}
	s.wantOneCopy(size, 1.02)
	s.sitecast("distribute", "app@1", "--all", "--wait")
	s.wantDelivered("app", "1", size)
	s.wantOneCopy(size, 1.02)
	if f := s.flow("app", 0); f.PreStage != 0 || f.Complete != 5 {
		t.Errorf("flow %+v, want it open and complete at all five", f)
	}
}

// Where half of a site has the version before, what changed crosses the WAN once for all.
func TestUpdateCrossesTheWANOnceWhereHalfHasTheVersionBefore(t *testing.T) {
	const size, at, changed = 16 * mib, 5 * mib, 2 * mib
	s := begin(t, oneSite(6, 50), size)
	s.sitecast("distribute", "app@1", "--all", "--pre-stage", "3", "--wait")
	first, err := s.Served(s.ctx)
	s.must(err)
	old := random(size, "app1")
	next := bytes.Clone(old)
	copy(next[at:at+changed], random(changed, "changed"))
	path := filepath.Join(t.TempDir(), "app")
	s.must(os.WriteFile(path, next, 0o600))
	s.must(s.Publish(s.ctx, path, "app", "2"))
	s.sitecast("distribute", "app@2", "--all", "--wait")
	served, err := s.Served(s.ctx)
	s.must(err)
	for _, a := range s.Agents[0] {
		if got, err := os.ReadFile(filepath.Join(a.Placed("app", "2"), "app")); err != nil || !bytes.Equal(got, next) {
			t.Errorf("%s has other bytes than were published (%v)", a.Name, err)
		}
	}
	f := s.flow("app", 0)
	fresh := delta(t, old, next)
	t.Logf("%d bytes are new, and %d were served; %d were reused at endpoints", fresh, served-first, f.BytesReused)
	if served-first > fresh*102/100 { // the list of chunks among it
		t.Errorf("the origin served %d bytes, want the %d that are new once", served-first, fresh)
	}
	if f.State != site.StateComplete || f.BytesReused < 3*(size-fresh) {
		t.Errorf("flow %+v, want what did not change reused where it was", f)
	}
}

// random is a stream of so many bytes, that of a file which [stage.publish] makes.
func random(size int64, seed string) []byte {
	b := make([]byte, size)
	_, _ = io.ReadFull(rand.NewChaCha8(sha256.Sum256([]byte(seed))), b)
	return b
}

// delta is how many bytes of chunks one file has that another has not.
func delta(t *testing.T, old, next []byte) (fresh int64) {
	t.Helper()
	had := map[content.Digest]bool{}
	for i, b := range [][]byte{old, next} {
		err := content.Split(bytes.NewReader(b), func(chunk []byte) error {
			if d := content.Sum(chunk); !had[d] {
				had[d] = true
				fresh += int64(i * len(chunk))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return fresh
}
