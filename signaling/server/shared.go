package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/blob/s3"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/durable"
)

// shared says what a server has that another one of the same catalog needs, too: a digest
// by name. They are secrets of 256 random bits, and public keys; a digest tells nothing of
// them.
type shared map[string]string

const (
	// sharedKey is the setting of what the server has that used the catalog last.
	sharedKey = "shared_files"
	// packsName is where the origin's objects are, among the names of files.
	packsName = "packs"
	// storeIDFile tells a folder of objects from another. It is no object's name.
	storeIDFile = "store.id"
	// maxSharedBytes bounds a file.
	maxSharedBytes = 64 << 10
)

// keyFiles are those in the data folder. The root key itself may be offline.
var keyFiles = []string{"root.pub", "token.key", "url.key", "turn.key"}

// sharedFiles reads what there is, and makes nothing.
func sharedFiles(cfg Config) (shared, error) {
	all := shared{}
	names := keyFiles
	if cfg.TLSCert == "" {
		names = append(slices.Clone(names), "ca.pem")
	}
	for _, name := range names {
		if err := all.add(name, filepath.Join(cfg.Data, name)); err != nil {
			return nil, err
		}
	}
	switch {
	case cfg.Objects != nil:
	case inBucket(cfg.Packs):
		at, err := s3.ParseLocation(cfg.Packs, cfg.InsecureHTTP)
		if err != nil {
			return nil, err
		}
		all.put(packsName, []byte(at.At.String()+"\n"+at.Bucket+"\n"+at.Prefix))
	default:
		if err := all.add(packsName, filepath.Join(cfg.Packs, storeIDFile)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add adds a file, if it is there.
func (s shared) add(name, path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(text) > maxSharedBytes {
		err = fmt.Errorf("%s has %d bytes, the limit is %d", path, len(text), maxSharedBytes)
	}
	if err == nil {
		s.put(name, text)
	}
	return err
}

func (s shared) put(name string, text []byte) {
	sum := sha256.Sum256([]byte("sitecast shared file\n" + name + "\n" + string(text)))
	s[name] = hex.EncodeToString(sum[:])
}

// knownShared is what the server has that used the catalog last; nothing in a new one.
func knownShared(ctx context.Context, meta func(context.Context, string) (string, error)) (known shared, err error) {
	text, err := meta(ctx, sharedKey)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &known)
	}
	if err != nil {
		return nil, fmt.Errorf("read what both servers need: %w", err)
	}
	return known, nil
}

// match fails where something is missing in mine, or is not the same. Who names a
// certificate needs no authority.
func (s shared) match(mine shared, cfg Config) error {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if name != packsName && (name != "ca.pem" || cfg.TLSCert == "") && mine[name] != s[name] {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: %s missing, or not that of the server which has the catalog: copy root.pub, root.key (unless it is kept offline), "+
			"token.key, url.key, turn.key, ca.pem and ca.key from its data folder. Where keys were replaced on purpose, start the one server that has them "+
			"without --standby first", cfg.Data, strings.Join(wrong, ", "))
	}
	if s[packsName] != "" && mine[packsName] != s[packsName] {
		return errors.New("--packs is another folder or bucket than that of the server which has the catalog: both need the same one, " +
			"as a folder that both mount, or a bucket (s3://...)")
	}
	return nil
}

// noteShared notes in the catalog what this server has. A folder of objects is given a name
// first.
func (s *Server) noteShared(ctx context.Context) error {
	if s.cfg.Objects == nil && !inBucket(s.cfg.Packs) {
		path := filepath.Join(s.cfg.Packs, storeIDFile)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := durable.WriteFile(path, []byte(rand.Text()+"\n"), 0o600); err != nil {
				return err
			}
		}
	}
	mine, err := sharedFiles(s.cfg)
	if err != nil {
		return err
	}
	if known, err := knownShared(ctx, s.catalog.Meta); err == nil && maps.Equal(known, mine) {
		return nil
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	return s.catalog.SetMeta(ctx, sharedKey, string(text))
}
