package lab_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
)

// rebuilt are two versions of a program whose addresses are other ones in the second:
// each chunk differs, a little.
func rebuilt() (one, two tree) {
	code := lab.Bytes("app", "code", 3*mib)
	moved := slices.Clone(code)
	for at := 0; at < len(moved); at += 5000 {
		moved[at] ^= 1
	}
	return tree{"app.bin": code}, tree{"app.bin": moved}
}

// TestUpdateCrossesTheWANAsPatches: what the version before has around the place of a
// chunk need not come again, to whoever fetches for the site; others get the chunk of it.
func TestUpdateCrossesTheWANAsPatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		one, two := rebuilt()
		s.Endpoints[0].Stop() // it never gets the first
		l.PublishPath("app", "1", one.write(t))
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		l.PublishPath("app", "2", two.write(t))
		before := l.Served()
		l.Distribute("app@2")
		s.Endpoints[0].Start()
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		served := l.Served() - before
		t.Logf("%d bytes served for %d of content from the origin, %d counted by the flow", served, f.BytesOrigin, f.WANBytes)
		if f.BytesOrigin != 3*mib || served > 3*mib/10 || f.WANBytes > served {
			t.Errorf("%d bytes served and %d counted, for %d of content from the origin; want less than a tenth", served, f.WANBytes, f.BytesOrigin)
		}
		for _, e := range s.Endpoints {
			two.wantDelivered(t, e, "app", "2")
		}
	})
}

// TestUpdateComesWholeWhereTheVersionBeforeIsDamaged: what can't be made of a patch comes
// from the lease's own range.
func TestUpdateComesWholeWhereTheVersionBeforeIsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{1}, Path: wan})
		defer l.Close()
		s := l.Sites[0]
		one, two := rebuilt()
		l.PublishPath("app", "1", one.write(t))
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		name := filepath.Join(s.Endpoints[0].Data, "content", "app", "1", "app.bin")
		damaged := slices.Clone(one["app.bin"])
		damaged[2*mib] ^= 0xff
		if err := errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, damaged, 0o600)); err != nil {
			t.Fatal(err)
		}
		l.PublishPath("app", "2", two.write(t))
		before := l.Served()
		l.Distribute("app@2")
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		if served := l.Served() - before; served < mib/2 || served > 3*mib || f.WANBytes < mib/2 {
			t.Errorf("%d bytes served and %d counted, want some as patches and the rest whole", served, f.WANBytes)
		}
		two.wantDelivered(t, s.Endpoints[0], "app", "2")
	})
}
