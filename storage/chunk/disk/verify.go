package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"sync/atomic"

	"github.com/sitecast/sitecast/storage/chunk"
)

// ErrNoStore means that a folder holds no store.
var ErrNoStore = errors.New("no store is there")

// A Report is what Verify and Repair found.
type Report struct {
	Versions  []Checked `json:"versions"`
	Leftovers []string  `json:"leftovers"` // of interrupted work, in no version's way
}

// Damaged returns how many versions are not sound.
func (r Report) Damaged() (n int) {
	for _, c := range r.Versions {
		if !c.Sound() {
			n++
		}
	}
	return n
}

// Progress is told how many bytes of a check are done. It is called from several
// goroutines.
type Progress func(done, total int64)

// Verify hashes all that the store in dir says it has, and changes nothing.
// [ErrLocked] says that a running agent uses the store. The key is that of an encrypted
// store, and nil for a plain one.
func Verify(ctx context.Context, dir string, key []byte, log *slog.Logger, progress Progress) (_ Report, err error) {
	s, err := openStill(dir, key, log)
	if err != nil {
		return Report{}, fmt.Errorf("open store %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, s.release()) }()
	report := Report{Leftovers: []string{}, Versions: []Checked{}}
	if report.Leftovers, err = s.leftovers(); err != nil {
		return report, err
	}
	list, err := s.examineAll(ctx, progress)
	for _, c := range list {
		report.Versions = append(report.Versions, c.Checked)
	}
	return report, err
}

// openStill opens a store to be looked at.
func openStill(dir string, key []byte, log *slog.Logger) (*Store, error) {
	vault, err := newVault(key)
	if err != nil {
		return nil, err
	}
	root, err := openThere(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, log: log, sys: realSystem(), root: root, vault: vault}
	if _, _, err := s.recognise(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	err = s.takeLock()
	if isReadOnly(err) { // where it matters most what is still sound
		err = s.takeLockAs(os.O_RDONLY)
	}
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// openThere opens the folder of a store that there is.
func openThere(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoStore
	}
	if err != nil {
		return nil, err
	}
	if _, err := root.Stat(storeName); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNoStore
		}
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// examineAll looks at every version.
func (s *Store) examineAll(ctx context.Context, progress Progress) ([]*suspect, error) {
	list, total, err := s.suspects()
	defer func() {
		for _, c := range list {
			if c.version != nil && c.version.tree != nil {
				_ = c.version.tree.Close() // it was only read from
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	var done atomic.Int64
	progress(0, total)
	for _, c := range list {
		if err := c.examine(ctx, func(bytes int64) { progress(done.Add(bytes), total) }); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// leftovers lists what interrupted work left in the folder of the store.
func (s *Store) leftovers() ([]string, error) {
	left := []string{}
	entries, err := fs.ReadDir(s.root.FS(), storeName)
	if err != nil {
		return left, err
	}
	for _, e := range entries {
		if isLeftover(e.Name()) {
			left = append(left, path.Join(storeName, e.Name()))
			continue
		}
		within, err := fs.ReadDir(s.root.FS(), path.Join(storeName, e.Name()))
		if err != nil {
			continue // a file, or one that is damaged
		}
		for _, f := range within {
			if isLeftover(f.Name()) {
				left = append(left, path.Join(storeName, e.Name(), f.Name()))
			}
		}
	}
	return left, nil
}

// isLeftover knows the names of what is being made or removed.
func isLeftover(name string) bool {
	ext := path.Ext(name)
	return ext == newSuffix || ext == goneSuffix || name == replacedName
}

// Repair checks like Verify and mends what it can: damaged chunks are forgotten, so
// that the agent fetches them again, and what is not as it was published is taken
// from its place until it is. The report says what was found and what was done.
func Repair(ctx context.Context, dir string, key []byte, log *slog.Logger, progress Progress) (Report, error) {
	return repair(ctx, dir, key, log, realSystem(), progress)
}

func repair(ctx context.Context, dir string, key []byte, log *slog.Logger, sys system, progress Progress) (_ Report, err error) {
	root, err := openThere(dir) // Open would make a store
	if err != nil {
		return Report{}, fmt.Errorf("open store %s: %w", dir, err)
	}
	report := Report{Versions: []Checked{}}
	report.Leftovers, err = (&Store{root: root}).leftovers()
	if err := errors.Join(err, root.Close()); err != nil {
		return report, err
	}
	s, err := open(dir, key, log, sys)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := s.examineAll(ctx, progress)
	if err != nil {
		return report, err
	}
	for _, c := range list {
		if err := s.mendVersion(ctx, c); err != nil {
			return report, fmt.Errorf("repair %s: %w", c.Content, named(err))
		}
		report.Versions = append(report.Versions, c.Checked)
	}
	return report, nil
}

// mendVersion makes the store say what is there.
func (s *Store) mendVersion(ctx context.Context, c *suspect) error {
	if c.version == nil {
		return nil
	}
	v, err := s.openVersion(ctx, c.version.head, c.envelope, c.version.body)
	if err != nil {
		return err
	}
	if c.treeGone {
		c.did("made its tree anew")
	}
	if c.lost {
		c.did("wrote its journal anew")
	}
	if n := v.forgetUnsound(c.sound); n > 0 {
		c.did("forgot what is damaged, for the agent to fetch again (chunks: %d)", n)
	}
	// Before the tree moves: what it lacks must not be announced from its new place.
	if err := v.Commit(); err != nil {
		return err
	}
	if v.placed && (v.missing() > 0 || len(c.Problems) > 0) {
		if err := v.unplace(); err != nil {
			return err
		}
		c.did("took it from its place until it is whole")
	}
	if !v.placed && v.missing() == 0 {
		if err := v.trim(); err != nil {
			return err
		}
		if err := v.Complete(); err != nil && !errors.Is(err, chunk.ErrNotHeld) {
			return err
		}
		if v.Done() {
			c.did("made it complete")
		} else {
			c.did("made changed files anew, which the agent fills again")
			if err := v.Commit(); err != nil {
				return err
			}
		}
	}
	c.Complete = v.Done()
	return nil
}

func (c *suspect) did(format string, args ...any) {
	c.Repairs = append(c.Repairs, fmt.Sprintf(format, args...))
}
