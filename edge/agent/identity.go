package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/durable"
)

// identity is who this endpoint is and whom it trusts, as kept in
// DATA/identity.json (0600). It is made at enrolment.
type identity struct {
	Key     ed25519.PrivateKey `json:"key"`
	Machine string             `json:"machine"` // digest of the machine's own id
	Root    ed25519.PublicKey  `json:"root"`    // of the organisation
	Pin     string             `json:"pin,omitempty"`
	Site    string             `json:"site"`
	Trust   json.RawMessage    `json:"trust"`           // the newest trust document
	Token   string             `json:"token,omitempty"` // id of the enrolment token that was spent; empty: not known
}

func (i *identity) id() wire.EndpointID { return wire.IDOf(i.Key.Public().(ed25519.PublicKey)) }

const identityFile = "identity.json"

// errNotEnrolled means that there is no identity, or one of another machine.
var errNotEnrolled = errors.New("not enrolled")

// loadIdentity reads the identity in dir. One that was made on another machine
// came with a cloned disk: it is not used, so that two endpoints never share a
// name.
func loadIdentity(dir string) (*identity, error) {
	path := filepath.Join(dir, identityFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotEnrolled
	}
	if err != nil {
		return nil, err
	}
	id := new(identity)
	if err := json.Unmarshal(text, id); err != nil {
		return nil, fmt.Errorf("read %s (delete it to enrol again): %w", path, err)
	}
	if len(id.Key) != ed25519.PrivateKeySize || len(id.Root) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s holds no valid keys; delete it to enrol again", path)
	}
	if here := machine(); id.Machine != "" && here != "" && id.Machine != here {
		return nil, fmt.Errorf("%w: the disk was made on another machine", errNotEnrolled)
	}
	return id, nil
}

// save writes the identity atomically.
func (i *identity) save(dir string) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, identityFile), text, 0o600)
}

// machine is a digest of what the operating system calls this machine, or empty
// where it has no name for it (systemd writes "uninitialized" into images).
func machine() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if text, err := os.ReadFile(path); err == nil && !slices.Contains([]string{"", "uninitialized"}, strings.TrimSpace(string(text))) {
			sum := sha256.Sum256(append([]byte("sitecast machine 1\n"), text...))
			return hex.EncodeToString(sum[:16])
		}
	}
	return ""
}

func newKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}
