package agent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
)

// keyFile writes a key to a folder of its own.
func keyFile(t *testing.T, key []byte, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sitecast-store-key")
	if err := errors.Join(os.WriteFile(name, key, 0o600), os.Chmod(name, mode)); err != nil {
		t.Fatal(err)
	}
	return name
}

func aKey(b byte) []byte { return bytes.Repeat([]byte{b}, disk.KeyBytes) }

func TestStoreKeyIsCheckedBeforeAnythingIsTouched(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want string
	}{
		"no file":   {filepath.Join(t.TempDir(), "none"), "--store-key-file"},
		"too short": {keyFile(t, aKey(1)[1:], 0o600), "openssl rand"},
		"text":      {keyFile(t, append(aKey('a'), '\n'), 0o600), "openssl rand"},
		"zeros":     {keyFile(t, aKey(0), 0o600), "no key"},
		"open":      {keyFile(t, aKey(1), 0o604), "chmod 600"},
	} {
		if name == "open" && runtime.GOOS == "windows" {
			continue
		}
		data := filepath.Join(t.TempDir(), "data")
		err := start(t, func(cmd *agent.Command) { cmd.StoreKey.File, cmd.Data = c.file, data })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: the folder was made", name)
		}
	}
}

// The credential is used where systemd has one, and its absence is no error.
func TestStoreKeyIsASystemdCredential(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	dir := filepath.Join(t.TempDir(), "plain")
	if err := start(t, func(c *agent.Command) { c.Data = dir }); err == nil || !strings.Contains(err.Error(), notEnrolled) {
		t.Errorf("without the credential: %v", err)
	}
	name := keyFile(t, aKey(1), 0o400)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(name))
	encrypted := filepath.Join(t.TempDir(), "encrypted")
	if err := start(t, func(c *agent.Command) { c.Data = encrypted }); err == nil || !strings.Contains(err.Error(), notEnrolled) {
		t.Errorf("with the credential: %v", err)
	}
	if _, err := disk.Open(encrypted, slog.New(slog.DiscardHandler)); !errors.Is(err, disk.ErrEncrypted) {
		t.Errorf("opened without the key: %v, want it encrypted", err)
	}
	other := keyFile(t, aKey(2), 0o400)
	if err := start(t, func(c *agent.Command) { c.Data, c.StoreKey.File = encrypted, other }); !errors.Is(err, disk.ErrWrongKey) {
		t.Errorf("with another key: %v, want it refused", err)
	}
}

func TestEncryptedFolderIsChecked(t *testing.T) {
	dir, sample := t.TempDir(), chunktest.Typical(t, "v1")
	store, err := disk.OpenEncrypted(dir, aKey(1), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	sample.Fill(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := verify(t, dir, true); !errors.Is(err, disk.ErrEncrypted) || !strings.Contains(err.Error(), "--store-key-file") {
		t.Errorf("verify without the key: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(keyFile(t, aKey(1), 0o400)))
	out, _, err := verify(t, dir, true)
	var report disk.Report
	if err := errors.Join(err, json.Unmarshal([]byte(out), &report)); err != nil || len(report.Versions) != 1 || !report.Versions[0].Complete {
		t.Errorf("verify with the key: %v, %s", err, out)
	}
}
