package disk_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// victimVariable names the folder in which the test binary is to be a victim.
const victimVariable = "SITECAST_TEST_VICTIM"

// prey is what the victim fills: 160 chunks in 120 files.
func prey() *chunktest.Sample {
	var lengths, uses []int
	for i := range 160 {
		lengths, uses = append(lengths, 1200), append(uses, i)
	}
	var files []content.File
	for i := range 120 {
		files = append(files, content.File{Path: fmt.Sprintf("%d/%d", i/20, i), Size: 1600})
	}
	return chunktest.NewSample(noTest{}, content.Ref{Name: "prey", Version: "v1"}, lengths, uses, files)
}

// noTest stands for the test in a process that has none.
type noTest struct{ testing.TB }

func (noTest) Helper()           {}
func (noTest) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// victim fills the version in the store, and says on its standard output what is
// committed and when it is complete, again and again, until it is killed.
func victim(dir string) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
	must(err)
	s := prey()
	ctx := context.Background()
	for {
		v, err := store.Open(ctx, s.Head, s.Envelope, s.Body)
		must(err)
		have := v.Have()
		for _, i := range rand.Perm(len(s.Chunks)) {
			if have.Has(uint32(i)) {
				continue
			}
			_, err := v.Put(uint32(i), s.Chunks[i], chunk.Origin, 1)
			must(err)
			if rand.IntN(8) == 0 {
				now := v.Have()
				must(v.Commit())
				fmt.Println("committed", hex.EncodeToString(now))
			}
		}
		must(v.Complete())
		fmt.Println("complete")
		fmt.Println("removing")
		must(store.Remove(ctx, s.ID))
	}
}

func TestKilledProcessLeavesNothingUntrue(t *testing.T) {
	dir := disk.MemoryDir(t)
	for round := range 12 {
		last := killed(t, dir, rand.IntN(45))
		afterKill(t, dir, last)
		if t.Failed() {
			t.Fatalf("round %d: the last word was %q", round, last)
		}
	}
}

// killed runs a victim, kills it after so many lines, and returns its last one.
func killed(t *testing.T, dir string, lines int) (last string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ {
		if n == lines {
			_ = cmd.Process.Kill()
		}
		last = said.Text() // what it says until it is dead counts
	}
	_ = cmd.Wait() // it was killed
	if stderr.Len() > 0 {
		t.Fatalf("victim: %s", stderr.String())
	}
	return last
}

// afterKill checks that the store holds what the victim said, and no more than is
// on the disk.
func afterKill(t *testing.T, dir, last string) {
	t.Helper()
	store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := prey()
	_, err = os.Lstat(place(dir, s.Head.Ref()))
	visible := err == nil
	if visible {
		if err := s.CheckTree(place(dir, s.Head.Ref())); err != nil {
			t.Errorf("visible tree: %v", err)
		}
	}
	if last == "complete" && !visible {
		t.Error("what was complete is not visible")
	}
	v := s.Open(t, store)
	have := v.Have()
	var held []uint32
	for _, i := range s.All() {
		if have.Has(i) {
			held = append(held, i)
		}
	}
	s.CheckHeld(t, v, held...)
	if promised, found := strings.CutPrefix(last, "committed "); found {
		want, err := hex.DecodeString(promised)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range s.All() {
			if content.Bitmap(want).Has(i) && !have.Has(i) {
				t.Errorf("chunk %d was committed, and is not held", i)
			}
		}
	}
	if got := v.Counters(); got.WAN != int64(len(held)) || got.Bytes[chunk.Origin] != 1200*int64(len(held)) {
		t.Errorf("counted %+v with %d chunks held, want them all once", got, len(held))
	}
	if v.Done() != visible {
		t.Errorf("done %v, visible %v", v.Done(), visible)
	}
}
