// Package dir keeps the objects of a blob.Store in a directory, in 256 folders by
// the first byte of their digests:
//
//	ab/abcdef...   an object, never changed after it has got this name
//	incoming/...   objects being written; emptied when the store is opened
//
// One process uses the directory at a time.
package dir

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"runtime"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

const incoming = "incoming"

// Store is a blob.Store in a directory. Its state is the file system's.
type Store struct{ root *os.Root }

var _ blob.Store = (*Store)(nil)

// Open opens the store in dir, which it makes where needed, and removes what an
// interrupted Put left.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s := &Store{root: root}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open object store %s: %w", dir, err), root.Close())
	}
	return s, nil
}

func (s *Store) prepare() error {
	if err := s.root.RemoveAll(incoming); err != nil {
		return err
	}
	if err := s.root.Mkdir(incoming, 0o700); err != nil {
		return err
	}
	return s.syncDir(".")
}

// Close releases the directory. Objects that are open stay so.
func (s *Store) Close() error { return s.root.Close() }

// Put implements blob.Store: written beside, hashed, synced, and only then renamed
// to its name.
func (s *Store) Put(ctx context.Context, digest content.Digest, size int64, r io.Reader) error {
	if err := s.put(ctx, digest, size, r); err != nil {
		return fmt.Errorf("put object %s: %w", digest, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, digest content.Digest, size int64, r io.Reader) error {
	if info, err := s.root.Stat(name(digest)); err == nil {
		if info.Size() != size {
			return &blob.MismatchError{Want: digest, WantBytes: size, Got: digest, GotBytes: info.Size()}
		}
		return nil
	}
	temp := path.Join(incoming, rand.Text())
	if err := s.write(ctx, temp, digest, size, r); err != nil {
		return errors.Join(err, s.root.RemoveAll(temp))
	}
	if err := s.makeShard(path.Dir(name(digest))); err != nil {
		return errors.Join(err, s.root.Remove(temp))
	}
	if err := s.root.Rename(temp, name(digest)); err != nil {
		return errors.Join(err, s.root.Remove(temp))
	}
	return s.syncDir(path.Dir(name(digest)))
}

// write writes the object to a file and syncs it.
func (s *Store) write(ctx context.Context, temp string, digest content.Digest, size int64, r io.Reader) (err error) {
	file, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := io.Copy(file, blob.Checked(ctx, digest, size, r)); err != nil {
		return err
	}
	return file.Sync()
}

// makeShard makes a folder of objects durably.
func (s *Store) makeShard(shard string) error {
	err := s.root.Mkdir(shard, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.syncDir(".")
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, digest content.Digest) (blob.Object, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	file, err := s.root.Open(name(digest))
	if err != nil {
		return nil, 0, fmt.Errorf("open object %s: %w", digest, found(err))
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open object %s: %w", digest, err), file.Close())
	}
	return file, info.Size(), nil
}

// Has implements blob.Store.
func (s *Store) Has(ctx context.Context, digest content.Digest) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	_, err := s.root.Stat(name(digest))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	}
	return false, fmt.Errorf("look for object %s: %w", digest, err)
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, digest content.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.root.Remove(name(digest)); err != nil {
		return fmt.Errorf("delete object %s: %w", digest, found(err))
	}
	return s.syncDir(path.Dir(name(digest)))
}

// List implements blob.Store. Files that are no objects are passed over.
func (s *Store) List(ctx context.Context) iter.Seq2[content.Digest, error] {
	return func(yield func(content.Digest, error) bool) {
		err := fs.WalkDir(s.root.FS(), ".", func(at string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && at != "." && errors.Is(err, fs.ErrNotExist):
				return nil // it was deleted meanwhile
			case err != nil:
				return err
			case at == incoming:
				return fs.SkipDir
			case ctx.Err() != nil:
				return ctx.Err()
			}
			digest, err := content.ParseDigest(path.Base(at))
			if err == nil && at == name(digest) && d.Type().IsRegular() && !yield(digest, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(content.Digest{}, fmt.Errorf("list objects: %w", err))
		}
	}
}

func name(digest content.Digest) string {
	text := digest.String()
	return path.Join(text[:2], text)
}

// found gives a missing file the name it has in the contract.
func found(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	return err
}

// syncDir makes names in a folder durable. Windows cannot and need not.
func (s *Store) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
