// Package book keeps what a benchmark measured, a line of JSON each, so that a run
// that ended early, or was told to end, goes on where it was.
package book

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Book is what was measured. R is one record of it.
type Book[R any] struct {
	path  string
	key   func(R) string
	known map[string]R
}

// Open reads a book; one that is not there is empty. Of records with the same key the
// last counts, those without one stay in the file and are passed over: they are of
// another build, say.
func Open[R any](path string, key func(R) string) (*Book[R], error) {
	b := &Book[R]{path, key, map[string]R{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var r R
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w (remove the line, or name another file with -out)", path, n, err)
		}
		if k := key(r); k != "" {
			b.known[k] = r
		}
	}
	return b, lines.Err()
}

// Aside lays a book aside, so that the next one begins empty.
func Aside(path string) error {
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Find returns the record with a key.
func (b *Book[R]) Find(key string) (R, bool) {
	r, ok := b.known[key]
	return r, ok
}

// Note writes a record down.
func (b *Book[R]) Note(r R) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	b.known[b.key(r)] = r
	return nil
}
