package disk

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// DIR/store/format says in which format a store is, so that a program refuses what
// it does not know before it changes anything, and a later one upgrades what this
// one made. It is JSON:
//
//	{"format":2}
//	{"format":2,"cipher":"aes-256-ctr","check":"..."}
//
// where check tells whether a key is the store's, without telling the key. History:
//
//	1  as the package describes, without this file
//	2  with it; encrypted, if it says so
const (
	formatName     = "format"
	formatNow      = 2
	formatUnmarked = 1
	maxFormatBytes = 4 << 10
	cipherName     = "aes-256-ctr"
)

// upgrades take a store from the format that is their key to the next. Each may be
// interrupted anywhere, and then begins anew on what it left: a store says that it
// is of the next format only after the whole step.
var upgrades = map[int]func(*Store) error{
	1: func(*Store) error { return nil }, // it only had to say so
}

// Errors that say whose store it is. Open has changed nothing when it returns one.
var (
	ErrNewerFormat  = errors.New("the store was made by a newer program")
	ErrEncrypted    = errors.New("the store is encrypted")
	ErrNotEncrypted = errors.New("the store is not encrypted")
	ErrWrongKey     = errors.New("the key is not the store's")
)

// format is what the file says.
type format struct {
	Format int    `json:"format"`
	Cipher string `json:"cipher,omitempty"` // empty: not encrypted
	Check  []byte `json:"check,omitempty"`  // of the key
}

// readFormat returns the format of a store; found is false where there is none yet.
func (s *Store) readFormat() (f format, found bool, err error) {
	text, err := readFile(s.root, path.Join(storeName, formatName), maxFormatBytes)
	// What a power cut left of a file whose disk lied about its sync is nothing, or zeros.
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.Trim(text, "\x00")) == 0 {
		return s.unmarked()
	}
	if err == nil {
		f, err = parseFormat(text)
	}
	if err != nil {
		return format{}, false, fmt.Errorf("%s is damaged (%w): %s", path.Join(storeName, formatName), err, s.beginAnew())
	}
	return f, true, nil
}

// parseFormat reads what the file says. What a later format has to say besides is
// ignored: its number is what counts.
func parseFormat(text []byte) (f format, err error) {
	if err := json.Unmarshal(text, &f); err != nil {
		return format{}, err
	}
	if f.Format <= formatUnmarked {
		return format{}, fmt.Errorf("it says format %d", f.Format)
	}
	return f, nil
}

func (f format) String() string {
	if f.Cipher == "" {
		return fmt.Sprint("format ", f.Format)
	}
	return fmt.Sprintf("format %d with cipher %s", f.Format, f.Cipher)
}

// beginAnew says how.
func (s *Store) beginAnew() string {
	return fmt.Sprintf("remove the folders %s, %s and %s in %s, and the agent fetches all content again", storeName, contentName, sealedName, s.dir)
}

// unmarked is the format of a store that does not say which.
func (s *Store) unmarked() (f format, found bool, err error) {
	if sealed, _ := fs.ReadDir(s.root.FS(), sealedName); len(sealed) > 0 {
		return format{}, false, fmt.Errorf("%s is gone from an encrypted store: %s", path.Join(storeName, formatName), s.beginAnew())
	}
	empty, err := s.empty()
	if errors.Is(err, fs.ErrNotExist) {
		return format{}, false, nil
	}
	return format{Format: formatUnmarked}, err == nil && !empty, err
}

// empty reports whether nothing of a version is there.
func (s *Store) empty() (bool, error) {
	entries, err := fs.ReadDir(s.root.FS(), storeName)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.IsDir() {
			return false, nil
		}
	}
	delivered, err := fs.ReadDir(s.root.FS(), contentName)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return len(delivered) == 0, err
}

// recognise refuses a store that this program can't use with the key it has, and
// changes nothing.
func (s *Store) recognise() (f format, found bool, err error) {
	if f, found, err = s.readFormat(); err != nil || !found {
		return f, found, err
	}
	switch {
	case f.Format > formatNow || f.Cipher != "" && f.Cipher != cipherName:
		return f, true, fmt.Errorf("%w (%s; this one knows none later than %d): run that, or %s",
			ErrNewerFormat, f, formatNow, s.beginAnew())
	case f.Cipher != "" && s.vault == nil:
		return f, true, fmt.Errorf("%w: give its key with --store-key-file", ErrEncrypted)
	case f.Cipher != "" && !hmac.Equal(f.Check, s.vault.check()):
		return f, true, fmt.Errorf("%w: give the one it was made with, or %s", ErrWrongKey, s.beginAnew())
	case f.Cipher == "" && s.vault != nil:
		empty, err := s.empty()
		if err == nil && empty {
			return format{}, false, nil // nothing of it is to be kept
		}
		if err == nil {
			err = fmt.Errorf("%w: run without a key, or %s", ErrNotEncrypted, s.beginAnew())
		}
		return f, true, err
	}
	return f, true, nil
}

// upgrade makes the store one of the present format. It needs the lock.
func (s *Store) upgrade() error {
	f, found, err := s.recognise()
	if err != nil {
		return err
	}
	if !found {
		f = format{Format: formatNow}
		if s.vault != nil {
			f.Cipher, f.Check = cipherName, s.vault.check()
		}
		return s.mark(f)
	}
	for f.Format < formatNow {
		if err := upgrades[f.Format](s); err != nil {
			return fmt.Errorf("upgrade the store from format %d: %w", f.Format, err)
		}
		f.Format++
		if err := s.mark(f); err != nil {
			return fmt.Errorf("upgrade the store to format %d: %w", f.Format, err)
		}
		s.log.Info("store upgraded", "format", f.Format)
	}
	return nil
}

// mark has the store say in which format it is.
func (s *Store) mark(f format) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	dir, err := s.root.OpenRoot(storeName)
	if err != nil {
		return err
	}
	defer dir.Close() // what is written in it is synced
	return s.sys.replace(dir, formatName, append(text, '\n'))
}
