package agent_test

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
)

// FuzzIdentityFile holds that an identity is used whole or not at all: disks fail,
// and others may have written there.
func FuzzIdentityFile(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	good, err := json.Marshal(map[string]any{"key": key, "root": key.Public(), "site": "shop", "trust": map[string]any{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"key":"AAAA","root":null}`))
	f.Add([]byte(`null`))
	f.Add([]byte{})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "identity.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := agent.LoadIdentity(dir)
		if err == nil && id.Check() != nil {
			t.Errorf("%q is of endpoint %q", text, id)
		}
	})
}
