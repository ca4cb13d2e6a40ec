package patch

import (
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/pack"
)

// ErrUnusable means that a chunk can't be made of its patch, or that there is none: it
// has to come whole.
var ErrUnusable = errors.New("patch can't be used")

// Window reads the dictionaries of a version, one after the other. It keeps the chunks
// of the last one: the next is much the same. It belongs to one goroutine.
type Window struct {
	read func(chunk uint32) ([]byte, error)
	held map[uint32][]byte
}

// NewWindow returns a window on what read returns, which is kept.
func NewWindow(read func(chunk uint32) ([]byte, error)) *Window {
	return &Window{read: read, held: map[uint32][]byte{}}
}

// Run returns consecutive chunks, of at most pack.MaxDictionary bytes. It stops reading
// where they are more.
func (w *Window) Run(first, count uint32) (all []byte, err error) {
	for i := range w.held {
		if i < first || i-first >= count {
			delete(w.held, i)
		}
	}
	for i := first; i-first < count; i++ {
		plain, held := w.held[i]
		if !held {
			if plain, err = w.read(i); err != nil {
				return nil, err
			}
			w.held[i] = plain
		}
		if all = append(all, plain...); len(all) > pack.MaxDictionary {
			clear(w.held)
			return nil, fmt.Errorf("chunks %d+%d are more than a dictionary of %d bytes", first, count, pack.MaxDictionary)
		}
	}
	return all, nil
}
