package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sitecast/sitecast/storage/chunk/disk"
)

// credentialName is what systemd calls the key of an encrypted store, in the folder
// that it names in CREDENTIALS_DIRECTORY.
const credentialName = "sitecast-store-key"

// StoreKey is where the key of an encrypted store is found.
type StoreKey struct {
	File string `name:"store-key-file" help:"File with the 32 bytes of the key that the store is encrypted with (default: the systemd credential sitecast-store-key, if there is one; else the store is not encrypted)." env:"SITECAST_STORE_KEY_FILE" placeholder:"FILE"`
}

// read returns the key, or nil for a store that is not encrypted.
func (k StoreKey) read() ([]byte, error) {
	name, given := k.File, k.File != ""
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); !given && folder != "" {
		name = filepath.Join(folder, credentialName)
	}
	if name == "" {
		return nil, nil
	}
	key, err := readKey(name)
	if errors.Is(err, fs.ErrNotExist) && !given {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--store-key-file: %w", err)
	}
	return key, nil
}

func readKey(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	switch {
	case info.Size() != disk.KeyBytes:
		return nil, fmt.Errorf("%s has %d bytes, want %d: make a key with `openssl rand -out FILE %d`", name, info.Size(), disk.KeyBytes, disk.KeyBytes)
	case runtime.GOOS != "windows" && info.Mode()&0o007 != 0:
		return nil, fmt.Errorf("%s can be read by everybody: chmod 600 it", name)
	}
	key, err := os.ReadFile(name)
	if err == nil && bytes.Equal(key, make([]byte, disk.KeyBytes)) {
		err = fmt.Errorf("%s holds zeros and no key: make one with `openssl rand -out FILE %d`", name, disk.KeyBytes)
	}
	return key, err
}

// openStore opens the store, encrypted if there is a key.
func openStore(cfg Config) (*disk.Store, error) {
	if cfg.StoreKey != nil {
		return disk.OpenEncrypted(cfg.Data, cfg.StoreKey, cfg.Log)
	}
	return disk.Open(cfg.Data, cfg.Log)
}
