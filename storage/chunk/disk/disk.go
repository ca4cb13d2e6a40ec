// Package disk keeps versions as folders of files: the delivered tree is the
// store, so content takes its own size on the disk and no more.
//
//	DIR/store/lock                  held by the one process that uses DIR
//	DIR/store/format                in which format it is (format.go)
//	DIR/store/VERSIONID/head.json   the signed head
//	                   /body        the encoded body
//	                   /journal     which chunks are held, and what was counted
//	                   /tree/...    the files, of their final size from the start
//	DIR/content/NAME/VERSION/...    the tree, from the moment it is complete
//	DIR/store/*.new, *.gone         being made, being removed
//
// A version's folder appears whole, and where its tree lies says whether it was
// completed: there is no second record that could disagree. A chunk is written to
// its final places; a record of it follows once those are durable. So what the
// journal says is held is on the disk, whenever the process or the power ends, and
// opening a version reads the journal and no content.
//
// A new version takes from the others what it has in common with them (seed.go),
// and shares its blocks with them where the file system can (clone.go).
//
// A store may be encrypted (encrypt.go); then other programs find nothing that they
// can read, and ask for files with [Store.OpenFile].
//
// Content is hashed whenever it is read. What an edit or a bad disk has changed is
// forgotten, wanted again, and repaired in place.
package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// What a power cut may cost at most: so many bytes, or what came in so long.
const (
	CommitBytes    = 8 << 20
	CommitInterval = 2 * time.Second
)

// Names in the folder of the store.
const (
	storeName   = "store"
	contentName = "content"
	lockName    = "lock"
	headName    = "head.json"
	bodyName    = "body"
	journalName = "journal"
	treeName    = "tree"
	newSuffix   = ".new"
	goneSuffix  = ".gone"
)

// maxEnvelopeBytes bounds a signed head, which is base64 and signatures around
// content.MaxHeadBytes.
const maxEnvelopeBytes = 4 * content.MaxHeadBytes

// ErrLocked means that another process uses the folder.
var ErrLocked = errors.New("another process uses it")

var errClosed = errors.New("store is closed")

// Store is a [chunk.Store] in a folder.
type Store struct {
	// Set by Open, then constant.
	dir   string
	log   *slog.Logger
	sys   system
	lock  *os.File
	root  *os.Root // DIR
	files *files
	dirty chan struct{} // something wants to be committed within CommitInterval
	full  chan struct{} // or now
	stop  chan struct{}
	wg    sync.WaitGroup

	vault     *vault // nil: it is not encrypted
	cloner    cloner
	lingering *lingering
	waits     waits

	uncommitted atomic.Int64 // bytes put, over all versions

	// admin is held while a version is opened or removed, and by Close.
	admin sync.Mutex
	// places is held while something changes in DIR/content.
	places sync.Mutex

	// mu guards the rest.
	mu       sync.Mutex
	versions map[content.VersionID]*version
	closed   bool
}

var _ chunk.Store = (*Store)(nil)

// Open opens the store in dir, which it makes where needed, and finishes what an
// interrupted process began. The store is that of this process until Close;
// [ErrLocked] says that it is another's.
//
// A store of an older format is upgraded. One of a newer format, or one that is
// encrypted, is refused and left as it is; see [ErrNewerFormat] and its like.
func Open(dir string, log *slog.Logger) (*Store, error) { return open(dir, nil, log, realSystem()) }

// OpenEncrypted is Open for a store that is encrypted with a key of [KeyBytes].
func OpenEncrypted(dir string, key []byte, log *slog.Logger) (*Store, error) {
	return open(dir, key, log, realSystem())
}

func open(dir string, key []byte, log *slog.Logger, sys system) (_ *Store, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open store %s: %w", dir, named(err))
		}
	}()
	vault, err := newVault(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, log: log, root: root, vault: vault, files: newFiles(maxOpenFiles), lingering: newLingering(),
		dirty: make(chan struct{}, 1), full: make(chan struct{}, 1), stop: make(chan struct{}),
		versions: make(map[content.VersionID]*version)}
	s.sys = s.waits.counted(sys)
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.wg.Go(s.commitAll)
	s.wg.Go(s.coolAll)
	return s, nil
}

// begin makes the folders, takes the lock, upgrades the store, and clears away what
// was left half-way. It changes nothing in a store that is not for this program.
func (s *Store) begin() error {
	if _, _, err := s.recognise(); err != nil {
		return err
	}
	if err := s.sys.mkdir(s.root, storeName, 0o700); err != nil {
		return err
	}
	places, mode := s.placesName()
	if err := s.sys.mkdir(s.root, places, mode); err != nil {
		return err
	}
	if err := s.takeLock(); err != nil {
		return err
	}
	// All that is committed hangs from these names.
	if err := s.sys.syncDir(s.root, "."); err != nil {
		return err
	}
	if err := s.upgrade(); err != nil {
		return err
	}
	return s.tidy()
}

func (s *Store) takeLock() error { return s.takeLockAs(os.O_RDWR | os.O_CREATE) }

func (s *Store) takeLockAs(flag int) error {
	f, err := s.sys.create(s.root, path.Join(storeName, lockName), flag, 0o600)
	if err != nil {
		return err
	}
	s.lock = f
	if err := lock(f); isLocked(err) {
		return ErrLocked
	} else if err != nil {
		return err
	}
	return nil
}

func (s *Store) release() error {
	err := s.root.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// Open implements [chunk.Store].
func (s *Store) Open(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (chunk.Version, error) {
	v, err := s.openVersion(ctx, head, envelope, body)
	if err != nil {
		return nil, fmt.Errorf("open %s in the store: %w", head.Ref(), named(err))
	}
	return v, nil
}

func (s *Store) openVersion(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (*version, error) {
	signed, id, err := content.ReadHead(envelope)
	if err != nil {
		return nil, err
	}
	encoded := body.Encode()
	if signed.Ref() != head.Ref() || signed.Body != content.Sum(encoded) {
		return nil, errors.New("head, signed head and body do not belong together")
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	v, closed := s.versions[id], s.closed
	s.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if v != nil {
		return v, nil
	}
	v = &version{store: s, id: id, head: signed}
	v.lay(body)
	if err := v.load(ctx, envelope, encoded); err != nil {
		return nil, errors.Join(err, v.release())
	}
	s.mu.Lock()
	s.versions[id] = v
	s.mu.Unlock()
	return v, nil
}

// Close implements [chunk.Store].
func (s *Store) Close() error {
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	versions, closed := s.versions, s.closed
	s.versions, s.closed = nil, true
	s.mu.Unlock()
	if closed {
		return nil
	}
	close(s.stop)
	s.wg.Wait()
	var err error
	for _, v := range versions {
		err = errors.Join(err, v.Commit(), v.release())
	}
	return errors.Join(err, s.release())
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
