// Package sqlitetest spares tests the migrations: an empty catalog of the newest schema is
// made once in a process, and copied for whoever wants one.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

// empty is the file of a catalog in which there is nothing yet.
var empty = sync.OnceValues(func() (text []byte, err error) {
	dir, err := os.MkdirTemp("", "sitecast-catalog-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "empty.db")
	c, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// fataler is what is needed of a test, also of one of rapid's.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// Put puts an empty catalog at a path, whose folder is made if need be, unless one is
// there. It returns the path.
func Put(t fataler, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	text, err := empty()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
