package disk_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

var key, otherKey = bytes.Repeat([]byte{7}, disk.KeyBytes), bytes.Repeat([]byte{8}, disk.KeyBytes)

func openEncrypted(t testing.TB, dir string) *disk.Store {
	t.Helper()
	s, err := disk.OpenEncrypted(dir, key, slog.New(slog.DiscardHandler))
	return closed(t, s, err)
}

func encryptedPlace(dir string, ref content.Ref) string { return disk.EncryptedPlace(dir, key, ref) }

// number is what a file is called in an encrypted store.
func number(s *chunktest.Sample, path string) string {
	return strconv.Itoa(slices.IndexFunc(s.Body.Files, func(f content.File) bool { return f.Path == path }))
}

// delivers checks that every file of a version is read from the store as published.
func delivers(store *disk.Store, s *chunktest.Sample) error {
	stream := s.Stream
	for _, want := range s.Body.Files {
		f, err := store.OpenFile(s.Head.Ref(), want.Path)
		if want.Dir {
			if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("open folder %s: %w", want.Path, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		if f.File != want || f.ID != s.ID {
			return fmt.Errorf("opened %+v of %s, want %+v of %s", f.File, f.ID, want, s.ID)
		}
		if err := errors.Join(iotest.TestReader(f, stream[:want.Size]), f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", want.Path, err)
		}
		stream = stream[want.Size:]
	}
	return nil
}

func TestEncryptedStore(t *testing.T) {
	chunktest.Run(t, chunktest.Maker{
		Open: func(t *testing.T, dir string) chunk.Store { return openEncrypted(t, dir) },
		OpenFull: func(t *testing.T, dir string) chunk.Store {
			s, err := disk.OpenWithRoom(dir, key, 1<<20)
			return closed(t, s, err)
		},
		Place: encryptedPlace,
		Name:  number,
		Check: func(dir string, store chunk.Store, s *chunktest.Sample) error {
			return errors.Join(delivers(store.(*disk.Store), s), tellsNothing(dir, s))
		},
	})
}

// tellsNothing checks that the disk holds nothing of a version in plain: no content,
// no list of it, and no name.
func tellsNothing(dir string, s *chunktest.Sample) error {
	secrets := map[string][]byte{"head": []byte(`"payload"`)}
	for i, data := range s.Chunks {
		secrets[fmt.Sprint("digest of chunk ", i)] = s.Body.Chunks[i].Digest[:]
		if len(data) >= 16 {
			secrets[fmt.Sprint("chunk ", i)] = data[len(data)-16:]
		}
	}
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(dir, name) // it lies in it
		for _, word := range []string{s.Head.Name, "deep", "run"} {
			if strings.Contains(relative, word) {
				return fmt.Errorf("%s is on the disk", relative)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // of another version, which is being made
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for what, secret := range secrets {
			if bytes.Contains(data, secret) || bytes.Contains(data, []byte(hex.EncodeToString(secret))) {
				err = errors.Join(err, fmt.Errorf("%s is in %s in plain", what, relative))
			}
		}
		return err
	})
}

// The search finds what is there in plain.
func TestPlainStoreTellsAll(t *testing.T) {
	dir := t.TempDir()
	s := chunktest.Typical(t, "v1")
	s.Fill(t, open(t, dir))
	if tellsNothing(dir, s) == nil {
		t.Error("a plain store tells nothing")
	}
}

// Of the files nothing is in common, though the content is: not between versions,
// nor between a version and the same one fetched again.
func TestSameContentLooksDifferentEachTime(t *testing.T) {
	dir := t.TempDir()
	store := openEncrypted(t, dir)
	s := chunktest.Typical(t, "v1")
	twin := chunktest.Compose(t, content.Ref{Name: "twin", Version: "v1"}, [][]byte{s.Chunks[0], s.Chunks[1], s.Chunks[2], s.Chunks[1], s.Chunks[3], s.Chunks[4]}, s.Body.Files)
	seen := map[string]string{}
	see := func(what string, s *chunktest.Sample) {
		for _, f := range s.Body.Files {
			if f.Size < 16 {
				continue
			}
			data, err := os.ReadFile(filepath.Join(encryptedPlace(dir, s.Head.Ref()), number(s, f.Path)))
			if err != nil {
				t.Fatal(err)
			}
			for block := range slices.Chunk(data, 16) {
				if was := seen[string(block)]; was != "" && len(block) == 16 {
					t.Fatalf("a block of %s of %s was seen in %s", f.Path, what, was)
				}
				seen[string(block)] = f.Path + " of " + what
			}
		}
	}
	s.Fill(t, store)
	see("the first", s)
	twin.Fill(t, store)
	see("its twin", twin)
	if err := store.Remove(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	s.Fill(t, store)
	see("the first again", s)
}

// What is written where something was damaged is what was there before, so that two
// looks at the disk tell no more than one.
func TestRepairedFileLooksAsBefore(t *testing.T) {
	dir := t.TempDir()
	store := openEncrypted(t, dir)
	s := chunktest.Typical(t, "v1")
	v := s.Fill(t, store)
	file := filepath.Join(encryptedPlace(dir, s.Head.Ref()), number(s, "b"))
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(before)
	damaged[50_000] ^= 1
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, damaged, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Read(1, nil); err == nil {
		t.Fatal("read a damaged chunk")
	}
	s.Put(t, v, 1)
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the repaired file differs from what it was (%v)", err)
	}
}

func TestKeyMustBeTheStores(t *testing.T) {
	encrypted, plain, parts := t.TempDir(), t.TempDir(), t.TempDir()
	s := chunktest.Typical(t, "v1")
	for dir, store := range map[string]*disk.Store{encrypted: openEncrypted(t, encrypted), plain: open(t, plain)} {
		s.Fill(t, store)
		if err := store.Close(); err != nil {
			t.Fatal(dir, err)
		}
	}
	store := open(t, parts)
	s.Put(t, s.Open(t, store), 0)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		key  []byte
		want error
	}{
		"another key":               {encrypted, otherKey, disk.ErrWrongKey},
		"no key":                    {encrypted, nil, disk.ErrEncrypted},
		"a key for a plain store":   {plain, key, disk.ErrNotEncrypted},
		"a key for a plain partial": {parts, key, disk.ErrNotEncrypted},
	} {
		before := everything(t, c.dir)
		store, err := disk.OpenEncrypted(c.dir, c.key, slog.New(slog.DiscardHandler))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, store, err, c.want)
		}
		for check, run := range disk.Checks {
			if _, err := run(t.Context(), c.dir, c.key, slog.New(slog.DiscardHandler), func(_, _ int64) {}); !errors.Is(err, c.want) {
				t.Errorf("%s with %s: %v, want %v", check, name, err, c.want)
			}
		}
		if after := everything(t, c.dir); after != before {
			t.Errorf("%s changed the store:\n%s\nwant:\n%s", name, after, before)
		}
	}
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := disk.OpenEncrypted(t.TempDir(), make([]byte, n), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("opened with a key of %d bytes", n)
		}
	}
}

// everything describes all that lies in a folder.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprint(&b, name, " ", info.Mode(), " ", info.ModTime())
		if !d.IsDir() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprint(&b, " ", content.Sum(data))
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A store that holds nothing has nothing in plain.
func TestEmptyStoreBecomesEncrypted(t *testing.T) {
	dir := t.TempDir()
	s := chunktest.Typical(t, "v1")
	store := open(t, dir)
	s.Fill(t, store)
	if err := errors.Join(store.Remove(t.Context(), s.ID), store.Close()); err != nil {
		t.Fatal(err)
	}
	store = openEncrypted(t, dir)
	s.Fill(t, store)
	if err := errors.Join(delivers(store, s), tellsNothing(dir, s), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, disk.ErrEncrypted) {
		t.Errorf("opened without a key: %v", err)
	}
}

// Whatever is lost of an encrypted version, it is fetched again and nothing else.
func TestEncryptedVersionMends(t *testing.T) {
	for _, name := range []string{"salt", "head.json", "body", "journal"} {
		for what, damage := range map[string]func(file string, data []byte) error{
			"is gone":    func(file string, _ []byte) error { return os.Remove(file) },
			"is cut off": func(file string, data []byte) error { return os.WriteFile(file, data[:len(data)/2], 0o600) },
			"has rotten": func(file string, data []byte) error {
				data[len(data)/2] ^= 4
				return os.WriteFile(file, data, 0o600)
			},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				dir := t.TempDir()
				store := openEncrypted(t, dir)
				s := chunktest.Typical(t, "v1")
				s.Fill(t, store)
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, "store", s.ID.String(), name)
				data, err := os.ReadFile(file)
				if err == nil {
					err = damage(file, data)
				}
				if err != nil {
					t.Fatal(err)
				}
				store = openEncrypted(t, dir)
				v := s.Open(t, store)
				for i := range s.Chunks { // what is damaged is forgotten
					for range 3 {
						_, _ = v.Read(uint32(i), nil)
					}
				}
				have := v.Have()
				for _, i := range s.All() {
					if !have.Has(i) {
						s.Put(t, v, i)
					}
				}
				if err := errors.Join(v.Complete(), delivers(store, s), tellsNothing(dir, s)); err != nil {
					t.Error(err)
				}
				s.CheckHeld(t, v, s.All()...)
			})
		}
	}
}

func TestEncryptedStoreIsVerifiedAndRepaired(t *testing.T) {
	dir := t.TempDir()
	store := openEncrypted(t, dir)
	s := chunktest.Typical(t, "v1")
	s.Fill(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(name string, damaged int) disk.Report {
		report, err := disk.Checks[name](t.Context(), dir, key, slog.New(slog.DiscardHandler), func(_, _ int64) {})
		if err != nil || report.Damaged() != damaged || len(report.Versions) != 1 {
			t.Fatalf("%s: %+v (%v), want %d damaged", name, report, err, damaged)
		}
		return report
	}
	check("verify", 0)
	file := filepath.Join(encryptedPlace(dir, s.Head.Ref()), number(s, "run.sh"))
	if err := errors.Join(os.Chmod(file, 0o700), os.WriteFile(file, []byte{0}, 0o700)); err != nil {
		t.Fatal(err)
	}
	if report := check("verify", 1); runtime.GOOS != "windows" && !slices.ContainsFunc(report.Versions[0].Problems, func(p string) bool { return strings.HasPrefix(p, "run.sh ") }) {
		t.Errorf("problems %q, want run.sh named", report.Versions[0].Problems)
	}
	check("repair", 1)
	check("verify", 0)
	store = openEncrypted(t, dir)
	v := s.Open(t, store)
	s.CheckHeld(t, v, 0, 2, 3, 4)
	if _, err := store.OpenFile(s.Head.Ref(), "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open a file of a version that is not complete: %v", err)
	}
}

func TestFileOfAPlainStoreIsServed(t *testing.T) {
	store := open(t, t.TempDir())
	s, part := chunktest.Typical(t, "v1"), chunktest.Typical(t, "v2")
	v := s.Fill(t, store)
	if err := errors.Join(delivers(store, s), v.Close(), delivers(store, s)); err != nil {
		t.Error(err)
	}
	part.Put(t, part.Open(t, store), part.All()...) // and not completed
	for ref, path := range map[content.Ref]string{part.Head.Ref(): "b", s.Head.Ref(): "c", {Name: "typical", Version: "v3"}: "b"} {
		if f, err := store.OpenFile(ref, path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %s of %s: %v, %v, want that it does not exist", path, ref, f, err)
		}
	}
}

// Nothing is handed out of a chunk that does not match, and the open version wants it again.
func TestDamagedFileIsNotServed(t *testing.T) {
	for _, open := range []bool{true, false} {
		dir := t.TempDir()
		store := openEncrypted(t, dir)
		s := chunktest.Typical(t, "v1")
		v := s.Fill(t, store)
		if !open {
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(encryptedPlace(dir, s.Head.Ref()), number(s, "a/two"))
		if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, make([]byte, 20), 0o600)); err != nil {
			t.Fatal(err)
		}
		f, err := store.OpenFile(s.Head.Ref(), "a/two")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if corrupt := new(chunk.CorruptError); !errors.As(err, &corrupt) || corrupt.Chunk != 0 || len(data) > 0 {
			t.Errorf("read %x, %v, want that chunk 0 does not match", data, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if open && v.Have().Has(0) {
			t.Error("the open version still says that it holds the chunk")
		}
	}
}
