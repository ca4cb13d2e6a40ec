package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/storage/content"
)

// maxProblems bounds how many files of a version are named one by one.
const maxProblems = 10

// Checked is what a check found of one version.
type Checked struct {
	ID       content.VersionID `json:"version"`
	Content  string            `json:"content,omitempty"` // NAME@V, where the head can be read
	Chunks   uint32            `json:"chunks"`
	Held     uint32            `json:"held"`              // as the journal says
	Damaged  uint32            `json:"damaged"`           // of those
	Missing  uint32            `json:"missing"`           // still to be fetched
	Complete bool              `json:"complete"`          // visible, and as it was published
	Problems []string          `json:"problems"`          // besides damaged chunks
	Repairs  []string          `json:"repairs,omitempty"` // what Repair did about it
}

// Sound reports whether all that the store says it has is there.
func (c Checked) Sound() bool { return c.Damaged == 0 && len(c.Problems) == 0 }

// A suspect is a version that is looked at and not opened: its folder and its tree
// stay as they are.
type suspect struct {
	Checked
	version  *version // nil: its head or body is damaged
	envelope []byte
	treeGone bool
	lost     bool           // its journal can't be read
	claimed  content.Bitmap // what to look for
	sound    content.Bitmap // what was found of it
}

// suspects lists the versions that the store has, and how many bytes they claim.
func (s *Store) suspects() (list []*suspect, bytes int64, err error) {
	ids, err := s.stored()
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		c := &suspect{Checked: Checked{ID: id, Problems: []string{}}}
		list = append(list, c)
		if err := s.approach(c); err != nil {
			return list, 0, fmt.Errorf("look at version %s: %w", id, err)
		}
		bytes += c.bytes()
	}
	return list, bytes, nil
}

// approach reads all of a version but its content.
func (s *Store) approach(c *suspect) error {
	held, err := s.inspect(c.ID)
	if err != nil {
		c.problem("head or body is damaged (%v): the agent mends it when the server orders the version again", err)
		return nil
	}
	head, _, err := content.ReadHead(held.Envelope)
	if err != nil {
		return err // it was read a moment ago
	}
	body, err := head.OpenBody(held.Body)
	if err != nil {
		c.problem("body is not one that this program can read: %v", err)
		return nil
	}
	c.Content, c.Chunks, c.envelope = head.Ref().String(), head.Chunks, held.Envelope
	v := &version{store: s, id: c.ID, head: head}
	v.lay(body)
	c.version = v
	if err := v.attach(); errors.Is(err, fs.ErrNotExist) {
		c.treeGone = true
		c.problem("its tree is gone")
	} else if err != nil {
		return err
	}
	root, err := s.root.OpenRoot(folderOf(c.ID))
	if err != nil {
		return err
	}
	defer root.Close() // it is only read from
	if v.secret, err = s.secretOf(root, c.ID); err != nil {
		return err
	}
	said, _, _, err := readJournalFile(root, c.ID, c.Chunks)
	if err != nil {
		c.lost = true
		c.problem("journal can't be read: %v", err)
		said.have = content.NewBitmap(c.Chunks)
		for i := range c.Chunks { // whatever there is shall be found
			said.have.Set(i)
		}
	}
	c.claimed = said.have
	return nil
}

// attach opens the tree where it lies, and nothing else.
func (v *version) attach() error {
	folder, placed, err := v.store.treeOf(v.id, v.head.Ref())
	if err != nil {
		return err
	}
	v.placed = placed
	v.tree, err = v.store.root.OpenRoot(folder)
	return err
}

func (c *suspect) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// bytes is how much there is to hash.
func (c *suspect) bytes() (n int64) {
	if c.version == nil || c.treeGone {
		return 0
	}
	for i := range c.Chunks {
		if c.claimed.Has(i) {
			n += c.version.spread(i)
		}
	}
	return n
}

// spread is how many bytes a chunk takes in all its places.
func (v *version) spread(i uint32) (n int64) {
	for _, s := range v.layout.Segments(i) {
		n += int64(s.Length)
	}
	return n
}

// examine hashes the content and fills in what was found.
func (c *suspect) examine(ctx context.Context, told func(bytes int64)) error {
	if c.version == nil {
		return nil
	}
	c.sound = content.NewBitmap(c.Chunks)
	if !c.treeGone {
		var err error
		if c.sound, err = c.version.hashAll(ctx, c.claimed, told); err != nil {
			return fmt.Errorf("check %s: %w", c.Content, err)
		}
		if c.version.placed {
			if err := c.compareFiles(); err != nil {
				return fmt.Errorf("check %s: %w", c.Content, err)
			}
		}
	}
	c.Held = c.claimed.Count()
	if c.lost {
		c.Held = c.sound.Count() // nobody claimed the rest
	}
	c.Missing, c.Damaged = c.Chunks-c.Held, c.Held-c.sound.Count()
	c.Complete = c.version.placed && c.Missing == 0 && c.Damaged == 0 && len(c.Problems) == 0
	return nil
}

// hashAll returns which chunks are in all their places, on every core there is.
func (v *version) hashAll(ctx context.Context, claimed content.Bitmap, told func(bytes int64)) (content.Bitmap, error) {
	files := newPassing(maxOpenFiles) // opened to be read: an opened version writes to its own
	defer files.drop(v, func(int) bool { return true })
	results := make([]content.Bitmap, runtime.GOMAXPROCS(0))
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Uint32
	for w := range results {
		results[w] = content.NewBitmap(v.chunks())
		group.Go(func() error {
			b := make([]byte, content.MaxChunkBytes)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= v.chunks() {
					return nil
				}
				if !claimed.Has(i) {
					continue
				}
				sound, err := v.soundEverywhere(files, i, b)
				if err != nil {
					return err
				}
				if sound {
					results[w].Set(i)
				}
				told(v.spread(i))
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, r := range results[1:] {
		results[0].Or(r)
	}
	return results[0], nil
}

// soundEverywhere reports whether a chunk is in every one of its places.
func (v *version) soundEverywhere(files *files, i uint32, b []byte) (bool, error) {
	c := v.body.Chunks[i]
	for _, place := range placesOf(v.layout.Segments(i), int(c.Length)) {
		for _, s := range place {
			name := v.onDisk[s.File].Path
			open := func() (*os.File, error) { return v.tree.Open(name) }
			if err := v.readAt(files, s, open, b); isLost(err) {
				return false, nil
			} else if err != nil {
				return false, err
			}
		}
		if content.Sum(b[:c.Length]) != c.Digest {
			return false, nil
		}
	}
	return true, nil
}

// compareFiles names the delivered files that are not as they were delivered,
// besides what is in them.
func (c *suspect) compareFiles() error {
	wrong := 0
	for i, f := range c.version.body.Files {
		what, err := c.version.misshapen(i)
		if err != nil {
			return err
		}
		if what == "" {
			continue
		}
		if wrong++; wrong <= maxProblems {
			c.problem("%s %s", f.Path, what)
		}
	}
	if wrong > maxProblems {
		c.problem("and %d more files or folders", wrong-maxProblems)
	}
	return nil
}

// misshapen says what is wrong with a delivered file or folder, or nothing.
func (v *version) misshapen(i int) (string, error) {
	f := v.onDisk[i]
	info, err := v.tree.Lstat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err != nil && v.obstacle(i) != "":
		return "is gone", nil
	case err != nil:
		return "", err
	case f.Dir && !info.IsDir():
		return "is no folder", nil
	case f.Dir:
		return "", nil
	case !info.Mode().IsRegular():
		return "is no file", nil
	case info.Size() != f.Size:
		return fmt.Sprintf("has %d bytes, want %d", info.Size(), f.Size), nil
	case runtime.GOOS == "windows" && info.Mode().Perm()&0o222 != 0: // which knows no other mode
		return "can be written to", nil
	case runtime.GOOS != "windows" && info.Mode().Perm() != finalMode(f):
		return fmt.Sprintf("has mode %v, want %v", info.Mode().Perm(), finalMode(f)), nil
	}
	return "", nil
}
