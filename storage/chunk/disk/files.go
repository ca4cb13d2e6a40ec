package disk

import (
	"container/list"
	"os"
	"sync"
)

// maxOpenFiles bounds the descriptors kept open: a tree may have tens of
// thousands of files. Files in use are open beyond it.
const maxOpenFiles = 128

// fileKey names a file of a version by its index in the body.
type fileKey struct {
	v    *version
	file int
}

// files keeps the files used last open.
type files struct {
	limit   int
	passing bool // what is read is read once, and leaves the cache of the system again

	// mu guards the rest.
	mu   sync.Mutex
	open map[fileKey]*openFile
	idle *list.List // of *openFile without users, the least recently used first
}

type openFile struct {
	*os.File
	key   fileKey
	users int
	place *list.Element // in idle
}

func newFiles(limit int) *files {
	return &files{limit: limit, open: make(map[fileKey]*openFile), idle: list.New()}
}

// newPassing returns files that are read beside those in use.
func newPassing(limit int) *files {
	fs := newFiles(limit)
	fs.passing = true
	return fs
}

// with runs use on the file, which open opens when it is not open yet.
func (fs *files) with(key fileKey, open func() (*os.File, error), use func(*os.File) error) error {
	f, err := fs.acquire(key, open)
	if err != nil {
		return err
	}
	defer fs.release(f)
	return use(f.File)
}

func (fs *files) acquire(key fileKey, open func() (*os.File, error)) (*openFile, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.open[key]
	if f == nil {
		opened, err := open()
		if err != nil {
			return nil, err
		}
		adviseRandom(opened)
		f = &openFile{File: opened, key: key}
		fs.open[key] = f
	}
	if f.place != nil {
		fs.idle.Remove(f.place)
		f.place = nil
	}
	f.users++
	return f, nil
}

func (fs *files) release(f *openFile) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.users--
	if f.users > 0 {
		return
	}
	if fs.open[f.key] != f { // dropped meanwhile
		_ = f.Close()
		return
	}
	f.place = fs.idle.PushBack(f)
	for len(fs.open) > fs.limit && fs.idle.Len() > 0 {
		fs.forget(fs.idle.Front().Value.(*openFile))
	}
}

// drop forgets the files of v that match; one in use is closed by its last user.
func (fs *files) drop(v *version, match func(file int) bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for key, f := range fs.open {
		if key.v == v && match(key.file) {
			fs.forget(f)
		}
	}
}

// forget needs mu. The error of closing is void: whoever needs the bytes on disk
// syncs them.
func (fs *files) forget(f *openFile) {
	delete(fs.open, f.key)
	if f.place != nil {
		fs.idle.Remove(f.place)
		_ = f.Close()
	}
}
