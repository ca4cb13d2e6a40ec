package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

var _ blob.Adopter = (*Store)(nil)

// Adopt implements blob.Adopter: the file is hashed and synced, and then gets its name
// here. Where that can't be, as it lies on another disk, it is copied.
func (s *Store) Adopt(ctx context.Context, digest content.Digest, size int64, file string) (err error) {
	from, err := os.OpenFile(file, os.O_RDWR, 0) // or it can't be synced everywhere
	if err != nil {
		return fmt.Errorf("take object %s: %w", digest, err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if has, err := s.Has(ctx, digest); has || err != nil {
		return s.Put(ctx, digest, size, from) // which compares the size
	}
	_, err = io.Copy(io.Discard, blob.Checked(ctx, digest, size, from))
	if err == nil {
		err = from.Sync()
	}
	if err == nil {
		err = s.makeShard(path.Dir(name(digest)))
	}
	if err != nil {
		return fmt.Errorf("take object %s: %w", digest, err)
	}
	if os.Rename(file, filepath.Join(s.root.Name(), filepath.FromSlash(name(digest)))) == nil {
		return s.syncDir(path.Dir(name(digest)))
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("take object %s: %w", digest, err)
	}
	return s.Put(ctx, digest, size, from)
}
