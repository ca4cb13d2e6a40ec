//go:build unix

// Windows can't even make most of what is refused here.

package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree writes files; a name that ends in '/' is an empty folder.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(data), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func random(seed byte, n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return string(b)
}

// sample has small and large files, one twice, text, and an empty folder.
func sample() map[string]string {
	return map[string]string{
		"readme": "read me", "empty": "", "bin/tool": random(1, 700_000), "bin/copy of tool": random(1, 700_000),
		"bin/lib/one": random(2, 10_000), "bin/lib/two": random(3, 20_000), "bin/lib/three": random(4, 31_000),
		"text": strings.Repeat("all work and no play ", 50_000), "folder/kept/": "", "große/Ünicode": "ä",
	}
}

func run(t testing.TB, path string, opts ingest.Options) ingest.Result {
	t.Helper()
	result, err := ingest.Run(context.Background(), path, t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// restore puts the files of a version together from its packs alone.
func restore(t *testing.T, result ingest.Result) map[string]string {
	t.Helper()
	body, err := content.DecodeBody(result.Encoded)
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[content.Digest][]byte)
	for _, p := range result.Packs {
		data, err := os.ReadFile(p.Path)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := pack.ReadIndex(bytes.NewReader(data), int64(len(data)))
		if err != nil || content.Sum(data) != p.Digest || p.Size != int64(len(data)) || !reflect.DeepEqual(entries, p.Entries) {
			t.Fatalf("pack %s: %v", p.Digest, err)
		}
		for _, e := range entries {
			plain, err := pack.Decode(e.Encoding, data[e.Offset:e.Offset+int64(e.Length)], e.Plain, nil)
			if err != nil || content.Sum(plain) != e.Digest {
				t.Fatalf("chunk %s: %v", e.Digest, err)
			}
			if held[e.Digest] != nil {
				t.Errorf("chunk %s is in the packs twice", e.Digest)
			}
			held[e.Digest] = plain
		}
	}
	files := make([][]byte, len(body.Files))
	for i, f := range body.Files {
		files[i] = make([]byte, f.Size)
	}
	layout := content.NewLayout(body)
	for i, c := range body.Chunks {
		for _, s := range layout.Segments(uint32(i)) {
			copy(files[s.File][s.Offset:], held[c.Digest][s.Start:s.Start+s.Length])
		}
	}
	out := make(map[string]string)
	for i, f := range body.Files {
		if f.Dir {
			f.Path += "/"
		}
		out[f.Path] = string(files[i])
	}
	return out
}

func TestTreeIsRestoredFromItsPacks(t *testing.T) {
	want := sample()
	root := tree(t, want)
	if err := os.Chmod(filepath.Join(root, "bin", "tool"), 0o755); err != nil {
		t.Fatal(err)
	}
	result := run(t, root, ingest.Options{})
	if got := restore(t, result); !reflect.DeepEqual(got, want) {
		t.Errorf("restored %d files, want %d", len(got), len(want))
	}
	if result.Kind != content.KindTree || result.Bytes != result.Body.Bytes() || len(result.Packs) != 1 {
		t.Errorf("%s of %d bytes in %d packs", result.Kind, result.Bytes, len(result.Packs))
	}
	if saved := result.Bytes - result.Body.UniqueBytes(); saved < 700_000 {
		t.Errorf("a copy saved %d bytes", saved)
	}
	for _, f := range result.Body.Files {
		if f.Executable != (f.Path == "bin/tool") {
			t.Errorf("%s: executable %v", f.Path, f.Executable)
		}
	}
}

func TestSingleFileIsRestoredFromItsPacks(t *testing.T) {
	for _, size := range []int{0, 1, 300_000} {
		root := tree(t, map[string]string{"image.bin": random(9, size), "neighbour": "x"})
		result := run(t, filepath.Join(root, "image.bin"), ingest.Options{})
		if got := restore(t, result); !reflect.DeepEqual(got, map[string]string{"image.bin": random(9, size)}) {
			t.Errorf("%d bytes: restored %d files", size, len(got))
		}
		if result.Kind != content.KindFile || result.Bytes != int64(size) {
			t.Errorf("%s of %d bytes, want a file of %d", result.Kind, result.Bytes, size)
		}
	}
}

func TestResultIsTheSameHoweverManyWork(t *testing.T) {
	root := tree(t, sample())
	var want []content.Digest
	for _, parallel := range []int{1, 2, 7, 32} {
		result := run(t, root, ingest.Options{Parallel: parallel, PackBytes: 300_000})
		got := []content.Digest{content.Sum(result.Encoded)}
		for _, p := range result.Packs {
			got = append(got, p.Digest)
		}
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d in parallel: %v, want %v", parallel, got, want)
		}
	}
}

func TestPacksStayWithinTheirBound(t *testing.T) {
	const bound = 300_000
	want := sample()
	result := run(t, tree(t, want), ingest.Options{PackBytes: bound})
	if len(result.Packs) < 3 {
		t.Errorf("%d packs", len(result.Packs))
	}
	for _, p := range result.Packs {
		if p.Size > bound {
			t.Errorf("pack of %d bytes, bound %d", p.Size, bound)
		}
	}
	if got := restore(t, result); !reflect.DeepEqual(got, want) {
		t.Error("restored something else")
	}
}

func TestWhatTheOriginKnowsIsNotPacked(t *testing.T) {
	files := sample()
	first := run(t, tree(t, files), ingest.Options{})
	known := make(map[content.Digest]bool)
	for _, c := range first.Body.Chunks {
		known[c.Digest] = true
	}
	isKnown := func(context.Context, []content.Digest) (map[content.Digest]bool, error) { return known, nil }

	again := run(t, tree(t, files), ingest.Options{Known: isKnown})
	if len(again.Packs) != 0 || !bytes.Equal(again.Encoded, first.Encoded) {
		t.Errorf("%d packs for what is known already", len(again.Packs))
	}

	files["bin/tool"] = files["bin/tool"][:350_000] + "!" + files["bin/tool"][350_000:]
	second := run(t, tree(t, files), ingest.Options{Known: isKnown})
	fresh := 0
	for _, p := range second.Packs {
		for _, e := range p.Entries {
			if known[e.Digest] {
				t.Errorf("chunk %s is packed though known", e.Digest)
			}
			fresh += int(e.Plain)
		}
	}
	if fresh == 0 || fresh > 512<<10 {
		t.Errorf("%d bytes are new after one was inserted", fresh)
	}
}

func TestProgressEndsAtTheTotal(t *testing.T) {
	var last, total int64
	calls := 0
	result := run(t, tree(t, sample()), ingest.Options{Progress: func(done, all int64) {
		if done < last || calls == 0 && done != 0 {
			t.Errorf("progress from %d to %d", last, done)
		}
		last, total = done, all
		calls++
	}})
	if last != result.Bytes || total != result.Bytes {
		t.Errorf("ended at %d of %d, want %d", last, total, result.Bytes)
	}
}

func TestUnsafeInputIsRefusedByName(t *testing.T) {
	for name, spoil := range map[string]struct {
		path string
		make func(path string) error
	}{
		"symbolic link":   {"dir/link", func(p string) error { return os.Symlink("../readme", p) }},
		"dangling link":   {"dir/link", func(p string) error { return os.Symlink("nowhere", p) }},
		"linked folder":   {"dir/link", func(p string) error { return os.Symlink("..", p) }},
		"set-uid":         {"dir/su", func(p string) error { return writeMode(p, os.ModeSetuid|0o755) }},
		"set-gid":         {"dir/sg", func(p string) error { return writeMode(p, os.ModeSetgid|0o755) }},
		"sticky":          {"dir/st", func(p string) error { return writeMode(p, os.ModeSticky|0o644) }},
		"named pipe":      {"dir/pipe", func(p string) error { return syscall.Mkfifo(p, 0o644) }},
		"backslash":       {`dir/a\b`, func(p string) error { return writeMode(p, 0o644) }},
		"device name":     {"dir/nul.txt", func(p string) error { return writeMode(p, 0o644) }},
		"device folder":   {"dir/com1", func(p string) error { return os.Mkdir(p, 0o755) }},
		"control":         {"dir/a\nb", func(p string) error { return writeMode(p, 0o644) }},
		"not UTF-8":       {"dir/\xff", func(p string) error { return writeMode(p, 0o644) }},
		"decomposed":      {"dir/e\u0301", func(p string) error { return writeMode(p, 0o644) }},
		"case collision":  {"README", func(p string) error { return writeMode(p, 0o644) }},
		"folder and file": {"Dir", func(p string) error { return writeMode(p, 0o644) }},
	} {
		root := tree(t, map[string]string{"readme": "x", "dir/a": "x"})
		if err := spoil.make(filepath.Join(root, spoil.path)); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		_, err := ingest.Run(t.Context(), root, out, ingest.Options{})
		var refused *content.PathError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want the path refused", name, err)
			continue
		}
		// Of two that collide, either may be the one named; the reason names the other.
		if text := refused.Path + refused.Reason; !strings.Contains(text, spoil.path) {
			t.Errorf("%s: %v does not name %q", name, err, spoil.path)
		}
		if left, _ := os.ReadDir(out); len(left) != 0 {
			t.Errorf("%s: left %d files", name, len(left))
		}
	}
}

func writeMode(path string, mode os.FileMode) error {
	return errors.Join(os.WriteFile(path, nil, 0o644), os.Chmod(path, mode))
}

func TestWhatCanNotBePublishedIsRefused(t *testing.T) {
	root := tree(t, map[string]string{"empty/": "", "nul.txt": ""})
	for _, name := range []string{"empty", "nul.txt", "missing"} {
		if _, err := ingest.Run(t.Context(), filepath.Join(root, name), t.TempDir(), ingest.Options{}); err == nil {
			t.Errorf("%s was ingested", name)
		}
	}
	if _, err := ingest.Run(t.Context(), os.DevNull, t.TempDir(), ingest.Options{}); err == nil {
		t.Error("a device was ingested")
	}
}

func TestPathMayLeadThroughLinks(t *testing.T) {
	root := tree(t, map[string]string{"real/app.bin": "data"})
	if err := errors.Join(
		os.Symlink("real", filepath.Join(root, "current")),
		os.Symlink(filepath.Join("real", "app.bin"), filepath.Join(root, "latest.bin")),
	); err != nil {
		t.Fatal(err)
	}
	if got := restore(t, run(t, filepath.Join(root, "current"), ingest.Options{})); got["app.bin"] != "data" {
		t.Errorf("linked folder: %v", got)
	}
	if got := restore(t, run(t, filepath.Join(root, "latest.bin"), ingest.Options{})); got["latest.bin"] != "data" {
		t.Errorf("linked file: %v", got)
	}
}

func TestFileThatChangesWhileReadIsRefused(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"grows":    func(p string) error { return os.WriteFile(p, make([]byte, 3<<20), 0o644) },
		"shrinks":  func(p string) error { return os.Truncate(p, 1<<20) },
		"vanishes": os.Remove,
	} {
		root := tree(t, map[string]string{"a": random(1, 2<<20), "b": random(2, 2<<20)})
		out := t.TempDir()
		_, err := ingest.Run(t.Context(), root, out, ingest.Options{Progress: func(done, total int64) {
			if done == 0 { // after the listing
				if err := change(filepath.Join(root, "b")); err != nil {
					t.Error(err)
				}
			}
		}})
		var changed *ingest.ChangedError
		if !errors.As(err, &changed) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v, want it noticed", name, err)
		}
		if changed != nil && changed.Path != "b" {
			t.Errorf("%s: %v names another file", name, err)
		}
		if left, _ := os.ReadDir(out); len(left) != 0 {
			t.Errorf("%s: left %d files", name, len(left))
		}
	}
}

func TestCanceledIngestStopsAndLeavesNothing(t *testing.T) {
	root := tree(t, sample())
	ctx, cancel := context.WithCancel(t.Context())
	out := t.TempDir()
	_, err := ingest.Run(ctx, root, out, ingest.Options{PackBytes: 100_000 + 256<<10, Progress: func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
	if left, _ := os.ReadDir(out); len(left) != 0 {
		t.Errorf("left %d files", len(left))
	}
}

func TestPacksThatCanNotBeWrittenAreAnError(t *testing.T) {
	root := tree(t, sample())
	if _, err := ingest.Run(t.Context(), root, filepath.Join(root, "missing"), ingest.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want no such folder", err)
	}
}
