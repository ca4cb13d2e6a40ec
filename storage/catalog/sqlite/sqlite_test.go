package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
	"github.com/sitecast/sitecast/storage/catalog/relational"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
)

// holdEnv names the file that the test program, started anew, opens and holds.
const holdEnv = "SITECAST_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		c, err := sqlite.Open(context.Background(), path)
		fmt.Println("opened", err)
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed
		_ = c.Close()
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, path string) *sqlite.Catalog {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeIt(t, c) })
	return c
}

func closeIt(t *testing.T, c *sqlite.Catalog) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "catalog.db")
}

func TestCatalog(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalog.Catalog { return open(t, sqlitetest.Put(t, newPath(t))) })
}

func TestReopeningKeepsEverything(t *testing.T) {
	path := newPath(t)
	c := open(t, path)
	catalogtest.Fill(t, c)
	want := catalogtest.Read(t, c)
	closeIt(t, c)
	for range 2 {
		c = open(t, path)
		if got := catalogtest.Read(t, c); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		closeIt(t, c)
	}
	// Numbers go on where they were.
	c = open(t, path)
	last := want.Versions[len(want.Versions)-1].Serial
	if serial, err := c.Reserve(t.Context(), "tester", "app", "next"); serial <= last || err != nil {
		t.Errorf("got serial %d (%v) after %d", serial, err, last)
	}
	if generation, err := c.SetRule(t.Context(), "tester", catalog.Rule{Kind: catalog.RulePause}); generation <= want.Orders.Generation || err != nil {
		t.Errorf("got generation %d (%v) after %d", generation, err, want.Orders.Generation)
	}
	if entries, err := c.Audit(t.Context(), 0, 1); len(entries) != 1 || entries[0].ID <= want.Audit[0].ID || err != nil {
		t.Errorf("got entries %+v (%v) after %d", entries, err, want.Audit[0].ID)
	}
}

// What was answered with nil is durable: it is there although nobody closed the
// file, as after a power cut.
func TestCopyOfTheOpenFilesHoldsEverything(t *testing.T) {
	path := newPath(t)
	c := open(t, path)
	catalogtest.Fill(t, c)
	want := catalogtest.Read(t, c)
	after := newPath(t)
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(after+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := catalogtest.Read(t, open(t, after)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnyFileNameIsTakenAsItIs(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=ro.db", "a#b.db", "a%20b.db", "a+b&c=d;e.db", "ü'\".db", "a:b.db"} {
		dir := t.TempDir()
		c := open(t, filepath.Join(dir, name))
		catalogtest.Fill(t, c)
		closeIt(t, c)
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		t.Chdir(dir)
		c = open(t, name)
		if _, err := c.Site(t.Context(), catalogtest.FilledSite); err != nil {
			t.Errorf("%q opened by its relative name: %v", name, err)
		}
		closeIt(t, c)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	path := newPath(t)
	catalogtest.Fill(t, open(t, path))
	files, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil || len(files) < 3 {
		t.Fatalf("got files %q (%v), want the catalog, its log and more", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v (%v), want 0600", filepath.Base(name), info.Mode(), err)
		}
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	path := newPath(t)
	first := open(t, path)
	for range 2 { // a refusal does not break the lock
		c, err := sqlite.Open(t.Context(), path)
		if !errors.Is(err, relational.ErrLocked) || !strings.Contains(err.Error(), path) {
			t.Fatalf("got %v, %v, want %q and the path", c, err, relational.ErrLocked)
		}
	}
	catalogtest.Fill(t, first)
	closeIt(t, first)
	open(t, path)
}

func TestSecondProcessIsRefusedUntilTheFirstEnds(t *testing.T) {
	path := newPath(t)
	first := exec.CommandContext(t.Context(), os.Args[0])
	first.Env = append(os.Environ(), holdEnv+"="+path)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("opened <nil>"))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "opened <nil>" {
		t.Fatalf("the first process said %q (%v)", said, err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, relational.ErrLocked) {
		t.Errorf("got error %v, want %q", err, relational.ErrLocked)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil {
		t.Error("the first process ended by itself")
	}
	open(t, path)
}

func TestBrokenFileIsRefusedAndLeftAlone(t *testing.T) {
	good := newPath(t)
	c := open(t, good)
	catalogtest.Fill(t, c)
	closeIt(t, c)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		text string
		says string
	}{
		"something else":   {strings.Repeat("This is a letter. ", 100), "not a database"},
		"half":             {string(text[:len(text)/2]), "malformed"},
		"damaged schema":   {string(text[:100]) + strings.Repeat("\xff", 8000) + string(text[8100:]), "malformed"},
		"header destroyed": {strings.Repeat("\x00", 100) + string(text[100:]), "not a database"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := os.WriteFile(path, []byte(bad.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sqlite.Open(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), bad.says) {
				t.Errorf("got error %v, want one that says %q and the path", err, bad.says)
			}
			if left, err := os.ReadFile(path); string(left) != bad.text || err != nil {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestPathThatCannotBeOpenedIsNamed(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing", "catalog.db")} {
		if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want one that names it", path, err)
		}
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(dir, "missing", "catalog.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: got error %v, want %q", err, os.ErrNotExist)
	}
}

func TestContextEndsOpening(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	path := newPath(t)
	if _, err := sqlite.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %q", err, context.Canceled)
	}
	open(t, path)
}

// raw opens the file behind the catalog's back.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestFileOfANewerReleaseIsRefused(t *testing.T) {
	path := newPath(t)
	closeIt(t, open(t, path))
	if _, err := raw(t, path).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1); INSERT INTO contracts (version) VALUES (9999)`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := sqlite.Open(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), path) {
			t.Fatalf("got error %v, want one that names the file and schema 9999", err)
		}
	}
}

func TestEmptyFileIsMigratedUp(t *testing.T) {
	path := newPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	catalogtest.Fill(t, open(t, path))
	var version int64
	if err := raw(t, path).QueryRow(`SELECT MAX(version_id) FROM goose_db_version`).Scan(&version); version != newest(t) || err != nil {
		t.Errorf("got schema %d (%v), want %d", version, err, newest(t))
	}
}

func TestPatchesOfWhatWasPublishedBeforeTheyWereNotedAreDue(t *testing.T) {
	text, err := os.ReadFile(dumpOf(9)) // the last schema in which it was not noted
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	if _, err := raw(t, path).Exec(string(text) + `DELETE FROM patches;`); err != nil {
		t.Fatal(err)
	}
	want := []catalog.Succession{{Name: "app", Before: "1", Version: "2", Serial: 2}}
	if got, err := open(t, path).Unpatched(t.Context()); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("due %+v (%v), want %+v", got, err, want)
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	path := newPath(t)
	db := raw(t, path)
	if _, err := db.Exec(`CREATE TABLE audit (mine TEXT)`); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "audit") {
		t.Fatalf("got error %v, want one about the table that is there", err)
	}
	if _, err := db.Exec(`DROP TABLE audit`); err != nil {
		t.Fatal(err)
	}
	catalogtest.Fill(t, open(t, path))
}
