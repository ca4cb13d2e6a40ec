//go:build unix

// Windows keeps no executable bit.

package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/unpack"
)

// sample is what testdata/sample.tar.xz holds, too; a name that ends in '/' is a
// folder, one that ends in '*' executable.
var sample = map[string]string{"readme": "read me", "sub/run*": "#!/bin/sh\n", "sub/twin": "read me", "sub/empty/": ""}

func headers() []*tar.Header {
	return []*tar.Header{
		{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "of git"}},
		{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "./readme", Mode: 0o644, Size: 7},
		{Typeflag: tar.TypeDir, Name: "./sub/empty/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "./sub/run", Mode: 0o755, Size: 10},
		{Typeflag: tar.TypeLink, Name: "./sub/twin", Linkname: "./readme", Mode: 0o644},
	}
}

// tarOf makes a tar of entries whose content is that of the sample, or zeros.
func tarOf(t testing.TB, entries ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range entries {
		must(t, w.WriteHeader(h))
		data := []byte(sample[strings.TrimPrefix(h.Name, "./")] + sample[strings.TrimPrefix(h.Name, "./")+"*"])
		if h.Typeflag == tar.TypeReg && int64(len(data)) != h.Size {
			data = make([]byte, h.Size)
		}
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(data)
			must(t, err)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

func zipOf(t testing.TB, files map[string]string, change func(*zip.FileHeader)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, data := range files {
		h := &zip.FileHeader{Name: strings.TrimSuffix(name, "*"), Method: zip.Deflate}
		switch {
		case strings.HasSuffix(name, "*"):
			h.SetMode(0o755)
		case strings.HasSuffix(name, "/"):
			h.SetMode(0o755 | fs.ModeDir)
		default:
			h.SetMode(0o644)
		}
		if change != nil {
			change(h)
		}
		f, err := w.CreateHeader(h)
		must(t, err)
		_, err = f.Write([]byte(data))
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

func compressed(t testing.TB, w func(io.Writer) (io.WriteCloser, error), data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	c, err := w(&out)
	must(t, err)
	_, err = c.Write(data)
	must(t, errors.Join(err, c.Close()))
	return out.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	return compressed(t, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, data)
}

func zstded(t testing.TB, data []byte) []byte {
	return compressed(t, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, data)
}

// debOf makes a package of members, which come as name and data.
func debOf(members ...string) []byte {
	out := []byte("!<arch>\n")
	for i := 0; i+1 < len(members); i += 2 {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", members[i], 0, 0, 0, "100644", len(members[i+1]))
		out = append(out, members[i+1]...)
		if len(members[i+1])%2 == 1 {
			out = append(out, '\n')
		}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, archive []byte, opts unpack.Options) (map[string]string, error) {
	t.Helper()
	path, dir := filepath.Join(t.TempDir(), "archive"), t.TempDir()
	must(t, os.WriteFile(path, archive, 0o600))
	err := unpack.Run(t.Context(), path, dir, opts)
	return read(t, dir), err
}

// read lists a tree as sample does.
func read(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			entries, err := os.ReadDir(p)
			if len(entries) == 0 {
				out[name+"/"] = ""
			}
			return err
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no file (%w)", p, err)
		}
		if info.Mode()&0o111 != 0 {
			name += "*"
		}
		data, err := os.ReadFile(p)
		out[name] = string(data)
		return err
	}))
	return out
}

func TestEveryKindOfArchiveGivesItsTree(t *testing.T) {
	plain := tarOf(t, headers()...)
	xz, err := os.ReadFile(filepath.Join("testdata", "sample.tar.xz"))
	must(t, err)
	control := string(gzipped(t, tarOf(t, &tar.Header{Typeflag: tar.TypeReg, Name: "./control", Mode: 0o644, Size: 3})))
	withControl := map[string]string{"DEBIAN/control": "\x00\x00\x00"}
	for name, data := range sample {
		withControl[name] = data
	}
	for name, c := range map[string]struct {
		archive []byte
		want    map[string]string
	}{
		"tar": {plain, sample}, "tar.gz": {gzipped(t, plain), sample}, "tar.zst": {zstded(t, plain), sample}, "tar.xz": {xz, sample},
		"zip":          {zipOf(t, sample, nil), sample},
		"deb with gz":  {debOf("debian-binary", "2.0\n", "control.tar.gz", control, "data.tar.gz", string(gzipped(t, plain))), withControl},
		"deb with xz":  {debOf("debian-binary/", "2.0\n", "control.tar.gz/", control, "data.tar.xz/", string(xz)), withControl},
		"deb with zst": {debOf("debian-binary", "2.0\n", "control.tar.gz", control, "data.tar.zst", string(zstded(t, plain))), withControl},
		"plain deb":    {debOf("debian-binary", "2.0\n", "control.tar.gz", control, "data.tar", string(plain)), withControl},
	} {
		done := int64(0)
		got, err := run(t, c.archive, unpack.Options{Progress: func(n, total int64) {
			if n < done || n > total || total != int64(len(c.archive)) {
				t.Errorf("%s: progress from %d to %d of %d", name, done, n, total)
			}
			done = n
		}})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, c.want)
		}
	}
}

func TestWhatAFolderMayNotHoldNorAnArchive(t *testing.T) {
	file := func(h tar.Header) []byte {
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, 1
		}
		return tarOf(t, &tar.Header{Typeflag: tar.TypeReg, Name: "first", Mode: 0o644, Size: 1}, &h)
	}
	link := func(h *zip.FileHeader) { h.SetMode(0o777 | fs.ModeSymlink) }
	for name, c := range map[string]struct {
		archive []byte
		path    string
	}{
		"a way out":            {file(tar.Header{Name: "../out"}), "../out"},
		"a way out inside":     {file(tar.Header{Name: "a/../../out"}), "a/../../out"},
		"absolute":             {file(tar.Header{Name: "/etc/passwd"}), "/etc/passwd"},
		"absolute in deb":      {debOf("data.tar", string(file(tar.Header{Name: "/etc/passwd"}))), "/etc/passwd"},
		"a folder outside":     {file(tar.Header{Name: "../dir/", Typeflag: tar.TypeDir}), "../dir"},
		"a backslash":          {file(tar.Header{Name: `..\out`}), `..\\out`},
		"a device on Windows":  {file(tar.Header{Name: "aux.txt"}), "aux.txt"},
		"a symbolic link":      {file(tar.Header{Name: "lib.so", Typeflag: tar.TypeSymlink, Linkname: "first"}), "lib.so"},
		"a device":             {file(tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}), "null"},
		"a pipe":               {file(tar.Header{Name: "pipe", Typeflag: tar.TypeFifo}), "pipe"},
		"set-uid":              {file(tar.Header{Name: "su", Mode: 0o4755}), "su"},
		"set-gid":              {file(tar.Header{Name: "sg", Mode: 0o2755}), "sg"},
		"a link to outside":    {file(tar.Header{Name: "link", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), "link"},
		"a link to nothing":    {file(tar.Header{Name: "link", Typeflag: tar.TypeLink, Linkname: "later"}), "link"},
		"a link to itself":     {file(tar.Header{Name: "link", Typeflag: tar.TypeLink, Linkname: "link"}), "link"},
		"a file twice":         {file(tar.Header{Name: "first"}), "first"},
		"a file in a file":     {file(tar.Header{Name: "first/second"}), "first/second"},
		"a nameless file":      {file(tar.Header{Name: "./."}), "./."},
		"zip: a way out":       {zipOf(t, map[string]string{"../out": "x"}, nil), "../out"},
		"zip: a link":          {zipOf(t, map[string]string{"link": "first"}, link), "link"},
		"zip: a backslash":     {zipOf(t, map[string]string{`a\b`: "x"}, nil), `a\\b`},
		"zip: with a password": {zipOf(t, map[string]string{"secret": "x"}, func(h *zip.FileHeader) { h.Flags |= 1 }), "secret"},
	} {
		got, err := run(t, c.archive, unpack.Options{})
		if err == nil || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: unpacked to %q with error %v, want one that names %q", name, got, err, c.path)
		}
		delete(got, "first")
		if len(got) > 0 {
			t.Errorf("%s: left %q", name, got)
		}
	}
}

func TestRefusalsAreThoseOfFolders(t *testing.T) {
	_, err := run(t, tarOf(t, &tar.Header{Typeflag: tar.TypeSymlink, Name: "lib.so", Linkname: "x"}), unpack.Options{})
	if refused := new(content.PathError); !errors.As(err, &refused) || refused.Path != "lib.so" || refused.Reason != "is a symbolic link" {
		t.Errorf("got %v, want the link refused as in a folder", err)
	}
}

func TestWhatIsUnpackedIsBounded(t *testing.T) {
	zeros := func(name string, n int64) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: n}
	}
	link := &tar.Header{Typeflag: tar.TypeLink, Name: "last", Linkname: "one", Mode: 0o644}
	limits := unpack.Options{MaxEntries: 3, MaxBytes: 100_000}
	for name, archive := range map[string][]byte{
		"bytes": tarOf(t, zeros("one", 60_000), zeros("last", 60_000)), "linked bytes": tarOf(t, zeros("one", 60_000), link),
		"a bomb": zstded(t, tarOf(t, zeros("one", 1), zeros("last", 64<<20))), "entries": tarOf(t, zeros("one", 1), zeros("two", 1), zeros("three", 1), zeros("last", 1)),
		"zip": zipOf(t, map[string]string{"last": strings.Repeat("0", 100_001)}, nil),
	} {
		_, err := run(t, archive, limits)
		if limit := new(unpack.LimitError); !errors.As(err, &limit) || limit.Path != "last" {
			t.Errorf("%s: got %v, want the limit, at the last entry", name, err)
		}
	}
	if _, err := run(t, tarOf(t, zeros("one", 50_000), zeros("two", 50_000)), limits); err != nil {
		t.Errorf("what is within the limits is refused: %v", err)
	}
}

func TestDamagedArchivesAreAnError(t *testing.T) {
	plain := tarOf(t, headers()...)
	xz, err := os.ReadFile(filepath.Join("testdata", "sample.tar.xz"))
	must(t, err)
	for name, archive := range map[string][]byte{
		"cut tar": plain[:1700], "cut gzip": gzipped(t, plain)[:60], "cut xz": xz[:len(xz)/2], "cut zip": zipOf(t, sample, nil)[:100],
		"cut deb": debOf("data.tar", string(plain))[:1800], "deb without data": debOf("debian-binary", "2.0\n"),
		"deb with a size that is none": []byte("!<arch>\n" + strings.Repeat("x", 60)), "no archive": []byte("hello"), "nothing": nil,
		"a compressed file that is no tar": gzipped(t, bytes.Repeat([]byte("text "), 1000)),
	} {
		if _, err := run(t, archive, unpack.Options{}); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
	if _, err := run(t, []byte("hello"), unpack.Options{}); !errors.Is(err, unpack.ErrUnknown) {
		t.Errorf("text gives %v, want ErrUnknown", err)
	}
	if err := unpack.Run(t.Context(), t.TempDir(), t.TempDir(), unpack.Options{}); err == nil || !strings.Contains(err.Error(), "without --unpack") {
		t.Errorf("a folder gives %v, want a hint to publish it as it is", err)
	}
}

func TestUnpackingEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive")
	must(t, os.WriteFile(path, tarOf(t, headers()...), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := unpack.Run(ctx, path, t.TempDir(), unpack.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

// FuzzRun unpacks what nobody made on purpose: nothing may appear outside the
// folder, nor beyond the limits.
func FuzzRun(f *testing.F) {
	plain := tarOf(f, headers()...)
	xz, err := os.ReadFile(filepath.Join("testdata", "sample.tar.xz"))
	must(f, err)
	for _, seed := range [][]byte{plain, gzipped(f, plain), zstded(f, plain), xz, zipOf(f, sample, nil), debOf("data.tar.xz", string(xz)), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		outer := t.TempDir()
		dir, path := filepath.Join(outer, "dir"), filepath.Join(outer, "archive")
		must(t, errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, archive, 0o600)))
		limits := unpack.Options{MaxEntries: 100, MaxBytes: 1 << 20}
		_ = unpack.Run(t.Context(), path, dir, limits) // any error will do
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 2 {
			t.Errorf("%d entries beside the folder (%v)", len(entries)-2, err)
		}
		bytes := 0
		for _, data := range read(t, dir) {
			bytes += len(data)
		}
		if bytes > 1<<20+1 {
			t.Errorf("unpacked %d bytes", bytes)
		}
	})
}
