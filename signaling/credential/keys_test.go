package credential_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
)

// keyFiles are all that OpenKeys makes, with their modes.
var keyFiles = map[string]fs.FileMode{"root.key": 0o600, "root.pub": 0o644, "token.key": 0o600, "url.key": 0o600, "turn.key": 0o600}

func openKeys(t *testing.T, dir string) *credential.Keys {
	t.Helper()
	k, _, err := credential.OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func TestKeysAreMadeForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	_, fresh, err := credential.OpenKeys(dir)
	if !fresh || err != nil {
		t.Fatalf("got fresh %v (%v), want true", fresh, err)
	}
	if got := readAll(t, dir); len(got) != len(keyFiles) {
		t.Errorf("got %d files, want %d and nothing else", len(got), len(keyFiles))
	}
	for name, want := range keyFiles {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v (%v), want mode %v", name, info, err, want)
		}
	}
}

func TestReopenedKeysAreTheSame(t *testing.T) {
	dir := t.TempDir()
	first := openKeys(t, dir)
	files, now := readAll(t, dir), time.Now()
	again, fresh, err := credential.OpenKeys(dir)
	if fresh || err != nil {
		t.Fatalf("got fresh %v (%v), want false", fresh, err)
	}
	if !again.Root.Equal(first.Root) || !again.RootPublic.Equal(first.RootPublic) || !bytes.Equal(again.RootDigest(), first.RootDigest()) ||
		!bytes.Equal(again.TURNSecret(), first.TURNSecret()) {
		t.Error("got other keys")
	}
	token, _, err := first.Issue(idOf(t), "shop", credential.AudienceSignaling, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Identify(token, credential.AudienceSignaling, now); err != nil {
		t.Errorf("a token from before: %v", err)
	}
	if err := verify(again, first.SignURL("/packs/x", now.Add(time.Minute)), now); err != nil {
		t.Errorf("an address from before: %v", err)
	}
	for name, text := range readAll(t, dir) {
		if text != files[name] {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestTwoOrganisationsShareNoKey(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	openKeys(t, a)
	openKeys(t, b)
	other := readAll(t, b)
	seen := map[string]bool{}
	for name, text := range readAll(t, a) {
		if text == other[name] || seen[text] {
			t.Errorf("%s holds what another file holds", name)
		}
		seen[text] = true
	}
}

func TestRootKeyMayBeOffline(t *testing.T) {
	dir := t.TempDir()
	online := openKeys(t, dir)
	if err := os.Remove(filepath.Join(dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	k, fresh, err := credential.OpenKeys(dir)
	if fresh || err != nil {
		t.Fatalf("got fresh %v (%v), want false", fresh, err)
	}
	if k.Root != nil || !k.RootPublic.Equal(online.RootPublic) || !bytes.Equal(k.RootDigest(), online.RootDigest()) {
		t.Errorf("got root %v and public %x, want none and %x", k.Root != nil, k.RootPublic, online.RootPublic)
	}
	if _, err := os.Stat(filepath.Join(dir, "root.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a root key was made beside the public one (%v)", err)
	}
}

// A stop between the two files of the root key, or a backup without the public
// one, leaves the key alone.
func TestRootKeyWithoutItsPublicHalfIsKept(t *testing.T) {
	dir := t.TempDir()
	before := openKeys(t, dir)
	if err := os.Remove(filepath.Join(dir, "root.pub")); err != nil {
		t.Fatal(err)
	}
	k, fresh, err := credential.OpenKeys(dir)
	if fresh || err != nil || !k.Root.Equal(before.Root) || !k.RootPublic.Equal(before.RootPublic) {
		t.Fatalf("got fresh %v (%v), want the key that was there", fresh, err)
	}
	if again := openKeys(t, dir); !again.RootPublic.Equal(before.RootPublic) {
		t.Error("the public half was not made again")
	}
}

func TestRootKeysThatDoNotBelongTogetherAreRefused(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	openKeys(t, a)
	openKeys(t, b)
	text, err := os.ReadFile(filepath.Join(b, "root.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a, "root.pub"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if k, _, err := credential.OpenKeys(a); k != nil || err == nil || !strings.Contains(err.Error(), "do not belong together") {
		t.Errorf("got keys: %v, error %v, want one that says why", k != nil, err)
	}
}

// foreign is a key of another kind, in the right form.
func foreign(t *testing.T, private bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kind, der := "PUBLIC KEY", []byte(nil)
	if private {
		kind = "PRIVATE KEY"
		der, err = x509.MarshalPKCS8PrivateKey(key)
	} else {
		der, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestDamagedKeyFileIsNamedAndLeftAlone(t *testing.T) {
	for name := range keyFiles {
		damages := map[string]string{"empty": "", "cut short": "-----BEGIN PRI"}
		if name == "root.key" || name == "token.key" || name == "root.pub" {
			damages["something else"] = strings.Repeat("This is a letter.\n", 10)
			damages["another kind of key"] = foreign(t, name != "root.pub")
			damages["no key in it"] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
		}
		for what, text := range damages {
			t.Run(name+" "+what, func(t *testing.T) {
				dir := t.TempDir()
				openKeys(t, dir)
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if k, fresh, err := credential.OpenKeys(dir); k != nil || fresh || err == nil || !strings.Contains(err.Error(), path) {
					t.Errorf("got keys: %v, fresh %v, error %v, want an error that names the file", k != nil, fresh, err)
				}
				if left, err := os.ReadFile(path); string(left) != text || err != nil {
					t.Errorf("the file was changed (%v)", err)
				}
			})
		}
	}
}

func TestKeyFileThatCannotBeReadIsNoReasonForANewOne(t *testing.T) {
	for name := range keyFiles {
		dir := t.TempDir()
		openKeys(t, dir)
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if k, _, err := credential.OpenKeys(dir); k != nil || err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got keys: %v, error %v, want an error that names the file", name, k != nil, err)
		}
	}
}

func TestMissingFolderIsAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	if k, fresh, err := credential.OpenKeys(dir); k != nil || fresh || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got keys: %v, fresh %v, error %v, want %q", k != nil, fresh, err, fs.ErrNotExist)
	}
}

func TestOpenPrivateMakesAKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "publisher.key")
	key, fresh, err := credential.OpenPrivate(path)
	if !fresh || err != nil || len(key) != ed25519.PrivateKeySize {
		t.Fatalf("got %d bytes, fresh %v (%v), want a new key", len(key), fresh, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v (%v), want mode 0600", info, err)
	}
	if again, fresh, err := credential.OpenPrivate(path); fresh || err != nil || !again.Equal(key) {
		t.Errorf("got fresh %v (%v), want the same key", fresh, err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, fresh, err := credential.OpenPrivate(path); fresh || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("damaged: got fresh %v, error %v, want an error that names the file", fresh, err)
	}
}
