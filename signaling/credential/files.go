package credential

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/sitecast/sitecast/storage/durable"
)

// maxKeyFile bounds a key's file, which has some 120 bytes.
const maxKeyFile = 16 << 10

// ReadPrivate reads the Ed25519 key at path, PKCS #8 in PEM.
func ReadPrivate(path string) (ed25519.PrivateKey, error) {
	text, err := durable.ReadFile(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivate(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return key, nil
}

// ReadPublic reads the public key at path in PEM, or that of a private key.
func ReadPublic(path string) (ed25519.PublicKey, error) {
	text, err := durable.ReadFile(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	if key, err := parsePrivate(text); err == nil {
		return key.Public().(ed25519.PublicKey), nil
	}
	key, err := parsePublic(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return key, nil
}

// MakeKey makes a key at path (0600), which must not be there, and its public half at path
// with .pub behind it.
func MakeKey(path string) (ed25519.PublicKey, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: name another file", path)
	}
	key, err := makePrivate(path)
	if err != nil {
		return nil, err
	}
	public := key.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return public, durable.WriteFile(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}
