//go:build unix

package disk

import (
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
)

// TestUpgradeIsDoneOrNotBegun has every call of a store's upgrade be the last of the
// process, or fail, and then cuts the power: the store holds what it held, and says
// the old format or the new.
func TestUpgradeIsDoneOrNotBegun(t *testing.T) {
	said := map[int]int{}
	for at := 1; upgradeUnder(t, said, fault{at: at, kill: true}) >= at; at++ {
		upgradeUnder(t, said, fault{at: at, err: syscall.EIO})
		upgradeUnder(t, said, fault{at: at, err: syscall.ENOSPC, part: true, fatal: true})
	}
	if said[formatUnmarked] == 0 || said[formatNow] == 0 {
		t.Errorf("stores by format after the cuts: %v, want both", said)
	}
}

// upgradeUnder opens a store of the first format under a fault, for every kind of power
// cut, and returns how many calls that took.
func upgradeUnder(t *testing.T, said map[int]int, f fault) (calls int) {
	for kept, keep := range cuts {
		synctest.Test(t, func(t *testing.T) {
			dir := MemoryDir(t)
			Unpack(t, filepath.Join("testdata", "format-1.tar.gz"), dir)
			p := newPowered(t, f)
			if s, err := p.open(dir); err == nil {
				p.kill(s)
			}
			p.lose(keep)
			calls = len(p.calls)
			said[formatOf(t, dir)]++
			s, err := newPowered(t, fault{}).open(dir)
			if err != nil {
				t.Fatal(err)
			}
			complete := 0
			held := s.Held()
			for _, h := range held {
				if h.Complete {
					complete++
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if now := formatOf(t, dir); len(held) != 3 || complete != 1 || now != formatNow {
				t.Errorf("fault %+v, power cut that keeps %s: format %d, %d held, %d complete, want %d, 3 and 1: %q",
					f, kept, now, len(held), complete, formatNow, p.log)
			}
		})
	}
	return calls
}

// formatOf reads the format of a store that nobody uses.
func formatOf(t *testing.T, dir string) int {
	root, err := openThere(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, _, err := (&Store{dir: dir, root: root}).readFormat()
	if err != nil {
		t.Fatal(err)
	}
	return f.Format
}
