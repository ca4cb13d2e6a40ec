// Package credential makes and checks everything that proves who somebody is:
// the organisation's keys, enrolment tokens, endpoint tokens (JWT), operators' API
// tokens, signed URLs and relay credentials. It holds no state besides keys; what
// must be remembered is in the catalog.
package credential

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sitecast/sitecast/storage/durable"
)

// Keys is the server's key material.
type Keys struct {
	// Root is the organisation's root key; nil when it is kept offline, and then
	// only RootPublic is known and the server can change no trust document.
	Root       ed25519.PrivateKey
	RootPublic ed25519.PublicKey
	token      ed25519.PrivateKey // signs endpoint tokens
	secret     []byte             // for nonces and URLs
	turn       []byte             // shared with relays
}

// ErrRootOffline means that the root key is not on the server.
var ErrRootOffline = errors.New("the organisation's root key is kept offline")

const (
	rootKeyFile   = "root.key"
	rootPubFile   = "root.pub"
	tokenKeyFile  = "token.key"
	secretKeyFile = "url.key"
	turnKeyFile   = "turn.key"
)

// OpenKeys reads the keys in dir and makes those that are missing. A missing
// root.key beside an existing root.pub is not made: the root is offline. fresh
// reports whether a root key was made.
func OpenKeys(dir string) (k *Keys, fresh bool, err error) {
	k = new(Keys)
	if err := k.openRoot(dir, &fresh); err != nil {
		return nil, false, err
	}
	if k.token, _, err = OpenPrivate(filepath.Join(dir, tokenKeyFile)); err != nil {
		return nil, false, err
	}
	if k.secret, err = openSecret(filepath.Join(dir, secretKeyFile)); err != nil {
		return nil, false, err
	}
	if k.turn, err = openSecret(filepath.Join(dir, turnKeyFile)); err != nil {
		return nil, false, err
	}
	return k, fresh, nil
}

func (k *Keys) openRoot(dir string, fresh *bool) error {
	public, private := filepath.Join(dir, rootPubFile), filepath.Join(dir, rootKeyFile)
	text, err := os.ReadFile(public)
	switch {
	case err == nil:
		if k.RootPublic, err = parsePublic(text); err != nil {
			return fmt.Errorf("read %s: %w", public, err)
		}
		if _, err := os.Stat(private); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if k.Root, _, err = OpenPrivate(private); err != nil {
			return err
		}
		if !k.RootPublic.Equal(k.Root.Public()) {
			return fmt.Errorf("%s and %s do not belong together", private, public)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if k.Root, *fresh, err = OpenPrivate(private); err != nil {
		return err
	}
	k.RootPublic = k.Root.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(k.RootPublic)
	if err != nil {
		return err
	}
	return durable.WriteFile(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}

func parsePublic(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is not an Ed25519 key")
	}
	return public, nil
}

// OpenPrivate reads the Ed25519 key at path, PKCS #8 in PEM, or makes one there
// (0600); fresh reports which.
func OpenPrivate(path string) (key ed25519.PrivateKey, fresh bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = makePrivate(path); err != nil {
			return nil, false, err
		}
		return key, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if key, err = parsePrivate(text); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", path, err)
	}
	return key, false, nil
}

func parsePrivate(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an Ed25519 key")
	}
	return private, nil
}

func makePrivate(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func openSecret(path string) ([]byte, error) {
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) < secretBytes {
		return nil, fmt.Errorf("%s is too short; delete it to have a new one made", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	secret = []byte(rand.Text() + rand.Text())
	return secret, durable.WriteFile(path, secret, 0o600)
}

// RootDigest is what enrolment tokens name the organisation by.
func (k *Keys) RootDigest() []byte {
	sum := sha256.Sum256(k.RootPublic)
	return sum[:]
}

// TURNSecret is shared with the relays.
func (k *Keys) TURNSecret() []byte { return k.turn }
